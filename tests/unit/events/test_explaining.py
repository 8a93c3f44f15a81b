"""Whatever is refused is refused in words: no regular expression, and no value that its sender would not know again."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.events import EVENTS
from shared.events.base import Instant
from shared.events.explaining import explain
from shared.events.patterns import IN_WORDS
from shared.events.requests import RetryPolicy
from tests.support.schemas import patterns_in


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.type)
def test_every_pattern_of_an_event_has_words(event: Any) -> None:
    """Without words a sender would be shown the regular expression."""
    assert set(patterns_in(event.model_json_schema())) <= set(IN_WORDS)


@pytest.mark.parametrize(("given", "shown"), [(None, "null"), (True, "true"), ("true", "'true'")])
def test_a_value_is_shown_as_json_has_it(given: Any, shown: str) -> None:
    """A producer in another language knows no None and no True."""
    with pytest.raises(ValidationError) as refused:
        RetryPolicy.model_validate({"attempts": given})

    assert explain(refused.value).endswith(f"(got {shown})")


def test_a_reason_of_ours_stands_alone() -> None:
    """pydantic would put "Value error" before it."""
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Instant).validate_python("soon")

    assert explain(refused.value).startswith("an instant is RFC 3339 text")
