"""Moving many posts: by so much, or to an instant. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.clocks.local_time import in_utc, zone_named
from shared.events.base import Value
from shared.events.requests import LocalTime, PublishAt
from shared.posting.rules import PAST_TOLERANCE

MOST_DAYS = 3660
MOST_SECONDS = 31_536_000


class Moving(Value):
    """How far posts are moved: by days, which keep the time on the zone's clock, and by seconds; or to an instant."""

    days: Annotated[int, Field(ge=-MOST_DAYS, le=MOST_DAYS)] = 0
    seconds: Annotated[int, Field(ge=-MOST_SECONDS, le=MOST_SECONDS)] = 0
    zone: str = "UTC"
    to: PublishAt | None = None
    every_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0

    @model_validator(mode="after")
    def _is_a_move(self) -> Self:
        zone_named(self.zone)
        is_by = bool(self.days or self.seconds)
        if is_by == (self.to is not None):
            raise ValueError("say by how many days or seconds, or `to` which instant; not both")
        if self.every_seconds and self.to is None:
            raise ValueError("every_seconds: it goes with `to`, the instant of the first post")
        if isinstance(self.to, LocalTime):
            _instant_of(self.to)
        return self

    @property
    def first_at(self) -> datetime | None:
        """The instant of the first post, where all are moved to one."""
        return _instant_of(self.to) if isinstance(self.to, LocalTime) else self.to

    def of(self, due_at: datetime, position: int = 0) -> datetime:
        """The instant to which the post at this position of its run is moved."""
        if self.first_at:
            return self.first_at + timedelta(seconds=self.every_seconds * position)
        zone = zone_named(self.zone)
        local = due_at.astimezone(zone).replace(tzinfo=None) + timedelta(days=self.days)
        moved = in_utc(local, zone) if self.days else due_at
        return moved + timedelta(seconds=self.seconds)

    def into_the_past(self, dues: Iterable[datetime], now: datetime) -> int:
        """How many of the posts that are due then would be due in the past, and are refused therefore."""
        return sum(self.of(due_at) < now - PAST_TOLERANCE for due_at in dues)


def _instant_of(time: LocalTime) -> datetime:
    try:
        return in_utc(datetime.fromisoformat(time.local), zone_named(time.zone))
    except OverflowError as error:
        raise ValueError(f"to: {time.local} is outside the years 1 to 9999 in UTC; choose another time") from error
