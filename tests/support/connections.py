"""The connections at a broker, as an operator sees and closes them."""

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import quote

from tests.nodes import Broker, manage
from tests.support.waiting import eventually


async def close_connections(broker: Broker, name: str) -> None:
    """Close those that call themselves so; one shows in the management API some seconds after it opened."""

    def close_all() -> bool:
        found = list(_named(broker, name))
        for one in found:
            manage(broker, "DELETE", f"/api/connections/{quote(one)}")
        return bool(found)

    await eventually(lambda: asyncio.to_thread(close_all), every=0.2, what=f"{name} is closed")


def _named(broker: Broker, name: str) -> Iterator[str]:
    for connection in json.loads(manage(broker, "GET", "/api/connections")):
        if connection.get("client_properties", {}).get("connection_name", "").startswith(name):
            yield connection["name"]
