"""A stream about a post or an account has every event that names it, in whatever part."""

import json
from typing import Any

import pytest

from services.console.api.stream import interest_in
from services.console.streaming.journal import Entry

ON_TEAM = {"post_id": "sale", "account_id": "team"}


def entry(type_: str, told: dict[str, Any]) -> Entry:
    return Entry(1, "m", type_, "c", json.dumps(told))


@pytest.mark.parametrize(
    ("type_", "told"),
    [
        ("publish.succeeded", ON_TEAM),
        ("schedule.requested", {"post_id": "sale", "targets": [{"account_id": "other"}, {"account_id": "team"}]}),
        ("schedule.cancel_requested", {"post_id": "sale", "account_ids": ["team"]}),
        ("schedule.batch_requested", {"posts": ["odd", {"post_id": "sale", "targets": [{"account_id": "team"}]}]}),
        ("schedule.batch_settled", {"accepted": [ON_TEAM], "rejected": [], "pending": []}),
        ("schedule.batch_settled", {"accepted": [], "rejected": [ON_TEAM], "pending": []}),
        ("schedule.batch_settled", {"accepted": [], "rejected": [], "pending": [ON_TEAM]}),
    ],
)
async def test_an_event_is_about_every_post_and_account_that_it_names(type_: str, told: dict[str, Any]) -> None:
    about = entry(type_, told)

    for ids in ({"post_id": "sale"}, {"account_id": "team"}, ON_TEAM, {}):
        assert (await interest_in([], **ids))(about), ids
    for ids in ({"post_id": "other"}, {"account_id": "nobody"}, {"post_id": "sale", "account_id": "nobody"}):
        assert not (await interest_in([], **ids))(about), ids


@pytest.mark.parametrize("odd", [None, 3, "x", [3], {"targets": 3}, {"targets": [3, {}]}, {"account_ids": 3}])
async def test_a_batch_of_anything_ends_no_stream(odd: Any) -> None:
    about = entry("schedule.batch_requested", {"posts": [odd], "accepted": 3})

    assert not (await interest_in([], post_id="sale", account_id="team"))(about)
