"""How long the monitor takes for what is new, and how much memory: many workspaces, their keywords, one check."""

import json
import os
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from benchmarks.bench import Bench, home
from benchmarks.broker import IncompleteError
from benchmarks.figure import TIMEBALL, Reach, Result, ratio
from services.monitor.app import MIGRATIONS
from services.monitor.checking import Checking
from services.monitor.domain import Item, Kind
from services.monitor.listing import Page
from services.monitor.reading import MOST_IN_A_GROUP, MOST_PAGES
from services.monitor.reddit import PAGE, Reddit
from services.monitor.store import Store
from services.monitor.tables import outbox, workspaces
from shared.clocks.clock import SystemClock
from shared.database import bulk
from shared.database.engine import Database
from shared.database.migrations import migrate
from shared.messaging.broker import PUBLISH_TIMEOUT, Outgoing, Publisher
from shared.messaging.outbox import Outbox

KEYWORDS, SUBREDDITS_EACH, WORDS_EACH = 20, 5, 80
MOST_SECONDS, MOST_GROWTH = 10, 1.1
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


async def matching(bench: Bench) -> Result:
    """10,000 workspaces of 20 keywords, a check of 500 new items, and one of 5,000."""
    followers, items = bench.size(10_000, 2_000), bench.size(5_000, 2_000)
    with home() as directory:
        few, many = await _measure(directory, followers, items)
    reaches = [
        Reach("CPU seconds", many["cpu_s"], MOST_SECONDS),
        Reach("memory growth", ratio(many["rss_mib"], few["rss_mib"]), MOST_GROWTH),
    ]
    return Result("matching", {f"{TIMEBALL} {items // 10:,} items": few, f"{TIMEBALL} {items:,} items": many}, reaches)


async def _measure(directory: Path, followers: int, items: int) -> tuple[dict[str, Any], dict[str, Any]]:
    url, clock = f"sqlite+aiosqlite:///{directory}/monitor.db", SystemClock()
    await migrate(url, MIGRATIONS)
    database = Database(url)
    relay = Outbox(outbox, database, _Nobody("amqp://nobody", app_id="monitor", clock=clock), clock)
    async with httpx.AsyncClient() as http:
        reddit = Generated(http, None, clock, "", names=_names(items))
        checking = Checking(Store(database, relay), reddit, clock, "monitor.notifications")
        await _configure(database, followers, reddit)
        await checking.check("c")
        measured = [await _check(checking, reddit, relay, size) for size in (items // 10, items)]
    await database.close()
    return measured[0], measured[1]


async def _check(checking: Checking, reddit: "Generated", relay: Outbox, items: int) -> dict[str, Any]:
    """One check from start to end, reading the configuration and building the automaton included."""
    reddit.begin(items)
    cpu, started = time.process_time(), time.monotonic()
    await checking.check("c")
    spent = {"cpu_s": time.process_time() - cpu, "seconds": time.monotonic() - started}
    await relay.drain()
    if reddit.left():
        raise IncompleteError(f"{reddit.left()} of {items} items were not read")
    return {name: round(value, 2) for name, value in spent.items()} | {"rss_mib": round(reddit.highest_rss, 1)}


@dataclass
class _Words:
    """A vocabulary, the same every time."""

    chance: random.Random = field(default_factory=lambda: random.Random(7))
    known: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.known = ["".join(self.chance.choices(_LETTERS, k=self.chance.randint(4, 12))) for _ in range(50_000)]

    def phrase(self) -> str:
        """A keyword of one word in twenty, of two else."""
        return " ".join(self.chance.choices(self.known, k=1 if self.chance.random() < 0.05 else 2))

    def text(self) -> str:
        return " ".join(self.chance.choices(self.known, k=WORDS_EACH))


class Generated(Reddit):
    """Posts made up page by page, so that nothing but the monitor holds them."""

    def __init__(self, *arguments: Any, names: Sequence[str]) -> None:
        super().__init__(*arguments)
        self.names = names
        self.words = _Words()
        self.highest_rss = 0.0
        self._pages: dict[tuple[str, ...], int] = {}
        self._number = 36**5

    def begin(self, items: int) -> None:
        """So many more items in all, spread over the groups."""
        self.highest_rss = 0.0
        self._pages = dict.fromkeys(self._pages, items // PAGE // len(self._pages))

    def left(self) -> int:
        """How many items nobody has read."""
        return PAGE * sum(self._pages.values())

    async def listing(
        self, subreddits: Sequence[str], kind: Kind, *, before: str | None = None, after: str | None = None
    ) -> Page:
        """The next page of the group."""
        self.highest_rss = max(self.highest_rss, _rss_mib())
        group = tuple(subreddits)
        if kind == "comment":
            return Page([])
        if group not in self._pages:
            self._pages[group] = 0
            return Page([self._item(group)])
        if not self._pages[group]:
            return Page([])
        self._pages[group] -= 1
        items = [self._item(group) for _ in range(PAGE)]
        return Page(items, older=items[-1].item_id)

    def _item(self, group: Sequence[str]) -> Item:
        self._number += 1
        name = f"t3_{_base36(self._number)}"
        subreddit = self.words.chance.choice(group)
        return Item(name, "post", subreddit, "A title", self.words.text(), "ann", "https://x", datetime.now(UTC))


class _Nobody(Publisher):
    """Takes every message at once."""

    async def publish_all(self, outgoing: Iterable[Outgoing], *, within: timedelta = PUBLISH_TIMEOUT) -> Sequence[None]:
        """Nothing to do."""
        return [None for _ in outgoing]


def _names(items: int) -> list[str]:
    """As many subreddits as the items need groups."""
    groups = max(1, items // (PAGE * MOST_PAGES))
    return [f"sub{number:04}" for number in range(groups * MOST_IN_A_GROUP)]


async def _configure(database: Database, followers: int, reddit: Generated) -> None:
    chance, words, now = random.Random(11), reddit.words, datetime.now(UTC)
    write = bulk.insert(workspaces, list(workspaces.columns), database.dialect)
    usual = {"match": "word", "exclude": [], "case_sensitive": False}
    rows = (
        {
            "workspace_id": f"w-{number}",
            "enabled": True,
            "subreddits": json.dumps(chance.sample(reddit.names, SUBREDDITS_EACH)),
            "keywords": json.dumps([{"phrase": words.phrase(), **usual} for _ in range(KEYWORDS)]),
            "targets": "",
            "target_ids": "[]",
            "tells_at_once": True,
            "digest": None,
            "digest_since": None,
            "last_digest_day": None,
            "configured_at": None,
            "updated_at": now,
        }
        for number in range(followers)
    )
    async with database.transaction() as connection:
        await connection.execute(write, bulk.encode(rows))


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + text
    return text
