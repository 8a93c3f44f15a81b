"""What the network of each account demands of a post, as the scheduler checks it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from services.console.tables.core import account_rules
from shared.database import bulk
from shared.database.engine import Database
from shared.events.publisher import AccountConnected, AccountDisconnected
from shared.events.rules import PostRules

NONE = PostRules()


class AccountRules:
    """The rules by account."""

    def __init__(self, database: Database) -> None:
        self._database = database
        newer = "account_rules.changed_at <= excluded.changed_at"
        self._write = bulk.upsert(account_rules, database.dialect, guard=newer)

    async def learn_from(self, event: AccountConnected | AccountDisconnected, arrived_at: datetime) -> None:
        """Learn the rules of an account; one that tells none, or is gone, has none."""
        rules = event.rules if isinstance(event, AccountConnected) else None
        await self.learn(event.account_id, rules or NONE, event.changed_at or arrived_at)

    async def learn(self, account_id: str, rules: PostRules, changed_at: datetime) -> None:
        """Keep the rules of an account; older news changes nothing."""
        told = rules.model_dump_json(exclude_defaults=True)
        row = {"account_id": account_id, "rules": told, "changed_at": changed_at}
        await self._database.write(self._write, bulk.encode([row]))

    async def of(self, account_ids: Iterable[str]) -> dict[str, PostRules]:
        """The rules of these accounts, as far as there are any."""
        wanted = select(account_rules).where(account_rules.c.account_id.in_(list(account_ids)))
        known = {
            row["account_id"]: PostRules.model_validate_json(row["rules"]) for row in await self._database.rows(wanted)
        }
        return {account_id: rules for account_id, rules in known.items() if rules != NONE}
