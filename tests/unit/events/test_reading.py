"""A body is read as producers in any language write it: null counts as not given."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from services.scheduler.origin import Origin
from services.scheduler.requests import batch_request
from shared.events import Event
from shared.events.explaining import explain
from shared.events.reading import read_json
from shared.events.requests import (
    AccountConnectRequested,
    Keyword,
    ScheduleBatchRequested,
    ScheduleRequested,
    WorkspaceConfigured,
)

POST: dict[str, Any] = {"post_id": "post-1", "content": "Hello", "targets": [{"account_id": "acct-1"}]}
WORKSPACE: dict[str, Any] = {"workspace_id": "w", "monitoring_enabled": True, "subreddits": ["python"], "keywords": []}


def as_read(body: dict[str, Any], of: type[Event] = ScheduleRequested) -> Event:
    return read_json(of, json.dumps(body).encode())


@pytest.mark.parametrize(
    "nulls",
    [
        dict.fromkeys(("media", "late_policy", "retry", "publish_at", "expected_revision", "callback_url")),
        {"late_policy": {"mode": None, "grace_seconds": None}, "retry": {"attempts": None}},
        {"targets": [{"account_id": "acct-1", "content": None, "publish_at": None, "options": None}]},
        {"nobody_knows": None},
    ],
)
def test_null_is_as_if_it_were_not_given(nulls: dict[str, Any]) -> None:
    assert as_read(POST | nulls) == as_read(POST)


def test_what_stands_beside_null_is_as_it_was() -> None:
    media = [{"url": "https://x.test/a.png", "alt": None}]

    read = as_read(POST | {"media": media, "retry": {"attempts": 7, "first_delay_seconds": None}, "late_policy": None})

    assert isinstance(read, ScheduleRequested)
    assert (read.media[0].url, read.retry.attempts, read.retry.first_delay_seconds) == ("https://x.test/a.png", 7, 5)


def test_an_option_that_is_null_is_not_given_and_one_within_an_option_is_left_alone() -> None:
    options = {"spoiler_text": None, "embeds": [{"title": None}]}

    read = as_read(POST | {"targets": [{"account_id": "acct-1", "options": options}]})

    assert isinstance(read, ScheduleRequested)
    assert read.targets[0].options == {"embeds": [{"title": None}]}


def test_workspaces_and_accounts_are_read_alike() -> None:
    keyword = dict.fromkeys(("match", "exclude", "case_sensitive")) | {"phrase": "timeball"}
    more = {"keywords": [keyword], "notify": None, "keep_notify": None}
    account = {"account_id": "a", "platform": "sandbox"}

    read = as_read(WORKSPACE | more, WorkspaceConfigured)

    assert isinstance(read, WorkspaceConfigured)
    assert (read.keywords, read.notify) == ((Keyword(phrase="timeball"),), "at_once")
    assert as_read(account | {"settings": None}, AccountConnectRequested) == as_read(account, AccountConnectRequested)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"content": None}, "content: this field is required"),
        ({"targets": [None]}, 'targets[0]: Input should be an object: write {"account_id": "…"} (got null)'),
        ({"media": [None]}, 'media[0]: Input should be an object: write {"url": "https://…"} (got null)'),
        ({"media": None, "post_id": 5}, "post_id: Input should be a valid string (got 5)"),
        ({"retry": None, "publish_at": {"local": None, "zone": "UTC"}}, "publish_at.local: this field is required"),
    ],
)
def test_what_is_needed_is_still_asked_for(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        as_read(POST | wrong)

    assert explain(refused.value).startswith(text)


def test_the_posts_of_a_batch_are_read_alike() -> None:
    posts = ({**POST, "media": None}, {**POST, "post_id": "post-2", "retry": None})

    request = batch_request(
        ScheduleBatchRequested(batch_id="b", posts=posts), None, Origin("c", "r", datetime(2027, 3, 28, 12, tzinfo=UTC))
    )

    assert ([one.post_id for one in request.wanted], request.refused) == (["post-1", "post-2"], [])
