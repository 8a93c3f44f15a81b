"""When messages leave the delayed exchange: a lead before they are due, a burst over the seconds before. No I/O."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from services.scheduler.domain import Schedule

HORIZON = timedelta(seconds=30)
"""How far ahead schedules are dispatched; the database holds what lies beyond."""
LEAD = timedelta(seconds=2)
"""How long before its due instant a message is released, so that the publisher can prepare."""
MEDIA_LEAD = timedelta(seconds=20)
"""The same for a post with media, which are fetched and uploaded before the instant."""
UNDELAYED_HORIZON = MEDIA_LEAD
"""The same while the delayed exchange cannot be relied on: what falls due sooner is sent at once, and waits at the
publisher."""
SPREAD = timedelta(seconds=18)
"""How much earlier still a message of a burst may be released."""
TOGETHER = timedelta(milliseconds=250)
"""Messages whose moments lie within such a stretch are released at its beginning. A quorum queue takes fifty messages
at once for a fraction of what they cost it one by one, and the publisher claims them in one transaction."""
SOON = timedelta(seconds=3)
"""What is released sooner than this is dispatched at once. The rest waits for the next regular look, a second at most,
and goes in one group with all else that has come until then."""
RELEASES_PER_SECOND = 1000
"""Half of what one slot queue lets go in a second (about 2,200)."""

_EPOCH = datetime.fromtimestamp(0, UTC)


def lead_of(schedule: Schedule) -> timedelta:
    """How long before it is due a post is released."""
    return MEDIA_LEAD if schedule.has_media else LEAD


def is_soon(schedule: Schedule, now: datetime) -> bool:
    """Whether a post is released so soon that its dispatch cannot wait."""
    return schedule.publish_at - lead_of(schedule) - TOGETHER <= now + SOON


class ReleasePlan:
    """Spreads a burst: at most so many messages are released per second, the others in the seconds before."""

    def __init__(self, *, per_second: int = RELEASES_PER_SECOND) -> None:
        self._per_second = per_second
        self._released: Counter[int] = Counter()

    def release_at(self, publish_at: datetime, now: datetime, *, lead: timedelta = LEAD) -> datetime:
        """When the message must leave the wheel: its lead before it is due, or earlier where that second is full."""
        release_at = publish_at - lead
        release_at -= (release_at - _EPOCH) % TOGETHER
        earliest = max(now, release_at - SPREAD)
        while self._is_full(release_at) and release_at - timedelta(seconds=1) > earliest:
            release_at -= timedelta(seconds=1)
        self._released[int(release_at.timestamp())] += 1
        return release_at

    def forget_before(self, now: datetime) -> None:
        """Drop the counts of seconds that have passed."""
        present = int(now.timestamp())
        for second in [second for second in self._released if second < present]:
            del self._released[second]

    def _is_full(self, instant: datetime) -> bool:
        return self._released[int(instant.timestamp())] >= self._per_second
