"""At which migration a service's database is: one of a newer release that starts meanwhile takes it further."""

import asyncio
from pathlib import Path
from typing import Self

from alembic.script import ScriptDirectory
from sqlalchemy import text

from shared.database.engine import Database
from shared.database.migrations import table_of_count

LOOK_SECONDS = 2.0
"""Less than a message that fails waits for its next turn: none is parked because tables are not as we know them."""


class ChangedMeanwhile(Exception):
    """A process of another release has changed the database under this one; the message says so."""


class RevisionWatch:
    """Ends a service whose database is not at the migration that it knows any more."""

    def __init__(self, database: Database, service: str, known: str | None) -> None:
        self._database, self._known = database, known
        self._count = text(f"SELECT version_num FROM {table_of_count(service)}")

    @classmethod
    def of(cls, database: Database, service: str, migrations: Path) -> Self:
        """A watch for the last of these migrations."""
        return cls(database, service, ScriptDirectory(str(migrations)).get_current_head())

    async def run(self) -> None:
        """Look every few seconds, until ChangedMeanwhile."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Raise ChangedMeanwhile where it is at another migration; a database that is away is looked at next time."""
        try:
            found = await self._database.rows(self._count)
        except Exception:  # whatever it is, it says nothing of a change, and others tell of it
            return
        now_at = [row["version_num"] for row in found]
        if now_at != [self._known]:
            change = f"to {', '.join(now_at) or 'none'}, from {self._known}"
            raise ChangedMeanwhile(
                f"another release has changed this database ({change}): this process ends, for it would go on writing "
                "as the older one did"
            )
