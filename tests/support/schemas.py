"""What a JSON schema says, wherever in it that stands."""

from collections.abc import Iterator
from typing import Any


def patterns_in(schema: Any) -> Iterator[str]:
    """Every regular expression that something must match."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from patterns_in(part)
