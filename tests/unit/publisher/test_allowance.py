"""What networks say of their limits is understood, however each of them writes it."""

from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.platforms.allowance import LONGEST_WAIT, allowance_of
from tests.support.publications import NOON

EPOCH = int(NOON.timestamp())

HEADERS = [
    ("Bluesky", {"ratelimit-remaining": "0", "ratelimit-reset": str(EPOCH + 90)}, 0, 90),
    ("Mastodon", {"x-ratelimit-remaining": "299", "x-ratelimit-reset": "2027-03-28T12:05:00.123456Z"}, 299, 300.123456),
    ("Mastodon's kin", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 7)}, 0, 7),
    ("Reddit", {"x-ratelimit-remaining": "0.5", "x-ratelimit-reset": "263", "x-ratelimit-used": "99.5"}, 0.5, 263),
    (
        "Discord",
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{EPOCH + 99}.5", "x-ratelimit-reset-after": "1.25"},
        0,
        1.25,
    ),
    ("X", {"x-rate-limit-remaining": "12", "x-rate-limit-reset": str(EPOCH + 900)}, 12, 900),
    ("IETF draft", {"RateLimit-Remaining": "3", "RateLimit-Reset": "50"}, 3, 50),
    ("milliseconds", {"x-ratelimit-remaining": "3", "x-ratelimit-reset": f"{EPOCH + 5}000"}, 3, 5),
    ("microseconds", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{EPOCH + 5}000000"}, 0, 5),
    ("nanoseconds", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{EPOCH + 5}000000000"}, 0, 5),
    ("a date", {"x-ratelimit-remaining": "3", "x-ratelimit-reset": "Sun, 28 Mar 2027 12:00:30 GMT"}, 3, 30),
    ("in the past", {"x-ratelimit-remaining": "3", "x-ratelimit-reset": str(EPOCH - 5)}, 3, 0),
]


@pytest.mark.parametrize(
    ("headers", "remaining", "seconds"), [row[1:] for row in HEADERS], ids=[row[0] for row in HEADERS]
)
def test_every_style_of_header_is_read(headers: dict[str, str], remaining: float, seconds: float) -> None:
    allowance = allowance_of(httpx.Headers(headers), NOON)

    assert allowance is not None
    assert allowance.remaining == remaining
    assert allowance.resets_at - NOON == timedelta(seconds=seconds)
    assert allowance.is_used_up == (remaining < 1)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-remaining": "0"},
        {"x-ratelimit-reset": "9"},
        {"x-ratelimit-remaining": "nan", "x-ratelimit-reset": "9"},
        {"x-ratelimit-remaining": "few", "x-ratelimit-reset": "9"},
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"},
    ],
)
def test_what_cannot_be_understood_is_no_allowance(headers: dict[str, str]) -> None:
    assert allowance_of(httpx.Headers(headers), NOON) is None


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00")) | st.floats().map(str))
def test_no_header_breaks_the_reading_or_makes_a_post_wait_for_ever(value: str) -> None:
    headers = {b"x-ratelimit-remaining": b"0", b"x-ratelimit-reset": value.encode("latin-1")}

    allowance = allowance_of(httpx.Headers(headers), NOON)

    assert allowance is None or NOON <= allowance.resets_at <= NOON + LONGEST_WAIT
