"""Tells the console what the scheduler keeps: every schedule, the rules of accounts, and the timers."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, literal, select, tuple_

from services.scheduler.domain import Schedule
from services.scheduler.facts import REQUESTED
from services.scheduler.rows import schedule_in
from services.scheduler.tables import accounts, schedules
from shared.database.engine import Database
from shared.events.progress import State
from shared.events.rebuilding import RulesTold, ScheduleTold, StateTold
from shared.events.requests import LatePolicy, Media, RetryPolicy
from shared.events.rules import PostRules
from shared.messaging.telling import PAGE, in_parts

_KEY = (schedules.c.post_id, schedules.c.account_id)
_DECIDED_HERE = frozenset({State.SCHEDULED, State.DISPATCHED, State.CANCELLED})


@dataclass(frozen=True)
class Kept:
    """What the scheduler keeps, as it is told."""

    service: str
    database: Database
    tell_of_timers: Callable[[], Awaitable[None]]

    async def parts(self) -> AsyncIterator[StateTold]:
        """Every schedule, the rules of every account, and after them the timers by their own events."""
        after = ("", "")
        while page := await self._page(after):
            for some in in_parts(page, _characters):
                yield StateTold(service=self.service, schedules=tuple(map(_told, some)))
            after = page[-1].key
        last = ""
        while known := await self._rules(last):
            for rules in in_parts(known, lambda row: len(row["rules"])):
                yield StateTold(service=self.service, rules=tuple(map(_rules_told, rules)))
            last = known[-1]["account_id"]
        await self.tell_of_timers()

    async def _page(self, after: tuple[str, str]) -> Sequence[Schedule]:
        bounds = [literal(value, column.type) for value, column in zip(after, _KEY, strict=True)]
        wanted = select(schedules).where(tuple_(*_KEY) > tuple_(*bounds)).order_by(*_KEY).limit(PAGE)
        async with self.database.reading() as connection:
            return [schedule_in(row) for row in (await connection.execute(wanted)).mappings()]

    async def _rules(self, after: str) -> Sequence[RowMapping]:
        c = accounts.c
        known = select(c.account_id, c.rules, c.changed_at).where(c.account_id > after, c.rules.is_not(None))
        return await self.database.rows(known.order_by(c.account_id).limit(PAGE))


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
        state=schedule.state if schedule.state in _DECIDED_HERE else State.DISPATCHED,
        reason=REQUESTED if schedule.state is State.CANCELLED else None,
        request_id=schedule.correlation_id,
        publish_at=schedule.publish_at,
        content=schedule.content,
        media=tuple(Media(**item) for item in json.loads(schedule.media)),
        options=json.loads(schedule.options),
        late_policy=LatePolicy.model_validate_json(schedule.late_policy),
        retry=RetryPolicy.model_validate_json(schedule.retry),
        callback_url=schedule.callback_url,
    )
