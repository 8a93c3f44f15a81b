"""The audit: who did what, from where, on which things, and how it ended. A row for each act, and an event with it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select

from services.console.cursor import Cursor
from services.console.tables.audit import act_objects, acts
from shared.database.engine import Database
from shared.database.paging import is_before
from shared.events.console import ConsoleActed
from shared.messaging.outbox import Outbox
from shared.messaging.unit_of_work import UnitOfWork, unit_of_work

SHOWN = 20
"""So many of an act's things stand in its row; all that the event names can be searched for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which acts to list; what is None does not matter."""

    who: str | None = None
    act: str | None = None
    object: str | None = None


@dataclass(frozen=True)
class Audit:
    """The acts in the console's database."""

    database: Database
    outbox: Outbox

    async def write(self, acted: ConsoleActed) -> None:
        """Keep the act and tell of it, both or neither."""
        things = [_object_row(acted, id_) for id_ in dict.fromkeys(one.id for one in acted.objects)]
        async with unit_of_work(lambda connection: UnitOfWork(self, connection), self.database, self.outbox) as unit:
            await unit.connection.execute(insert(acts).values(_row(acted)))
            if things:
                await unit.connection.execute(insert(act_objects), things)
            await unit.tell(acted, correlation_id=acted.request_id)

    async def listed(self, wanted: Wanted, after: Cursor | None, limit: int) -> Sequence[RowMapping]:
        """Acts, the latest first."""
        statement, place = select(acts), (acts.c.acted_at, acts.c.act_id)
        if wanted.object is not None:
            place = (act_objects.c.acted_at, act_objects.c.act_id)
            of = act_objects.join(acts, acts.c.act_id == act_objects.c.act_id)
            statement = select(acts).select_from(of).where(act_objects.c.object_id == wanted.object)
        if wanted.who is not None:
            statement = statement.where(acts.c.who == wanted.who)
        if wanted.act is not None:
            statement = statement.where(acts.c.act == wanted.act)
        if after:
            statement = statement.where(is_before(place, (after.at, after.first_id)))
        statement = statement.order_by(*(column.desc() for column in place)).limit(limit)
        return await self.database.rows(statement)


def cursor_of(row: RowMapping) -> Cursor:
    """Where a page that ends with this act goes on."""
    return Cursor(row["acted_at"], row["act_id"])


def _row(acted: ConsoleActed) -> dict[str, Any]:
    told = acted.model_dump(exclude={"objects"})
    return told | {"objects": json.dumps([[one.kind, one.id] for one in acted.objects[:SHOWN]], ensure_ascii=False)}


def _object_row(acted: ConsoleActed, object_id: str) -> dict[str, str | datetime]:
    return {"object_id": object_id, "acted_at": acted.acted_at, "act_id": acted.act_id}
