"""Virtual hosts lent to one test after the other, with their queues: to make those costs ten times what emptying does.

Whoever changes queues, or is to find none, has a fresh one instead (`tests.nodes.fresh_vhost`).
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from deploy.local.child import NodeError
from tests.nodes import Broker, delete_vhost, evaluate, manage, new_vhost

EMPTIED_WITHIN = 5.0
"""Seconds until a virtual host is given up whose connections, consumers or messages stay."""
WHEEL, WHEEL_OWNER = "timeball.delay.", "scheduler"
TESTS = "test"
"""Whose the queue is that a test hears everything from."""
IS_EMPTY = """
Queues = rabbit_amqqueue:list(<<"{vhost}">>),
[rabbit_amqqueue:purge(Queue) || Queue <- Queues],
Messages = [ra:local_query(amqqueue:get_pid(Queue), fun rabbit_fifo:query_messages_total/1) || Queue <- Queues],
Consumers = [rabbit_amqqueue:stat(Queue) || Queue <- Queues],
rabbit_connection_tracking:list(<<"{vhost}">>) =:= []
    andalso lists:all(fun amqqueue:is_durable/1, Queues)
    andalso lists:all(fun({{ok, {{_, Number}}, _}}) -> Number =:= 0 end, Messages)
    andalso lists:all(fun({{ok, _, Number}}) -> Number =:= 0 end, Consumers).
"""
"""The messages are those that are ready, those that somebody has, and those that are to be sent on as dead letters."""

Definitions = Mapping[str, Any]
"""What is declared, by names."""


@dataclass
class Lent:
    """A virtual host that a test has. `declared` is to be called once its services are ready."""

    vhosts: "Vhosts"
    name: str
    services: frozenset[str]

    @property
    def url(self) -> str:
        return self.vhosts.broker.url + self.name

    def declared(self) -> None:
        """Remember how the services have declared their queues, where that is not known yet."""
        if not self.services <= self.vhosts.known_services:
            found = self.vhosts.definitions(self.name)
            self.vhosts.as_declared |= {name: one for name, one in found.items() if one.get("durable", True)}
            self.vhosts.known_services |= self.services


@dataclass
class Vhosts:
    """The virtual hosts of one broker."""

    broker: Broker
    as_declared: dict[str, Any] = field(default_factory=dict)
    known_services: set[str] = field(default_factory=set)
    _clean: dict[bool, list[str]] = field(default_factory=lambda: {True: [], False: []})
    """Those to be lent, by whether they have the wheel."""

    @contextmanager
    def lent(self, *services: str) -> Iterator[Lent]:
        """One without messages, consumers and connections, in which at most these services have queues."""
        clean = self._clean[WHEEL_OWNER in services]
        lent = Lent(self, clean.pop() if clean else new_vhost(self.broker), frozenset(services))
        self._leave_only(lent)
        is_over = False
        try:
            yield lent
            is_over = True
        finally:
            if is_over and self._is_clean(lent):
                clean.append(lent.name)
            else:
                delete_vhost(self.broker, lent.name)

    def definitions(self, vhost: str) -> dict[str, Any]:
        """All that is declared in a virtual host; queues with what is bound to them."""
        told = json.loads(manage(self.broker, "GET", f"/api/definitions/{vhost}"))
        told = {kind: some for kind, some in told.items() if isinstance(some, list)}  # not versions
        bindings = told.pop("bindings")
        queues = told.pop("queues")
        for queue in queues:
            queue["bindings"] = sorted(
                (one["source"], one["routing_key"], sorted(one["arguments"].items()))
                for one in bindings
                if (one["destination_type"], one["destination"]) == ("queue", queue["name"])
            )
        of_queues = {f"queue {queue['name']}": queue for queue in queues}
        others = {f"{kind} {one['name']}": one for kind, some in told.items() for one in some}
        return of_queues | others

    def _leave_only(self, lent: Lent) -> None:
        """Delete the queues of services that are not to have any."""
        owners = lent.services | {TESTS}
        for name in self.definitions(lent.name):
            kind, _, queue = name.partition(" ")
            if kind == "queue" and owner_of(queue) not in owners:
                manage(self.broker, "DELETE", f"/api/queues/{lent.name}/{queue}")

    def _is_clean(self, lent: Lent) -> bool:
        """Whether all is as the services declare it, and nothing is left of who had it."""
        with suppress(NodeError, OSError):
            return self._is_emptied(lent) and self.definitions(lent.name).items() <= self.as_declared.items()
        return False

    def _is_emptied(self, lent: Lent) -> bool:
        until = time.monotonic() + EMPTIED_WITHIN
        while evaluate(self.broker, IS_EMPTY.format(vhost=lent.name).replace("\n", " ")) != "true":
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True


def owner_of(queue: str) -> str:
    """The service that declares the queue."""
    return WHEEL_OWNER if queue.startswith(WHEEL) else queue.partition(".")[0]


vhosts_of = cache(Vhosts)
"""The virtual hosts of a broker, the same each time."""
