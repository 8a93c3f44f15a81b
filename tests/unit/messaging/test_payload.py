"""What is shown of a dead letter's body never holds a secret, and any body can be shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.dead_letters.payload import MOST_SHOWN, payload_of

CREDENTIALS = {
    "account_id": "team",
    "platform": "bluesky",
    "settings": {"server": "https://user:hunter2@bsky.example", "webhook_url": "https://x.example/hunter2"},
    "sealed_credentials": {"identifier": "me", "password": "hunter2"},
    "credentials": [{"token": "hunter2"}],
}


def test_json_is_shown_without_the_values_of_secrets() -> None:
    payload = payload_of(json.dumps(CREDENTIALS).encode())

    assert "hunter2" not in payload.text
    assert json.loads(payload.text)["account_id"] == "team"
    assert payload.account_id == "team"


@pytest.mark.parametrize("length", range(20, len(json.dumps(CREDENTIALS)), 7))
def test_what_is_no_json_is_shown_up_to_the_first_secret(length: int) -> None:
    payload = payload_of(json.dumps(CREDENTIALS).encode()[:length])

    assert "hunter2" not in payload.text
    assert payload.text.startswith('{"account_id": "team')


def test_a_body_that_is_too_long_to_be_read_keeps_its_secrets() -> None:
    body = json.dumps({"padding": "x" * 300_000, **CREDENTIALS}).encode()
    secret_first = json.dumps({**CREDENTIALS, "padding": "x" * 300_000}).encode()

    assert "hunter2" not in payload_of(body).text
    assert "hunter2" not in payload_of(secret_first).text
    assert len(payload_of(body).text) <= MOST_SHOWN + 1


def test_a_post_is_known_by_its_ids() -> None:
    payload = payload_of(b'{"post_id": "post-1", "account_id": "team", "content": "The ball drops."}')

    assert (payload.post_id, payload.account_id) == ("post-1", "team")
    assert "The ball drops." in payload.text


@pytest.mark.parametrize("post_id", ["", "x" * 201, "a\x00b", 7, None, ["post-1"]])
def test_an_id_that_none_can_be_is_none(post_id: object) -> None:
    assert payload_of(json.dumps({"post_id": post_id}).encode()).post_id is None


@pytest.mark.parametrize(
    "body", [b"", b"null", b"\xff\xfe", b"[" * 100_000, b'"\\ud800"', b"{}", b"\x00\x1b[31m", b"7"]
)
def test_any_body_can_be_shown(body: bytes) -> None:
    text = payload_of(body).text

    assert "\x00" not in text
    assert "\x1b" not in text
    text.encode()


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_they_can_be_shown_and_stored(body: bytes) -> None:
    payload_of(body).text.encode()
