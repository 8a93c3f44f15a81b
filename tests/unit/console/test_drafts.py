"""What a post says is found in the publish request, or in the draft that was accepted."""

from datetime import UTC, datetime
from functools import reduce
from itertools import permutations

import pytest

from services.console.domain.post_facts import posts_in
from services.console.domain.posts import Post, merged
from services.console.read_model.drafts import Draft, Drafts
from shared.events.publisher import PublishSucceeded
from shared.events.requests import ScheduleRequested, Target
from shared.events.scheduler import PublishRequested, ScheduleAccepted

NOON = datetime(2027, 3, 28, 12, tzinfo=UTC)


def accepted(revision: int, request_id: str) -> Post:
    fact = ScheduleAccepted(post_id="p", account_id="b", revision=revision, publish_at=NOON, changed=True)
    return posts_in(fact, request_id)[0]


def draft(request_id: str, content: str, own: str | None = None) -> Draft:
    targets = (Target(account_id="a"), Target(account_id="b", content=own))
    request = ScheduleRequested(post_id="p", content=content, targets=targets)
    return Draft(request_id, "p", request.body().decode())


def test_an_accepted_post_says_what_its_request_asked_for() -> None:
    drafts = Drafts([draft("first", "one"), draft("second", "two"), draft("refused", "three")])

    fields = drafts.fields_of(accepted(2, "second"))

    assert fields and fields["content"] == "two"


def test_a_target_s_own_content_wins() -> None:
    fields = Drafts([draft("first", "one", own="mine")]).fields_of(accepted(1, "first"))

    assert fields and fields["content"] == "mine"


def test_of_two_mentions_in_one_batch_the_last_counts() -> None:
    fields = Drafts([draft("batch", "early"), draft("batch", "late")]).fields_of(accepted(1, "batch"))

    assert fields and fields["content"] == "late"


def test_the_publish_request_needs_no_draft() -> None:
    requested = PublishRequested(post_id="p", account_id="b", revision=1, publish_at=NOON, content="sent")

    fields = Drafts([]).fields_of(posts_in(requested, "first")[0])

    assert fields and fields["content"] == "sent"


def test_a_newer_plan_wins_over_the_content_of_an_older_publish_request() -> None:
    requested = PublishRequested(post_id="p", account_id="b", revision=1, publish_at=NOON, content="sent")
    post = merged(posts_in(requested, "first")[0], accepted(2, "second"))

    fields = Drafts([draft("second", "new")]).fields_of(post)

    assert fields and fields["content"] == "new"


def published(revision: int) -> Post:
    fact = PublishSucceeded(
        post_id="p", account_id="b", revision=revision, platform="x", published_at=NOON, lateness_ms=0, attempts=1
    )
    return posts_in(fact, "first")[0]


def requested(revision: int, content: str) -> Post:
    fact = PublishRequested(post_id="p", account_id="b", revision=revision, publish_at=NOON, content=content)
    return posts_in(fact, "first")[0]


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ([requested(1, "sent"), accepted(2, "second"), published(1)], "sent"),
        ([accepted(1, "first"), published(1)], "one"),
        ([requested(1, "old"), accepted(2, "second"), published(2)], "two"),
        ([accepted(2, "second"), published(1)], None),
        ([requested(2, "too late"), published(1)], None),
    ],
)
def test_what_was_published_is_shown_and_never_an_edit_that_came_too_late(facts: list[Post], text: str | None) -> None:
    drafts = Drafts([draft("first", "one"), draft("second", "two")])

    known = [drafts.fields_of(reduce(merged, order)) for order in permutations(facts)]

    assert [fields and fields["content"] for fields in known] == [text] * len(known)


def test_nothing_is_made_up_where_the_draft_is_missing_or_was_refused() -> None:
    assert Drafts([Draft("first", "p", '{"post_id": "p"}')]).fields_of(accepted(1, "first")) is None
