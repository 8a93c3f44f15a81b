"""Connecting an account anew: what its network says of the credentials decides, and nothing else."""

import asyncio
from typing import Any
from uuid import uuid4

from shared.events.progress import State
from shared.events.requests import AccountConnectRequested
from shared.messaging.envelope import Delivery
from shared.secrets.sealing import seal
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Network, Reply
from tests.integration.publisher.conformance.bench import ACCOUNT, Bench
from tests.integration.publisher.conformance.cases import over
from tests.support.publications import SECOND

PAGE = Reply(403, b"<html><title>Just a moment...</title></html>")


async def connect(bench: Bench, credentials: dict[str, Any]) -> None:
    """Ask for it with these credentials; pauses between trials pass at once."""
    request = AccountConnectRequested(
        account_id=ACCOUNT,
        platform=bench.platform_name,
        settings=bench.case.settings(bench.network),
        sealed_credentials=seal(credentials, bench.key.public_key),
    )
    delivery = Delivery(request, uuid4().hex, "correlation")
    connecting = asyncio.create_task(bench.replica.connecting.on_account_connect_requested(delivery))
    while not connecting.done():
        await asyncio.wait({connecting}, timeout=0.2)
        bench.clock.put_forward(SECOND)
    await connecting


def behind_a_proxy(network: Network) -> Any:
    """Until the answer is called, a proxy answers every request in the network's place."""
    own = network.answer

    def answer(call: Call) -> Reply:
        return PAGE

    network.answer = answer  # type: ignore[method-assign]
    return lambda: setattr(network, "answer", own)


@over(lambda case: case.can_be_asked)
async def test_credentials_that_are_no_longer_good_are_refused(bench: Bench) -> None:
    old = bench.case.credentials(bench.network)
    bench.case.revoke(bench.network)

    await connect(bench, old)

    refused = await bench.fact("account.connect_failed")
    assert "credentials." in refused["error"]["message"]


@over(lambda case: case.can_be_asked)
async def test_the_page_of_a_proxy_neither_connects_an_account_nor_ends_one(bench: Bench) -> None:
    before = await bench.stored_account()
    let_through = behind_a_proxy(bench.network)

    await connect(bench, bench.case.credentials(bench.network))

    let_through()
    refused = await bench.fact("account.connect_failed")
    assert "could not be tried" in refused["error"]["message"]
    assert await bench.stored_account() == before
    event = bench.post()
    await bench.publish(event)
    assert (await bench.kept(event)).state == State.PUBLISHED
