"""What a network says to a post, and what becomes of it."""

from datetime import datetime, timedelta

from shared.events.progress import State
from tests.fakes.networks.base import HANGS
from tests.integration.publisher.conformance.bench import Bench
from tests.integration.publisher.conformance.case import BUSY_FOR
from tests.integration.publisher.conformance.cases import over_each
from tests.support.waiting import LATE

ROUNDED = timedelta(seconds=3)
"""By so much a network's whole seconds may differ."""


async def test_a_post_appears_at_its_instant_with_its_id_and_address(bench: Bench) -> None:
    event = bench.post(due_in=0.6)

    await bench.publish(event)

    (posted,) = bench.network.posts
    assert bench.case.text_of(posted) == event.content
    told = await bench.fact("publish.succeeded")
    assert (told["platform_post_id"], told["url"]) == (posted.id, bench.case.url_of(bench.network, posted))
    assert (told["attempts"], told["platform"]) == (1, bench.platform_name)
    assert told["lateness_ms"] >= 0
    assert [call.at >= event.publish_at for call in bench.network.publishing_calls()] == [True]


@over_each("style", lambda case: case.busy)
async def test_a_limit_is_waited_for_and_costs_no_attempt(bench: Bench, style: str) -> None:
    bench.network.faults.append(bench.case.busy[style](bench.clock.now()))
    asked_at, event = bench.clock.now(), bench.post()

    await bench.publish(event)

    (_, waited), *_ = await bench.told("publish.retrying")
    wait = datetime.fromisoformat(waited["next_attempt_at"]) - asked_at
    assert waited["error"]["class"] == "rate_limited"
    assert BUSY_FOR - ROUNDED <= wait <= BUSY_FOR + LATE
    assert (await bench.fact("publish.succeeded"))["attempts"] == 1
    assert len(bench.network.posts) == 1


async def test_an_overloaded_network_is_tried_again_with_backoff_and_costs_no_try(bench: Bench) -> None:
    bench.network.faults += [bench.case.overloaded] * 2
    began_at = bench.clock.now()

    await bench.publish(bench.post())

    retries = [body for _, body in await bench.told("publish.retrying")]
    assert [retry["error"]["class"] for retry in retries] == ["unavailable"] * 2
    assert (await bench.fact("publish.succeeded"))["attempts"] == 1
    assert len(bench.network.posts) == 1
    assert bench.clock.now() - began_at >= timedelta(seconds=5 + 10 - 2)


async def test_a_refusal_is_final_and_told_in_the_networks_own_words(bench: Bench) -> None:
    bench.network.faults.append(bench.case.refusal)
    event = bench.post()

    await bench.publish(event)

    told = await bench.fact("publish.failed")
    assert (told["error"]["class"], told["attempts"]) == ("rejected", 1)
    assert bench.case.refused_with in told["error"]["message"]
    assert [bench.case.refused_with in reason for reason in bench.parked] == [True]
    assert (await bench.kept(event)).state == State.FAILED
    assert (bench.network.posts, len(bench.network.publishing_calls())) == ([], 1)


async def test_a_slow_network_is_not_waited_for_for_ever(bench: Bench) -> None:
    bench.hurry(0.5)
    bench.network.faults.append(HANGS)
    event = bench.post()

    await bench.deliver(event)

    assert (await bench.kept(event)).state != State.PUBLISHED
    assert bench.clock.now() - event.publish_at < LATE


@over_each("wrong", lambda case: case.wrong_options)
async def test_options_that_cannot_work_are_refused_before_the_instant(bench: Bench, wrong: str) -> None:
    event = bench.post(due_in=8, options=bench.case.wrong_options[wrong])

    await bench.publish(event)

    told = await bench.fact("publish.failed")
    assert wrong in told["error"]["message"]
    assert bench.clock.now() < event.publish_at
    assert bench.network.publishing_calls() == []
