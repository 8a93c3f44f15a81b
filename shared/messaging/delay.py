"""The delayed exchange as a hashed timing wheel: where a message goes so that it arrives at a given second.

A message released at second t rests in slot queue `t mod 64`. All messages of one slot expire within the same second,
so one that waits behind another waits less than a second: what arrives is early by the lead, never late.
"""

from datetime import datetime, timedelta
from typing import Literal

from shared.messaging.envelope import Envelope
from shared.messaging.topology import DELAYED_EXCHANGE, PLUGIN_DELAYED_EXCHANGE, SLOTS, slot_name

DelayKind = Literal["wheel", "plugin"]
HORIZON = timedelta(seconds=SLOTS - 4)
"""The longest delay: beyond it a slot would hold messages of two different turns."""

DELAY_HEADER = "x-delay"
"""Where the plugin finds the delay of a message, in milliseconds."""

_AT_ONCE = timedelta(milliseconds=1)


class BeyondHorizon(ValueError):
    """The delay is longer than the wheel turns."""


def slot_of(release_at: datetime) -> int:
    """The slot whose messages expire in that second."""
    return int(release_at.timestamp()) % SLOTS


def delayed(
    envelope: Envelope, release_at: datetime, *, now: datetime, kind: DelayKind = "wheel"
) -> tuple[Envelope, int | None]:
    """The envelope addressed so that it arrives at `release_at`, and its expiration in ms (None: no delay)."""
    delay = release_at - now
    if delay < _AT_ONCE:
        return envelope, None
    if delay > HORIZON:
        raise BeyondHorizon(f"a delay of {delay} is longer than the wheel's {HORIZON}")
    milliseconds = delay // timedelta(milliseconds=1)
    if kind == "plugin":
        return envelope.to(PLUGIN_DELAYED_EXCHANGE, headers={DELAY_HEADER: milliseconds}), None
    return envelope.to(DELAYED_EXCHANGE, headers={"slot": slot_name(slot_of(release_at))}), milliseconds
