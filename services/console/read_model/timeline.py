"""Timelines: what happened to a post, event by event, in the order in which the console learned of it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import select

from services.console.streaming.journal import id_of
from services.console.tables.core import happenings
from shared.database.engine import Database
from shared.messaging.envelope import Delivery

_KEY = ("post_id", "account_id")
_TOLD = frozenset(
    {
        *_KEY,
        "revision",
        "by",
        "publish_at",
        "changed",
        "warning",
        "reason",
        "attempt",
        "attempts",
        "retries",
        "next_attempt_at",
        "in_doubt",
        "error",
        "outcome",
        "platform_post_id",
        "url",
        "published_at",
        "lateness_ms",
    }
)
"""Fields of an event that are kept; never what a post says."""
MOST_SHOWN = 200

Row = dict[str, Any]


def happenings_in(delivery: Delivery[Any], now: datetime) -> Iterator[Row]:
    """What an event adds to timelines; what is told again by a service that is asked for its state adds nothing."""
    event, message_id = delivery.event, id_of(delivery, now)
    if message_id is None:
        return
    for part in getattr(event, "accepted", None) or (event,):
        told = part.model_dump(mode="json", include=_TOLD, exclude_none=True)
        if told.keys() >= set(_KEY):
            yield {
                **{name: told.pop(name) for name in _KEY},
                "message_id": message_id,
                "type": event.type,
                "told": to_json(told).decode(),
                "seen_at": now,
            }


class Timelines:
    """Reads what happened."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def has(self, message_id: str) -> bool:
        """Whether an event with this id has happened to any post."""
        wanted = select(happenings.c.message_id).where(happenings.c.message_id == message_id).limit(1)
        return bool(await self._database.rows(wanted))

    async def of(self, post_id: str, account_id: str) -> list[Row]:
        """The latest events of a post on an account, oldest first."""
        c = happenings.c
        wanted = select(happenings).where(c.post_id == post_id, c.account_id == account_id)
        latest = wanted.order_by(c.seen_at.desc(), c.message_id).limit(MOST_SHOWN)
        return [dict(row) for row in reversed(await self._database.rows(latest))]
