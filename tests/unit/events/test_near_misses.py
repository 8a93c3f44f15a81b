"""A field that is nearly a known one is found, wherever it is; anything else that is unknown is nobody's mistake."""

import pytest
from pydantic import JsonValue

from shared.events.near_misses import MOST_LOOKED_AT, near_misses
from shared.events.requests import AccountConnectRequested, ScheduleRequested


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"publishAt": None}, "publishAt: no such field; do you mean publish_at?"),
        ({"Late-Policy": None}, "Late-Policy: no such field; do you mean late_policy?"),
        ({"late_polcy": None}, "late_polcy: no such field; do you mean late_policy?"),
        ({"late_policy": {"graceSeconds": 1}}, "late_policy.graceSeconds: no such field; do you mean grace_seconds?"),
        ({"targets": [{}, {"acount_id": 1}]}, "targets[1].acount_id: no such field; do you mean account_id?"),
        ({"publish_at": {"Zone": "UTC"}}, "publish_at.Zone: no such field; do you mean zone?"),
        ({"options": {"visibility": "unlisted"}}, "options: no such field; do you mean targets[].options?"),
        ({"accountId": "a"}, "accountId: no such field; do you mean targets[].account_id?"),
    ],
)
def test_a_near_miss_is_named_with_its_place_and_what_is_meant(body: JsonValue, found: str) -> None:
    assert near_misses(body, ScheduleRequested) == [found]


def test_another_one_of_a_family_of_fields_is_named_with_the_family() -> None:
    body: JsonValue = {"limits": {"per_hour": 5, "per_minute": 1, "note": "x"}}

    (found,) = near_misses(body, AccountConnectRequested)

    assert found == "limits.per_hour: no such field; do you mean per_second, per_minute or per_day?"


@pytest.mark.parametrize(
    "body",
    [
        {
            "author": "Ann",
            "campaign": {"publishAt": 1},
            "title": "x",
            "id": 1,
            "url": "https://example.org",
            "zone": "UTC",
        },
        {"targets": [{"options": {"publishAt": 1}}], "publish_at": "2027-03-28T09:00Z"},
        {"targets": "none", "media": [1, None], "late_policy": []},
        ["post_id"],
        None,
    ],
)
def test_what_is_known_free_or_simply_unknown_is_no_near_miss(body: JsonValue) -> None:
    assert near_misses(body, ScheduleRequested) == []


def test_of_countless_unknown_fields_some_are_looked_at() -> None:
    """To compare each of them would hold up everybody for as long as a stranger likes."""
    names = [*(f"colour-{number}" for number in range(MOST_LOOKED_AT)), "publishAt"]
    body: dict[str, JsonValue] = dict.fromkeys(names, "red")

    assert near_misses(body, ScheduleRequested) == []
    assert near_misses(dict(reversed(body.items())), ScheduleRequested) != []
