"""What was plainly meant is taken for what was meant, and everything else is left as it is."""

from typing import Any

import httpx
import pytest

from services.publisher.platforms import platforms
from services.publisher.platforms.cleaning import cleaned, trimmed


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("me.example", "me.example"),
        (" me.example\n", "me.example"),
        ("\u202ame.example\u202c", "me.example"),
        ("\u2068me.example\u2069", "me.example"),
        ("\ufeff\u200bme.example\u200d\u00a0", "me.example"),
        ("\u202a @me.example \u202c", "@me.example"),
        ("two words", "two words"),
        ("a\u200db", "a\u200db"),
        (" \u200b ", ""),
        ("", ""),
    ],
)
def test_what_stands_around_a_text_unseen_is_no_part_of_it(given: str, meant: str) -> None:
    assert trimmed(given) == meant


def test_only_a_handle_loses_its_at_sign() -> None:
    given: dict[str, Any] = {"name": "\u202a@me\u202c", "chat_id": "@harbour ", "secret": [" a", "b "], "port": 7}

    assert cleaned(given, ["name"]) == {"name": "me", "chat_id": "@harbour", "secret": ["a", "b"], "port": 7}


@pytest.mark.parametrize(
    ("platform", "settings", "credentials", "meant"),
    [
        ("bluesky", {}, {"identifier": "@me.example", "password": " abcd "}, ("me.example", "abcd")),
        ("x", {"username": "@harbour"}, {"client_id": "id\u200b"}, ("harbour", "id")),
        ("telegram", {"chat_id": " @harbour"}, {"bot_token": "1:a\n"}, ("@harbour", "1:a")),
    ],
)
def test_each_network_knows_its_own_handles(
    platform: str, settings: dict[str, Any], credentials: dict[str, Any], meant: tuple[str, ...]
) -> None:
    both = platforms(httpx.AsyncClient())[platform].cleaned(settings, credentials)

    assert tuple(value for fields in both for value in fields.values()) == meant
