"""`timeball accounts limits` says how much is used up, and when the next post may start."""

from typing import Any

from tests.unit.console.test_cli import answered

LIMITS = "GET /v1/accounts/team:limits"
TOLD: dict[str, Any] = {"account_id": "team", "limits": [], "free_at": None, "closed_until": None}


def limit(most: int, seconds: float, used: int, *, is_shared: bool = False) -> dict[str, Any]:
    return {"most": most, "seconds": seconds, "used": used, "is_shared": is_shared}


def test_each_limit_is_told_with_how_much_of_it_is_used() -> None:
    told = TOLD | {
        "limits": [limit(60, 60.0, 60), limit(296, 1481.0, 12, is_shared=True)],
        "free_at": "2027-03-28T09:00:12Z",
    }

    result, _ = answered({LIMITS: (200, told)}, "accounts", "limits", "team")

    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["60", "60", "a", "minute"] in rows
    assert ["12", "296", "1481", "s", "with", "its", "app"] in rows
    assert "the next post may start at 2027-03-28" in result.stdout


def test_an_account_without_limits_says_so_and_a_closed_one_until_when() -> None:
    result, _ = answered({LIMITS: (200, TOLD | {"closed_until": "2027-03-28T09:30:00Z"})}, "accounts", "limits", "team")

    assert "nothing limits how much is sent to team" in result.stdout
    assert "the network takes no posts for it until 2027-03-28" in result.stdout


def test_a_publisher_that_does_not_answer_is_told() -> None:
    problem = {"code": "not_answered", "detail": "the publisher has not answered within 5 s"}

    result, _ = answered({LIMITS: (504, problem)}, "accounts", "limits", "team")

    assert (result.exit_code, "has not answered" in result.stderr) == (1, True)
