"""The bodies of the HTTP API are read as tolerantly, and as strictly, as the events of the broker."""

import json
from typing import Any

import pytest

from services.console.api.bodies import json_object, read_body
from services.console.api.errors import Refusal, refusal_response
from services.console.requests.editing import Change
from shared.events.requests import ScheduleRequested

POST: dict[str, Any] = {"post_id": "post-1", "content": "Hello", "targets": [{"account_id": "acct-1"}]}
MARK = b"\xef\xbb\xbf"


def raw(**more: Any) -> bytes:
    return json.dumps(POST | more).encode()


def test_a_byte_order_mark_and_null_for_what_is_not_given_change_nothing() -> None:
    plain = read_body(ScheduleRequested, raw())

    assert read_body(ScheduleRequested, MARK + raw(media=None, retry=None, late_policy=None)) == plain
    assert json_object(MARK + b'{"platform": "x", "credentials": null}', without="credentials")[1] is None


def test_a_change_to_null_is_no_change() -> None:
    assert read_body(Change, b'{"content": "new", "media": null, "retry": {"attempts": null}}').media is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("targets", [{"account_id": "b"}]), ("late_policy", {"mode": "skip"}), ("callback_url", "https://cms.example/")],
)
def test_a_change_of_what_only_the_whole_post_sets_is_refused_with_the_way_out(field: str, value: Any) -> None:
    with pytest.raises(Refusal) as refused:
        read_body(Change, json.dumps({"content": "new", field: value}).encode())

    assert refused.value.problem.field == field
    assert "send the whole post with POST /v1/posts" in refused.value.problem.detail


def test_a_change_may_name_its_post_and_nothing_else_of_it() -> None:
    change = read_body(
        Change, json.dumps({"post_id": "p", "content": "new", "late_policy": None, "state": "x"}).encode()
    )

    assert change.content == "new"


def test_a_near_miss_and_a_wrong_value_are_still_refused() -> None:
    for wrong, field in (({"publishAt": None}, "publishAt"), ({"media": None, "content": 5}, "content")):
        with pytest.raises(Refusal) as refused:
            read_body(ScheduleRequested, MARK + raw(**wrong))
        assert refused.value.problem.field == field


def test_half_a_surrogate_pair_is_refused_by_an_answer_that_can_be_sent() -> None:
    with pytest.raises(Refusal) as refused:
        read_body(ScheduleRequested, json.dumps({"post_id": "\ud83d", "content": "Hello"}).encode())

    answer = json.loads(bytes(refusal_response(refused.value).body))

    assert (answer["status"], answer["code"], answer["post_id"]) == (400, "invalid", "?")
