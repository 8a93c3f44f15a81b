"""`timeball bulk` says which posts it is about before anything is done, follows what goes on, and tells what became."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.support.fork_server import ROOT
from tests.support.waiting import PATIENCE, eventually
from tests.unit.console.fake_api import FakeApi, fake_api
from tests.unit.console.test_cli import COMMAND, answered, run

RUN: dict[str, Any] = {
    "id": "r-1", "act": "cancel", "move": None, "state": "prepared", "as_of": "2027-03-28T07:00:00Z",
    "asked_by": "anna", "total": 2, "done": 0, "pending": 0, "refused": 0, "in_the_past": 0, "ended_at": None,
}  # fmt: skip
ITEMS = {"items": [{"position": 0, "post_id": "p", "account_id": "a", "outcome": None, "reason": None}], "next": None}
REFUSED = {"items": [ITEMS["items"][0] | {"outcome": "refused", "reason": "it is published"}], "next": None}  # type: ignore[index]
PREPARE, LIST, BEGIN, LOOK, LEAVE = (
    "POST /v1/bulk", "GET /v1/bulk/r-1/items", "POST /v1/bulk/r-1:start", "GET /v1/bulk/r-1", "DELETE /v1/bulk/r-1",
)  # fmt: skip
DONE = RUN | {"state": "done", "done": 2}
ANSWERS = {
    PREPARE: (201, RUN),
    LIST: (200, ITEMS),
    BEGIN: (202, RUN | {"state": "running"}),
    LOOK: (200, DONE),
    LEAVE: (202, RUN | {"state": "stopped"}),
}


def asked(api: Any) -> list[str]:
    return [request.partition("?")[0] for request, _ in api.requests]


def test_what_matches_is_shown_and_done_once_it_is_confirmed() -> None:
    result, api = answered(ANSWERS, "bulk", "cancel", "--account", "a", "--q", "sale", stdin="y\n")

    assert result.exit_code == 0, result.output
    assert asked(api) == [PREPARE, LIST, BEGIN, LOOK]
    assert api.requests[0][1] == {"act": "cancel", "account_id": ["a"], "q": "sale"}
    assert "2 posts as of" in result.stdout
    assert "Cancel 2 posts?" in result.stderr
    assert "2 of 2 posts cancelled" in result.stdout


@pytest.mark.parametrize(("option", "act"), [("--published", "published"), ("--not-published", "not_published")])
def test_of_unknown_posts_one_says_what_one_has_found(option: str, act: str) -> None:
    shown = {name: (status, body | {"act": act}) for name, (status, body) in ANSWERS.items() if name != LIST}

    result, api = answered(shown | {LIST: ANSWERS[LIST]}, "bulk", "resolve", option, "--account", "a", stdin="y\n")

    assert result.exit_code == 0, result.output
    assert api.requests[0][1] == {"act": act, "account_id": ["a"]}
    assert "You have looked at the network" in result.stderr
    assert f"2 of 2 posts resolved as {act.replace('_', ' ')}" in result.stdout


def test_networks_are_asked_about_unknown_posts() -> None:
    shown = {name: (status, body | {"act": "ask_network"}) for name, (status, body) in ANSWERS.items() if name != LIST}

    result, api = answered(
        shown | {LIST: ANSWERS[LIST]}, "bulk", "resolve", "--ask-network", "--account", "a", stdin="y\n"
    )

    assert result.exit_code == 0, result.output
    assert api.requests[0][1] == {"act": "ask_network", "account_id": ["a"]}
    assert "Ask the network about 2 posts?" in result.stderr
    assert "2 of 2 posts asked of their networks" in result.stdout


@pytest.mark.parametrize("option", ["--published", "--not-published"])
def test_what_was_found_is_not_said_of_all_posts_there_are(option: str) -> None:
    result, api = answered(ANSWERS, "bulk", "resolve", option)

    assert result.exit_code == 2
    assert "say which posts: --account, --q, --from or --before" in " ".join(result.stderr.split())
    assert api.requests == []


def test_of_all_unknown_posts_the_networks_may_be_asked() -> None:
    _, api = answered(ANSWERS, "bulk", "resolve", "--ask-network", "--dry-run")

    assert api.requests[0] == (PREPARE, {"act": "ask_network"})


def test_nothing_is_resolved_without_saying_how() -> None:
    result, api = answered(ANSWERS, "bulk", "resolve", "--account", "a")

    assert (result.exit_code, asked(api)) == (2, [])


def test_who_says_no_has_changed_nothing() -> None:
    result, api = answered(ANSWERS, "bulk", "cancel", "--state", "scheduled", stdin="n\n")

    assert result.exit_code == 1
    assert asked(api) == [PREPARE, LIST, LEAVE]


def test_a_move_into_the_past_is_told_before_one_says_yes() -> None:
    answers = ANSWERS | {PREPARE: (201, RUN | {"act": "move", "in_the_past": 1})}

    result, _ = answered(answers, "bulk", "move", "--by=-2d", "--account", "a", stdin="n\n")

    assert "1 post would then be due in the past, and be refused" in result.stdout


def test_a_run_that_nobody_has_started_says_so() -> None:
    result, _ = answered({LOOK: (200, RUN | {"state": "expired"})}, "bulk", "follow", "r-1")

    assert (result.exit_code, "nothing was done: it was not started within an hour" in result.stdout) == (1, True)


def test_a_dry_run_only_shows_what_matches() -> None:
    result, api = answered(ANSWERS, "bulk", "retry", "--state", "failed", "--dry-run")

    assert (result.exit_code, asked(api)) == (0, [PREPARE, LIST, LEAVE])
    assert "and 1 more" in result.stdout


def test_nothing_that_matches_is_no_failure() -> None:
    none = {PREPARE: (201, RUN | {"act": "retry", "total": 0}), LIST: (200, {"items": [], "next": None})}

    result, api = answered(ANSWERS | none, "bulk", "retry", "--account", "a", "--yes")

    assert (result.exit_code, asked(api)) == (0, [PREPARE, LIST, LEAVE])
    assert result.stdout == "no post that matches has failed or is held\n"


def test_what_was_refused_is_told_with_its_reason() -> None:
    over = RUN | {"state": "done", "done": 1, "refused": 1}

    result, _ = answered(ANSWERS | {LOOK: (200, over), LIST: (200, REFUSED)}, "bulk", "cancel", "--q", "x", "--yes")

    assert result.exit_code == 1
    assert "1 of 2 posts cancelled" in result.stdout
    assert "p on a: it is published" in result.stderr


def test_the_answer_in_json_is_one_object() -> None:
    result, _ = answered(ANSWERS, "bulk", "cancel", "--q", "x", "--yes", "--json")

    assert json.loads(result.stdout) == {"run": DONE, "refused": []}


@pytest.mark.parametrize(
    ("given", "move"),
    [
        (("--by", "1d"), {"days": 1, "seconds": 0, "zone": "Europe/Berlin"}),
        (("--by=-90m",), {"days": 0, "seconds": -5400, "zone": "Europe/Berlin"}),
        (("--by", "1d12h"), {"days": 1, "seconds": 43_200, "zone": "Europe/Berlin"}),
        (
            ("--to", "2027-03-28 09:00", "--every", "5m"),
            {"to": {"local": "2027-03-28T09:00:00", "zone": "Europe/Berlin"}, "every_seconds": 300},
        ),
        (("--to", "2027-03-28T09:00Z"), {"to": "2027-03-28T09:00:00+00:00", "every_seconds": 0}),
    ],
)
def test_how_far_posts_are_moved_is_said_as_people_say_it(given: tuple[str, ...], move: dict[str, Any]) -> None:
    result, api = answered(ANSWERS, "bulk", "move", *given, "--zone", "Europe/Berlin", "--q", "x", "--yes")

    assert result.exit_code == 0, result.output
    assert api.requests[0][1]["move"] == move


def test_a_time_of_this_machine_is_sent_as_an_instant() -> None:
    _, api = answered(ANSWERS, "bulk", "cancel", "--from", "2027-03-28T09:00+02:00", "--dry-run")

    assert api.requests[0][1] == {"act": "cancel", "due_from": "2027-03-28T09:00:00+02:00"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("cancel",), "--state"),
        (("move", "--q", "x"), "--by"),
        (("move", "--q", "x", "--by", "1d", "--to", "2027-03-28T09:00Z"), "--by"),
        (("move", "--q", "x", "--by", "soon"), "soon"),
        (("move", "--q", "x", "--by", "1.5d"), "1.5d"),
        (("cancel", "--from", "2027-03-28"), "2027-03-28 09:00"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(given: tuple[str, ...], named: str) -> None:
    result = run("bulk", *given)

    assert result.exit_code == 2
    assert named in result.stderr


async def test_ctrl_c_leaves_it_going_and_says_how_to_follow_or_stop_it() -> None:
    with fake_api(ANSWERS | {LOOK: (200, RUN | {"state": "running"})}) as api, following(api) as process:
        await eventually(lambda: LOOK in asked(api), what="the run is followed")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert "`timeball bulk follow r-1`" in told
    assert "`timeball bulk stop r-1`" in told
    assert LEAVE not in asked(api)


async def test_a_console_that_goes_away_meanwhile_leaves_the_same_way_out() -> None:
    with ExitStack() as running:
        api = running.enter_context(fake_api(ANSWERS | {LOOK: (200, RUN | {"state": "running"})}))
        with following(api) as process:
            await eventually(lambda: LOOK in asked(api), what="the run is followed")
            running.close()
            _, told = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert "`timeball bulk follow r-1`" in told


@contextmanager
def following(api: FakeApi) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own, while it follows a run."""
    environment = os.environ | {"TIMEBALL_URL": api.url, "TIMEBALL_API_TOKEN": "t"}
    argv = [*COMMAND, "bulk", "cancel", "--q", "x", "--yes"]
    process = subprocess.Popen(argv, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_runs_are_listed_followed_and_stopped() -> None:
    listed, _ = answered({"GET /v1/bulk": (200, {"runs": [DONE]})}, "bulk", "list")
    followed, _ = answered(ANSWERS, "bulk", "follow", "r-1")
    stopped, _ = answered({LEAVE: (202, RUN | {"state": "stopped", "done": 1})}, "bulk", "stop", "r-1")

    assert "r-1" in listed.stdout
    assert "2 of 2 posts cancelled" in followed.stdout
    assert "1 of 2 posts cancelled; stopped, the other 1 are as they were" in stopped.stdout
