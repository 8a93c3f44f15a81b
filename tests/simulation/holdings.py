"""The accounts that people have on the model networks, and how each is connected."""

import json
from collections.abc import Mapping
from typing import Any

from shared.events.requests import AccountConnectRequested, AccountLimits
from tests.simulation.networks import instant
from tests.simulation.servers import Network, X

PLATFORMS = {"lookups": "sandbox"}
"""The platform of each kind of network, where it is called otherwise."""
SECRET = "whsec_" + "A" * 32


def connection(
    account_id: str, network: Network, generation: int, limits: Mapping[str, int] | None, now: float
) -> AccountConnectRequested:
    """The request to connect an account, with fresh credentials; nothing is really sealed."""
    settings, credentials = _settings(network), _credentials(account_id, network, generation, now)
    return AccountConnectRequested(
        account_id=account_id,
        platform=PLATFORMS.get(network.kind, network.kind),
        settings=settings,
        sealed_credentials=json.dumps(credentials) if credentials else None,
        limits=AccountLimits(**limits) if limits else None,
    )


def token(account_id: str, generation: int) -> str:
    """The access token that an account of `mastodon` was connected with, the first time, the second …."""
    return f"{account_id}/{generation}"


def _settings(network: Network) -> dict[str, Any]:
    if network.kind in ("mastodon", "x"):
        return {"server": f"https://{network.host}"}
    more = {"answers_lookups": True} if network.kind == "lookups" else {}
    return {"url": f"https://{network.host}/", **more}


def _credentials(account_id: str, network: Network, generation: int, now: float) -> dict[str, Any] | None:
    if isinstance(network, X):
        pair = network.issue(account_id, now)
        ends_at = instant(pair.ends_at).isoformat()
        tokens = {"access_token": pair.access, "refresh_token": pair.refresh, "expires_at": ends_at}
        return {"client_id": "app", **tokens}
    if network.kind == "mastodon":
        return {"access_token": token(account_id, generation)}
    return {"secret": SECRET} if network.kind == "webhook" else None
