"""`timeball audit` shows who did what, and asks for what is wanted."""

import json

from tests.unit.console.test_cli import answered

ACT = {
    "act_id": "a",
    "who": "anna",
    "via": "page",
    "address": "198.51.100.7",
    "act": "cancel_post",
    "objects": [{"kind": "post", "id": f"sale-{number}"} for number in range(4)],
    "count": 300,
    "outcome": "refused",
    "code": "conflict",
    "request_id": "r",
    "acted_at": "2027-03-28T12:00:00Z",
}
PAGE = {"acts": [ACT], "next": "the-next"}


def test_acts_are_shown_with_who_what_whence_and_how_they_ended() -> None:
    result, api = answered({"GET /v1/audit": (200, PAGE)}, "audit", "--who", "anna", "--on", "sale-1", "--limit", "1")

    assert result.exit_code == 0
    for word in ("anna", "cancel_post", "sale-2 and 297 more", "refused (conflict)", "page, 198.51.100.7"):
        assert word in result.stdout
    assert "sale-3" not in result.stdout
    assert "--cursor the-next" in result.stderr
    assert [request for request, _ in api.requests] == ["GET /v1/audit?who=anna&object=sale-1&limit=1"]


def test_json_is_what_the_console_answered() -> None:
    result, _ = answered({"GET /v1/audit": (200, PAGE)}, "audit", "--json")

    assert json.loads(result.stdout) == PAGE
