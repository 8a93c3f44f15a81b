"""What maintenance tells again is not taken for over by the console in between."""

from datetime import timedelta
from itertools import pairwise

from services.console.read_model.alerts import QUIET_AFTER, RARELY_TOLD
from services.console.retention import RULES
from services.maintenance.alerting import REMIND_AFTER, RISEN_AFTER
from services.maintenance.conditions import WARNED_DAYS, of_accounts
from services.maintenance.domain import Account
from tests.support.schedules import NOON


def test_a_reminder_comes_before_an_alert_counts_as_over() -> None:
    assert QUIET_AFTER > REMIND_AFTER + RISEN_AFTER


def test_what_is_not_reminded_of_is_waited_for_until_it_is_told_next() -> None:
    ends = NOON + timedelta(days=5)
    account = Account("a", "x", True, NOON, token_expires_at=ends, can_refresh=False)
    (condition,) = of_accounts([account], NOON)
    longest = max(timedelta(days=before - after) for before, after in pairwise((*WARNED_DAYS, 0)))

    assert not condition.reminded
    assert RARELY_TOLD[condition.code] > longest


def test_no_alert_is_deleted_that_may_still_be_told_again() -> None:
    (rule,) = [rule for rule in RULES if rule.table.name == "alerts" and rule.where == "true"]

    assert rule.longer >= max(QUIET_AFTER, *RARELY_TOLD.values())
