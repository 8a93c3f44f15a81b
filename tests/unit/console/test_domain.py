"""Facts arrive twice and in any order; what the console knows in the end is the same."""

from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.accounts import Account, account_in, merged_account
from services.console.domain.post_facts import posts_in
from services.console.domain.posts import Post, merged
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.progress import State
from shared.events.publisher import (
    AccountConnected,
    AccountConnectFailed,
    AccountDisconnected,
    AccountRefreshed,
    AccountRefreshFailed,
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)
from shared.events.scheduler import PublishRequested, ScheduleAccepted, ScheduleCancelled, ScheduleSuperseded

NOON = datetime(2027, 3, 28, 12, tzinfo=UTC)
ERROR = ErrorDetail(kind="transient", code="503", message="out of order")

revisions = st.integers(1, 3)
attempts = st.integers(0, 4)
instants = st.integers(0, 3).map(lambda minutes: NOON + timedelta(minutes=minutes))
requests = st.sampled_from(["request-1", "request-2", "request-3"])
errors = st.builds(ErrorDetail, kind=st.just("transient"), code=st.sampled_from(["503", "504"]), message=st.just("no"))


def about(event: type[Event], **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Event]:
    return st.builds(event, post_id=st.just("p"), account_id=st.just("a"), revision=revisions, **fields)


post_facts = st.one_of(
    about(ScheduleAccepted, publish_at=instants, changed=st.booleans(), warning=st.none() | st.just("unknown_account")),
    about(ScheduleCancelled, reason=st.sampled_from(["requested", "expired"])),
    about(PublishRequested, publish_at=instants, content=st.sampled_from(["one", "two"])),
    about(ScheduleSuperseded, by=st.integers(2, 4)),
    about(PublishRetrying, attempt=attempts, next_attempt_at=instants, error=errors, in_doubt=st.booleans()),
    about(
        PublishSucceeded,
        platform=st.just("sandbox"),
        platform_post_id=st.sampled_from(["x", "y"]),
        published_at=instants,
        lateness_ms=st.sampled_from([0.5, 3.0]),
        attempts=attempts,
    ),
    about(PublishFailed, attempts=attempts, error=errors),
    about(PublishUnknown, attempts=attempts, error=errors),
    about(PublishSkipped, reason=st.sampled_from(["cancelled", "too_late"]), attempts=attempts),
    about(PublishHeld, reason=st.just("late"), attempts=attempts),
)
account_facts = st.one_of(
    st.builds(AccountConnected, account_id=st.just("a"), platform=st.just("x"), changed_at=instants),
    st.builds(AccountConnectFailed, account_id=st.just("a"), platform=st.just("x"), error=errors, changed_at=instants),
    st.builds(AccountDisconnected, account_id=st.just("a"), platform=st.just("x"), changed_at=instants),
    st.builds(AccountRefreshed, account_id=st.just("a"), platform=st.just("x"), token_expires_at=instants),
    st.builds(AccountRefreshFailed, account_id=st.just("a"), error=errors, needs_reconnect=st.booleans()),
)


def learned(facts: list[tuple[Event, str]]) -> Post | None:
    """What is known after these facts, each with its request."""
    told = [post for fact, request in facts for post in posts_in(fact, request)]
    return reduce(merged, told, None)


@given(st.data(), st.lists(st.tuples(post_facts, requests), min_size=1, max_size=8))
def test_the_order_and_repetition_of_facts_about_a_post_make_no_difference(
    data: st.DataObject, facts: list[tuple[Event, str]]
) -> None:
    shuffled = data.draw(st.permutations(facts))
    repeated = data.draw(st.lists(st.sampled_from(facts), max_size=4))

    known = learned([*shuffled, *repeated])

    assert known == learned(facts)


@given(st.lists(st.tuples(post_facts, requests), min_size=2, max_size=8), st.integers(1, 7))
def test_what_two_readers_know_adds_up_to_what_one_would(facts: list[tuple[Event, str]], cut: int) -> None:
    one, other = learned(facts[:cut]), learned(facts[cut:])

    together = merged(one, other) if other else one

    assert together == learned(facts)


@given(st.data(), st.lists(st.tuples(account_facts, requests, instants), min_size=1, max_size=6))
def test_the_order_and_repetition_of_facts_about_an_account_make_no_difference(
    data: st.DataObject, facts: list[tuple[Event, str, datetime]]
) -> None:
    shuffled = data.draw(st.permutations(facts))

    assert known_account([*shuffled, facts[0]]) == known_account(facts)


def known_account(facts: list[tuple[Event, str, datetime]]) -> Account | None:
    told = [account_in(fact, request, arrived_at) for fact, request, arrived_at in facts]
    return reduce(merged_account, (account for account in told if account), None)


def accepted(revision: int, *, at: datetime = NOON) -> ScheduleAccepted:
    return ScheduleAccepted(post_id="p", account_id="a", revision=revision, publish_at=at, changed=True)


def succeeded(revision: int) -> PublishSucceeded:
    return PublishSucceeded(
        post_id="p",
        account_id="a",
        revision=revision,
        platform="sandbox",
        url="https://sandbox.example/1",
        published_at=NOON + timedelta(milliseconds=40),
        lateness_ms=40.0,
        attempts=1,
    )


def state_after(*facts: Event) -> State:
    known = learned([(fact, "request") for fact in facts])
    assert known
    return known.state


def test_published_is_final() -> None:
    cancelled = ScheduleCancelled(post_id="p", account_id="a", revision=9, reason="requested")

    assert state_after(succeeded(1), accepted(2), cancelled) is State.PUBLISHED


def test_a_cancellation_holds_for_its_revision_and_those_before() -> None:
    cancelled = ScheduleCancelled(post_id="p", account_id="a", revision=2, reason="requested")
    held = PublishHeld(post_id="p", account_id="a", revision=2, reason="late")

    assert state_after(cancelled, accepted(1), held) is State.CANCELLED
    assert state_after(cancelled, accepted(3)) is State.SCHEDULED


def test_the_later_attempt_wins_and_then_the_later_stage() -> None:
    retrying = PublishRetrying(post_id="p", account_id="a", revision=1, attempt=2, next_attempt_at=NOON, error=ERROR)
    failed = PublishFailed(post_id="p", account_id="a", revision=1, attempts=2, error=ERROR)
    held_before = PublishHeld(post_id="p", account_id="a", revision=1, reason="late", attempts=1)

    assert state_after(retrying, held_before) is State.RETRYING
    assert state_after(failed, retrying) is State.FAILED


def test_a_plan_of_an_old_revision_does_not_come_back() -> None:
    known = learned([(accepted(2, at=NOON), "second"), (accepted(1, at=NOON - timedelta(days=1)), "first")])

    assert known and known.plan
    assert (known.plan.publish_at, known.plan.request_id) == (NOON, "second")


def test_a_published_post_was_due_when_the_revision_that_went_out_was() -> None:
    later = NOON + timedelta(days=1)

    overtaken = learned([(accepted(1), "first"), (accepted(2, at=later), "second"), (succeeded(1), "first")])
    edited = learned([(accepted(1, at=later), "first"), (accepted(2), "second"), (succeeded(2), "second")])

    assert overtaken and (overtaken.due_at, overtaken.shown_revision) == (NOON, 1)
    assert edited and (edited.due_at, edited.shown_revision) == (NOON, 2)


def test_a_doubt_is_known_until_it_is_settled() -> None:
    def retrying(attempt: int, *, in_doubt: bool) -> PublishRetrying:
        return PublishRetrying(
            post_id="p",
            account_id="a",
            revision=1,
            attempt=attempt,
            next_attempt_at=NOON,
            error=ERROR,
            in_doubt=in_doubt,
        )

    doubt = learned([(accepted(1), "r"), (retrying(1, in_doubt=True), "r")])
    disproved = learned([(retrying(1, in_doubt=False), "r"), (retrying(1, in_doubt=True), "r")])

    assert doubt and doubt.standing.progress.in_doubt
    assert disproved and not disproved.standing.progress.in_doubt


def test_a_post_known_only_by_its_outcome_was_due_before_it_was_late() -> None:
    known = learned([(succeeded(1), "request")])

    assert known and known.due_at == NOON


def test_of_waits_within_one_attempt_the_one_until_later_counts() -> None:
    """As text, five minutes past seven and a half past nine would be compared by their first digits."""
    error = ErrorDetail(kind="rate_limited", code="rate_limited", message="waits")
    early, late = (
        posts_in(
            PublishRetrying(
                post_id="p", account_id="a", revision=1, attempt=0, next_attempt_at=NOON + wait, error=error
            ),
            "request",
        )[0]
        for wait in (timedelta(seconds=45), timedelta(minutes=1, seconds=5))
    )

    assert merged(early, late) == merged(late, early) == late
