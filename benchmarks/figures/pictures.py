"""Posts with four photos of 12 million pixels each, of which no two are equal: whether they keep to their second."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from benchmarks import usage
from benchmarks.bench import Bench
from benchmarks.broker import Broker, IncompleteError
from benchmarks.figure import TIMEBALL, Reach, Result
from benchmarks.outcomes import SUCCEEDED, outcomes
from benchmarks.pictures import PHOTOS, PictureServer, picture_server
from benchmarks.posts import spread

EACH = 4
ACCOUNTS = 20
SPAN = timedelta(minutes=1)
POSTS = 200
AHEAD = timedelta(seconds=30)
PATIENCE = 120
MOST_MIB = 500
"""Of the publisher with all its programs: itself, and for each processor one that has a photo unpacked."""


async def pictures(bench: Bench) -> Result:
    """200 posts of four photos for Bluesky, due at random instants within a minute."""
    posts = bench.size(POSTS, POSTS // 5)
    span = SPAN * posts / POSTS
    async with bench.system() as running, picture_server() as server:
        names = [f"gallery{number}" for number in range(ACCOUNTS)]
        credentials = {"identifier": "bench.example", "password": "bench"}
        settings = {"server": server.url}
        await running.connect_to("bluesky", settings, credentials, *names)
        before = usage.cpu_seconds()
        dues = spread(posts, datetime.now(UTC) + AHEAD, span)
        watching = asyncio.create_task(_peak("publisher"))
        await _publish(running.broker, server, names, dues)
        watching.cancel()
        cpu = usage.spent(before, usage.cpu_seconds())
        told = outcomes(running.broker, posts, "picture")
        peak = await watching
    _check(running.broker, server, posts)
    row = told.lateness | {"peak_rss_mib": peak, "photos": server.uploaded}
    reaches = [Reach("latest ms", row["max"], 1000), Reach("peak RSS MiB", peak, MOST_MIB)]
    return Result("pictures", {TIMEBALL: row}, reaches, cpu)


async def _publish(broker: Broker, server: PictureServer, names: Sequence[str], dues: Sequence[datetime]) -> None:
    broker.forget()
    posts = [_post(server, number, names[number % len(names)], due) for number, due in enumerate(dues)]
    await broker.emit("schedule.batch_requested", json.dumps({"batch_id": "pictures", "posts": posts}).encode())
    within = (dues[-1] - datetime.now(UTC)).total_seconds() + PATIENCE
    await broker.wait(SUCCEEDED, len(dues), within)


def _post(server: PictureServer, number: int, account: str, due: datetime) -> dict[str, object]:
    media = [{"url": f"{server.url}{PHOTOS}{number}-{index}", "alt": "The ball"} for index in range(EACH)]
    return {
        "post_id": f"picture{number}",
        "content": f"The ball, seen from {number}",
        "publish_at": due.isoformat(),
        "media": media,
        "targets": [{"account_id": account}],
    }


def _check(broker: Broker, server: PictureServer, posts: int) -> None:
    """No post may have needed a second attempt, and each photo was fetched once."""
    attempts = [json.loads(fact.body)["attempts"] for fact in broker.facts[SUCCEEDED]]
    if set(attempts) != {1} or (server.fetched, server.uploaded) != (EACH * posts, EACH * posts):
        raise IncompleteError(f"attempts {sorted(attempts)}, fetched {server.fetched}, uploaded {server.uploaded}")


async def _peak(program: str) -> float:
    """The most memory that a program and its children have had, until this is cancelled."""
    peak = 0.0
    try:
        while True:
            peak = max(peak, (await asyncio.to_thread(usage.memory))[program].rss)
            await asyncio.sleep(1)
    except asyncio.CancelledError:
        return peak
