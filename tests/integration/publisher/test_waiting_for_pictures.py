"""Many posts with pictures that are due together: they wait for us, and for that no network is blamed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.publisher import app
from services.publisher.app import MIGRATIONS
from services.publisher.limits import circuit_breaker
from services.publisher.media import pool
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Reply
from tests.integration.publisher.conformance.bench import Bench, a_bench
from tests.integration.publisher.conformance.bluesky import CASE
from tests.support.migrated import migrated
from tests.support.pictures import encoded, plain
from tests.support.slow_worker import SECONDS

POSTS = 24
HARDLY_ANY_TIME = timedelta(seconds=2.5)
"""Less than the pictures take together, and more than what is asked of the network for one post."""


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A publisher that is slow with pictures, and soon out of patience with networks."""
    pool.end_all()
    monkeypatch.setattr(pool, "PROGRAM", "tests.support.slow_worker")
    monkeypatch.setattr(app, "MOST_PREPARING", 5)
    monkeypatch.setattr(circuit_breaker, "OPENS_AFTER", HARDLY_ANY_TIME.total_seconds())
    url = f"sqlite+aiosqlite:///{tmp_path}/publisher.db"
    await migrated(url, MIGRATIONS)
    async with a_bench(CASE, url, send_timeout=10) as bench:
        sending = bench.replica.sending
        sending.preparation = replace(sending.preparation, timeout=HARDLY_ANY_TIME)
        yield bench
    pool.end_all()


async def test_posts_that_wait_for_their_pictures_lose_no_attempt_and_blame_no_network(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(call: Call) -> Reply:
        return Reply(body=encoded(plain(8, 8, (int(call.path.strip("/")), 0, 0)), "PNG"))

    monkeypatch.setattr(bench.gallery, "answer", answer)
    posts = [bench.post(media=(bench.picture(str(number)),)) for number in range(POSTS)]
    assert HARDLY_ANY_TIME.total_seconds() < POSTS * SECONDS / pool.PROCESSES

    rests = await asyncio.gather(*map(bench.deliver, posts))

    assert set(rests) == {None}
    assert [body["attempts"] for _, body in await bench.told("publish.succeeded")] == [1] * POSTS
    assert await bench.told("publish.retrying") == []
