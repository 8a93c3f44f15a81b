"""The decider decides a group of requests in order, each on what those before it left, and answers each on its own."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from services.scheduler.decider import Decider
from services.scheduler.domain import KnownAccount
from services.scheduler.near_posts import NearKeys, NearPosts
from services.scheduler.origin import Origin
from services.scheduler.periodic import publish_requested
from services.scheduler.requests import (
    MOST_TARGETS_IN_A_BATCH,
    Request,
    batch_request,
    cancel_request,
    post_request,
)
from services.scheduler.unreadable import answer_to_unreadable
from shared.events import Event
from shared.events.progress import State
from shared.events.requests import (
    MAX_CHARACTERS_OF_MEDIA,
    ScheduleBatchRequested,
    ScheduleCancelRequested,
    ScheduleRequested,
)
from shared.events.scheduler import (
    PendingPost,
    ScheduleAccepted,
    ScheduleBatchSettled,
    ScheduleCancelled,
    ScheduleRejected,
)
from shared.messaging.envelope import UnreadableEvent, read_event
from tests.support.schedules import DUE, NOON, post, schedule, wanted

BY = Origin("c-1", "m-1", NOON)
URL = "https://cdn.example/a"
CONNECTED = {f"acct-{number}": KnownAccount(connected=True) for number in range(1, 4)}


def decider(*schedules: Any) -> Decider:
    return Decider({one.key: one for one in schedules}, CONNECTED, NOON)


def answered(ask: Request, at: Decider, near: Mapping[NearKeys, NearPosts] | None = None) -> list[Event]:
    """What is told of a request that is decided at this decider."""
    return ask.tell(ask.decide(at), near or {})


def asked(request: ScheduleRequested) -> Request:
    return post_request(request, "m-1", BY)


def cancelled(post_id: str = "post-1", *account_ids: str) -> Request:
    return cancel_request(ScheduleCancelRequested(post_id=post_id, account_ids=account_ids or None), "m-1", BY)


def batch(*posts: Any) -> Request:
    request = ScheduleBatchRequested.model_validate_json(to_json({"batch_id": "batch-1", "posts": posts}))
    return batch_request(request, "m-1", BY)


def body(request: ScheduleRequested) -> Any:
    return json.loads(request.body())


def settled(events: list[Event]) -> ScheduleBatchSettled:
    first = events[0]
    assert isinstance(first, ScheduleBatchSettled)
    return first


def test_every_account_of_a_post_is_answered_on_its_own() -> None:
    old = post(targets=[{"account_id": "acct-1"}, {"account_id": "acct-2", "publish_at": "2020-01-01T00:00Z"}])

    good, bad = answered(asked(old), decider())

    named: dict[str, Any] = {"post_id": "post-1", "account_id": "acct-1", "request_id": "m-1"}
    assert good == ScheduleAccepted(**named, revision=1, publish_at=DUE, changed=True)
    assert isinstance(bad, ScheduleRejected)
    assert (bad.account_id, bad.code) == ("acct-2", "in_the_past")


def test_requests_for_one_post_are_decided_in_the_order_they_came() -> None:
    present = decider()

    answers = [
        answered(asked(post(content="one")), present),
        answered(asked(post(content="two")), present),
        answered(cancelled(), present),
        answered(asked(post(content="three")), present),
        answered(asked(post(content="three")), present),
    ]

    told = [(type(event).__name__, getattr(event, "revision", None)) for events in answers for event in events]
    assert told == [
        ("ScheduleAccepted", 1),
        ("ScheduleAccepted", 2),
        ("ScheduleCancelled", 3),
        ("ScheduleAccepted", 4),
        ("ScheduleAccepted", 4),
    ]
    (only,) = present.changed.values()
    assert (only.content, only.revision) == ("three", 4)


def test_what_changes_nothing_is_not_saved() -> None:
    present = decider(schedule(), schedule(wanted(account_id="acct-2"), state=State.CANCELLED))

    answered(asked(post()), present)
    answered(cancelled("post-1", "acct-2"), present)

    assert present.changed == {}


def test_what_replaces_or_cancels_a_revision_that_may_be_on_its_way_waits_and_is_not_answered_yet() -> None:
    present = decider(schedule(state=State.DISPATCHED), schedule(wanted(account_id="acct-2"), state=State.FAILED))

    answers = answered(asked(post(content="new")), present) + answered(cancelled("post-1", "acct-2"), present)

    assert (answers, present.changed) == ([], {})
    assert [(one.key, one.reason) for one in present.withdrawals] == [
        (("post-1", "acct-1"), "superseded"),
        (("post-1", "acct-2"), "cancelled"),
    ]
    assert [(one.pending, one.outcome_expected_at) for one in present.queued] == [(1, NOON), (1, NOON)]


def test_the_same_again_needs_no_publisher() -> None:
    present = decider(schedule(state=State.DISPATCHED))

    (same,) = answered(asked(post()), present)

    assert isinstance(same, ScheduleAccepted)
    assert (same.changed, present.waiting) == (False, [])


def test_what_can_never_be_accepted_takes_nothing_back() -> None:
    present = decider(schedule(state=State.DISPATCHED))

    (refused,) = answered(asked(post(content="new", publish_at="2020-01-01T00:00Z")), present)

    assert isinstance(refused, ScheduleRejected)
    assert (refused.code, present.waiting) == ("in_the_past", [])


def test_while_a_request_waits_all_that_follow_wait_behind_it_in_order_the_same_again_too() -> None:
    present = decider(schedule(state=State.DISPATCHED))
    requests = [asked(post(content="new")), asked(post()), cancelled(), asked(post(publish_at="2020-01-01T00:00Z"))]

    answers = [event for request in requests for event in answered(request, present)]

    assert answers == []
    assert [(one.position, one.kind) for one in present.waiting] == [
        (0, "edit"), (1, "edit"), (2, "cancel"), (3, "edit"),
    ]  # fmt: skip
    assert [one.position for one in present.withdrawals] == [0]
    assert [one.pending for one in present.queued] == [4]


def test_a_cancellation_without_accounts_means_all_of_them() -> None:
    present = decider(schedule(), schedule(wanted(account_id="acct-2")), schedule(wanted(post_id="post-2")))
    answered(asked(post("post-1", "acct-3")), present)

    answers = answered(cancelled(), present)

    assert answers == [
        ScheduleCancelled(post_id="post-1", account_id=account_id, revision=2, reason="requested")
        for account_id in ("acct-1", "acct-2", "acct-3")
    ]
    assert present.schedules["post-2", "acct-1"].state is State.SCHEDULED


def test_a_cancellation_of_nothing_is_rejected() -> None:
    (whole,) = answered(cancelled(), decider())
    (one,) = answered(cancelled("post-1", "acct-9"), decider(schedule()))

    assert whole == ScheduleRejected(post_id="post-1", code="not_found", reason="post 'post-1' is not scheduled")
    assert isinstance(one, ScheduleRejected)
    assert (one.code, one.account_id) == ("not_found", "acct-9")


def test_a_request_says_what_it_needs_to_see() -> None:
    request, whole, one = asked(post("post-1", "acct-1", "acct-2")), cancelled(), cancelled("post-1", "acct-2")

    assert (request.keys, request.whole_posts) == ([("post-1", "acct-1"), ("post-1", "acct-2")], ())
    assert (whole.keys, whole.whole_posts) == ([], ("post-1",))
    assert (one.keys, one.whole_posts) == ([("post-1", "acct-2")], ())
    assert [set(ask.post_ids) for ask in (request, whole, one)] == [{"post-1"}] * 3


def test_a_batch_is_settled_in_one_answer() -> None:
    (answer,) = answered(batch(body(post("post-1", "acct-1", "acct-2")), body(post("post-2"))), decider())

    accepted = settled([answer]).accepted
    assert [(one.post_id, one.account_id, one.revision, one.changed) for one in accepted] == [
        ("post-1", "acct-1", 1, True),
        ("post-1", "acct-2", 1, True),
        ("post-2", "acct-1", 1, True),
    ]
    assert settled([answer]).rejected == ()


@pytest.mark.parametrize(
    ("bad", "post_id", "reason"),
    [
        ({"post_id": "bad"}, "bad", "posts[1]: content: this field is required; targets: this field is required"),
        ({"post_id": 7, "content": "x", "targets": [{"account_id": "a"}]}, "7", "posts[1]: post_id: Input should be"),
        ("no post", "null", "posts[1]: Input should be an object"),
        (None, "null", "posts[1]: Input should be an object"),
        ([1, 2], "null", "posts[1]: Input should be an object"),
        ({"post_id": {"a": [1]}}, '{"a": [1]}', "posts[1]: post_id: Input should be a valid string"),
        ({"post_id": "a\x00b"}, "ab", "posts[1]: post_id: leave out line breaks"),
        ({"post_id": "x" * 5000}, "x" * 200, "posts[1]: post_id: at most 200 characters"),
    ],
)
def test_a_bad_post_in_a_batch_refuses_only_itself(bad: object, post_id: str, reason: str) -> None:
    answer = settled(answered(batch(body(post("post-1")), bad, body(post("post-3"))), decider()))

    (refused,) = answer.rejected
    assert [one.post_id for one in answer.accepted] == ["post-1", "post-3"]
    assert (refused.post_id, refused.code) == (post_id, "invalid")
    assert refused.reason.startswith(reason)


def test_a_post_twice_in_a_batch_is_decided_twice_in_order() -> None:
    present = decider()

    answer = settled(answered(batch(*(body(post(content=text)) for text in ("a", "a", "b"))), present))

    assert [(one.revision, one.changed) for one in answer.accepted] == [(1, True), (1, False), (2, True)]
    assert present.schedules["post-1", "acct-1"].content == "b"


def test_a_batch_rejects_what_cannot_be_scheduled_beside_what_can() -> None:
    late, sent = body(post("late", publish_at="2020-01-01T00:00Z")), body(post("sent", content="changed"))
    present = decider(schedule(wanted(post_id="sent"), state=State.PUBLISHED))

    answer = settled(answered(batch(late, sent, body(post("good"))), present))

    assert [(one.post_id, one.account_id, one.code) for one in answer.rejected] == [
        ("late", "acct-1", "in_the_past"),
        ("sent", "acct-1", "already_published"),
    ]
    assert [one.post_id for one in answer.accepted] == ["good"]


def test_whatever_is_near_a_post_is_told_with_it() -> None:
    near = {schedule().near_keys: NearPosts(has_same_text=True, is_crowded=True)}

    (single,) = answered(asked(post()), decider(), near)
    entries = settled(answered(batch(body(post()), body(post("post-2", content="Other"))), decider(), near)).accepted

    assert isinstance(single, ScheduleAccepted)
    assert single.warning == "duplicate_text, crowded_minute"
    assert [one.warning for one in entries] == ["duplicate_text, crowded_minute", None]


def test_an_account_not_heard_of_is_told_with_its_post() -> None:
    (single,) = answered(asked(post("post-1", "acct-9")), decider())

    assert isinstance(single, ScheduleAccepted)
    assert single.warning == "unknown_account"


def test_a_batch_is_settled_at_once_and_names_what_waits() -> None:
    present = decider(schedule(state=State.DISPATCHED))

    (answer,) = answered(batch(body(post(content="new")), body(post("post-2"))), present)

    assert [one.post_id for one in settled([answer]).accepted] == ["post-2"]
    assert settled([answer]).pending == (PendingPost(post_id="post-1", account_id="acct-1"),)
    assert [one.correlation_id for one in present.withdrawals] == ["c-1"]


def test_a_batch_names_a_bounded_number_of_targets() -> None:
    wide = [body(post(f"post-{n}", *(f"acct-{m}" for m in range(1000)))) for n in range(21)]

    ask = batch(*wide)

    assert len(ask.keys) == MOST_TARGETS_IN_A_BATCH
    (refused,) = settled(answered(ask, decider())).rejected
    assert refused.reason == "posts[20]: the batch names more than 20,000 targets; send it in parts"


def test_a_batch_has_a_bounded_number_of_characters_for_all_accounts() -> None:
    """They are written in one transaction: one that is too slow is given up and begun again, for ever."""
    wide = [body(post(f"post-{n}", *(f"acct-{m}" for m in range(60)), content="x" * 100_000)) for n in range(4)]

    ask = batch(*wide)

    assert len(ask.keys) == 180
    (refused,) = settled(answered(ask, decider())).rejected
    assert refused.reason == (
        "posts[3]: the batch has more than 20,000,000 characters for all accounts; send it in parts"
    )


def test_the_longest_post_that_is_accepted_fits_into_the_message_that_asks_for_it() -> None:
    """The message says more than the request did; one that nobody can read would be parked, and the post never sent."""
    longest_in_json = "\x01"
    alts = [longest_in_json * (100_000 - len(URL)) for _ in range(MAX_CHARACTERS_OF_MEDIA // 100_000)]
    largest = post(content=longest_in_json * 100_000, media=[{"url": URL, "alt": alt} for alt in alts])
    at = decider()

    (accepted,) = answered(asked(largest), at)

    assert isinstance(accepted, ScheduleAccepted)
    message = publish_requested(at.schedules["post-1", "acct-1"])
    assert read_event(message.type, message.body()) == message
    with pytest.raises(ValueError, match="media: 1,000,021 characters of addresses and descriptions are more than"):
        post(media=[*largest.model_dump()["media"], {"url": URL}])


def test_a_request_weighs_more_the_longer_its_texts_are() -> None:
    assert asked(post(content="x")).weight == 1
    assert asked(post("post-1", "acct-1", "acct-2", content="x" * 50_000)).weight == 22


def unreadable(type_name: str, given: Any) -> Event | None:
    """The answer to bytes that cannot be read."""
    bytes_ = given if isinstance(given, bytes) else to_json(given)
    with pytest.raises(UnreadableEvent) as refused:
        read_event(type_name, bytes_)
    return answer_to_unreadable(type_name, bytes_, refused.value.reason)


@pytest.mark.parametrize("type_name", ["schedule.requested", "schedule.cancel_requested"])
def test_a_request_that_cannot_be_read_is_rejected_where_its_post_is_known(type_name: str) -> None:
    answer = unreadable(type_name, {"post_id": "post-1", "content": 5, "account_ids": 5})

    assert isinstance(answer, ScheduleRejected)
    assert (answer.post_id, answer.account_id, answer.code) == ("post-1", None, "invalid")
    assert "(got 5)" in answer.reason


@pytest.mark.parametrize("given", [b"\xff", b"{", b"[]", b"null", {"content": 5}, {"post_id": 5}, {"post_id": ""}])
def test_what_names_no_post_is_not_answered(given: Any) -> None:
    assert unreadable("schedule.requested", given) is None


@pytest.mark.parametrize("given", [b"\xff", {"posts": []}, {"batch_id": 5, "posts": []}])
def test_what_names_no_batch_is_not_answered(given: Any) -> None:
    assert unreadable("schedule.batch_requested", given) is None


@pytest.mark.parametrize("posts", [[], None, "none", {"a": 1}, [{"post_id": "a"}] * 501])
def test_a_batch_that_cannot_be_read_is_settled_with_the_reason(posts: object) -> None:
    answer = unreadable("schedule.batch_requested", {"batch_id": "batch-1", "posts": posts})

    assert isinstance(answer, ScheduleBatchSettled)
    (refused,) = answer.rejected
    assert answer.accepted == ()
    assert refused.reason.startswith("posts: ")


def test_a_batch_that_is_too_long_in_bytes_names_the_posts_at_its_beginning() -> None:
    posts = [body(post(f"post-{number}", content="ü" * 50_000)) for number in range(90)]

    answer = unreadable("schedule.batch_requested", {"batch_id": "batch-1", "posts": posts})

    assert isinstance(answer, ScheduleBatchSettled)
    assert {one.post_id for one in answer.rejected} == {f"post-{number}" for number in range(11)}
    assert answer.rejected[0].reason.endswith("bytes; at most 8,388,608 are read: split it")


@pytest.mark.parametrize("padding", range(4))
def test_a_post_that_is_too_long_in_bytes_is_answered_wherever_it_is_cut(padding: int) -> None:
    given = {"post_id": "post-1", "pad": "x" * padding, "content": "👍" * 3_000_000}

    answer = unreadable("schedule.requested", json.dumps(given, ensure_ascii=False).encode())

    assert isinstance(answer, ScheduleRejected)
    assert answer.post_id == "post-1"


def test_a_post_that_is_named_behind_a_megabyte_is_not_looked_for() -> None:
    assert unreadable("schedule.requested", {"content": "x" * 9_000_000, "post_id": "post-1"}) is None


requests = st.one_of(
    st.builds(
        lambda post_id, text, accounts: asked(post(post_id, *accounts, content=text)),
        st.sampled_from(["post-1", "post-2"]),
        st.sampled_from(["a", "b"]),
        st.sets(st.sampled_from(["acct-1", "acct-2"]), min_size=1),
    ),
    st.builds(cancelled, st.sampled_from(["post-1", "post-2"])),
)


@given(st.lists(requests, max_size=8))
def test_a_group_ends_where_its_requests_one_by_one_would(asks: list[Request]) -> None:
    together = decider()
    for ask in asks:
        answered(ask, together)

    saved: dict[tuple[str, str], Any] = {}
    for ask in asks:
        alone = Decider(dict(saved), CONNECTED, NOON)
        answered(ask, alone)
        saved |= alone.changed

    assert together.changed == saved
    assert all(accounts == sorted(a for p, a in saved if p == post_id) for post_id, accounts in _accounts(together))


def _accounts(one: Decider) -> list[tuple[str, list[str]]]:
    return [(post_id, one.accounts_of(post_id)) for post_id in ("post-1", "post-2")]


@pytest.mark.parametrize(
    ("misspelt", "warning"),
    [
        ({"publishAt": "2027-03-29T09:00Z"}, "unknown_field (publishAt: no such field; do you mean publish_at?)"),
        ({"late_polcy": {}}, "unknown_field (late_polcy: no such field; do you mean late_policy?)"),
        (
            {"targets": [{"account_id": "acct-1", "Content": "x"}]},
            "unknown_field (targets[0].Content: no such field; do you mean content?)",
        ),
        ({"colour": "red"}, None),
    ],
)
def test_a_field_that_is_nearly_a_known_one_is_a_warning(misspelt: Any, warning: str | None) -> None:
    given = body(post()) | misspelt
    request = ScheduleRequested.model_validate_json(to_json(given))

    (alone,) = answered(post_request(request, "m-1", BY, to_json(given)), decider())
    (in_a_batch,) = settled(answered(batch(given), decider())).accepted

    assert isinstance(alone, ScheduleAccepted)
    assert alone.warning == in_a_batch.warning == warning


@pytest.mark.parametrize(
    ("wanted_at", "is_urgent"),
    [
        (None, True),
        ("2027-03-28T12:00:02Z", True),
        ("2027-03-28T12:00:03Z", False),
        ({"local": "2027-03-28T14:00:02", "zone": "Europe/Berlin"}, True),
        ({"local": "2027-03-28T15:00:02", "zone": "Europe/Berlin"}, False),
        ("2020-01-01T00:00:00Z", False),
        ({"local": "2027-03-28T14:00:02", "zone": "Europe/Nowhere"}, False),
    ],
)
def test_only_what_is_due_soon_does_not_wait_for_company(wanted_at: Any, is_urgent: bool) -> None:
    later = {"account_id": "acct-2", "publish_at": "2027-05-01T09:00Z"}
    request = post(publish_at=wanted_at, targets=[later, {"account_id": "acct-1"}])

    assert post_request(request, "m-1", BY).is_urgent is is_urgent
