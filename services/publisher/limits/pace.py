"""The pace of this process: how long it takes from asking for a start to the send, as measured. No I/O.

A start that is given must lie far enough ahead to be reached. On a slow machine or database that is far; a start that
was missed all the same doubles the lead, so that the next one is reached.
"""

from dataclasses import dataclass
from datetime import timedelta

LEAST_LEAD, MOST_LEAD = timedelta(milliseconds=10), timedelta(seconds=15)
LEAST_SLACK, MOST_SLACK = timedelta(milliseconds=50), timedelta(seconds=5)
LEAST_SPAN = timedelta(milliseconds=250)
FORGETS = 0.9
"""What is remembered of the slowest time after each that was faster."""


@dataclass
class Pace:
    """`lead` is how far ahead the first start is given, `span` over how long a stretch starts are given at once.

    `slack` is how much later than its start a send may begin: what a limit loses to a process that wakes up late.
    """

    _commit: timedelta = timedelta(0)
    _lateness: timedelta = timedelta(0)

    @property
    def lead(self) -> timedelta:
        return _within(LEAST_LEAD, self._commit * 1.5, MOST_LEAD)

    @property
    def span(self) -> timedelta:
        return max(LEAST_SPAN, self._commit * 1.5)

    @property
    def slack(self) -> timedelta:
        return _within(LEAST_SLACK, self._lateness * 2, MOST_SLACK)

    def committed_in(self, took: timedelta) -> None:
        """Learn how long it took from asking for starts to having them."""
        self._commit = max(took, self._commit * FORGETS)

    def started_late(self, lateness: timedelta) -> None:
        """Learn how late after its start a send began."""
        self._lateness = max(lateness, self._lateness * FORGETS)

    def missed(self, lateness: timedelta) -> None:
        """Learn that a start could not be reached: ask for later ones, with more slack."""
        self._commit = min(max(self._commit * 2, lateness), MOST_LEAD)
        self._lateness = min(max(self._lateness * 2, LEAST_SLACK), MOST_SLACK)


def _within(least: timedelta, wanted: timedelta, most: timedelta) -> timedelta:
    return min(max(least, wanted), most)
