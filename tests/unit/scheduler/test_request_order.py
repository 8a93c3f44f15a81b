"""Requests of one post count in the order in which they arrived, though some of them had to be put off."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.scheduler.decider import Decider
from services.scheduler.domain import Accepted, Cancelled, Decision, Rejected, Schedule, Waiting
from services.scheduler.origin import Origin
from services.scheduler.requests import cancel_request
from services.scheduler.turns import TURNS, turns
from services.scheduler.unmet import REMEMBERED, NotedHere
from shared.events.progress import State
from shared.events.requests import ScheduleCancelRequested
from tests.support.schedules import NOON, schedule, wanted

KEY = ("post-1", "acct-1")
SECOND = timedelta(seconds=1)


def at(seconds: float, *, was_put_off: bool = False) -> Origin:
    """Where a request comes from that arrived so long after noon."""
    return Origin("c-1", f"m-{seconds}", NOON + seconds * SECOND, was_put_off)


def decider(*schedules: Schedule, **known: Any) -> Decider:
    return Decider({one.key: one for one in schedules}, {}, NOON + timedelta(minutes=1), **known)


def scheduled(text: str, asked_at: datetime = NOON, **changes: Any) -> Schedule:
    return schedule(wanted(content=text), asked_at=asked_at, **changes)


def is_conflict(decision: Decision) -> bool:
    return isinstance(decision, Rejected) and decision.code == "conflict"


def test_an_edit_that_comes_back_does_not_win_over_one_that_arrived_later() -> None:
    decisions = decider(scheduled("first"))
    decisions.schedule(wanted(content="B"), at(2))

    refused = decisions.schedule(wanted(content="A"), at(1, was_put_off=True))

    assert is_conflict(refused)
    assert decisions.schedules[KEY].content == "B"


def test_an_edit_that_comes_back_wins_over_what_was_there_when_it_arrived() -> None:
    decisions = decider(scheduled("first"))

    accepted = decisions.schedule(wanted(content="A"), at(1, was_put_off=True))

    assert isinstance(accepted, Accepted)
    assert decisions.schedules[KEY].content == "A"


@pytest.mark.parametrize("order", list(permutations([("A", 1), ("B", 2), ("C", 3)])))
def test_however_those_that_were_put_off_come_back_the_last_to_arrive_wins(order: Any) -> None:
    decisions = decider(scheduled("first"))

    for text, arrived in order:
        decisions.schedule(wanted(content=text), at(arrived, was_put_off=True))

    assert decisions.schedules[KEY].content == "C"


def test_whoever_confirms_what_is_there_arrived_later_too() -> None:
    decisions = decider(scheduled("first"))
    decisions.schedule(wanted(content="first"), at(2))

    assert is_conflict(decisions.schedule(wanted(content="A"), at(1, was_put_off=True)))
    assert decisions.confirmed[KEY].asked_at == NOON + 2 * SECOND


def test_a_request_that_comes_back_to_what_it_wants_is_accepted() -> None:
    decisions = decider(scheduled("first", NOON + 2 * SECOND))

    accepted = decisions.schedule(wanted(content="first"), at(1, was_put_off=True))

    assert isinstance(accepted, Accepted)
    assert not accepted.changed


def test_a_cancellation_in_between_is_not_undone() -> None:
    decisions = decider(scheduled("first"))
    decisions.cancel(*KEY, at(2))

    assert is_conflict(decisions.schedule(wanted(content="A"), at(1, was_put_off=True)))
    assert decisions.schedules[KEY].state is State.CANCELLED


def test_a_cancellation_of_what_is_cancelled_already_came_later_too() -> None:
    decisions = decider(scheduled("first", state=State.CANCELLED))
    decisions.cancel(*KEY, at(2))

    assert decisions.confirmed[KEY].asked_at == NOON + 2 * SECOND
    assert is_conflict(decisions.schedule(wanted(content="A"), at(1, was_put_off=True)))


@pytest.mark.parametrize("account_ids", [None, ("acct-1",)], ids=["whole post", "account"])
def test_a_cancellation_that_found_nothing_stops_the_request_that_was_put_off(account_ids: Any) -> None:
    before, after = decider(), ScheduleCancelRequested(post_id="post-1", account_ids=account_ids)
    (not_found,) = cancel_request(after, "m-2", at(2)).decide(before)
    assert isinstance(not_found, Rejected)
    assert not_found.code == "not_found"

    later = decider(cancelled_at=before.unmet)

    assert is_conflict(later.schedule(wanted(content="A"), at(1, was_put_off=True)))
    assert isinstance(later.schedule(wanted(content="A"), at(3)), Accepted)
    assert isinstance(decider(cancelled_at=before.unmet).schedule(wanted(), at(3, was_put_off=True)), Accepted)


UNMET = {"account": {KEY: NOON}, "whole post": {("post-1", ""): NOON}}


@pytest.mark.parametrize("cancelled_at", UNMET.values(), ids=UNMET)
@pytest.mark.parametrize(
    ("seconds", "is_refused"), [(-3600, True), (-0.001, True), (0.4, True), (0.5, False), (9, False)]
)
def test_a_request_counts_as_older_than_a_cancellation_that_was_not_answered_when_it_was_taken(
    cancelled_at: Any, seconds: float, is_refused: bool
) -> None:
    decision = decider(cancelled_at=cancelled_at).schedule(wanted(), at(seconds))

    assert is_conflict(decision) == is_refused


@pytest.mark.parametrize("cancelled_at", UNMET.values(), ids=UNMET)
def test_a_replica_knows_the_order_of_what_it_took_itself_from_one_queue(cancelled_at: Any) -> None:
    def decision(origin: Origin) -> Decision:
        return decider(cancelled_at=cancelled_at, noted_here=set(cancelled_at)).schedule(wanted(), origin)

    assert isinstance(decision(at(0.001)), Accepted)
    assert is_conflict(decision(at(-0.001)))
    assert is_conflict(decision(replace(at(0.001), shares_queue=False)))


def test_what_a_batch_and_a_cancellation_of_one_group_want_in_the_same_moment_is_not_scheduled() -> None:
    decisions = decider()
    decisions.cancel(*KEY, at(1))

    assert is_conflict(decisions.schedule(wanted(), replace(at(1.1), shares_queue=False)))
    assert isinstance(decisions.schedule(wanted(), at(1.1)), Accepted)


def test_a_cancellation_by_a_clock_that_is_ahead_refuses_nothing() -> None:
    ahead = {KEY: NOON + timedelta(hours=1)}

    assert isinstance(decider(cancelled_at=ahead).schedule(wanted(), at(0)), Accepted)


def test_a_cancellation_means_the_request_that_another_replica_took_a_little_later_and_decided_first() -> None:
    new = scheduled("first", asked_at=NOON + 1.3 * SECOND, updated_at=NOON + 1.31 * SECOND)

    assert isinstance(decider(new).cancel(*KEY, at(1)), Cancelled)
    assert is_conflict(decider(replace(new, revision=2)).cancel(*KEY, at(1)))
    assert is_conflict(decider(replace(new, updated_at=NOON)).cancel(*KEY, at(1)))
    assert is_conflict(decider(replace(new, asked_at=NOON + 2 * SECOND)).cancel(*KEY, at(1)))


def test_a_replica_forgets_what_it_noted_long_ago() -> None:
    noted, cancelled_at = NotedHere(), {("post-1", ""): NOON}
    noted.note(cancelled_at, NOON)
    noted.note({("post-2", ""): NOON + REMEMBERED}, NOON + REMEMBERED)
    assert noted.among(cancelled_at) == {("post-1", "")}
    assert noted.among({("post-1", ""): NOON - SECOND}) == set()

    noted.note({}, NOON + REMEMBERED + SECOND)

    assert noted.among(cancelled_at) == set()


def test_whoever_cancels_has_his_turn_alone() -> None:
    shared = turns(["post-1", "post-2"], cancelled=())
    alone = turns(["post-1", "post-2"], cancelled={"post-1"})

    assert [one["is_alone"] for one in shared] == [False, False]
    assert [one["turn"] for one in shared] == [one["turn"] for one in alone]
    assert [one["is_alone"] for one in alone] == [True, False]


def test_however_many_posts_there_are_the_turns_are_few() -> None:
    many = turns([f"post-{number}" for number in range(10_000)], cancelled={"post-7"})

    assert sorted(one["turn"] for one in many) == list(range(TURNS))
    assert sum(one["is_alone"] for one in many) == 1


def test_a_cancelled_post_is_not_scheduled_on_an_account_it_was_to_get_before() -> None:
    decisions = decider(schedule(wanted(account_id="acct-2"), asked_at=NOON))
    cancel_request(ScheduleCancelRequested(post_id="post-1"), "m-2", at(2)).decide(decisions)

    assert is_conflict(decisions.schedule(wanted(content="A"), at(1, was_put_off=True)))


def test_a_cancellation_that_is_refused_leaves_alone_what_came_before_it() -> None:
    decisions = decider(scheduled("first", revision=2))
    request = ScheduleCancelRequested(post_id="post-1", expected_revision=1)

    refused = cancel_request(request, "m-2", at(2)).decide(decisions)

    assert all(map(is_conflict, refused))
    comes_back = wanted(content="A", account_id="acct-2")
    assert isinstance(decisions.schedule(comes_back, at(1, was_put_off=True)), Accepted)


def test_a_cancellation_that_comes_back_does_not_cancel_what_was_scheduled_since() -> None:
    decisions = decider(scheduled("first"))
    decisions.schedule(wanted(content="B"), at(2))

    assert is_conflict(decisions.cancel(*KEY, at(1, was_put_off=True)))
    assert isinstance(decisions.cancel(*KEY, at(3, was_put_off=True)), Cancelled)


def test_what_waits_for_the_publisher_arrived_later_too() -> None:
    decisions = decider(scheduled("first", state=State.DISPATCHED))
    assert isinstance(decisions.schedule(wanted(content="B"), at(2)), Waiting)

    assert is_conflict(decisions.schedule(wanted(content="A"), at(1, was_put_off=True)))
    assert is_conflict(decisions.schedule(wanted(content="first"), at(1, was_put_off=True)))
    assert isinstance(decisions.schedule(wanted(content="C"), at(3, was_put_off=True)), Waiting)


def test_a_request_does_not_win_over_one_that_another_replica_took_later_and_decided_first() -> None:
    decisions = decider(scheduled("B", asked_at=NOON + 2 * SECOND))

    assert is_conflict(decisions.schedule(wanted(content="A"), at(1)))
    assert is_conflict(decisions.cancel(*KEY, at(1)))
    assert decisions.schedules[KEY].content == "B"
    assert isinstance(decisions.cancel(*KEY, at(3)), Cancelled)


def test_requests_of_one_replica_keep_their_order_though_its_clock_is_set_back_a_little() -> None:
    decisions = decider(scheduled("first"))
    decisions.schedule(wanted(content="A"), at(2))

    assert isinstance(decisions.schedule(wanted(content="B"), at(1)), Accepted)


def test_a_clock_that_was_set_back_makes_no_new_request_an_old_one() -> None:
    decisions = decider(scheduled("first", NOON + timedelta(hours=1)))

    assert isinstance(decisions.schedule(wanted(content="B"), at(0)), Accepted)


def test_a_request_without_a_time_is_meant_at_once_when_it_arrived_and_not_when_it_came_back() -> None:
    accepted = decider().schedule(wanted(publish_at=None), at(1, was_put_off=True))

    assert isinstance(accepted, Accepted)
    assert accepted.schedule.publish_at == NOON + SECOND
