"""What the network of each account demands of a post, as the publisher told when the account was connected."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from services.console.tables import account_rules
from shared.database import bulk
from shared.database.engine import Database
from shared.events.publisher import AccountConnected
from shared.events.rules import PostRules


class AccountRules:
    """The rules by account."""

    def __init__(self, database: Database) -> None:
        self._database = database
        newer = "account_rules.changed_at <= excluded.changed_at"
        self._write = bulk.upsert(account_rules, database.dialect, guard=newer)

    async def connected(self, event: AccountConnected, arrived_at: datetime) -> None:
        """Learn the rules of an account; older news changes nothing."""
        if event.rules is None:
            return
        row = {
            "account_id": event.account_id,
            "rules": event.rules.model_dump_json(exclude_defaults=True),
            "changed_at": event.changed_at or arrived_at,
        }
        async with self._database.transaction() as connection:
            await connection.execute(self._write, bulk.encode([row]))

    async def of(self, account_ids: Iterable[str]) -> dict[str, PostRules]:
        """The rules of these accounts, as far as they are known."""
        wanted = select(account_rules).where(account_rules.c.account_id.in_(list(account_ids)))
        async with self._database.reading() as connection:
            rows = (await connection.execute(wanted)).all()
        return {row.account_id: PostRules.model_validate_json(row.rules) for row in rows}
