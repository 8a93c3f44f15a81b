"""Whoever asks for a connection wrongly is told what is wrong, as long as it can be told whom to answer."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.publisher.accounts.unreadable import answer_to_unreadable, check_spelling
from services.publisher.platforms.errors import Rejected
from shared.events.publisher import AccountConnectFailed
from shared.events.requests import AccountConnectRequested
from shared.messaging.envelope import Delivery, UnreadableEvent, read_event

NOW = datetime(2027, 3, 28, 12, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {"account_id": "team", "platform": "sandbox"}


def answer(body: Any, type_name: str = AccountConnectRequested.type) -> AccountConnectFailed | None:
    with pytest.raises(UnreadableEvent) as unreadable:
        read_event(type_name, json.dumps(body).encode())
    return answer_to_unreadable(type_name, unreadable.value.body, unreadable.value.reason, NOW)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"limits": {"per_second": -1}}, "limits.per_second: Input should be greater than or equal to 1 (got -1)"),
        ({"limits": {"per_day": "many"}}, "limits.per_day: Input should be a valid integer (got 'many')"),
        ({"limits": [5]}, "limits: Input should be an object (got [5])"),
        ({"settings": "server"}, "settings: Input should be an object (got 'server')"),
        ({"requested_at": "yesterday"}, "requested_at: an instant is RFC 3339 text with an offset, such as "),
        ({"settings": {"password": 5}, "sealed_credentials": {"password": "pa55"}}, "sealed_credentials: "),
    ],
)
def test_the_answer_names_the_field_the_value_and_what_is_right(wrong: dict[str, Any], message: str) -> None:
    told = answer(ACCOUNT | wrong)

    assert told is not None
    assert told.error.message.startswith(message)
    assert (told.account_id, told.platform, told.error.code) == ("team", "sandbox", "invalid")
    assert "pa55" not in told.error.message


def test_a_platform_that_is_no_name_is_answered_as_unknown() -> None:
    told = answer(ACCOUNT | {"platform": 7})

    assert told is not None
    assert (told.platform, told.error.message) == ("unknown", "platform: Input should be a valid string (got 7)")


@pytest.mark.parametrize("body", [[], 5, {"platform": "sandbox"}, {"account_id": "", "platform": "sandbox"}])
def test_where_no_account_is_named_nobody_can_be_answered(body: Any) -> None:
    assert answer(body) is None


def test_other_requests_are_not_answered_here() -> None:
    assert answer({"account_id": 5}, "account.disconnect_requested") is None


def test_a_limit_that_is_misspelt_is_refused_with_the_right_name() -> None:
    body = ACCOUNT | {"limits": {"per_secnd": 5}}
    raw = json.dumps(body).encode()

    with pytest.raises(Rejected, match=r"limits.per_secnd: no such field; do you mean per_second\?"):
        check_spelling(Delivery(AccountConnectRequested.model_validate_json(raw), "m", "c", body=raw))
