"""What becomes of a wanted post: accepted, recognised, replaced, refused; and of a cancellation."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.deciding import decide, decide_cancel
from services.scheduler.domain import (
    Accepted,
    Cancelled,
    KnownAccount,
    Rejected,
    Schedule,
)
from services.scheduler.origin import Origin
from services.scheduler.wanted_posts import WantedPost, posts_wanted_by
from shared.events.progress import State
from shared.events.requests import LatePolicy, LocalTime
from shared.events.rules import MediaRule, OptionRule, PostRules, TextRule
from shared.posting.rules import PAST_TOLERANCE
from tests.support.schedules import DUE, NOON, post, schedule, wanted

LATER = NOON + timedelta(minutes=10)
BY = Origin("c-2", "m-2", LATER)

CHANGED = wanted(content="Hello again")
CONNECTED = KnownAccount(connected=True)
STRICT = KnownAccount(connected=True, rules=PostRules(text=TextRule(most=5), media=MediaRule()))
NOT_SENT = [State.DISPATCHED, State.RETRYING, State.HELD, State.SKIPPED, State.FAILED]


def placed(
    one: WantedPost, current: Schedule | None = None, *, account: KnownAccount | None = CONNECTED
) -> Accepted | Rejected:
    return decide(one, current, account=account, origin=BY, now=LATER)


def accepted(one: WantedPost, current: Schedule | None = None, *, account: KnownAccount | None = CONNECTED) -> Accepted:
    decision = placed(one, current, account=account)
    assert isinstance(decision, Accepted), decision
    return decision


def rejected(one: WantedPost, current: Schedule | None = None, *, account: KnownAccount | None = CONNECTED) -> Rejected:
    decision = placed(one, current, account=account)
    assert isinstance(decision, Rejected), decision
    return decision


def test_a_new_post_is_accepted_as_its_first_revision() -> None:
    decision = accepted(wanted())

    assert decision == Accepted(
        schedule(correlation_id="c-2", updated_at=LATER, asked_at=LATER), changed=True, request_id="m-2", is_known=True
    )


def test_a_post_without_a_time_is_due_now() -> None:
    assert accepted(wanted(publish_at=None)).schedule.publish_at == LATER


def test_a_local_time_is_turned_into_its_instant() -> None:
    local = LocalTime(local="2027-03-28T16:00", zone="Europe/Berlin")

    assert accepted(wanted(publish_at=local)).schedule.publish_at == NOON + timedelta(hours=2)


@pytest.mark.parametrize("state", [state for state in State if state is not State.CANCELLED])
def test_the_same_again_changes_nothing_whatever_has_become_of_it(state: State) -> None:
    current = schedule(state=state, revision=3)

    assert accepted(wanted(), current) == Accepted(current, changed=False, request_id="m-2", is_known=True)


def test_the_same_again_without_a_time_is_not_due_again() -> None:
    current = schedule(wanted(publish_at=None), publish_at=NOON)

    assert accepted(wanted(publish_at=None), current) == Accepted(
        current, changed=False, request_id="m-2", is_known=True
    )


def test_the_same_again_is_accepted_though_its_time_has_passed() -> None:
    past = wanted(publish_at=NOON - timedelta(days=1))

    assert accepted(past, schedule(past)).changed is False


@pytest.mark.parametrize("state", [State.SCHEDULED, *NOT_SENT])
def test_a_changed_post_that_was_not_sent_is_the_next_revision_from_the_start(state: State) -> None:
    current = schedule(state=state, revision=3, attempts=2, sweeps=1, claimed_until=DUE)

    decision = accepted(CHANGED, current)

    assert decision.changed
    assert decision.schedule == schedule(CHANGED, revision=4, correlation_id="c-2", updated_at=LATER, asked_at=LATER)


@pytest.mark.parametrize(
    ("current", "superseded"),
    [
        (schedule(revision=3), None),
        (schedule(revision=3, claimed_until=DUE), 3),
        (schedule(revision=3, sweeps=1), 3),
        *((schedule(revision=3, state=state), 3) for state in NOT_SENT),
        (schedule(revision=3, state=State.CANCELLED), None),
    ],
    ids=lambda value: f"{value.state} {value.sweeps}" if isinstance(value, Schedule) else "",
)
def test_a_revision_that_may_have_been_on_its_way_is_superseded(current: Schedule, superseded: int | None) -> None:
    assert accepted(CHANGED, current).superseded == superseded


@pytest.mark.parametrize("again", [wanted(), CHANGED])
def test_a_cancelled_post_is_scheduled_anew(again: WantedPost) -> None:
    current = schedule(state=State.CANCELLED, revision=2)

    decision = accepted(again, current)

    assert (decision.changed, decision.schedule.revision, decision.schedule.state) == (True, 3, State.SCHEDULED)


def test_a_published_post_is_not_changed_any_more() -> None:
    refused = rejected(CHANGED, schedule(state=State.PUBLISHED))

    assert refused.code == "already_published"
    assert refused.reason == "'post-1' on 'acct-1' has been published; use a new post_id"


def test_a_post_that_may_have_been_published_waits_for_a_person() -> None:
    refused = rejected(CHANGED, schedule(state=State.UNKNOWN))

    assert refused.code == "already_published"
    assert refused.reason.endswith("may have been published: settle it with publish.resolve_requested first")


def test_a_post_that_is_tried_again_in_doubt_is_not_changed_before_that_is_known() -> None:
    refused = rejected(CHANGED, schedule(state=State.RETRYING, in_doubt=True))

    assert refused.code == "already_published"
    assert refused.reason == "'post-1' on 'acct-1' may have been published: wait until that is known"


@pytest.mark.parametrize(
    ("expected", "current", "is_now"),
    [
        (0, schedule(revision=2), "is there already and differs (revision 2)"),
        (1, schedule(revision=2), "is at revision 2, not at 1; look at it first"),
        (0, schedule(revision=2, state=State.CANCELLED), "has been cancelled (revision 2)"),
        (1, schedule(revision=2, state=State.CANCELLED), "has been cancelled (revision 2)"),
        (1, None, "is not scheduled, not at 1; expect 0"),
    ],
)
def test_a_change_of_another_revision_than_is_expected_is_refused(
    expected: int, current: Schedule | None, is_now: str
) -> None:
    refused = rejected(wanted(content="new", expected_revision=expected), current)

    assert refused.code == "conflict"
    assert refused.reason == f"expected_revision: 'post-1' on 'acct-1' {is_now}"


@pytest.mark.parametrize(("expected", "current"), [(0, None), (2, schedule(revision=2)), (None, schedule(revision=2))])
def test_a_change_of_the_expected_revision_is_accepted(expected: int | None, current: Schedule | None) -> None:
    assert accepted(wanted(content="new", expected_revision=expected), current).changed


def test_the_same_again_is_no_conflict_though_it_has_made_a_revision_since() -> None:
    again = wanted(content="new", expected_revision=1)

    assert accepted(again, schedule(again, revision=2)).changed is False


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(seconds=59), PAST_TOLERANCE])
def test_a_time_just_passed_is_accepted_as_it_is(ago: timedelta) -> None:
    assert accepted(wanted(publish_at=LATER - ago)).schedule.publish_at == LATER - ago


def test_a_time_in_the_past_is_refused_with_how_long_ago_it_was() -> None:
    refused = rejected(wanted(publish_at=LATER - PAST_TOLERANCE - timedelta(seconds=30)))

    assert refused.code == "in_the_past"
    assert refused.reason == "publish_at: 2027-03-28T12:08:30+00:00 is 1 minute ago; choose a time to come"


@pytest.mark.parametrize("content", ["", " ", "\n\t ", "\u2003\u00a0"])
def test_a_post_of_nothing_is_refused(content: str) -> None:
    refused = rejected(wanted(content=content))

    assert (refused.code, refused.reason) == ("invalid", "content: the post for 'acct-1' has neither text nor media")


def test_media_need_no_text() -> None:
    assert accepted(wanted(content="", media='[{"url": "https://cdn.example/a.jpg"}]')).changed


def test_a_disconnected_account_takes_no_new_posts() -> None:
    refused = rejected(wanted(), account=KnownAccount(connected=False))

    assert refused.code == "unknown_account"
    assert refused.reason == "account 'acct-1' has been disconnected: connect it again"


def test_an_account_not_heard_of_is_accepted_as_such() -> None:
    assert accepted(wanted(), account=None).is_known is False
    assert accepted(wanted(), schedule(), account=None).is_known is False
    assert accepted(wanted()).is_known is True


def test_a_post_that_its_network_can_never_accept_is_refused_with_the_reason() -> None:
    refused = rejected(wanted(content="Hello!"), account=STRICT)

    assert (refused.code, refused.post_id, refused.account_id) == ("content_too_long", "post-1", "acct-1")
    assert refused.reason == "content: the text has 6 characters, and at most 5 are possible; shorten it"
    assert rejected(wanted(media='[{"url": "https://cdn.example/a.jpg"}]'), account=STRICT).code == "invalid"
    assert accepted(wanted(), account=STRICT).changed


def test_options_are_checked_by_the_rules() -> None:
    account = KnownAccount(connected=True, rules=PostRules(options=(OptionRule(name="title", required=True),)))

    assert rejected(wanted(), account=account).reason.startswith("options.title: it is missing")
    assert accepted(wanted(options='{"title": "A"}'), account=account).changed


def test_what_is_scheduled_already_stays_so_whatever_the_rules_are_now() -> None:
    long = wanted(content="Hello!")

    assert accepted(long, schedule(long), account=STRICT).changed is False
    assert rejected(wanted(content="Hello!!"), schedule(long), account=STRICT).code == "content_too_long"


@pytest.mark.parametrize(
    ("local", "zone", "reason"),
    [
        ("2027-03-28T16:00", "Mars/Olympus", "unknown time zone 'Mars/Olympus': use an IANA name such as"),
        ("2027-02-30T16:00", "UTC", "no such time: day "),
        ("2027-03-28T25:00", "UTC", "no such time: hour must be in 0..23"),
        ("2027-03-28T23:60", "UTC", "no such time: minute must be in 0..59"),
        ("2027-03-28T23:59:60", "UTC", "no such time: second must be in 0..59"),
        ("0000-01-01T00:00", "UTC", "no such time: year "),
        ("0001-01-01T00:00", "Asia/Tokyo", "no such time: "),
        ("9999-12-31T23:59", "America/New_York", "no such time: "),
        ("\u0662\u0660\u0662\u0667-03-28T16:00", "UTC", "no such time: "),
    ],
)
def test_a_time_that_no_clock_shows_is_refused(local: str, zone: str, reason: str) -> None:
    refused = rejected(wanted(publish_at=LocalTime(local=local, zone=zone)))

    assert refused.code == "invalid"
    assert refused.reason.startswith(f"publish_at: {reason}")
    assert zone in refused.reason


def test_a_time_that_no_clock_shows_is_named() -> None:
    refused = rejected(wanted(publish_at=LocalTime(local="2027-02-30T16:00", zone="Asia/Tokyo")))

    assert refused.reason.endswith("(got '2027-02-30T16:00' in 'Asia/Tokyo')")


@pytest.mark.parametrize(
    "change",
    [
        {"publish_at": DUE + timedelta(microseconds=1)},
        {"publish_at": None},
        {"publish_at": LocalTime(local="2027-03-28T13:00", zone="UTC")},
        {"content": "Hello "},
        {"media": '[{"url": "https://cdn.example/a.jpg"}]'},
        {"options": '{"visibility": "unlisted"}'},
        {"late_policy": LatePolicy(mode="skip").model_dump_json()},
        {"retry": '{"attempts":5}'},
        {"callback_url": "https://cms.example/hook"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_a_wish_makes_it_another(change: dict[str, Any]) -> None:
    assert wanted(**change).fingerprint != wanted().fingerprint


def test_a_wish_of_an_earlier_release_is_still_recognised() -> None:
    """What was scheduled before an upgrade is stored under the fingerprint of that time."""
    assert wanted().fingerprint == "ac153ce9912b59762c09b7d0044056e7"


def test_how_often_to_try_is_kept_where_it_is_not_usual() -> None:
    (usual,) = posts_wanted_by(post(retry={"attempts": 3}))
    (own,) = posts_wanted_by(post(retry={"attempts": 5, "first_delay_seconds": 1}))

    assert usual == posts_wanted_by(post())[0]
    assert json.loads(own.retry) == {"attempts": 5, "first_delay_seconds": 1}


def test_the_parts_of_a_wish_do_not_run_into_one_another() -> None:
    assert wanted(content="a', 'b", media="c").fingerprint != wanted(content="a", media="b', 'c").fingerprint


@given(st.timezones().map(DUE.astimezone))
def test_the_same_instant_in_any_zone_is_the_same_wish(publish_at: datetime) -> None:
    (one,) = posts_wanted_by(post(publish_at=publish_at))
    (other,) = posts_wanted_by(post())

    assert one.fingerprint == other.fingerprint


def test_the_order_of_options_makes_no_difference() -> None:
    one, other = [
        posts_wanted_by(post(targets=[{"account_id": "acct-1", "options": options}]))[0].fingerprint
        for options in ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1})
    ]

    assert one == other


def test_a_target_may_have_its_own_time_content_and_options() -> None:
    own = {"account_id": "acct-2", "publish_at": NOON, "content": "", "options": {"visibility": "unlisted"}}

    usual, special = posts_wanted_by(
        post(targets=[{"account_id": "acct-1"}, own], media=[{"url": "https://x.example/a"}])
    )

    assert (usual.publish_at, usual.content, usual.options) == (DUE, "Hello", "{}")
    assert (special.publish_at, special.content) == (NOON, "")
    assert json.loads(special.options) == {"visibility": "unlisted"}
    assert usual.media == special.media == '[{"url": "https://x.example/a"}]'
    assert usual.key == ("post-1", "acct-1")


@pytest.mark.parametrize("state", [State.SCHEDULED, *NOT_SENT])
def test_what_was_not_published_is_cancelled_as_a_revision_of_its_own(state: State) -> None:
    current = schedule(state=state, revision=3, attempts=1, claimed_until=DUE)

    decision = decide_cancel("post-1", "acct-1", current, BY, LATER)

    cancelled = replace(current, state=State.CANCELLED, revision=4, attempts=0, claimed_until=None)
    cancelled = replace(cancelled, updated_at=LATER, asked_at=LATER)
    assert decision == Cancelled(cancelled)


def test_to_cancel_twice_changes_nothing() -> None:
    current = schedule(state=State.CANCELLED, revision=2)

    assert decide_cancel("post-1", "acct-1", current, BY, LATER) == Cancelled(current)


def test_a_cancellation_is_for_the_revision_that_it_expects() -> None:
    current = schedule(state=State.SCHEDULED, revision=3)

    refused = decide_cancel("post-1", "acct-1", current, BY, LATER, expected_revision=2)
    cancelled = decide_cancel("post-1", "acct-1", current, BY, LATER, expected_revision=3)
    again = decide_cancel(
        "post-1", "acct-1", schedule(state=State.CANCELLED, revision=4), BY, LATER, expected_revision=3
    )

    assert isinstance(refused, Rejected)
    assert refused.code == "conflict"
    assert refused.reason == "expected_revision: 'post-1' on 'acct-1' is at revision 3, not at 2; look at it first"
    assert isinstance(cancelled, Cancelled)
    assert isinstance(again, Cancelled)


@pytest.mark.parametrize(
    ("current", "code", "reason"),
    [
        (None, "not_found", "post 'post-1' is not scheduled for account 'acct-1'"),
        (schedule(state=State.PUBLISHED), "already_published", "'post-1' on 'acct-1' has been published"),
        (schedule(state=State.UNKNOWN), "already_published", "'post-1' on 'acct-1' may have been published"),
        (
            schedule(state=State.RETRYING, in_doubt=True),
            "already_published",
            "'post-1' on 'acct-1' may have been published: wait until that is known",
        ),
    ],
)
def test_a_cancellation_that_comes_too_late_or_for_nothing_is_refused(
    current: Schedule | None, code: str, reason: str
) -> None:
    decision = decide_cancel("post-1", "acct-1", current, BY, LATER)

    assert isinstance(decision, Rejected)
    assert (decision.code, decision.post_id, decision.account_id) == (code, "post-1", "acct-1")
    assert decision.reason.startswith(reason)


@given(st.lists(st.sampled_from(["one", "other", "third", "cancel"]), max_size=12))
def test_revisions_only_grow_and_the_last_request_holds(requests: list[str]) -> None:
    current: Schedule | None = None
    revision = 0

    for request in requests:
        decision = (
            decide_cancel("post-1", "acct-1", current, BY, LATER)
            if request == "cancel"
            else placed(wanted(content=request), current)
        )
        if isinstance(decision, Rejected):
            assert (request, current) == ("cancel", None)
            continue
        current = decision.schedule
        assert current.revision >= revision
        assert current.state is State.CANCELLED if request == "cancel" else current.content == request
        revision = current.revision


def test_a_post_with_a_time_is_not_published_again_by_whoever_asks_after_it_was_forgotten() -> None:
    """A file that is imported again after the retention: nobody knows the post any more, but its time is over."""
    late = DUE + timedelta(days=11)

    decision = decide(wanted(), None, account=None, origin=Origin("c-3", "m-3", late), now=late)

    assert isinstance(decision, Rejected)
    assert decision.code == "in_the_past"
