"""What the fake networks have in common: a server, a ledger, and the ways in which a test makes it go wrong."""

import asyncio
import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Literal

from tests.fakes.http_server import GARBAGE as NO_HTTP
from tests.fakes.http_server import Call, HttpServer, written
from tests.support.waiting import PATIENCE


@dataclass(frozen=True)
class Reply:
    """An answer: JSON unless `body` is bytes."""

    status: int = HTTPStatus.OK
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Posted:
    """A post as it appears on the network; `raw` is all that was stored of it."""

    id: str
    account: str
    text: str
    raw: Any = None


@dataclass(frozen=True)
class Fault:
    """How the next publishing request goes wrong.

    `lands` says whether the post appears all the same; `then` what its sender gets instead of the network's own reply.
    """

    lands: bool
    then: Literal["reply", "hang up", "hang", "babble"] = "reply"
    reply: Reply | None = None


REPLY_LOST = Fault(lands=True, then="hang up")
NEVER_ARRIVED = Fault(lands=False, then="hang up")
HANGS = Fault(lands=False, then="hang")
HANGS_AFTER_LANDING = Fault(lands=True, then="hang")
GARBAGE = Fault(lands=True, then="babble")


def refuses(status: int, body: Any = None, **headers: str) -> Fault:
    """Nothing is published; `retry_after="2"` becomes the header `retry-after: 2`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(lands=False, reply=Reply(status, body, named))


def patience_with(faults: Iterable[Fault]) -> float:
    """Seconds to wait for an answer: few where none comes, else more than any machine needs."""
    return 1.0 if any(fault.then == "hang" for fault in faults) else PATIENCE


@dataclass
class Network(HttpServer):
    """A network: subclasses say which requests publish, and how every request is answered."""

    calls: list[Call] = field(default_factory=list)
    posts: list[Posted] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @abstractmethod
    def publishes(self, call: Call) -> bool:
        """Whether this is the request that makes a post appear."""

    @abstractmethod
    def answer(self, call: Call) -> Reply:
        """The network's own reply, with all that it does to the network's state."""

    def publishing_calls(self) -> list[Call]:
        """The requests to publish that arrived, in order."""
        return [call for call in self.calls if self.publishes(call)]

    async def reply(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        """Answer as the network does, or as the next fault says; False when the connection is done for."""
        self.calls.append(call)
        fault = self.faults.pop(0) if self.faults and self.publishes(call) else None
        reply = self.answer(call) if fault is None or fault.lands else Reply()
        if fault and fault.then == "hang":
            await asyncio.Event().wait()
        if fault is None or fault.then == "reply":
            writer.write(_written(self._dated(fault.reply if fault and fault.reply else reply)))
        elif fault.then == "babble":
            writer.write(NO_HTTP)
        await writer.drain()
        return fault is None or fault.then == "reply"

    def _dated(self, reply: Reply) -> Reply:
        """The reply with the time on the network's clock, where it has one of its own."""
        clock = getattr(self, "clock", None)
        return (
            replace(reply, headers={"date": format_datetime(clock.now(), usegmt=True), **reply.headers})
            if clock
            else reply
        )


def _written(reply: Reply) -> bytes:
    told = reply.body if reply.body is not None else {}
    return written(int(reply.status), told if isinstance(told, bytes) else json.dumps(told).encode(), reply.headers)
