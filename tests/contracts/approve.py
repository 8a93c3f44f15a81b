"""Approves the events as they are now: `python -m tests.contracts.approve`. Refuses whatever is not additive."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.events import EVENTS
from tests.contracts.schemas import Schema, as_file, breaking_changes, schema_of

APPROVED = Path(__file__).parent / "approved"


def approve(current: Mapping[str, Schema], directory: Path = APPROVED) -> list[str]:
    """Write the schemas, or write nothing and say what would break other systems."""
    refused = [
        f"{name}: {problem}"
        for name, approved in approved_schemas(directory).items()
        for problem in _problems(approved, current.get(name))
    ]
    if not refused:
        directory.mkdir(parents=True, exist_ok=True)
        for name, schema in current.items():
            (directory / f"{name}.json").write_text(as_file(schema))
    return refused


def approved_schemas(directory: Path = APPROVED) -> dict[str, Schema]:
    """The approved schema of every event, by its type."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))}


def _problems(approved: Schema, current: Schema | None) -> list[str]:
    return ["the event is removed"] if current is None else breaking_changes(approved, current)


def main() -> None:
    """Approve, or end with the reasons against it."""
    refused = approve({name: schema_of(event) for name, event in EVENTS.items()})
    if refused:
        sys.exit("not additive; emit a new version beside the old one instead (….v2):\n  " + "\n  ".join(refused))


if __name__ == "__main__":
    main()
