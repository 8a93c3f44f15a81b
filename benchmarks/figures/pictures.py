"""Posts with four photos of 12 million pixels each, of which no two are equal: whether they keep to their second.

And how long those that are due together take: what cannot be made ready in time goes out late, at its first attempt.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks import usage
from benchmarks.bench import Bench
from benchmarks.broker import Broker, IncompleteError
from benchmarks.figure import TIMEBALL, Reach, Result
from benchmarks.outcomes import outcomes, until_published
from benchmarks.pictures import PHOTOS, PictureServer, picture_server
from benchmarks.posts import spread

EACH = 4
ACCOUNTS = 20
SPAN = timedelta(minutes=1)
POSTS = 200
TOGETHER = 60
AHEAD = timedelta(seconds=30)
PATIENCE = 120
MOST_MIB = 500
"""Of the publisher with all its programs: itself, and for each processor one that has a photo unpacked."""


async def pictures(bench: Bench) -> Result:
    """200 posts of four photos for Bluesky, due at random instants within a minute, and then 60 due at one instant."""
    posts = bench.size(POSTS, POSTS // 5)
    span = SPAN * posts / POSTS
    async with bench.system() as running, picture_server() as server:
        names = [f"gallery{number}" for number in range(ACCOUNTS)]
        credentials = {"identifier": "bench.example", "password": "bench"}
        await running.connect_to("bluesky", {"server": server.url}, credentials, *names)
        run = Run(running.broker, server, names)
        before = usage.cpu_seconds()
        apart = await run.publish("apart", spread(posts, datetime.now(UTC) + AHEAD, span))
        cpu = usage.spent(before, usage.cpu_seconds())
        together = await run.publish("together", [datetime.now(UTC) + AHEAD] * bench.size(TOGETHER, TOGETHER // 3))
    reaches = [
        Reach("latest ms", apart["max"], 1000),
        Reach("peak RSS MiB", max(apart["peak_rss_mib"], together["peak_rss_mib"]), MOST_MIB),
    ]
    return Result("pictures", {TIMEBALL: apart, f"{TIMEBALL} due together": together}, reaches, cpu)


@dataclass(frozen=True)
class Run:
    """A network with accounts, and where photos are."""

    broker: Broker
    server: PictureServer
    names: Sequence[str]

    async def publish(self, prefix: str, dues: Sequence[datetime]) -> dict[str, float]:
        """Publish a post for each due instant; how late they were, and how much memory the publisher had."""
        self.broker.forget()
        self.server.fetched = self.server.uploaded = 0
        numbered = enumerate(dues)
        posts = [
            _post(self.server, prefix, number, self.names[number % len(self.names)], due) for number, due in numbered
        ]
        watching = asyncio.create_task(_peak("publisher"))
        await self.broker.emit("schedule.batch_requested", json.dumps({"batch_id": prefix, "posts": posts}).encode())
        within = (dues[-1] - datetime.now(UTC)).total_seconds() + PATIENCE
        await until_published(self.broker, len(dues), within)
        watching.cancel()
        told = outcomes(self.broker, len(dues), prefix)
        _check(self.broker, self.server, len(dues))
        return told.lateness | {"peak_rss_mib": await watching, "photos": self.server.uploaded}


def _post(server: PictureServer, prefix: str, number: int, account: str, due: datetime) -> dict[str, object]:
    media = [{"url": f"{server.url}{PHOTOS}{prefix}{number}-{index}", "alt": "The ball"} for index in range(EACH)]
    return {
        "post_id": f"{prefix}{number}",
        "content": f"The ball, seen from {number}",
        "publish_at": due.isoformat(),
        "media": media,
        "targets": [{"account_id": account}],
    }


def _check(broker: Broker, server: PictureServer, posts: int) -> None:
    """No post may have needed a second attempt, and each photo was fetched and uploaded once."""
    retrying = [json.loads(fact.body)["error"] for fact in broker.facts["publish.retrying"]]
    if retrying or (server.fetched, server.uploaded) != (EACH * posts, EACH * posts):
        raise IncompleteError(f"fetched {server.fetched}, uploaded {server.uploaded}, tried again after {retrying}")


async def _peak(program: str) -> float:
    """The most memory that a program and its children have had, until this is cancelled."""
    peak = 0.0
    try:
        while True:
            peak = max(peak, (await asyncio.to_thread(usage.memory))[program].rss)
            await asyncio.sleep(1)
    except asyncio.CancelledError:
        return peak
