"""A cursor comes back as it was, and nothing else passes for one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.cursor import BadCursor, Cursor

identities = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=200)


@given(st.datetimes(timezones=st.just(UTC)), identities, identities)
def test_a_cursor_comes_back_as_it_was(due_at: datetime, post_id: str, account_id: str) -> None:
    cursor = Cursor(due_at, post_id, account_id)

    assert Cursor.read(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text", ["x", "eyJ9", "bnVsbA", "WyJhIiwgImIiLCAiYyJd", "é", "WyIyMDI3LTAzLTI4VDA5OjAwIiwgImEiLCAiYiJd"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        Cursor.read(text)
