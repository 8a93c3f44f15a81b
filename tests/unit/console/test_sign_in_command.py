"""`timeball accounts add` starts a sign-in where tokens are missing, and only there."""

import asyncio
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.clocks.clock import SystemClock
from tests.fakes.networks.x import XFake
from tests.unit.console.fake_api import fake_api
from tests.unit.console.test_cli import answered, run

BROWSER = shlex.join([sys.executable, "-c", "import sys, urllib.request as web; web.urlopen(sys.argv[1])"]) + " %s"
CONNECTED = {"account_id": "team", "platform": "x", "connected": True, "pending": False}
ANSWERS: dict[str, tuple[int, Any]] = {"GET /v1/keys": (200, {}), "PUT /v1/accounts/team": (200, CONNECTED)}
APP = {"client_id": "timeball-app", "client_secret": "app-s3cret"}


async def timeball(*arguments: str, url: str, stdin: str) -> tuple[int | None, str, str]:
    """The command as a program of its own, with a browser that goes where it is sent."""
    own = {"TIMEBALL_URL": url, "TIMEBALL_API_TOKEN": "token", "BROWSER": BROWSER, "no_proxy": "127.0.0.1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from services.console.cli import main; main()", *arguments),
        env=os.environ | own,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin.encode())
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("denies", [False, True], ids=["allowed", "denied"])
async def test_an_account_is_connected_when_its_owner_has_signed_in(denies: bool) -> None:
    async with XFake(clock=SystemClock()).serving() as network:
        network.authority.denies = denies
        with fake_api(ANSWERS) as api:
            code, out, err = await timeball(
                *("accounts", "add", "x", "team", "--setting", f"server={network.url}", "--port", "0"),
                *("--credentials-file", "-", "--json"),
                url=api.url,
                stdin=json.dumps(APP),
            )

    assert f"{network.url}/i/oauth2/authorize?" in err
    assert [secret for secret in ["app-s3cret", *network.authority.issued] if secret in out + err] == []
    sent = [body for request, body in api.requests if request.startswith("PUT")]
    if denies:
        assert (code, sent) == (1, [])
        assert "The person said no." in err
        return
    assert (code, json.loads(out)) == (0, CONNECTED)
    assert sent[0]["credentials"].items() >= APP.items()
    assert network.authority.admits(sent[0]["credentials"]["access_token"])


@pytest.mark.parametrize(
    ("platform", "more"),
    [("x", {**APP, "access_token": "a", "refresh_token": "r"}), ("reddit", {**APP, "refresh_token": "r"})],
)
def test_nobody_need_sign_in_who_brings_the_tokens(platform: str, more: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps(more))

    result, api = answered(ANSWERS, "accounts", "add", platform, "team", "--credentials-file", str(file))

    assert result.exit_code == 0
    assert [(request, body["credentials"]) for request, body in api.requests] == [("PUT /v1/accounts/team", more)]


def test_no_sign_in_sends_what_there_is(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps(APP))

    result, api = answered(ANSWERS, "accounts", "add", "x", "team", "--no-sign-in", "--credentials-file", str(file))

    assert result.exit_code == 0
    assert api.requests[0][1]["credentials"] == APP


def test_what_a_sign_in_needs_is_named() -> None:
    result = run("accounts", "add", "x", "team", "--credentials-file", "-", stdin="{}")

    assert result.exit_code == 2
    assert "client_id is missing" in result.stderr


def test_a_console_that_is_not_there_is_told_before_anybody_signs_in() -> None:
    result = run("accounts", "add", "x", "team", "--credentials-file", "-", stdin=json.dumps(APP))

    assert result.exit_code == 3
    assert "Sign in" not in result.stderr


def test_a_key_of_an_app_that_is_no_text_is_told_before_anybody_signs_in(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps({"client_id": 123456789, "client_secret": "app-s3cret"}))

    result, api = answered(
        ANSWERS, "accounts", "add", "linkedin", "team", "--port", "0", "--credentials-file", str(file)
    )

    assert result.exit_code == 2
    assert "--credentials-file: client_id must be a text" in " ".join(result.stderr.split())
    assert api.requests == []
