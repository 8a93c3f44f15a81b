"""What is wrong with a body or a parameter: field, value and what would be right, for a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from shared.events.patterns import IN_WORDS
from shared.secrets.redaction import is_secret_name, redact_text, redacted

MOST_PROBLEMS = 3
"""Named in one line; more are counted."""

_UNION_TAGS = {"instant", "local_time"}
_FORMS = {"Keyword": '{"phrase": "…"}', "Target": '{"account_id": "…"}', "NewMedia": '{"url": "https://…"}'}
"""By the class, how something is written that many write as a plain text."""
_AS_JSON = {None: "null", True: "true", False: "false"}


def explain(error: ValidationError) -> str:
    """Name each wrong field, its value and what would be right, in one readable line; no secret is quoted."""
    details = error.errors(include_url=False)
    problems = [explain_one(detail) for detail in details if not _is_an_echo(detail, details)]
    hidden = len(problems) - MOST_PROBLEMS
    return "; ".join(problems[:MOST_PROBLEMS]) + (f"; and {hidden} more" if hidden > 0 else "")


def field_named(place: Sequence[int | str]) -> str:
    """`targets[0].account_id` for a place in a body; empty for the body itself."""
    parts = [part for part in place if part not in _UNION_TAGS]
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return name.removeprefix(".")


def explain_one(detail: Mapping[str, Any]) -> str:
    """One of the problems that pydantic tells, with its field and its value."""
    place, message = field_named(detail["loc"]), what_is_right(detail)
    if not place or detail["type"] == "missing":
        return f"{place}: {message}" if place else message
    if any(map(is_secret_name, detail["loc"])):
        return f"{place}: {message} (its value is not shown)"
    return f"{place}: {message} (got {_shortened(detail['input'])})"


def what_is_right(detail: Mapping[str, Any]) -> str:
    """What the value should have been, in words: never a regular expression."""
    if detail["type"] == "missing":
        return "this field is required"
    if detail["type"] == "string_pattern_mismatch":
        return IN_WORDS[detail["ctx"]["pattern"]]
    if detail["type"] == "model_type" and (form := _FORMS.get(detail["ctx"]["class_name"])):
        return f"Input should be an object: write {form}"
    if detail["type"] == "string_too_long":
        return f"at most {detail['ctx']['max_length']:,} characters are possible"
    if detail["type"] == "string_too_short":
        return "it must not be empty"
    message: str = detail["msg"].removeprefix("Value error, ")
    return message.replace("Tuple should", "List should").replace(" after validation", "")


def _is_an_echo(detail: Mapping[str, Any], details: Sequence[Mapping[str, Any]]) -> bool:
    """A list is reported as too short when none of its items can be read: the items' own problems say enough."""
    place = detail["loc"]
    return detail["type"] == "too_short" and any(
        one["loc"][: len(place)] == place for one in details if one is not detail
    )


def _shortened(value: object, *, most: int = 80) -> str:
    if value is None or isinstance(value, bool):
        return _AS_JSON[value]
    text = redact_text(repr(redacted(value)))
    length = len(value) if isinstance(value, str) else len(text)
    return text if len(text) <= most else f"{text[:most]}… ({length:,} characters)"
