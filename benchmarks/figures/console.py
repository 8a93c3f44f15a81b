"""The console's read model with a million posts and five million events: queries, pages, the projector, the stream."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.backing import backing
from benchmarks.bench import Bench, home
from benchmarks.broker import IncompleteError
from benchmarks.figure import Reach, Result, percentile
from benchmarks.page import events_on_the_page
from benchmarks.read_model import fill
from services.console.access.actors import LOCAL
from services.console.access.sessions import Sessions, cookie_of
from services.console.access.tokens import Tokens
from services.console.app import build
from services.console.handlers import Projector
from services.console.read_model.listing import Filter
from services.console.read_model.queries import Queries
from services.console.settings import Settings
from services.console.store import Store
from services.console.streaming.journal import Journal
from services.console.streaming.stream import EventStream
from shared.clocks.clock import SystemClock
from shared.database.engine import Database
from shared.events.progress import State
from shared.events.scheduler import ScheduleAccepted
from shared.messaging.envelope import Delivery

MOST_QUERY_MS, MOST_PAGE_MS, MOST_PAGE_KB = 50, 1_000, 60
LEAST_EVENTS_PER_S, MOST_STREAM_MS, STREAMED_PER_S = 3_000, 100, 500
TIMES, AT_WORK, TOKEN = 21, 200, "benchmark-token-0123456789abcdef"
LONGEST = 120

Ask = Callable[[], Awaitable[Any]]


async def console(bench: Bench) -> Result:
    """1,000,000 posts and 5,000,000 events on each database."""
    posts = bench.size(1_000_000, 50_000)
    sides = {}
    with home() as directory:
        url = f"sqlite+aiosqlite:///{directory}/console.db"
        sides["SQLite"] = await _measure(url, posts) | await events_on_the_page(url, directory / "sqlite")
        async with backing(directory) as base:
            url = await asyncio.to_thread(base.postgres.create_database, "console")
            sides["PostgreSQL"] = await _measure(url, posts) | await events_on_the_page(url, directory / "postgresql")
    return Result("console", sides, [reach for side, row in sides.items() for reach in _reaches(side, row)])


def _reaches(side: str, row: Mapping[str, Any]) -> list[Reach]:
    return [
        Reach(f"slowest query, ms, {side}", _most("query ", row), MOST_QUERY_MS),
        Reach(f"slowest page, ms, {side}", _most("page ", row), MOST_PAGE_MS),
        Reach(f"largest page, kB, {side}", _most("kB ", row), MOST_PAGE_KB),
        Reach(f"events per second, {side}", row["events_per_s"], LEAST_EVENTS_PER_S, at_least=True),
        Reach(f"event on the stream, p99 ms, {side}", row["stream_p99_ms"], MOST_STREAM_MS),
        Reach(f"event on the page, p99 ms, {side}", row["page_p99_ms"], MOST_STREAM_MS),
    ]


def _most(kind: str, row: Mapping[str, Any]) -> float:
    return max(float(value) for name, value in row.items() if name.startswith(kind))


async def _measure(url: str, posts: int) -> dict[str, Any]:
    now, began = datetime.now(UTC), time.monotonic()
    await fill(url, posts, now)
    row: dict[str, Any] = {"posts": posts, "filled_s": round(time.monotonic() - began)}
    database = Database(url)
    try:
        for name, ask in _queries(database, posts, now).items():
            row[f"query {name}"] = await _median_ms(ask)
        row |= await _pages(url, posts)
        row |= await _Projecting.on(database).measure(posts // 50)
    finally:
        await database.close()
    return row


def _queries(database: Database, posts: int, now: datetime) -> Mapping[str, Ask]:
    queries = Queries(database)
    middle = f"p-{posts // 2}"
    coming = (State.SCHEDULED, State.DISPATCHED, State.SENDING, State.RETRYING)
    month = Filter(due_from=now - timedelta(days=31), due_to=now, is_ascending=True)
    return {
        "all": lambda: queries.list_posts(Filter(), None, 51),
        "published": lambda: queries.list_posts(Filter(states=[State.PUBLISHED]), None, 51),
        "coming": lambda: queries.list_posts(Filter(states=coming, is_ascending=True), None, 51),
        "failed of account": lambda: queries.list_posts(Filter(states=[State.FAILED], account_ids=["a-20"]), None, 51),
        "none of account": lambda: queries.list_posts(Filter(states=[State.HELD], account_ids=["a-2"]), None, 51),
        "count of month": lambda: queries.count_posts(month, posts),
        "first page": queries.first_posts,
        "post": lambda: queries.post(middle),
        "timeline": lambda: queries.timelines.of(middle, f"a-{posts // 2 % 100}"),
        "states": queries.counts.by_state,
        "lateness": lambda: queries.counts.lateness_since(now - timedelta(hours=1)),
        "journal": lambda: Journal(database).after(posts * 5 - 500),
        "search common": lambda: queries.search.find("spring", Filter()),
        "search rare": lambda: queries.search.find("word4321", Filter()),
        "search id": lambda: queries.search.find(middle, Filter()),
        "search none": lambda: queries.search.find("spring nowhere", Filter()),
    }


async def _median_ms(ask: Ask) -> float:
    """The median of some runs, after one that warms the caches up."""
    await ask()
    return median([await _timed_ms(ask) for _ in range(TIMES)])


async def _timed_ms(ask: Ask) -> float:
    began = time.monotonic()
    await ask()
    return round((time.monotonic() - began) * 1000, 1)


async def _pages(url: str, posts: int) -> dict[str, Any]:
    """Every page as the console answers it, without the network between."""
    settings = Settings(broker_url="amqp://nobody", TIMEBALL_CONSOLE_DATABASE_URL=url, api_token=TOKEN)
    service = build(settings)
    transport = httpx.ASGITransport(app=service.make_http(service.health))
    clock = SystemClock()
    session = await Sessions(service.database, clock, Tokens(service.database, clock, TOKEN)).begin(LOCAL)
    headers = {"Cookie": f"{cookie_of(False)}={session}"}
    paths = ("/", "/posts", "/posts?account=a-7", f"/posts/p-{posts // 2}", "/posts?q=spring", "/calendar?view=month")
    row: dict[str, Any] = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as http:
        for path in (*paths, "/statistics", "/accounts", "/timers", "/workspaces"):
            answer = await http.get(path)
            if answer.status_code != httpx.codes.OK:
                raise IncompleteError(f"{path} answers {answer.status_code}")
            row[f"kB {path}"] = round(len(answer.content) / 1000, 1)
            row[f"page {path}"] = await _timed_ms(partial(http.get, path))
    await service.database.close()
    return row


@dataclass(frozen=True)
class _Projecting:
    """The projector beside those who listen, without the broker between."""

    projector: Projector
    events: EventStream

    @classmethod
    def on(cls, database: Database) -> "_Projecting":
        events, clock = EventStream(Journal(database)), SystemClock()
        return cls(Projector(Store(database, clock, events.wake), clock), events)

    async def measure(self, number: int) -> dict[str, Any]:
        """How many events a second it takes, and how long one of 500 a second is on its way to a listener."""
        began, cpu = time.monotonic(), time.process_time()
        many = iter(range(number))
        async with asyncio.timeout(LONGEST):
            await asyncio.gather(*(self._learn_all(many) for _ in range(AT_WORK)))
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        async with asyncio.timeout(LONGEST):
            late = sorted(await self._streamed(STREAMED_PER_S * 10))
        return {
            "events_per_s": round(number / seconds),
            "cpu_us_an_event": round(cpu / number * 1e6),
            "stream_p99_ms": percentile(late, 0.99),
        }

    async def _learn_all(self, numbers: Any) -> None:
        for _ in numbers:
            await self._learn(str(uuid4()))

    async def _learn(self, message_id: str) -> None:
        event = ScheduleAccepted(
            post_id=message_id, account_id="a-1", revision=1, publish_at=datetime.now(UTC), changed=True
        )
        delivery = Delivery(event=event, message_id=message_id, correlation_id=message_id)
        await self.projector.on_post_fact(delivery)

    async def _streamed(self, number: int) -> list[float]:
        """From the moment at which the projector is given an event to that at which a listener has it, in ms."""
        given: dict[str, float] = {}
        following_on = asyncio.create_task(self.events.run())
        async with self.events.listening(lambda _: True) as following, asyncio.TaskGroup() as group:
            began = time.monotonic()
            group.create_task(self._give(number, began, given, group))
            late: list[float] = []
            while len(late) < number:
                entries, now = await following.next(), time.monotonic()
                late += [(now - given[entry.message_id]) * 1000 for entry in entries]
        following_on.cancel()
        await asyncio.gather(following_on, return_exceptions=True)
        return late

    async def _give(self, number: int, began: float, given: dict[str, float], group: asyncio.TaskGroup) -> None:
        for position in range(number):
            await asyncio.sleep(max(0.0, began + position / STREAMED_PER_S - time.monotonic()))
            message_id = str(uuid4())
            given[message_id] = time.monotonic()
            group.create_task(self._learn(message_id))
