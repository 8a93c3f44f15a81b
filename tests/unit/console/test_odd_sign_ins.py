"""Keys of an app that nobody can have been given, and networks that answer oddly, are told as what they are."""

from datetime import UTC, datetime

import httpx
import pytest

from services.console.networks.oauth import SignInFailed, finish, network_of, start

NOW = datetime(2027, 3, 28, 12, tzinfo=UTC)
BACK = "http://127.0.0.1:8765/callback"


async def sign_in(platform: str, app: dict[str, str], **told: object) -> None:
    """Sign in at a network that gives these tokens."""
    network = network_of(platform, {})
    assert network
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=told))) as http:
        started = await start(http, network, app, BACK)
        await finish(http, network, {}, started, code="code", back=BACK, now=NOW)


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
@pytest.mark.parametrize("extra", ["\u200b", "\u201d", "\u00a0", "\n", "\ud800"])
async def test_a_key_with_a_character_that_no_key_has_is_refused_before_anybody_signs_in(name: str, extra: str) -> None:
    app = {"client_id": "timeball", "client_secret": "s3cret"}

    with pytest.raises(SignInFailed, match=f"^app.{name}: ") as failed:
        await sign_in("x", app | {name: app[name] + extra}, access_token="a")

    assert "s3cret" not in str(failed.value)


async def test_a_token_that_no_header_takes_is_the_networks_fault() -> None:
    with pytest.raises(SignInFailed, match=r"api\.linkedin\.com"):
        await sign_in("linkedin", {"client_id": "timeball", "client_secret": "s3cret"}, access_token="a\u2028")
