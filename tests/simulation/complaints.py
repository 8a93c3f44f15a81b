"""Complaints: what the services log as warnings and errors, with the exceptions behind them.

Loops and consumers go on after any error, so that one alone shows nowhere else.
"""

import sys
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import structlog

from shared.database.errors import is_passing
from shared.database.group_commit import GroupCommit
from tests.simulation.trace import with_place
from tests.simulation.virtual_time import RUNNING, VirtualLoop

WARNING = 30
_FAIL = GroupCommit._fail


@dataclass(frozen=True, slots=True)
class Complaint:
    """A line of a log."""

    at: float
    process: str
    event: str
    error: str
    """With the place it comes from, where it was just caught."""


@dataclass(eq=False)
class Complaints:
    """All that is logged as a warning or worse."""

    loop: VirtualLoop
    heard: list[Complaint] = field(default_factory=list)

    def listen(self) -> None:
        """Hear everything from now on, in this process and for good: a group that fails and is split says nothing."""
        structlog.configure(processors=[self._hear], wrapper_class=structlog.make_filtering_bound_logger(WARNING))
        complaints = self

        async def fail(group: GroupCommit[Any, Any], items: Any, error: Exception) -> None:
            if not is_passing(error):
                complaints._note("group_failed", with_place(error))
            await _FAIL(group, items, error)

        GroupCommit._fail = fail  # type: ignore[method-assign, assignment]

    def _hear(self, _logger: Any, _level: str, line: MutableMapping[str, Any]) -> NoReturn:
        caught = sys.exc_info()[1] or line.get("exc_info")
        error = with_place(caught) if isinstance(caught, BaseException) else str(line.get("error", ""))
        self._note(str(line["event"]), error)
        raise structlog.DropEvent

    def _note(self, event: str, error: str) -> None:
        process = RUNNING.get()
        self.heard.append(Complaint(self.loop.time(), process.name if process else "", event, error))
