"""Custody: whenever a message is acknowledged, what it asks for is settled, or somebody else still has it.

Looked at in that very moment, and in what is committed then: a moment later a safety net may catch what was dropped.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.events.requests import (
    PublishResolveRequested,
    PublishRetryRequested,
    ScheduleBatchRequested,
    ScheduleCancelRequested,
    ScheduleRequested,
)
from shared.events.scheduler import PublishRequested, ScheduleRejected
from shared.messaging.envelope import inbox_id
from shared.messaging.topology import dead_queue
from tests.simulation.broker import ModelBroker
from tests.simulation.queues import Message, Queue
from tests.simulation.virtual_time import VirtualLoop
from tests.simulation.witness import Witness

OPEN = ("claimed", "sending", "retrying")
"""States in which a publication has an end ahead of it."""
ENDED = ("failed", "held", "skipped")
"""States that a newer revision goes past."""
REMEMBERED = {
    one.type
    for one in (
        ScheduleRequested,
        ScheduleCancelRequested,
        ScheduleBatchRequested,
        PublishRetryRequested,
        PublishResolveRequested,
    )
}
"""What is remembered by whoever has taken it."""
_POST = "SELECT revision, state FROM publications WHERE post_id = ? AND account_id = ?"
_RELAYED = "SELECT body FROM outbox WHERE type = ?"
_REFUSED = "SELECT 1 FROM outbox WHERE type = ? AND correlation_id = ?"
_TAKEN = "SELECT 1 FROM inbox WHERE message_id = ?"


@dataclass(eq=False)
class Custody:
    """Looks at every acknowledgement; `dropped` says what nobody had any more."""

    loop: VirtualLoop
    broker: ModelBroker
    witness: Witness
    reader_of: Callable[[str], sqlite3.Connection]
    """A connection to a service's database, to read what is committed."""
    dropped: list[tuple[str, str]] = field(default_factory=list)
    """What, and why that is wrong."""

    def look_at(self, queue: Queue, messages: Sequence[Message]) -> None:
        """Messages of a queue that have just been acknowledged."""
        service = _service_of(queue)
        for message in messages:
            if message.type == PublishRequested.type and service == "publisher":
                self._look_at_post(message)
            elif message.type in REMEMBERED and service != "console":
                self._look_at_request(service, message)

    def _look_at_post(self, message: Message) -> None:
        *key, asked = _post_of(message.body)
        row = self._one("publisher", _POST, *key)
        revision, state = row or (asked, "unknown here")
        if row and not _needs_somebody(asked, revision, state):
            return
        wanted = max(asked, revision)
        if (*key, wanted) not in {_post_of(body) for body in self._bodies(PublishRequested.type)}:
            self._drop("post", f"{' on '.join(key)} is {state} in revision {revision}, and nobody has {wanted}")

    def _look_at_request(self, service: str, message: Message) -> None:
        taken_as = inbox_id(message.message_id or "", message.type, message.body)
        if self._one(service, _TAKEN, taken_as):
            return
        if not self._is_kept(service, message) and not self._is_refused(service, message):
            self._drop("request", f"{message.type} {message.message_id} was not taken, and nobody has it")

    def _is_kept(self, service: str, message: Message) -> bool:
        """Whether it may still come to the service: others have messages under its id as well."""
        kept = self.broker.kept()
        return any(one.message_id == message.message_id and _service_of(queue) == service for queue, one in kept)

    def _is_refused(self, service: str, message: Message) -> bool:
        """Whether the answer is told that it is refused, or in the outbox."""
        answer = ScheduleRejected.type, message.correlation_id
        is_told = any((one.type, one.correlation_id) == answer for one in reversed(self.witness.told))
        return is_told or bool(self._one(service, _REFUSED, *answer))

    def _bodies(self, type_: str) -> Iterator[bytes | str]:
        """Those of all messages of a type that may still come to the publisher."""
        dead = dead_queue("publisher")
        for queue, message in self.broker.kept():
            if message.type == type_ and queue.name != dead:
                yield message.body
        yield from (body for (body,) in self.reader_of("publisher").execute(_RELAYED, (type_,)))

    def _one(self, service: str, statement: str, *parameters: object) -> Any:
        return self.reader_of(service).execute(statement, parameters).fetchone()

    def _drop(self, what: str, why: str) -> None:
        self.dropped.append((what, f"{why}, at {self.loop.time():.2f}"))


def _service_of(queue: Queue) -> str:
    return queue.name.partition(".")[0]


def _needs_somebody(asked: int, revision: int, state: str) -> bool:
    """Whether there must be a message for a post that stands so, after one that asked for a revision is gone."""
    return state in OPEN or (state in ENDED and asked > revision)


def _post_of(body: bytes | str) -> tuple[str, str, int]:
    told = json.loads(body)
    return told["post_id"], told["account_id"], told["revision"]
