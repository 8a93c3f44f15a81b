"""`timeball retry` and `resolve` carry out what a person decides, or say why it cannot be."""

import json
from collections import UserDict
from typing import Any

import pytest

from services.console.cli import outcomes
from tests.unit.console.test_cli import answered, run

REQUESTED = {"correlation_id": "c", "post_id": "p", "state": "retrying", "pending": False}
SETTLED = {"correlation_id": "c", "post_id": "p", "account_id": "a", "state": "published", "pending": False}
RETRY_A, RETRY_B = "POST /v1/posts/p/accounts/a:retry", "POST /v1/posts/p/accounts/b:retry"
RESOLVE = "POST /v1/posts/p/accounts/a:resolve"
HELD = "POST /v1/accounts/a:retry-held"


def post(**states: str) -> dict[str, Any]:
    known: dict[str, Any] = {"post_id": "p", "lateness_ms": None, "url": None, "error": None, "reason": None}
    accounts = [known | {"account_id": account, "state": state} for account, state in states.items()]
    return {"post_id": "p", "accounts": accounts, "rejections": []}


@pytest.mark.parametrize("found", [(), ("--published", "--not-published"), ("--published", "--ask-network")])
def test_what_was_found_must_be_said_and_be_one_thing(found: tuple[str, ...]) -> None:
    result, api = answered({}, "resolve", "p", "--account", "a", *found)

    assert result.exit_code == 2
    assert "say one of --published, --not-published" in " ".join(result.stderr.replace("│", " ").split())
    assert api.requests == []


def test_a_post_is_retried_wherever_it_failed_or_is_held() -> None:
    details = post(a="failed", b="held", c="published")
    answers = {"GET /v1/posts/p": (200, details), RETRY_A: (202, REQUESTED), RETRY_B: (202, REQUESTED)}

    result, api = answered(answers, "retry", "p", "--no-wait")

    assert result.exit_code == 0
    assert [request for request, _ in api.requests] == ["GET /v1/posts/p", RETRY_A, RETRY_B]
    assert "p is published again on a\np is published again on b\n" in result.stdout


def test_a_post_is_retried_on_the_account_that_is_named() -> None:
    result, api = answered({RETRY_B: (202, REQUESTED)}, "retry", "p", "--account", "b", "--no-wait", "--json")

    assert [request for request, _ in api.requests] == [RETRY_B]
    (told,) = json.loads(result.stdout)["accounts"]
    assert (told["account_id"], told["correlation_id"], told["state"]) == ("b", "c", "retrying")


def became(**how: Any) -> dict[str, Any]:
    return post(a=how["state"]) | {"accounts": [post(a=how["state"])["accounts"][0] | how]}


def test_a_retry_ends_with_what_became_of_it() -> None:
    published = became(state="published", lateness_ms=1.24, url="https://example.org/1")

    result, _ = answered(
        {RETRY_A: (202, REQUESTED), "GET /v1/posts/p": (200, published)}, "retry", "p", "--account", "a"
    )

    assert (result.exit_code, result.stdout) == (0, "p on a is published, 1.2 ms late: https://example.org/1\n")


@pytest.mark.parametrize("state", ["failed", "held", "unknown", "skipped", "cancelled"])
def test_a_retry_that_comes_to_nothing_is_told_with_its_reason_and_the_exit_code(state: str) -> None:
    in_vain = became(state=state, error={"message": "the text is too long"})

    result, _ = answered({RETRY_A: (202, REQUESTED), "GET /v1/posts/p": (200, in_vain)}, "retry", "p", "--account", "a")

    assert (result.exit_code, result.stderr) == (1, f"p on a is {state}: the text is too long\n")


def test_a_retry_without_an_outcome_in_time_says_so_and_ends_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(outcomes, "LOOK_SECONDS", 0.01)
    waiting = became(state="retrying", error={"message": "the server answers 503"})

    result, _ = answered({RETRY_A: (202, REQUESTED), "GET /v1/posts/p": (200, waiting)}, "retry", "p", "--account", "a")

    assert result.exit_code == 5
    assert "p on a is not decided yet (retrying: the server answers 503)" in result.stdout


@pytest.mark.parametrize(("option", "code"), [("--wait", 5), ("--no-wait", 0)])
def test_a_resolution_that_is_not_answered_says_so(monkeypatch: pytest.MonkeyPatch, option: str, code: int) -> None:
    monkeypatch.setattr(outcomes, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(outcomes, "LOOK_SECONDS", 0.01)
    answers = {RESOLVE: (202, SETTLED | {"state": None, "pending": True}), "GET /v1/posts/p": (200, post(a="unknown"))}

    result, _ = answered(answers, "resolve", "p", "--account", "a", "--published", option)

    assert result.exit_code == code
    assert "the publisher has not answered yet" in result.stdout


def test_a_post_with_nothing_to_retry_says_how_it_stands() -> None:
    result, _ = answered({"GET /v1/posts/p": (200, post(a="published", b="scheduled"))}, "retry", "p")

    assert result.exit_code == 1
    assert "p is nowhere failed or held: it is published on a, scheduled on b" in result.stderr


def test_a_refusal_is_told() -> None:
    problem = {"detail": "post 'p' on 'a' is published, not failed or held", "code": "wrong_state"}

    result, _ = answered({RETRY_A: (409, problem)}, "retry", "p", "--account", "a")

    assert result.exit_code == 1
    assert "is published, not failed or held" in result.stderr


def test_all_held_posts_of_an_account_are_retried() -> None:
    page = {"account_id": "a", "correlation_id": "c", "post_ids": ["p", "q"], "next": None}

    result, api = answered({HELD: (202, page)}, "retry", "--held", "--account", "a")

    assert (result.exit_code, result.stdout) == (0, "2 held posts of a are published again\n")
    assert [request for request, _ in api.requests] == [HELD]


def test_an_account_that_holds_nothing_says_so() -> None:
    page: dict[str, Any] = {"account_id": "a", "correlation_id": "c", "post_ids": [], "next": None}

    result, _ = answered({HELD: (202, page)}, "retry", "--held", "--account", "a")

    assert result.stdout == "a holds no posts\n"


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("--account", "a"),
        ("--held",),
        ("p", "--held", "--account", "a"),
        ("--held", "--account", "a", "--account", "b"),
    ],
)
def test_what_is_to_be_retried_must_be_said(given: tuple[str, ...]) -> None:
    result = run("retry", *given)

    assert result.exit_code == 2
    assert "--account" in result.stderr


def test_a_post_is_settled_as_published_under_its_id() -> None:
    result, api = answered({RESOLVE: (202, SETTLED)}, "resolve", "p", "--account", "a", "--published", "1134")

    assert (result.exit_code, result.stdout) == (0, "p counts as published on a\n")
    assert api.requests == [(RESOLVE, {"outcome": "published", "platform_post_id": "1134"})]


def test_a_post_is_settled_as_not_published_and_how_to_send_it_is_said() -> None:
    failed = SETTLED | {"state": "failed"}

    result, api = answered({RESOLVE: (202, failed)}, "resolve", "p", "--account", "a", "--not-published")

    assert "`timeball retry p --account a` sends it" in result.stdout
    assert api.requests == [(RESOLVE, {"outcome": "not_published"})]


@pytest.mark.parametrize(
    ("becomes", "code", "said"),
    [
        ("published", 0, "p counts as published on a"),
        ("unknown", 1, "p is still unknown on a: look there"),
        ("failed", 0, "p counts as not published on a"),
        ("retrying", 5, "a is asked about p; `timeball status p` tells later"),
    ],
)
def test_the_network_is_asked_and_what_it_said_is_told(
    monkeypatch: pytest.MonkeyPatch, becomes: str, code: int, said: str
) -> None:
    monkeypatch.setattr(outcomes, "PATIENCE_SECONDS", 0.0)
    answers = {RESOLVE: (202, SETTLED | {"state": "retrying"}), "GET /v1/posts/p": (200, post(a=becomes))}

    result, api = answered(answers, "resolve", "p", "--account", "a", "--ask-network")

    assert (result.exit_code, api.requests[0]) == (code, (RESOLVE, {"outcome": "ask_network"}))
    assert said in result.output


def test_the_account_need_not_be_named_where_only_one_is_unknown() -> None:
    answers = {RESOLVE: (202, SETTLED), "GET /v1/posts/p": (200, post(a="unknown", b="published"))}

    result, api = answered(answers, "resolve", "p", "--published")

    assert (result.exit_code, result.stdout) == (0, "p counts as published on a\n")
    assert [request for request, _ in api.requests] == ["GET /v1/posts/p", RESOLVE]


@pytest.mark.parametrize(
    ("states", "code", "said"),
    [
        ({"a": "unknown", "b": "unknown"}, 2, "p is unknown on a, b"),
        ({"a": "published"}, 1, "p is nowhere unknown: it is published on a"),
    ],
)
def test_where_it_is_not_clear_which_account_is_meant_nothing_is_asked_for(
    states: dict[str, str], code: int, said: str
) -> None:
    result, api = answered({"GET /v1/posts/p": (200, post(**states))}, "resolve", "p", "--ask-network")

    assert result.exit_code == code
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert [request for request, _ in api.requests] == ["GET /v1/posts/p"]


@pytest.mark.parametrize("given", [("--account", "a"), ("1134", "--account", "a", "--not-published")])
def test_how_it_ended_must_be_said(given: tuple[str, ...]) -> None:
    assert run("resolve", "p", *given).exit_code == 2


@pytest.mark.parametrize(("patience", "code"), [(60.0, 0), (0.0, 5)])
def test_a_console_that_cannot_say_what_came_of_it_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, patience: float, code: int
) -> None:
    """It was asked for: that the database is away now says nothing else."""
    monkeypatch.setattr(outcomes, "PATIENCE_SECONDS", patience)
    monkeypatch.setattr(outcomes, "LOOK_SECONDS", 0.01)
    away = (503, {"code": "database_unavailable", "detail": "nothing was asked for, send it again"})
    looks = [away, away, (200, became(state="published", lateness_ms=1.2))]

    class Changing(UserDict[str, tuple[int, Any]]):
        def get(self, key: str, *_: Any) -> tuple[int, Any]:
            return (202, REQUESTED) if key == RETRY_A else looks.pop(0)

    result, _ = answered(Changing(), "retry", "p", "--account", "a")

    assert result.exit_code == code, result.output
    assert "nothing was asked for" not in result.output
