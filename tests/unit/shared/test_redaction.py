"""Secrets are masked, whatever field or text they are in, and nothing else is."""

from typing import Any

import pytest

from shared.secrets.redaction import redact_fields, redact_text

SECRET = "hunter2hunter2"

SECRET_NAMES = [
    "password",
    "db_passwd",
    "token",
    "access_token",
    "bot_token",
    "api_token",
    "apiKey",
    "client_secret",
    "Authorization",
    "credentials",
    "sealed_credentials",
    "sealed_notify",
    "set-cookie",
    "private_key",
    "webhook_url",
]
TEXTS = [
    (f"amqp://guest:{SECRET}@localhost:5672/", "amqp://***@localhost:5672/"),
    (f"amqp://{SECRET}@localhost", "amqp://***@localhost"),
    (f"amqp://a:{SECRET}@one,amqp://b:{SECRET}@two/x", "amqp://***@one,amqp://***@two/x"),
    (f"postgresql+asyncpg://u:p@{SECRET}@db/x failed", "postgresql+asyncpg://***@db/x failed"),
    (f"amqp://u:{SECRET}/more@host/", "amqp://***@host/"),
    (f"https://api.telegram.org/bot123:{SECRET}/sendMessage", "https://api.telegram.org/bot***/sendMessage"),
    (f"https://discord.com/api/webhooks/42/{SECRET}?wait=true", "https://discord.com/api/webhooks/42/***?wait=true"),
    (f"https://discord.com/api/v10/webhooks/42/{SECRET}", "https://discord.com/api/v10/webhooks/42/***"),
    (f"https://x.example/?a=1&access_token={SECRET}&b=2", "https://x.example/?a=1&access_token=***&b=2"),
    (f"Authorization: Bearer {SECRET}", "Authorization: Bearer ***"),
    (f"signed with whsec_{SECRET}=", "signed with whsec_***"),
]
HOSTILE = ["://", "://a:", "?token", "/bot1", "/api/webhooks/1", "bearer ", "whsec_"]
HARMLESS = [
    "https://mastodon.example/@user/1",
    "http://127.0.0.1:8080/@user",
    "user@example.com wrote http://example.com/a:b@c",
    '{"url":"http://example.com","mail":"me@example.com"}',
    "sqlite+aiosqlite:////var/scheduler.db",
    "bearer of news",
    "3 tokens left",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("value", [SECRET, SECRET.encode(), [SECRET], {"inner": SECRET}])
def test_the_value_of_a_secret_field_is_masked(name: str, value: Any) -> None:
    assert redact_fields({name: value, "post_id": "p1"}) == {name: "***", "post_id": "p1"}


def test_a_secret_field_is_masked_at_any_depth() -> None:
    fields = {"account": {"settings": [{"bot_token": SECRET, "chat_id": 1}]}}

    assert redact_fields(fields) == {"account": {"settings": [{"bot_token": "***", "chat_id": 1}]}}


@pytest.mark.parametrize("field", [{"token_expires_at": "2027"}, {"token": None}, {"has_secret": True}, {"key": "p:a"}])
def test_a_field_about_a_secret_is_left(field: dict[str, Any]) -> None:
    assert redact_fields(field) == field


@pytest.mark.parametrize(("text", "redacted"), TEXTS)
def test_a_secret_is_masked_in_text(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted


@pytest.mark.parametrize("text", HARMLESS)
def test_text_that_only_looks_similar_is_left(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.timeout(60)
@pytest.mark.parametrize("beginning", HOSTILE)
def test_a_long_text_made_to_be_slow_is_not(beginning: str) -> None:
    redact_text(beginning * (100_000 // len(beginning)))
