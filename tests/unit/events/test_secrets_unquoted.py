"""What is wrong with a message is said without what was secret in it."""

import json
import traceback
from typing import Any

import pytest

from shared.messaging.envelope import UnreadableEvent, read_event

SECRET = "hunter2hunter2"

ACCOUNT: dict[str, Any] = {"account_id": "a", "platform": "mastodon"}
WORKSPACE: dict[str, Any] = {"workspace_id": "w", "monitoring_enabled": True, "subreddits": [], "keywords": []}

BODIES: list[tuple[str, Any, str]] = [
    ("account.connect_requested", ACCOUNT | {"sealed_credentials": {"access_token": SECRET}}, "sealed_credentials"),
    ("account.connect_requested", ACCOUNT | {"sealed_credentials": [SECRET]}, "sealed_credentials"),
    ("account.connect_requested", ACCOUNT | {"sealed_credentials": SECRET * 10_000}, "sealed_credentials"),
    ("account.connect_requested", ACCOUNT | {"settings": {"password": SECRET, "x": "\x00"}}, "settings"),
    ("account.connect_requested", ACCOUNT | {"limits": {"per_day": {"token": SECRET}}}, "limits.per_day"),
    ("account.connect_requested", ACCOUNT | {"limits": [{"nested": [{"secret": SECRET}]}]}, "limits"),
    ("account.connect_requested", [{"sealed_credentials": {"password": SECRET}}], "object"),
    ("workspace.configured", WORKSPACE | {"sealed_notify": [f"mailto://me:{SECRET}@example.org"]}, "sealed_notify"),
    ("workspace.configured", WORKSPACE | {"subreddits": [f"mailto://me:{SECRET}@example.org"]}, "subreddits[0]"),
]


@pytest.mark.parametrize(("type_name", "body", "field"), BODIES)
def test_a_reason_names_the_field_and_quotes_no_secret(type_name: str, body: Any, field: str) -> None:
    with pytest.raises(UnreadableEvent) as raised:
        read_event(type_name, json.dumps(body).encode())

    assert field in raised.value.reason
    assert SECRET not in raised.value.reason


@pytest.mark.parametrize(("type_name", "body", "field"), BODIES)
def test_a_logged_traceback_quotes_no_secret(type_name: str, body: Any, field: str) -> None:
    """A failure while the refusal is dealt with is logged together with what led to it."""
    try:
        try:
            read_event(type_name, json.dumps(body).encode())
        except UnreadableEvent:
            raise OSError("the database is away")  # noqa: B904
    except OSError as error:
        logged = "".join(traceback.format_exception(error))

    assert SECRET not in logged


def test_other_values_are_still_quoted() -> None:
    with pytest.raises(UnreadableEvent, match=r"limits\.per_day.*got 'many'"):
        read_event("account.connect_requested", json.dumps(ACCOUNT | {"limits": {"per_day": "many"}}).encode())
