"""A cursor comes back as it was, and nothing else passes for one."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.cursor import BadCursor, Cursor

identities = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=200)


@given(st.datetimes(timezones=st.just(UTC)), identities, identities)
def test_a_cursor_comes_back_as_it_was(at: datetime, first_id: str, second_id: str) -> None:
    cursor = Cursor(at, first_id, second_id)

    assert Cursor.read(str(cursor)) == cursor


def of(*place: str) -> str:
    """A text that looks like a cursor."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [of("2027-03-28T09:00:00+00:00", "a\0", "b"), of("0001-01-01T00:00:00+23:00", "a", "b")],
    ids=["a character that no database stores", "an instant that there is not in UTC"],
)
def test_what_no_database_could_look_for_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        Cursor.read(text)


@pytest.mark.parametrize(
    "text", ["x", "eyJ9", "bnVsbA", "WyJhIiwgImIiLCAiYyJd", "é", "WyIyMDI3LTAzLTI4VDA5OjAwIiwgImEiLCAiYiJd"]
)
def test_what_is_no_cursor_is_refused_by_its_name_and_with_the_way_out(text: str) -> None:
    with pytest.raises(BadCursor) as refused:
        Cursor.read(text)

    assert str(refused.value).startswith(f"cursor: {text!r} is none of ours")
    assert "start without one" in str(refused.value)
