"""Signing in to a network with the browser, from a terminal."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from services.console.cli.loopback import redirect
from services.console.networks.oauth import NAMED, Network, Signed, finish, start

PORT = 8765
PATIENCE_SECONDS = 300.0
NETWORK_SECONDS = 30.0

Show = Callable[[str], object]


async def signed_in(
    network: Network,
    settings: Mapping[str, Any],
    app: Mapping[str, str],
    *,
    show: Show,
    port: int = PORT,
    patience: float = PATIENCE_SECONDS,
) -> Signed:
    """Settings and credentials of whoever signs in at the address that is shown; raises SignInFailed."""
    async with redirect(port) as back, httpx.AsyncClient(timeout=NETWORK_SECONDS, headers=NAMED) as http:
        started = await start(http, network, app, back.url)
        back.state = started.state
        show(started.page)
        code = await back.code(within=patience)
        return await finish(http, network, settings, started, code=code, back=back.url, now=datetime.now(UTC))
