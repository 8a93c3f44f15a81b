"""The wheel: a message comes out early or in time, never late, and no slot ever holds two turns."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.requests import ScheduleCancelRequested
from shared.messaging.delay import HORIZON, BeyondHorizon, delayed, slot_of
from shared.messaging.envelope import Envelope
from shared.messaging.topology import (
    DELAYED_EXCHANGE,
    EVENTS_EXCHANGE,
    PLUGIN_DELAYED_EXCHANGE,
    RETRY_TIERS,
    SLOTS,
    dead_queue,
    retry_queue,
    slot_name,
    tier_within,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2027, 3, 28, 9, 30, tzinfo=UTC)
ENVELOPE = Envelope.of(ScheduleCancelRequested(post_id="post-1"))

instants = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
delays = st.timedeltas(timedelta(milliseconds=1), HORIZON)


@pytest.mark.parametrize(
    ("seconds", "slot"),
    [(0, 0), (0.999999, 0), (1, 1), (63, 63), (63.5, 63), (64, 0), (65, 1), (1_806_226_200, 1_806_226_200 % 64)],
)
def test_a_slot_is_the_second_modulo_64(seconds: float, slot: int) -> None:
    assert slot_of(EPOCH + timedelta(seconds=seconds)) == slot


def test_slots_have_names_of_two_digits() -> None:
    assert [slot_name(0), slot_name(9), slot_name(63)] == ["00", "09", "63"]


@pytest.mark.parametrize(
    ("delay", "milliseconds"),
    [
        (timedelta(milliseconds=1), 1),
        (timedelta(microseconds=1999), 1),
        (timedelta(seconds=1), 1000),
        (timedelta(seconds=28, microseconds=999_999), 28_999),
        (HORIZON, 60_000),
    ],
)
def test_a_delayed_message_rests_in_the_slot_of_its_second(delay: timedelta, milliseconds: int) -> None:
    envelope, expiration = delayed(ENVELOPE, NOW + delay, now=NOW)

    assert expiration == milliseconds
    assert (envelope.exchange, envelope.routing_key) == (DELAYED_EXCHANGE, ENVELOPE.type)
    assert envelope.headers == {"slot": slot_name(int((NOW + delay).timestamp()) % SLOTS)}
    assert envelope.message_id == ENVELOPE.message_id


@pytest.mark.parametrize("delay", [timedelta(microseconds=999), timedelta(0), -timedelta(days=1)])
@pytest.mark.parametrize("kind", ["wheel", "plugin"])
def test_what_is_due_goes_out_at_once(delay: timedelta, kind: str) -> None:
    envelope, expiration = delayed(ENVELOPE, NOW + delay, now=NOW, kind=kind)  # type: ignore[arg-type]

    assert (envelope, expiration) == (ENVELOPE, None)
    assert envelope.exchange == EVENTS_EXCHANGE


@pytest.mark.parametrize("kind", ["wheel", "plugin"])
def test_what_lies_beyond_the_horizon_is_refused(kind: str) -> None:
    with pytest.raises(BeyondHorizon, match="longer than the wheel's 0:01:00"):
        delayed(ENVELOPE, NOW + HORIZON + timedelta(microseconds=1), now=NOW, kind=kind)  # type: ignore[arg-type]


def test_with_the_plugin_the_delay_travels_in_a_header() -> None:
    envelope, expiration = delayed(ENVELOPE, NOW + timedelta(seconds=5), now=NOW, kind="plugin")

    assert (envelope.exchange, envelope.headers, expiration) == (PLUGIN_DELAYED_EXCHANGE, {"x-delay": 5000}, None)


@given(instants, delays)
def test_a_message_never_leaves_its_slot_late_and_less_than_a_millisecond_early(
    now: datetime, delay: timedelta
) -> None:
    _, expiration = delayed(ENVELOPE, now + delay, now=now)

    assert expiration is not None
    assert timedelta(0) <= delay - timedelta(milliseconds=expiration) < timedelta(milliseconds=1)


@given(instants, delays, st.timedeltas(timedelta(0), HORIZON), delays)
def test_two_messages_in_a_slot_are_of_one_second_or_never_there_together(
    now: datetime, delay: timedelta, later: timedelta, other_delay: timedelta
) -> None:
    first, second = now + delay, now + later + other_delay

    together = later < delay
    same_slot = slot_of(first) == slot_of(second)

    assert not (together and same_slot) or int(first.timestamp()) == int(second.timestamp())


@given(instants, st.lists(delays, min_size=2, max_size=20))
def test_waiting_behind_another_costs_less_than_a_second(now: datetime, several: list[timedelta]) -> None:
    released: dict[str | int, datetime] = {}

    for delay in several:
        envelope, expiration = delayed(ENVELOPE, now + delay, now=now)
        assert expiration is not None
        slot = envelope.headers["slot"]
        released[slot] = max(released.get(slot, now), now + timedelta(milliseconds=expiration))

        assert released[slot] - (now + delay) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("seconds", "tier"),
    [
        (-1, 5), (0, 5), (4.999, 5), (5, 5), (9.999, 5), (10, 10), (19.9, 10), (20, 20), (40, 40), (79, 40), (80, 80),
        (2559, 1280), (2560, 2560), (86_400, 2560),
    ],
)  # fmt: skip
def test_a_tier_is_the_longest_that_is_not_too_long(seconds: float, tier: int) -> None:
    assert tier_within(timedelta(seconds=seconds)) == tier


@given(st.timedeltas(timedelta(seconds=5), timedelta(days=2)))
def test_a_message_rests_at_least_half_of_the_time_it_may(delay: timedelta) -> None:
    tier = timedelta(seconds=tier_within(delay))

    assert tier <= delay
    assert tier * 2 > delay or tier.total_seconds() == RETRY_TIERS[-1]


def test_queues_are_named_after_their_service() -> None:
    assert retry_queue("publisher", 40) == "publisher.retry.40s"
    assert dead_queue("publisher") == "publisher.dead"
