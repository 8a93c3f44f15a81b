"""The rules of accounts in the read model: the latest count, whatever order they come in."""

from datetime import timedelta

import pytest

from services.console.read_model.account_rules import AccountRules
from shared.database.engine import Database
from shared.events.publisher import AccountConnected, AccountDisconnected
from shared.events.rules import PostRules, TextRule
from tests.integration.console.conftest import ReadModel
from tests.support.schedules import NOON

MINUTE = timedelta(minutes=1)


def connected(most: int, *, minutes: int) -> AccountConnected:
    rules = PostRules(text=TextRule(most=most))
    return AccountConnected(account_id="a", platform="sandbox", rules=rules, changed_at=NOON + minutes * MINUTE)


async def test_the_latest_rules_count(read_model: ReadModel, database_url: str) -> None:
    database = Database(database_url)
    account_rules = AccountRules(database)
    for event in (connected(1, minutes=1), connected(3, minutes=3), connected(2, minutes=2)):
        await account_rules.learn_from(event, NOON)
    await account_rules.learn_from(AccountConnected(account_id="b", platform="sandbox"), NOON)

    known = await account_rules.of(["a", "b", "c"])
    await database.close()

    assert known == {"a": PostRules(text=TextRule(most=3))}


@pytest.mark.parametrize(
    "event",
    [
        AccountConnected(account_id="a", platform="sandbox", changed_at=NOON + 2 * MINUTE),
        AccountDisconnected(account_id="a", platform="sandbox", changed_at=NOON + 2 * MINUTE),
    ],
)
async def test_rules_are_those_by_which_the_scheduler_checks(
    read_model: ReadModel, database_url: str, event: AccountConnected | AccountDisconnected
) -> None:
    """The scheduler forgets them with the account, and when it is connected without any."""
    database = Database(database_url)
    account_rules = AccountRules(database)
    await account_rules.learn_from(connected(1, minutes=1), NOON)

    await account_rules.learn_from(event, NOON)

    assert await account_rules.of(["a"]) == {}
    await database.close()
