"""`timeball tokens` creates, lists and revokes; a secret is printed once, alone on stdout."""

import json

from services.console.cli.local_times import shown_zone
from tests.unit.console.test_cli import answered

TOKEN = {
    "name": "shop-backend",
    "scope": "write",
    "created_at": "2027-03-28T12:00:00Z",
    "created_by": "local",
    "expires_at": None,
    "expired": False,
    "last_used_at": None,
}
CREATED = TOKEN | {"secret": "tbl_secret"}


def test_tokens_are_listed_with_their_last_use() -> None:
    tokens = [TOKEN, TOKEN | {"name": "old", "expired": True, "expires_at": "2027-01-01T00:00:00Z"}]

    result, _ = answered({"GET /v1/tokens": (200, {"tokens": tokens})}, "tokens", "list")

    assert result.exit_code == 0
    for word in ("shop-backend", "write", "never", "local", "expired"):
        assert word in result.stdout


def test_a_created_tokens_secret_is_all_that_a_pipe_gets() -> None:
    result, api = answered(
        {"POST /v1/tokens": (201, CREATED | {"expires_at": "2027-06-26T12:00:00Z"})},
        *("tokens", "create", "shop-backend", "--scope", "write", "--days", "90"),
    )

    assert result.stdout == "tbl_secret\n"
    assert "cannot be shown again" in result.stderr
    assert f"({shown_zone()})" in result.stderr
    ((_, body),) = api.requests
    assert (body["name"], body["scope"]) == ("shop-backend", "write")
    assert body["expires_at"]


def test_a_token_reads_and_does_not_expire_unless_it_is_said() -> None:
    result, api = answered({"POST /v1/tokens": (201, CREATED)}, "tokens", "create", "anna", "--json")

    assert json.loads(result.stdout) == CREATED
    assert api.requests[0][1] == {"name": "anna", "scope": "read"}


def test_a_token_is_revoked_by_name() -> None:
    revoke = "DELETE /v1/tokens/shop-backend"

    result, api = answered({revoke: (200, {"name": "shop-backend"})}, "tokens", "revoke", "shop-backend")

    assert (result.exit_code, result.stdout) == (0, "shop-backend is revoked\n")
    assert [request for request, _ in api.requests] == [revoke]


def test_a_scope_that_is_too_small_is_said() -> None:
    refusal = {"code": "scope_needed", "detail": "this needs a token with the scope `admin`; 'anna' has `read`"}

    result, _ = answered({"GET /v1/tokens": (403, refusal)}, "tokens", "list")

    assert result.exit_code == 1
    assert "scope `admin`" in result.stderr
