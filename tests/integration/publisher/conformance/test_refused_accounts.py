"""An account that its network has refused is asked no more: a thousand posts make no thousand refused requests."""

import pytest

from shared.events.progress import State
from tests.fakes.networks.base import refuses
from tests.integration.publisher.conformance.bench import Bench
from tests.integration.publisher.conformance.cases import over


async def test_once_refused_an_account_holds_its_posts_without_asking(bench: Bench) -> None:
    bench.case.revoke(bench.network)
    await bench.publish(bench.post())
    calls = len(bench.network.calls)

    later = bench.post()
    await bench.publish(later)

    assert (await bench.kept(later)).state == State.HELD
    assert len(bench.network.calls) == calls
    assert len(await bench.told("account.refresh_failed")) == 1


@over(lambda case: case.name == "webhook")
async def test_a_webhook_that_is_gone_holds_its_posts_until_it_is_connected_again(bench: Bench) -> None:
    bench.network.faults.append(refuses(410, {"message": "we have moved on"}))
    event = bench.post()

    await bench.publish(event)

    assert (await bench.kept(event)).state == State.HELD
    assert "410" in (await bench.fact("publish.held"))["reason"]
    refused = await bench.fact("account.refresh_failed")
    assert (refused["needs_reconnect"], refused["error"]["code"]) == (True, "410")

    await bench.connect()
    await bench.retry(event)

    assert (await bench.kept(event)).state == State.PUBLISHED


@over(lambda case: case.name == "webhook")
@pytest.mark.parametrize("status", [400, 403, 404, 422])
async def test_a_webhook_s_other_refusals_concern_the_post_alone(bench: Bench, status: int) -> None:
    bench.network.faults.append(refuses(status, b""))
    first, second = bench.post(), bench.post()

    await bench.publish(first)
    await bench.publish(second)

    assert [(await bench.kept(event)).state for event in (first, second)] == [State.FAILED, State.PUBLISHED]
