"""Tokens that end, are refused, or are renewed by several at once; and accounts that a person must connect again."""

import asyncio

from shared.events.progress import State
from tests.integration.publisher.conformance.bench import Bench
from tests.integration.publisher.conformance.cases import over


@over(lambda case: case.can_refresh)
async def test_a_refused_token_is_renewed_once_and_the_post_goes_out(bench: Bench) -> None:
    before = len(bench.case.refreshes(bench.network))
    bench.case.expire(bench.network)

    await bench.publish(bench.post())

    assert len(bench.case.refreshes(bench.network)) - before == 1
    assert (await bench.fact("publish.succeeded"))["attempts"] == 1
    assert await bench.told("publish.retrying") == []


@over(lambda case: case.can_refresh and case.rotates)
async def test_a_refresh_token_is_used_once(bench: Bench) -> None:
    for _ in range(3):
        bench.case.expire(bench.network)
        await bench.publish(bench.post())

    used = bench.case.refreshes(bench.network)
    assert len(used) == len(set(used)) >= 3
    assert len(bench.network.posts) == 3


@over(lambda case: case.token_lasts)
async def test_a_token_that_has_ended_is_renewed_before_the_post(bench: Bench) -> None:
    before = len(bench.case.refreshes(bench.network))
    bench.clock.put_forward(bench.case.token_lasts)

    await bench.publish(bench.post())

    assert len(bench.case.refreshes(bench.network)) - before == 1
    assert len(bench.network.publishing_calls()) == len(bench.network.posts) == 1


@over(lambda case: case.can_refresh)
async def test_two_posts_with_an_ended_token_make_one_refresh(bench: Bench) -> None:
    before = len(bench.case.refreshes(bench.network))
    bench.case.expire(bench.network)

    await asyncio.gather(*(bench.publish(bench.post(due_in=0.3)) for _ in range(2)))

    assert len(bench.case.refreshes(bench.network)) - before == 1
    assert len(bench.network.posts) == 2


@over(lambda case: case.can_refresh)
async def test_two_replicas_with_an_ended_token_make_one_refresh(bench: Bench) -> None:
    before = len(bench.case.refreshes(bench.network))
    bench.replicas.append(await bench.open_replica())
    bench.case.expire(bench.network)
    stored = await bench.stored_account()

    await asyncio.gather(*(replica.sending.tokens.renewed(stored) for replica in bench.replicas))
    await asyncio.gather(*(bench.publish(bench.post(due_in=0.3), by=replica) for replica in bench.replicas))

    assert len(bench.case.refreshes(bench.network)) - before == 1
    assert len(bench.network.posts) == 2


async def test_an_account_that_is_refused_holds_its_posts_until_it_is_connected_again(bench: Bench) -> None:
    bench.case.revoke(bench.network)
    event = bench.post()

    await bench.publish(event)

    assert (await bench.kept(event)).state == State.HELD
    refused = await bench.fact("account.refresh_failed")
    assert (refused["account_id"], refused["needs_reconnect"]) == (event.account_id, True)
    assert "connect account" in (await bench.fact("publish.held"))["reason"]
    assert bench.network.posts == []

    await bench.connect()
    await bench.retry(event)

    assert (await bench.kept(event)).state == State.PUBLISHED
    assert len(bench.network.posts) == 1
