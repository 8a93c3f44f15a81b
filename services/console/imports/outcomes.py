"""What became of the posts of a batch, line by line, from what the scheduler said to it. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from services.console.domain.warnings import warnings_in
from services.console.imports.lines import Line

MOST_WARNINGS = 100

Kind = Literal["fault", "rejected", "left_alone", "pending"]
"""Why a line is to be looked at: left alone is what somebody has changed or cancelled since it was imported."""


@dataclass(frozen=True, slots=True)
class LineTold:
    """A line to look at, and what is to be said of it."""

    line: int
    kind: Kind
    reason: str
    post_id: str | None = None
    account_id: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """How many posts are scheduled, how many were so already, which lines are to be looked at, and what to know."""

    scheduled: int
    unchanged: int
    lines: Sequence[LineTold]
    warnings: Mapping[str, int] = field(default_factory=dict)


def outcome_of(batch: Sequence[Line], answer: Mapping[str, Any], *, overwrite: bool) -> BatchOutcome:
    """What the answer to a batch says of its lines."""
    scheduled = sum(1 for one in answer["accepted"] if one["changed"])
    lines = _by_post(batch)
    told = [_refused(one, _line_of(one, lines, batch), overwrite=overwrite) for one in answer["rejected"]]
    told += [_waiting(one, _line_of(one, lines, batch)) for one in answer["waiting"]]
    warnings = Counter(warning for one in answer["accepted"] for warning in warnings_in(one))
    return BatchOutcome(scheduled, len(answer["accepted"]) - scheduled, told, warnings)


def together(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """The warnings of two parts; of more different ones than a person reads, the most frequent are kept."""
    return dict((Counter(one) + Counter(other)).most_common(MOST_WARNINGS))


def numbered(lines: Sequence[LineTold]) -> Iterator[tuple[int, LineTold]]:
    """Each line with its number among those of the same line of the file: a post may have several accounts."""
    seen: Counter[int] = Counter()
    for one in lines:
        yield seen[one.line], one
        seen[one.line] += 1


def _refused(rejected: Mapping[str, Any], line: Line, *, overwrite: bool) -> LineTold:
    is_left_alone = rejected["code"] == "conflict" and not overwrite and "expected_revision" not in (line.post or {})
    reason = rejected["reason"].removeprefix("expected_revision: ") if is_left_alone else rejected["reason"]
    kind: Kind = "left_alone" if is_left_alone else "rejected"
    return LineTold(line.number, kind, reason, rejected["post_id"], rejected.get("account_id"), rejected["code"])


def _waiting(one: Mapping[str, Any], line: Line) -> LineTold:
    reason = f"{one['post_id']} is being sent; what becomes of it is on its page"
    return LineTold(line.number, "pending", reason, one["post_id"], one.get("account_id"))


def _line_of(one: Mapping[str, Any], lines: Mapping[tuple[str, str | None], Line], batch: Sequence[Line]) -> Line:
    post_id, account_id = one["post_id"], one.get("account_id")
    return lines.get((post_id, account_id)) or lines.get((post_id, None)) or batch[0]


def _by_post(batch: Sequence[Line]) -> dict[tuple[str, str | None], Line]:
    """The line that names a post, with and without an account."""
    lines: dict[tuple[str, str | None], Line] = {}
    for line in batch:
        post = line.post or {}
        for account_id in (None, *(target["account_id"] for target in post["targets"])):
            lines[post["post_id"], account_id] = line
    return lines
