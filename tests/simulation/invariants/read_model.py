"""What the console keeps beside its posts agrees with them, and with what was told."""

from shared.events.callbacks import CallbackRequested
from shared.events.scheduler import PublishRequested
from tests.simulation.invariants.run import Run, Violations

PAST_THE_CONSOLE = {CallbackRequested.type, PublishRequested.type}
"""What goes to one queue alone, at once or through the wheel."""


def the_journal_has_each_event_once(run: Run) -> Violations:
    """Each event that was told has one number in the journal, and nothing else has."""
    if run.world.settled_at is None or not run.has_console:
        return
    told = {one.message_id: one.type for one in run.witness.told if one.type not in PAST_THE_CONSOLE}
    kept = [row["message_id"] for row in run.world.query("console", "SELECT message_id FROM journal")]
    if len(set(kept)) < len(kept):
        yield f"{len(kept) - len(set(kept))} events are in the journal twice"
    for identity in sorted(told.keys() - kept):
        yield f"{told[identity]} {identity} is not in the journal"


def the_console_counts_what_it_shows(run: Run) -> Violations:
    """Its counters say how many posts there are in each state, by hour and account as well."""
    if not run.has_console:
        return
    posts = _counted(run, "SELECT state, count(*) AS posts FROM posts GROUP BY state")
    by_hour = "SELECT state, sum(posts) AS posts FROM hourly_counts"
    for what, statement in (
        ("post_counts", "SELECT state, posts FROM post_counts"),
        ("hourly_counts of all accounts", f"{by_hour} WHERE account_id = '' GROUP BY state"),
        ("hourly_counts of each account", f"{by_hour} WHERE account_id <> '' GROUP BY state"),
    ):
        counted = _counted(run, statement)
        if counted != posts:
            yield f"{what} says {counted}, there are {posts}"


def _counted(run: Run, statement: str) -> dict[str, int]:
    return {row["state"]: row["posts"] for row in run.world.query("console", statement) if row["posts"]}
