"""A change keeps what it does not name, and touches only what is not yet sent."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.console.domain.post_facts import posts_in
from services.console.domain.posts import Content, Post, merged
from services.console.read_model.drafts import Draft, Drafts
from services.console.requests.editing import Change, Overtaken, Unchangeable, edit_requests, left_out
from shared.events import Event
from shared.events.publisher import PublishSucceeded
from shared.events.requests import MAX_TARGETS, NewMedia, RetryPolicy
from shared.events.scheduler import PublishRequested, ScheduleAccepted, ScheduleCancelled
from shared.messaging.envelope import MAX_BODY_BYTES

NOON = datetime(2027, 3, 28, 12, tzinfo=UTC)
DRAFT = {"post_id": "p", "content": "second", "targets": [{"account_id": "a"}, {"account_id": "b"}]}
DRAFTS = Drafts([Draft("request-2", "p", json.dumps(DRAFT))])
PICTURE = NewMedia(url="https://pictures.example/1.png", alt="a ball")


def post(account_id: str, *more: Event, media: tuple[NewMedia, ...] = (PICTURE,)) -> Post:
    requested = PublishRequested(
        post_id="p",
        account_id=account_id,
        revision=1,
        publish_at=NOON,
        content=f"for {account_id}",
        media=media,
        options={"tag": account_id},
        callback_url="https://calls.example/",
    )
    known = posts_in(requested, "request")[0]
    for fact in more:
        known = merged(known, posts_in(fact, "request")[0])
    return known


def published(account_id: str) -> PublishSucceeded:
    return PublishSucceeded(
        post_id="p",
        account_id=account_id,
        revision=1,
        platform="sandbox",
        published_at=NOON,
        lateness_ms=0.0,
        attempts=1,
    )


def test_what_a_change_does_not_name_stays() -> None:
    later = NOON + timedelta(hours=1)

    (request,) = edit_requests([post("a"), post("b")], Drafts([]), Change(publish_at=later))

    assert [(target.account_id, target.content, target.publish_at) for target in request.targets] == [
        ("a", "for a", later),
        ("b", "for b", later),
    ]
    assert [target.options for target in request.targets] == [{"tag": "a"}, {"tag": "b"}]
    assert (request.media, request.callback_url) == ((PICTURE,), "https://calls.example/")


def test_how_often_to_try_stays_unless_it_is_named() -> None:
    own = PublishRequested(
        post_id="p", account_id="a", revision=1, publish_at=NOON, content="x", retry=RetryPolicy(attempts=9)
    )
    known = posts_in(own, "request")

    (kept,) = edit_requests(known, Drafts([]), Change(content="new"))
    (changed,) = edit_requests(known, Drafts([]), Change(retry=RetryPolicy(attempts=1), expected_revision=1))

    assert (kept.retry.attempts, kept.expected_revision) == (9, 1)
    assert (changed.retry.attempts, changed.expected_revision, changed.content) == (1, 1, "x")


def test_what_an_earlier_release_has_learned_is_tried_as_usual() -> None:
    body = json.loads(post("a").content.body)  # type: ignore[union-attr]
    del body["retry"]
    old = replace(post("a"), content=Content(1, json.dumps(body)))

    (request,) = edit_requests([old], Drafts([]), Change(content="new"))

    assert request.retry == RetryPolicy()


def test_new_content_keeps_the_time() -> None:
    (request,) = edit_requests([post("a")], Drafts([]), Change(content="new", media=()))

    assert (request.targets[0].content, request.targets[0].publish_at, request.media) == ("new", NOON, ())


def test_what_was_sent_or_cancelled_is_left_alone() -> None:
    cancelled = ScheduleCancelled(post_id="p", account_id="c", revision=1, reason="requested")
    posts = [post("a", published("a")), post("b"), post("c", cancelled)]

    (request,) = edit_requests(posts, Drafts([]), Change(content="new"))

    assert [target.account_id for target in request.targets] == ["b"]


def test_accounts_that_are_not_named_are_left_alone() -> None:
    (request,) = edit_requests([post("a"), post("b")], Drafts([]), Change(content="new", account_ids=("b",)))

    assert [target.account_id for target in request.targets] == ["b"]


def test_accounts_that_are_meant_and_not_changed_are_told() -> None:
    cancelled = ScheduleCancelled(post_id="p", account_id="c", revision=1, reason="requested")
    posts = [post("a", published("a")), post("b"), post("c", cancelled), replace(accepted(1), account_id="d")]

    requests = edit_requests(posts, Drafts([]), Change(content="new"))
    told = left_out("p", posts, Change(content="new"), ("a", "b", "c", "d", "nobody"), requests)
    of_all = left_out("p", posts, Change(content="new"), (), requests)

    assert [(one.account_id, one.code) for one in told] == [
        ("a", "already_published"), ("c", "not_found"), ("d", "invalid"), ("nobody", "not_found"),
    ]  # fmt: skip
    assert [one.account_id for one in of_all] == ["d"]


def test_targets_with_other_media_go_in_a_request_of_their_own() -> None:
    requests = edit_requests([post("a"), post("b", media=())], Drafts([]), Change(publish_at=NOON))

    assert [(request.media, request.targets[0].account_id) for request in requests] == [((PICTURE,), "a"), ((), "b")]


def test_where_nothing_is_left_to_change_the_states_say_why() -> None:
    with pytest.raises(Unchangeable, match="published on 'a'"):
        edit_requests([post("a", published("a"))], Drafts([]), Change(content="new"))


def test_where_it_is_not_known_what_the_post_says_the_way_out_is_named() -> None:
    """As when the scheduler that accepted it was of another release than the console."""
    with pytest.raises(Unchangeable, match="does not know what 'p' says: `timeball console rebuild`"):
        edit_requests([accepted(1)], Drafts([]), Change(content="new"))


def accepted(revision: int) -> Post:
    fact = ScheduleAccepted(post_id="p", account_id="a", revision=revision, publish_at=NOON, changed=True)
    return posts_in(fact, f"request-{revision}")[0]


def test_a_change_expects_the_revision_whose_text_it_is_built_from() -> None:
    """That there is a second revision has been heard of, but not what it says: it must not be reverted."""
    overtaken = merged(post("a"), accepted(2))

    (stale,) = edit_requests([overtaken], Drafts([]), Change(publish_at=NOON))
    (fresh,) = edit_requests([overtaken], DRAFTS, Change(publish_at=NOON))

    assert (stale.content, stale.expected_revision) == ("for a", 1)
    assert (fresh.content, fresh.expected_revision) == ("second", 2)


def test_accounts_at_different_revisions_are_changed_by_requests_of_their_own() -> None:
    requests = edit_requests(
        [post("a"), merged(post("b"), replace(accepted(2), account_id="b"))], DRAFTS, Change(content="x")
    )

    assert {one.expected_revision: [target.account_id for target in one.targets] for one in requests} == {
        1: ["a"],
        2: ["b"],
    }


def test_a_change_of_another_revision_than_is_expected_is_refused() -> None:
    with pytest.raises(Overtaken, match="'p' on 'a' is at revision 1, not at 7"):
        edit_requests([post("a")], Drafts([]), Change(content="new", expected_revision=7))


def test_a_change_of_more_accounts_than_a_request_names_is_asked_for_in_parts() -> None:
    posts = [post(f"account-{number}") for number in range(MAX_TARGETS + 1)]

    requests = edit_requests(posts, Drafts([]), Change(content="new"))

    assert [len(request.targets) for request in requests] == [MAX_TARGETS, 1]
    assert {target.account_id for request in requests for target in request.targets} == {
        one.account_id for one in posts
    }


def test_a_change_of_more_text_than_a_request_holds_is_asked_for_in_parts() -> None:
    posts = [post(f"account-{number}") for number in range(300)]
    long = "é" * 100_000

    requests = edit_requests(posts, Drafts([]), Change(content=long))

    assert sum(len(request.targets) for request in requests) == len(posts)
    assert max(len(request.body()) for request in requests) <= MAX_BODY_BYTES
