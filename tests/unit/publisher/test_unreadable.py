"""Whoever asks for a connection wrongly is told what is wrong, as long as it can be told whom to answer."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.publisher import refusals
from services.publisher.accounts.asked import check_spelling
from services.publisher.platforms.errors import Rejected
from services.publisher.unreadable import answer_to_unreadable
from shared.events import Event
from shared.events.publisher import AccountConnectFailed, AccountDisconnectFailed
from shared.events.requests import AccountConnectRequested, AccountDisconnectRequested, PublishResolveRequested
from shared.events.scheduler import ScheduleRejected
from shared.messaging.envelope import Delivery, UnreadableEvent, read_event

NOW = datetime(2027, 3, 28, 12, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {"account_id": "team", "platform": "sandbox"}


POST: dict[str, Any] = {"post_id": "sale", "account_id": "team"}


def answer(body: Any, type_name: str = AccountConnectRequested.type) -> Event | None:
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

    assert isinstance(told, AccountConnectFailed)
    assert told.error.message.startswith(message)
    assert (told.account_id, told.platform, told.error.code) == ("team", "sandbox", "invalid")
    assert "pa55" not in told.error.message


def test_a_platform_that_is_no_name_is_answered_as_unknown() -> None:
    told = answer(ACCOUNT | {"platform": 7})

    assert isinstance(told, AccountConnectFailed)
    assert (told.platform, told.error.message) == ("unknown", "platform: Input should be a valid string (got 7)")


@pytest.mark.parametrize("body", [[], 5, {"platform": "sandbox"}, {"account_id": "", "platform": "sandbox"}])
def test_where_no_account_is_named_nobody_can_be_answered(body: Any) -> None:
    assert answer(body) is None


@pytest.mark.parametrize(
    ("type_name", "body", "account_id", "reason"),
    [
        ("publish.retry_requested", {"post_id": "sale"}, None, "account_id: this field is required"),
        ("publish.retry_requested", POST | {"account_id": 7}, None, "account_id: Input should be a valid string"),
        ("publish.resolve_requested", POST | {"outcome": "sent"}, "team", "outcome: Input should be 'published', "),
        ("publish.resolve_requested", POST, "team", "outcome: this field is required"),
    ],
)
def test_what_is_asked_wrongly_for_a_post_is_rejected(
    type_name: str, body: dict[str, Any], account_id: str | None, reason: str
) -> None:
    told = answer(body, type_name)

    assert isinstance(told, ScheduleRejected)
    assert (told.post_id, told.account_id, told.code) == ("sale", account_id, "invalid")
    assert told.reason.startswith(reason)


@pytest.mark.parametrize("body", [[], {"account_id": "team"}, {"post_id": 5, "account_id": "team"}])
def test_where_no_post_is_named_nobody_can_be_answered(body: Any) -> None:
    assert answer(body, "publish.retry_requested") is None


def test_a_disconnection_asked_for_wrongly_is_answered_and_says_why() -> None:
    told = answer({"account_id": "team", "requested_at": "2027-03-01T12:00"}, "account.disconnect_requested")

    assert isinstance(told, AccountDisconnectFailed)
    assert (told.account_id, told.error.code) == ("team", "invalid")
    assert told.error.message.startswith("requested_at: the instant has no offset; add one")


def test_what_nobody_waits_for_is_not_answered() -> None:
    assert answer({"account_id": 5}, "account.refresh_requested") is None


def test_a_field_that_is_nearly_known_is_refused_with_the_right_name() -> None:
    settled = json.dumps(POST | {"outcome": "published", "platform_postid": "7"}).encode()
    disconnected = json.dumps(ACCOUNT | {"requestedAt": "2027-03-01T12:00:00Z"}).encode()

    with pytest.raises(refusals.Refused, match=r"platform_postid: no such field; do you mean platform_post_id\?"):
        refusals.check_spelling(Delivery(PublishResolveRequested.model_validate_json(settled), "m", "c", body=settled))
    with pytest.raises(Rejected, match=r"requestedAt: no such field; do you mean requested_at\?"):
        check_spelling(
            Delivery(AccountDisconnectRequested.model_validate_json(disconnected), "m", "c", body=disconnected)
        )


def test_a_limit_that_is_misspelt_is_refused_with_the_right_name() -> None:
    body = ACCOUNT | {"limits": {"per_secnd": 5}}
    raw = json.dumps(body).encode()

    with pytest.raises(Rejected, match=r"limits.per_secnd: no such field; do you mean per_second\?"):
        check_spelling(Delivery(AccountConnectRequested.model_validate_json(raw), "m", "c", body=raw))
