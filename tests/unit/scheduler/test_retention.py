"""Schedules, withdrawals and the keys of posts are kept for times that agree."""

from datetime import timedelta

from services.publisher import retention as of_the_publisher
from services.publisher.tables import publications
from services.scheduler import retention
from services.scheduler.tables import schedules

RUNS_EVERY = timedelta(hours=1)


def test_a_post_id_that_is_used_again_never_begins_anew_while_the_publisher_knows_its_revisions() -> None:
    """Its first revision would be taken for one that was cancelled or superseded long ago, and skipped."""
    schedules_last = min(rule.longer for rule in retention.RULES if rule.table is schedules)
    keys_last = max(rule.longer for rule in of_the_publisher.RULES if rule.table is publications)

    assert schedules_last > keys_last + RUNS_EVERY
