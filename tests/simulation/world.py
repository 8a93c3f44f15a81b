"""The world of one seed: loop, broker, networks, databases, processes and people, and how long they go on."""

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from shared.events import Event
from shared.messaging.topology import EVENTS_EXCHANGE, dead_queue
from tests.simulation import assembly
from tests.simulation.assembly import APPS, Running, Wires
from tests.simulation.broker import ModelBroker
from tests.simulation.complaints import Complaints
from tests.simulation.custody import Custody
from tests.simulation.faults import HEARTBEAT_LOST_AFTER, Faults
from tests.simulation.networks import Entry, Internet
from tests.simulation.queues import Message, Queue
from tests.simulation.scenarios import Scenario
from tests.simulation.sqlite import File
from tests.simulation.trace import Trace, with_place
from tests.simulation.user import User
from tests.simulation.virtual_time import Process, VirtualLoop, context_of
from tests.simulation.weather import Weather
from tests.simulation.witness import Told, Witness

LOOK_EVERY = 5.0
RECONNECT_SECONDS = (0.5, 2.0)
LONGEST_TROUBLE_BEHIND = 60.0
"""Seconds after which nothing that was begun in the time of trouble is still on its way."""


class World:
    """One run."""

    def __init__(self, seed: int, scenario: Scenario, folder: Path, *, keeps_lines: bool = False) -> None:
        name = f"{scenario.name}/{seed}"
        self.seed, self.scenario = seed, scenario
        self.loop = VirtualLoop()
        self.trace = Trace(self.loop, keeps_lines)
        self.problems: list[str] = []
        self.complaints = Complaints(self.loop)
        self.complaints.listen()
        self.weather = Weather(scenario, name, self.loop)
        self.witness = Witness(self.loop)
        self.broker = ModelBroker(self.loop, self.weather, self.witness, self._on_disconnect)
        self.internet = Internet(self.loop, self.weather)
        self.internet.on_entry = self._on_entry
        self.user = User(self, scenario, Random(f"{name}/user"))
        self.faults = Faults(self, scenario, Random(f"{name}/faults"))
        self.files = {
            assembly.url_of(service): File(str(folder / f"{service}.db"), service, self.weather, self.problems.append)
            for service in APPS
        }
        self.broker.on_done = self._on_done
        self.broker.on_misuse = self.problems.append
        self.custody = Custody(self.loop, self.broker, self.witness, lambda service: self.file_of(service).reader)
        self.wires = Wires(self.broker, self.internet, self.files, assembly.settings_of(scenario.prefetch))
        self.running: dict[str, Running] = {}
        self.settled_at: float | None = None
        self.last_sent_at: dict[str, float] = {}
        self._chance = Random(f"{name}/world")
        self._starts = 0
        self._being_sent = 0
        self.witness.on_told = self._on_told
        self.loop.set_exception_handler(self._on_exception)

    # running

    def run(self) -> None:
        """Let it all happen."""
        asyncio.set_event_loop(self.loop)
        self.weather.clears_at = self.scenario.trouble_seconds
        self.loop.run_until_complete(self._run())

    async def _run(self) -> None:
        for service, count in self.scenario.replicas.items():
            for number in range(count):
                self._begin(service, f"{service}-{number}")
        await asyncio.sleep(1.0)
        self.user.begin()
        self.faults.plan()
        await asyncio.sleep(self.scenario.trouble_seconds)
        gives_up_at = self.loop.time() + self.scenario.settles_within
        while self.loop.time() < gives_up_at:
            if self.is_settled():
                self.settled_at = self.loop.time()
                return
            await asyncio.sleep(LOOK_EVERY)

    def is_settled(self) -> bool:
        """Whether nothing is left to do, nor to be asked for: whoever waits for the broker still will."""
        is_asked_for = not self.user.pending and not self._being_sent
        return is_asked_for and all(one.is_alive for one in self.processes()) and not self.unsettled()

    def unsettled(self) -> list[str]:
        """What is left to do."""
        left = [f"queue {one.name}: {len(one.messages)}" for one in self.broker.queues.values() if self._holds(one)]
        left += [
            f"unacknowledged {one.queue.name}: {len(one.unacked)}" for one in self.broker.subscriptions if one.unacked
        ]
        left += [f"to be delivered again {queue.name}: {len(lost)}" for queue, lost in self.broker.lost if lost]
        for file in self.files.values():
            left += [f"{file.service} {line}" for line in assembly.unfinished(file.service, self.query)]
        return left

    def _holds(self, queue: Any) -> bool:
        return bool(queue.messages) and queue.name not in {dead_queue(service) for service in APPS}

    def query(self, service: str, statement: str) -> list[dict[str, Any]]:
        """Rows of a service's database, as committed."""
        cursor = self.file_of(service).reader.cursor()
        cursor.row_factory = sqlite3.Row
        return [dict(row) for row in cursor.execute(statement)]

    def file_of(self, service: str) -> File:
        return self.files[assembly.url_of(service)]

    # people and processes

    def send(self, event: Event, message_id: str, *, twice: bool = False) -> None:
        """Publish an event as an outside producer does, who waits while the broker is away."""
        self.loop.start(None, self._send(event, message_id, 2 if twice else 1))

    async def _send(self, event: Event, message_id: str, times: int) -> None:
        self._being_sent += 1
        for _ in range(times):
            await self.broker.until_up()
            sent_at = self.last_sent_at[message_id] = self.loop.time()
            message = Message(event.body(), event.type, event.type, message_id, message_id, {}, sent_at)
            self.broker.route(EVENTS_EXCHANGE, message)
            await asyncio.sleep(self._chance.uniform(0.0, 3.0))
        self._being_sent -= 1

    def processes(self) -> list[Process]:
        return [one.process for one in self.running.values() if one.process.is_alive]

    def moments(self) -> list[float]:
        return self.user.moments

    def hosts(self) -> list[str]:
        return sorted(self.internet.networks)

    def _begin(self, service: str, name: str) -> None:
        self._starts += 1
        process = Process(name, service)
        self.record("start", name)
        running = context_of(process).run(assembly.put_together, process, self.wires)
        self.running[name] = running
        self.faults.slow_down(process)
        task = self.loop.start(process, running.start())
        task.add_done_callback(lambda done: self._watch(running, done), context=context_of(None))

    def _watch(self, running: Running, started: "asyncio.Task[Any]") -> None:
        """A loop that ends ends its process, which is then started again."""
        if started.cancelled() or started.exception():
            self.problems.append(f"{running.process.name} did not start: {started}")
            return
        for loop in running.loops:
            loop.add_done_callback(lambda done: self._on_loop_end(running.process, done), context=context_of(None))

    def _on_loop_end(self, process: Process, done: "asyncio.Task[Any]") -> None:
        if process.is_alive and not done.cancelled():
            self.problems.append(f"a loop of {process.name} ended: {with_place(done.exception())}")
            self.crash(process, noticed_after=0.0, down_for=1.0)

    def crash(self, process: Process, *, noticed_after: float, down_for: float) -> None:
        """Kill it: nothing of it runs any more, and what it had not committed is gone."""
        self.record("crash", process.name, process.steps)
        self._end(process, noticed_after)
        self.loop.later(down_for, self._begin, process.service, process.name)

    def _end(self, process: Process, noticed_after: float) -> None:
        process.is_alive = False
        self.loop.bury()
        for file in self.files.values():
            file.lose(process)
        self.broker.disconnect(process, noticed_after=noticed_after)

    def restart(self, process: Process) -> None:
        """Stop it as a deployment does, and start it again."""
        self.record("restart", process.name)
        process.dies_at_step = -1
        self.loop.start(None, self._restart(process))

    async def _restart(self, process: Process) -> None:
        stopping = self.loop.start(process, self.running[process.name].stop())
        await asyncio.wait([stopping])
        self._end(process, 0.0)
        await asyncio.sleep(1.0)
        self._begin(process.service, process.name)

    def freeze(self, process: Process, seconds: float) -> None:
        """Stop it in its tracks for a while; the broker drops whoever is silent for too long."""
        self.record("freeze", process.name, seconds)
        process.is_frozen = True
        if seconds > HEARTBEAT_LOST_AFTER:
            self.loop.later(HEARTBEAT_LOST_AFTER, self.broker.disconnect, process)
        self.loop.later(seconds, self._thaw, process)

    def _thaw(self, process: Process) -> None:
        self.record("thaw", process.name)
        self.loop.thaw(process)

    def break_broker(self, seconds: float) -> None:
        self.record("broker away", seconds)
        self.broker.go_away()
        self.loop.later(seconds, self._mend_broker)

    def _mend_broker(self) -> None:
        self.record("broker back")
        self.broker.come_back()
        for process in self.processes():
            self._on_disconnect(process)

    def break_network(self, host: str, seconds: float) -> None:
        self.record("network away", host, seconds)
        self.weather.away_until[host] = self.loop.time() + seconds

    def _on_disconnect(self, process: Process) -> None:
        if process.is_alive:
            self.loop.later(self._chance.uniform(*RECONNECT_SECONDS), self._reconnect, process)

    def _reconnect(self, process: Process) -> None:
        if process.is_frozen:
            self.loop.later(1.0, self._reconnect, process)
            return
        running = self.running.get(process.name)
        is_attached = any(one.process is process for one in self.broker.subscriptions)
        if running and running.process is process and process.is_alive and self.broker.is_up and not is_attached:
            self.record("reconnect", process.name)
            running.attach()

    # what is seen

    def record(self, what: str, *details: object) -> None:
        """Note something in the trace."""
        self.trace.add(what, *details)

    def _on_told(self, told: Told) -> None:
        self.record("told", told.type, told.message_id, told.event if self.trace.keeps_lines else "")
        self.user.on_told(told)

    def _on_done(self, queue: Queue, messages: list[Message]) -> None:
        try:
            self.custody.look_at(queue, messages)
        except Exception as error:  # the consumer would take it for a lost acknowledgement
            self.problems.append(f"custody: {with_place(error)}")

    def _on_entry(self, entry: Entry) -> None:
        self.record("request", entry.process, entry.network, entry.account_id, entry.fate, repr(entry.content))
        self.user.on_request(entry)

    def _on_exception(self, _loop: Any, context: Mapping[str, Any]) -> None:
        self.problems.append(f"{context.get('message')}: {context.get('exception')!r}")
