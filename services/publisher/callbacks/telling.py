"""Callbacks: whoever asked for a post is told what became of it, at its `callback_url`. No I/O."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from pydantic_core import to_json

from shared.events import Event
from shared.events.callbacks import CallbackRequested
from shared.events.publisher import PublishFailed, PublishHeld, PublishSkipped, PublishSucceeded, PublishUnknown
from shared.events.scheduler import PublishRequested
from shared.messaging.envelope import Envelope
from shared.messaging.topology import RETRY_TIERS

QUEUE = "publisher.callbacks"
TOLD = (PublishSucceeded, PublishFailed, PublishUnknown, PublishHeld, PublishSkipped)
Told = PublishSucceeded | PublishFailed | PublishUnknown | PublishHeld | PublishSkipped
GIVE_UP_AFTER = timedelta(days=1)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)


def told_and_called_back(
    facts: Iterable[Event], request: PublishRequested | str, *, correlation_id: str, now: datetime
) -> list[Envelope]:
    """The facts on their way to everyone and, where the request asks for it, back to whoever made it."""
    told = list(facts)
    envelopes = [Envelope.of(fact, correlation_id=correlation_id) for fact in told]
    called_back = [fact for fact in told if isinstance(fact, TOLD)]
    url = _callback_url(request) if called_back else None
    if url is None:
        return envelopes
    callbacks = [callback(fact, url, now) for fact in called_back]
    return envelopes + [Envelope.of(one, correlation_id=correlation_id).to("", routing_key=QUEUE) for one in callbacks]


def callback(fact: Told, url: str, now: datetime) -> CallbackRequested:
    """The request to call back; the same outcome of the same revision has the same id, however often it is told."""
    return CallbackRequested(
        callback_id="msg_" + sha256(_identity(fact).encode()).hexdigest()[:40],
        url=url,
        fact=fact.type,
        told_at=now,
        data=json.loads(fact.body()),
    )


def _identity(fact: Told) -> str:
    """A post succeeds once, however that is told; any other outcome may come again after a retry, told otherwise."""
    told = "" if isinstance(fact, PublishSucceeded) else fact.body().decode()
    return "\x00".join((fact.post_id, fact.account_id, str(fact.revision), fact.type, told))


def body_of(event: CallbackRequested) -> bytes:
    """What is sent: the same bytes at every attempt."""
    return to_json({"type": event.fact, "timestamp": event.told_at, "data": event.data})


def next_wait(event: CallbackRequested, now: datetime, *, at_least: timedelta = FIRST_WAIT) -> timedelta | None:
    """How long until the next attempt: as long as it has been tried, up to an hour; None after a day.

    A message comes back early from the retry queue that it is put into. It goes into one that lasts `at_least`.
    """
    age = now - event.told_at
    asked_for = next((tier for tier in RETRY_TIERS if tier >= at_least.total_seconds()), RETRY_TIERS[-1])
    return None if age > GIVE_UP_AFTER else max(min(age, LONGEST_WAIT), timedelta(seconds=asked_for))


def _callback_url(request: PublishRequested | str) -> str | None:
    """Most requests have none: those are not parsed for it."""
    if isinstance(request, PublishRequested):
        return request.callback_url
    return PublishRequested.model_validate_json(request).callback_url if '"callback_url"' in request else None
