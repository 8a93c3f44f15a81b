"""The life of a service: start in order, work, and stop without dropping what is in flight."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
import uvicorn
from faststream.rabbit import RabbitBroker
from faststream.rabbit.utils import RabbitClientProperties
from starlette.types import ASGIApp

from shared.clocks.clock import Clock, SystemClock, loop_time
from shared.connections.cancellations import StrayCancellations
from shared.database.clock_check import try_clock
from shared.database.engine import Database
from shared.database.table_locks import try_tables
from shared.events.maintenance import Overdue
from shared.messaging.broker import Publisher, named
from shared.messaging.connection import OPEN_SECONDS
from shared.messaging.listening import Bindings
from shared.messaging.outbox import Outbox
from shared.messaging.standby import Standby
from shared.messaging.taking import take_directly
from shared.messaging.topology import Topology
from shared.process.ending import CLOSE_SECONDS, GRACE_SECONDS, asking_to_end, within
from shared.process.garbage import collect_when_idle
from shared.process.health import Check, Health, consuming, relaying, writing
from shared.process.http_protocol import WholeRequests
from shared.process.preparing import Preparation, Prepare, nothing
from shared.process.reporting import Reporting

CONSUMING_CHECK_SECONDS = 5.0
MOST_FAILED_CHECKS = 6
ATTACH_AFTER_CHECKS = 2
"""Where a connection was lost, it brings its consumers back by itself, which takes a moment."""
COLLECT_AFTER = 300_000
"""New objects after which garbage is looked for: more than a service has at one time, or it finds little else."""
KEEPS_IDLE_SECONDS = 75
"""How long an idle HTTP connection is kept: longer than clients and proxies keep theirs (nginx 60 s), since a request
that is sent while the server closes it gets no answer."""

log = structlog.get_logger()


def rabbit_broker(url: str, service: str) -> RabbitBroker:
    """The consuming connection; publishing has one of its own."""
    take_directly()
    return RabbitBroker(
        named(url, f"{service} consuming"),
        app_id=service,
        apply_types=False,
        logger=None,
        graceful_timeout=GRACE_SECONDS,
        timeout=OPEN_SECONDS,
        fail_fast=False,
        reconnect_interval=1,
        client_properties=RabbitClientProperties(heartbeat=20),
    )


@dataclass
class Service:
    """One process of a service, put together by its `app.py`."""

    name: str
    database: Database
    publisher: Publisher
    broker: RabbitBroker
    topology: Topology
    clock: Clock = field(default_factory=SystemClock)
    tables: Sequence[str] = ()
    outbox: Outbox | None = None
    loops: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()
    before_stop: Callable[[], None] = lambda: None
    finishing: Callable[[], Awaitable[None]] | None = None
    checks: Mapping[str, Check] = field(default_factory=dict)
    closing: Sequence[Callable[[], Awaitable[None]]] = ()
    http: tuple[str, int] | None = None
    trusted_proxies: str = "127.0.0.1"
    make_http: Callable[[Health], ASGIApp] = Health.application
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    collect_after: int = COLLECT_AFTER
    is_idle: Callable[[], bool] = lambda: True
    standby: Standby | None = None
    overdue: Callable[[], Awaitable[Overdue | None]] | None = None
    prepare: Prepare = nothing
    preparation: Preparation = field(default_factory=Preparation)

    @property
    def health(self) -> Health:
        """The checks behind `/readyz`."""
        checks = {"broker": self._consuming, "database": writing(self._write)}
        if self.outbox:
            checks["outbox"] = relaying(self.outbox.age)
        checks |= self.checks
        return Health(self.name, checks | {"publishing": self._publishing, "running": self._running})

    async def _consuming(self) -> str | None:
        return await consuming(self.broker, self.standby)()

    async def _write(self) -> None:
        await self.database.try_writing()
        await try_tables(self.database, self.tables)
        await try_clock(self.database, self.clock.now)

    async def _publishing(self) -> str | None:
        if not self.publisher.is_connected:
            return f"the publishing connection is down: {self.publisher.trouble}"
        await self.publisher.try_publishing()
        return None

    async def _running(self) -> str | None:
        return "stopping" if self.stopping.is_set() else None

    async def run(self) -> None:
        """Prepare, and work until asked to end, or until a loop fails; then stop in good order, and raise what
        failed. Those signals end a preparation at once, as they end any program: it begins anew at the next start."""
        server = self._http_server()
        failures: list[Exception] = []
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(self._guarded(server.serve_or_say_why, failures)) if server else None
            await self._guarded(partial(self.preparation.carry_out, self.prepare), failures)
            _on_signals(self.stopping.set)
            stopped = tasks.create_task(self.stopping.wait())
            starting = tasks.create_task(self._guarded(self._start, failures))
            await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
            starting.cancel()
            loops = self._all_loops() if not self.stopping.is_set() else []
            working = [tasks.create_task(self._guarded(loop, failures)) for loop in loops]
            await stopped
            log.info("service_stopping", service=self.name)
            await self._stop(working)
            if server and serving:
                server.should_exit = True
        log.info("service_stopped", service=self.name)
        if failures:
            raise failures[0]

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]], failures: list[Exception]) -> None:
        """Work; an error stops the service, which would only look alive without this part of it."""
        try:
            with StrayCancellations():
                await work()
        except Exception as error:
            log.exception("service_failed", service=self.name)
            failures.append(error)
            self.stopping.set()

    async def _start(self) -> None:
        await self.publisher.connect(self.topology)
        await self.broker.start()
        log.info("service_started", service=self.name, http=":".join(map(str, self.http or ())))

    def _all_loops(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        relay = [self.outbox.run] if self.outbox else []
        collect = partial(collect_when_idle, self.is_idle)
        standing_by = [self.standby.run] if self.standby else []
        return [*relay, *standing_by, *self.loops, self._watch_consumers, self._reporting().run, collect]

    def _reporting(self) -> Reporting:
        age = self.outbox.age if self.outbox else None
        queues = [queue.name for queue in self.topology.queues]
        return Reporting(self.name, self.publisher, self.health.problems, age, queues, self.overdue)

    async def _watch_consumers(self) -> None:
        """End the process when consumers stay lost: a service that only looks alive is worse than a restart."""
        failed, bindings = 0, Bindings(self.broker)
        while not self.stopping.is_set():
            await asyncio.sleep(CONSUMING_CHECK_SECONDS)
            if self.standby and self.standby.is_on:
                continue
            problem = await within(CONSUMING_CHECK_SECONDS, consuming(self.broker)())
            failed = failed + 1 if problem and self.publisher.is_connected else 0
            if failed >= MOST_FAILED_CHECKS:
                raise RuntimeError(f"consumers are lost: {problem}")
            if problem:
                await self.publisher.make_again()
            if failed >= ATTACH_AFTER_CHECKS and self.standby:
                await within(CONSUMING_CHECK_SECONDS, self.standby.attach_again())
            await within(2 * CONSUMING_CHECK_SECONDS, bindings.make_again(within=CONSUMING_CHECK_SECONDS))

    async def _stop(self, working: Sequence[asyncio.Task[None]]) -> None:
        self.before_stop()
        grace_ends_at = loop_time() + GRACE_SECONDS
        await within(GRACE_SECONDS, self.broker.stop())
        if self.finishing:  # without a broker to stop there is grace left, and work at hand all the same
            left = grace_ends_at - loop_time()
            await within(max(left, CLOSE_SECONDS), self.finishing())
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        if self.outbox:
            await within(CLOSE_SECONDS, self.outbox.drain())
        for close in self.closing:
            await within(CLOSE_SECONDS, close())
        await within(CLOSE_SECONDS, self.publisher.close())
        await within(CLOSE_SECONDS, self.database.close())

    def _http_server(self) -> "_Server | None":
        if self.http is None:
            return None
        host, port = self.http
        config = uvicorn.Config(
            self.preparation.gate(self.name, self.make_http(self.health)),
            host=host,
            port=port,
            http=WholeRequests,
            log_config=None,
            access_log=False,
            forwarded_allow_ips=self.trusted_proxies,
            lifespan="off",
            timeout_keep_alive=KEEPS_IDLE_SECONDS,
            timeout_graceful_shutdown=2,
        )
        return _Server(config, f"TIMEBALL_{self.name.upper()}_HTTP_PORT")


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the service decides when to stop. `variable` names its port."""

    def __init__(self, config: uvicorn.Config, variable: str) -> None:
        super().__init__(config)
        self.variable = variable

    async def serve_or_say_why(self) -> None:
        """Serve; where nobody can listen, which uvicorn has logged, end the program naming the variable."""
        try:
            await self.serve()
        except SystemExit as ended:
            address = f"{self.config.host}:{self.config.port}"
            way_out = "name a port that is free, and as TIMEBALL_HTTP_HOST an address of this machine"
            print(f"{self.variable}: {address} cannot be listened on; {way_out}", file=sys.stderr)
            raise SystemExit(2) from ended

    def install_signal_handlers(self) -> None:
        return

    def capture_signals(self) -> Any:
        return nullcontext()


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for one in asking_to_end():
        loop.add_signal_handler(one, stop)
