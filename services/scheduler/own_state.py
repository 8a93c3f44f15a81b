"""Tells the console what the scheduler keeps: every schedule, the rules of accounts, and the timers."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import RowMapping, select

from services.scheduler.domain import Schedule
from services.scheduler.facts import REQUESTED
from services.scheduler.rows import schedule_in
from services.scheduler.tables import accounts, schedules
from shared.database.engine import Database
from shared.database.paging import pages
from shared.events.progress import State
from shared.events.rebuilding import RulesTold, ScheduleTold, StateTold
from shared.events.requests import LatePolicy, Media, RetryPolicy
from shared.events.rules import PostRules
from shared.messaging.rebuild_answers import PAGE, in_parts

_KEY = (schedules.c.post_id, schedules.c.account_id)
_LEFT_TO_THE_PUBLISHER = frozenset({State.SENDING, State.RETRYING, State.UNKNOWN, State.HELD})
"""It keeps these for as long as they last. Posts that have come to their end it deletes before the scheduler does."""


@dataclass(frozen=True)
class OwnState:
    """What the scheduler keeps, as a console that is built anew is told of it."""

    service: str
    database: Database
    tell_of_timers: Callable[[], Awaitable[None]]

    async def parts(self) -> AsyncIterator[StateTold]:
        """Every schedule, the rules of every account, and after them the timers by their own events."""
        async for page in pages(self.database, select(schedules), _KEY, PAGE):
            for some in in_parts(map(schedule_in, page), _characters):
                yield StateTold(service=self.service, schedules=tuple(map(_told, some)))
        c = accounts.c
        known = select(c.account_id, c.rules, c.changed_at).where(c.rules.is_not(None))
        async for page in pages(self.database, known, (c.account_id,), PAGE):
            for rules in in_parts(page, lambda row: len(row["rules"])):
                yield StateTold(service=self.service, rules=tuple(map(_rules_told, rules)))
        await self.tell_of_timers()


def _characters(schedule: Schedule) -> int:
    return len(schedule.content) + len(schedule.media) + len(schedule.options)


def _rules_told(row: RowMapping) -> RulesTold:
    rules = PostRules.model_validate_json(row["rules"])
    return RulesTold(account_id=row["account_id"], rules=rules, changed_at=row["changed_at"])


def _told(schedule: Schedule) -> ScheduleTold:
    return ScheduleTold(
        post_id=schedule.post_id,
        account_id=schedule.account_id,
        revision=schedule.revision,
        state=State.DISPATCHED if schedule.state in _LEFT_TO_THE_PUBLISHER else schedule.state,
        reason=REQUESTED if schedule.state is State.CANCELLED else None,
        request_id=schedule.correlation_id,
        publish_at=schedule.publish_at,
        content=schedule.content,
        media=tuple(Media(**item) for item in json.loads(schedule.media)),
        options=json.loads(schedule.options),
        late_policy=LatePolicy.model_validate_json(schedule.late_policy),
        retry=RetryPolicy.model_validate_json(schedule.retry),
        callback_url=schedule.callback_url,
        changed_at=schedule.updated_at,
    )
