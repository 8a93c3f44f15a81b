"""A request that carries pictures has the time that its bytes take: it is not cut off, and opens no circuit."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.publisher.app import MIGRATIONS
from services.publisher.limits import circuit_breaker
from services.publisher.limits.circuit_breaker import CircuitBreaker, CircuitOpen
from services.publisher.platforms import network_time
from shared.events.progress import State
from tests.integration.publisher.conformance.bench import LEASE_SECONDS, Bench, a_bench
from tests.integration.publisher.conformance.discord import CASES
from tests.support.migrated import migrated

WEBHOOK = next(case for case in CASES if case.certainty == "neither")
USUAL = 0.2
SLOW = 3 * USUAL


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A webhook of Discord that takes longer for everything than a text may take."""
    url = f"sqlite+aiosqlite:///{tmp_path}/publisher.db"
    await migrated(url, MIGRATIONS)
    async with a_bench(WEBHOOK, url, send_timeout=USUAL) as bench:
        reply = bench.network.reply

        async def slowly(*call: Any) -> bool:
            await asyncio.sleep(SLOW)
            return await reply(*call)

        monkeypatch.setattr(bench.network, "reply", slowly)
        yield bench


async def test_an_album_is_not_cut_off_where_a_text_would_be(bench: Bench) -> None:
    album, text = bench.post(media=(bench.picture(), bench.picture())), bench.post()

    await asyncio.gather(bench.publish(album), bench.publish(text))

    assert (await bench.kept(album)).state == State.PUBLISHED
    assert (await bench.kept(text)).state == State.UNKNOWN


async def test_nobody_takes_an_album_for_lost_while_it_may_still_be_on_its_way(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that may take longer than a lease usually lasts."""
    monkeypatch.setattr(network_time, "ANSWER_WITHIN", timedelta(seconds=2 * LEASE_SECONDS))
    album = bench.post(media=(bench.picture(),))
    began = bench.clock.now()

    await bench.publish(album)

    async with bench.replica.store.unit() as unit:
        attempts = (await unit.attempts([(album.post_id, album.account_id)]))[album.post_id, album.account_id]
    attempt = attempts[-1]  # on a busy machine one before it may have missed its start
    assert attempt.lease_until >= began + timedelta(seconds=2 * LEASE_SECONDS)


@pytest.mark.parametrize(("heavier", "opens"), [(0.0, True), (60.0, False)])
async def test_heavy_requests_open_a_circuit_only_once_they_may_have_arrived(
    monkeypatch: pytest.MonkeyPatch, *, heavier: float, opens: bool
) -> None:
    monkeypatch.setattr(circuit_breaker, "OPENS_AFTER", 0.0)
    breaker = CircuitBreaker("discord.com", most=1)
    breaker.take().begin(timedelta(seconds=heavier))
    await asyncio.sleep(0)

    if opens:
        with pytest.raises(CircuitOpen):
            breaker.reject_if_open()
    else:
        breaker.reject_if_open()


async def test_what_waits_for_its_pictures_opens_no_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "OPENS_AFTER", 0.001)
    breaker = CircuitBreaker("bsky.social", most=1)
    turn = breaker.take()
    turn.begin(timedelta(seconds=-1))

    turn.count_from(None)

    breaker.reject_if_open()
