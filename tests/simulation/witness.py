"""The witness: sees every event as the broker takes it, once per message id, and remembers who said what when."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from shared.events import EVENTS, Event
from shared.messaging.envelope import read_event
from shared.messaging.topology import DEAD_EXCHANGE, RETRY_EXCHANGE
from tests.simulation.queues import Message
from tests.simulation.virtual_time import VirtualLoop

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """An event that somebody told."""

    at: float
    event: Any
    message_id: str
    correlation_id: str

    @property
    def type(self) -> str:
        return str(self.event.type)


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that nobody could handle."""

    at: float
    type: str
    queue: str
    reason: str
    body: bytes


@dataclass(eq=False)
class Witness:
    """All that was told, in order, and by post."""

    loop: VirtualLoop
    told: list[Told] = field(default_factory=list)
    by_post: dict[Key, list[Told]] = field(default_factory=lambda: defaultdict(list))
    parked: list[Parked] = field(default_factory=list)
    on_told: Callable[[Told], None] = lambda _: None
    _seen: set[str] = field(default_factory=set)

    def on_message(self, message: Message, exchange: str) -> None:
        """Note a message, unless it only comes round again."""
        if exchange == DEAD_EXCHANGE:
            told = message.headers
            self.parked.append(
                Parked(self.loop.time(), message.type, str(told.get("queue")), str(told.get("reason")), message.body)
            )
        identity = message.message_id or ""
        if exchange in (DEAD_EXCHANGE, RETRY_EXCHANGE) or identity in self._seen or message.type not in EVENTS:
            return
        self._seen.add(identity)
        told_ = Told(self.loop.time(), read_event(message.type, message.body), identity, message.correlation_id or "")
        self.told.append(told_)
        for key in _keys(told_.event):
            self.by_post[key].append(told_)
        self.on_told(told_)

    def of(self, key: Key, *types: type[Event]) -> Iterator[Told]:
        """What was told of a post on an account, of these types."""
        return (one for one in self.by_post.get(key, ()) if isinstance(one.event, types))


def _keys(event: Any) -> list[Key]:
    post_id, account_id = getattr(event, "post_id", None), getattr(event, "account_id", None)
    if post_id and account_id:
        return [(post_id, account_id)]
    accepted = getattr(event, "accepted", ())
    return [(one.post_id, one.account_id) for one in accepted] if isinstance(accepted, tuple) else []
