"""What became of the lines of a file, counted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOLD = ("line", "post_id", "account_id", "code", "reason")


@dataclass
class Tally:
    """`left_alone` are posts that somebody has changed or cancelled since; `problem` is why an import was stopped."""

    accepted: int = 0
    changed: int = 0
    skipped: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    left_alone: list[dict[str, Any]] = field(default_factory=list)
    pending: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    problem: str | None = None

    @property
    def unchanged(self) -> int:
        return self.accepted - self.changed

    @property
    def is_complete(self) -> bool:
        """Whether every line was taken, or left alone on purpose."""
        return not self.skipped and not self.rejected and not self.pending

    def count(self, run: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> None:
        """Add what became of an import that is over; of the lines with faults it is known already."""
        self.accepted += run["scheduled"] + run["unchanged"]
        self.changed += run["scheduled"]
        self.pending += run["total"] - run["sent"]
        self.warnings.update(run["warnings"])
        self.problem = self.problem or run["problem"]
        for line in lines:
            told = {name: line[name] for name in _TOLD}
            match line["kind"]:
                case "rejected":
                    self.rejected.append(told)
                case "left_alone":
                    self.left_alone.append(told)
                case "pending":
                    self.pending += 1
