"""The pace of this process: how long it takes from asking for a start to the send, as measured lately. No I/O.

A start that is given must lie far enough ahead to be reached, and a send may begin a little late. On a slow machine
or database both take longer: what was missed is measured like all else, so that the next start is reached.
"""

from collections import deque
from datetime import timedelta

LEAST_LEAD, MOST_LEAD = timedelta(milliseconds=10), timedelta(seconds=15)
LEAST_SLACK, MOST_SLACK = timedelta(milliseconds=50), timedelta(seconds=5)
FIRST_COMMIT, FIRST_LATENESS = timedelta(milliseconds=20), timedelta(milliseconds=50)
"""What is expected of a machine that nothing is known of yet."""
COMMITS, SENDS = 30, 200
"""How many of the latest commits and sends are looked back on."""


class Pace:
    """`lead` is how far ahead the first start is given, `slack` how much later than its start a send may begin.

    The slack is what a limit loses to a process that wakes up late.
    """

    def __init__(self) -> None:
        self._commits = deque([FIRST_COMMIT], maxlen=COMMITS)
        self._latenesses = deque([FIRST_LATENESS], maxlen=SENDS)

    @property
    def lead(self) -> timedelta:
        return _within(LEAST_LEAD, max(self._commits) * 1.5, MOST_LEAD)

    @property
    def slack(self) -> timedelta:
        return _within(LEAST_SLACK, max(self._latenesses) * 2, MOST_SLACK)

    def committed_in(self, took: timedelta) -> None:
        """Learn how long it took from asking for starts to having them."""
        self._commits.append(took)

    def began_late(self, lateness: timedelta) -> None:
        """Learn how late after its start a send could begin."""
        self._latenesses.append(lateness)


def _within(least: timedelta, wanted: timedelta, most: timedelta) -> timedelta:
    return min(max(least, wanted), most)
