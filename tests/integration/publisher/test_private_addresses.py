"""Posts whose server we may not reach any more wait until the mistake is mended."""

from pathlib import Path

from tests.nodes import Broker
from tests.support.system import a_request, running_system

FORBIDDEN = {"TIMEBALL_ALLOW_PRIVATE_ADDRESSES": "false"}


async def test_a_post_waits_while_a_setting_forbids_its_servers_address(broker_node: Broker, tmp_path: Path) -> None:
    async with running_system(tmp_path, broker_node, "publisher") as world:
        await world.connect("plain")
        await world.processes[0].stop()

        mistaken = await world.start("publisher", env=FORBIDDEN)
        await world.bus.emit(a_request("p-1"))
        retrying = await world.bus.fact("publish.retrying", post_id="p-1")
        await mistaken.stop()
        await world.start("publisher")
        outcome = await world.bus.outcome("p-1")

    assert retrying.body["error"]["code"] == "forbidden_address"
    assert "TIMEBALL_ALLOW_PRIVATE_ADDRESSES" in retrying.body["error"]["message"]
    assert (outcome.type, outcome.body["attempts"]) == ("publish.succeeded", 1)
