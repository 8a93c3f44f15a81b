"""What waited is decided in its order once the publisher has answered, each on what those before it left."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.scheduler.decider import Decider
from services.scheduler.domain import Accepted, Cancelled, Decision, KnownAccount, Rejected, Schedule
from services.scheduler.origin import Origin
from services.scheduler.pending import PendingRequest, pending_cancellation, pending_edit
from services.scheduler.wanted_posts import WantedPost, posts_wanted_by
from shared.events.progress import State
from tests.support.schedules import DUE, NOON, post, schedule, wanted

KEY = ("post-1", "acct-1")
CONNECTED = {"acct-1": KnownAccount(connected=True)}
HOUR = timedelta(hours=1)
BY = Origin("c-2", "m-2", NOON)


def edit(text: str, position: int = 0, **changes: Any) -> PendingRequest:
    return pending_edit(wanted(content=text, **changes), position, BY)


def cancel(position: int = 0) -> PendingRequest:
    return pending_cancellation(*KEY, position, BY)


def asked_for(*requests: PendingRequest, **changes: Any) -> Schedule:
    usual: dict[str, Any] = {"state": State.DISPATCHED, "pending": len(requests)}
    return schedule(**usual | changes)


def settled(
    current: Schedule, *requests: PendingRequest, is_taken_back: bool, accounts: Any = None
) -> tuple[Decider, list[Decision]]:
    """The decider an hour later, and what it decided."""
    decider = Decider({KEY: current}, CONNECTED if accounts is None else accounts, NOON + HOUR)
    return decider, decider.settle(requests, is_taken_back=is_taken_back)


def told(decisions: list[Decision]) -> list[tuple[str, Any]]:
    return [
        ("rejected", one.code) if isinstance(one, Rejected) else (type(one).__name__.lower(), one.schedule.revision)  # type: ignore[union-attr]
        for one in decisions
    ]


def test_an_edit_is_carried_out_and_supersedes_what_was_taken_back() -> None:
    decider, (decision,) = settled(asked_for(edit("new")), edit("new"), is_taken_back=True)

    assert isinstance(decision, Accepted)
    assert (decision.superseded, decision.changed, decision.is_known) == (1, True, True)
    new = schedule(wanted(content="new"), revision=2, correlation_id="c-2", updated_at=NOON + HOUR, asked_at=NOON)
    assert decider.changed == {KEY: new}


def test_a_cancellation_is_carried_out() -> None:
    decider, (decision,) = settled(asked_for(cancel()), cancel(), is_taken_back=True)

    assert isinstance(decision, Cancelled)
    assert (decider.changed[KEY].state, decider.changed[KEY].revision, decider.changed[KEY].pending) == (
        State.CANCELLED,
        2,
        0,
    )


@pytest.mark.parametrize(
    ("requests", "expected", "state", "text"),
    [
        (
            [edit("new"), edit("new", 1), cancel(2), cancel(3), edit("Hello", 4)],
            [("accepted", 2), ("accepted", 2), ("cancelled", 3), ("cancelled", 3), ("accepted", 4)],
            State.SCHEDULED,
            "Hello",
        ),
        ([edit("new"), edit("Hello", 1)], [("accepted", 2), ("accepted", 3)], State.SCHEDULED, "Hello"),
        ([cancel(), edit("Hello", 1)], [("cancelled", 2), ("accepted", 3)], State.SCHEDULED, "Hello"),
        (
            [edit("new"), edit("other", 1, expected_revision=1), edit("third", 2, expected_revision=2)],
            [("accepted", 2), ("rejected", "conflict"), ("accepted", 3)],
            State.SCHEDULED,
            "third",
        ),
        ([edit("new"), edit("", 1)], [("accepted", 2), ("rejected", "invalid")], State.SCHEDULED, "new"),
    ],
)
def test_what_waited_is_decided_in_its_order(
    requests: list[PendingRequest], expected: list[tuple[str, Any]], state: State, text: str
) -> None:
    decider, decisions = settled(asked_for(*requests), *requests, is_taken_back=True)

    assert told(decisions) == expected
    assert (decider.schedules[KEY].state, decider.schedules[KEY].content) == (state, text)
    assert (decider.schedules[KEY].pending, decider.waiting) == (0, [])


@pytest.mark.parametrize("state", [State.PUBLISHED, State.UNKNOWN, State.RETRYING, State.DISPATCHED])
def test_what_is_or_may_be_out_rejects_all_but_the_same_again(state: State) -> None:
    requests = [edit("new"), cancel(1), edit("Hello", 2)]

    decider, decisions = settled(asked_for(*requests, state=state), *requests, is_taken_back=False)

    assert told(decisions) == [("rejected", "already_published")] * 2 + [("accepted", 1)]
    assert decider.changed == {}


def test_an_edit_that_was_in_time_is_not_too_late_because_the_publisher_was_away() -> None:
    """Its time passed while it waited; its late policy says what becomes of it."""
    soon = edit("new", publish_at=NOON + timedelta(minutes=1))

    decider, _ = settled(asked_for(soon), soon, is_taken_back=True)

    assert decider.changed[KEY].publish_at == NOON + timedelta(minutes=1)


def test_an_edit_without_a_time_is_due_when_it_was_asked_for() -> None:
    now = edit("new", publish_at=None)

    decider, _ = settled(asked_for(now), now, is_taken_back=True)

    assert decider.changed[KEY].publish_at == NOON


def test_an_account_that_was_disconnected_meanwhile_does_not_lose_the_post_that_was_taken_back() -> None:
    gone = {"acct-1": KnownAccount(connected=False)}

    decider, decisions = settled(
        asked_for(edit("new")), edit("new"), edit("other", 1), is_taken_back=True, accounts=gone
    )

    assert told(decisions) == [("accepted", 2), ("rejected", "unknown_account")]
    assert decider.changed[KEY].content == "new"


def test_an_edit_on_an_account_not_heard_of_is_accepted_as_such() -> None:
    _, (decision,) = settled(asked_for(edit("new")), edit("new"), is_taken_back=True, accounts={})

    assert isinstance(decision, Accepted)
    assert decision.is_known is False


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"publish_at": None},
        {"publish_at": {"local": "2027-03-28T13:00", "zone": "Europe/Berlin"}},
        {"publish_at": (DUE + timedelta(microseconds=1)).isoformat()},
        {"content": "Grüße 👋\n", "media": [{"url": "https://x.example/a", "alt": "ü"}], "expected_revision": 3},
        {"retry": {"attempts": 7}, "late_policy": {"mode": "skip"}, "callback_url": "https://x.example/hook"},
    ],
    ids=",".join,
)
def test_what_waits_in_the_database_is_what_was_asked_for(changes: dict[str, Any]) -> None:
    (wanted,) = posts_wanted_by(post(**changes))

    kept = pending_edit(wanted, 0, BY).wanted

    assert kept == wanted
    assert isinstance(kept, WantedPost)
    assert kept.fingerprint == wanted.fingerprint


def test_a_request_says_why_the_revision_before_is_to_be_taken_back() -> None:
    assert (edit("new").reason, cancel().reason) == ("superseded", "cancelled")
    assert replace(cancel(), position=3).wanted is None
