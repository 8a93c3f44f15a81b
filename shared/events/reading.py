"""Reading JSON as producers in any language write it."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

ModelT = TypeVar("ModelT", bound=BaseModel)

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def without_mark(body: bytes) -> bytes:
    """The body without a byte order mark before it, which says nothing in UTF-8."""
    return body.removeprefix(BYTE_ORDER_MARK)


def read_json(model: type[ModelT], body: bytes) -> ModelT:
    """The model in a body; a field that is null where null is no value counts as not given."""
    body = without_mark(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        nulls = [problem["loc"] for problem in problems if problem["loc"] and problem["input"] is None]
        if not nulls:
            raise
    given = from_json(body)
    for place in nulls:
        _leave_out(given, place)
    return model.model_validate_json(to_json(given))


def _leave_out(given: Any, place: Sequence[int | str]) -> None:
    """Take the field out of its object; an item of a list stays, and is refused."""
    *way, name = place
    for part in way:
        try:
            given = given[part]
        except (KeyError, TypeError):
            continue  # a part of the place that is in no body: the name of a variant
    if isinstance(given, dict) and given.get(name, given) is None:
        del given[name]
