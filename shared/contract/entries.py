"""Every event that goes over `timeball.events`: what it means, who emits it, and who takes it.

The console takes every event, so it is named only where it emits one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.events import EVENTS, Event

SCHEDULER, PUBLISHER, MONITOR, MAINTENANCE, CONSOLE = "scheduler", "publisher", "monitor", "maintenance", "console"
EVERY_SERVICE = (SCHEDULER, PUBLISHER, MONITOR, MAINTENANCE, CONSOLE)
KEEPERS = (SCHEDULER, PUBLISHER, MONITOR, MAINTENANCE)
"""The services from which the console can rebuild what it shows."""

ANYONE = "anyone"
"""Any producer that may write to the exchange, of any system and in any language."""

TO_THEMSELVES = frozenset({"callback.requested", "notification.requested"})
"""What a service writes to a queue of its own: it never reaches the exchange and is no part of the contract."""


_OUTCOMES = ("publish.succeeded", "publish.failed", "publish.unknown", "publish.skipped", "publish.held")

ANSWERS: dict[str, tuple[str, ...]] = {
    "schedule.requested": ("schedule.accepted", "schedule.rejected"),
    "schedule.batch_requested": ("schedule.batch_settled",),
    "schedule.cancel_requested": ("schedule.cancelled", "schedule.rejected"),
    "publish.retry_requested": (*_OUTCOMES, "schedule.rejected"),
    "publish.resolve_requested": ("publish.succeeded", "publish.failed", "schedule.rejected"),
    "account.connect_requested": ("account.connected", "account.connect_failed"),
    "account.disconnect_requested": ("account.disconnected", "account.disconnect_failed"),
    "workspace.configured": ("workspace.accepted", "workspace.rejected"),
    "workspace.remove_requested": ("workspace.removed", "workspace.rejected"),
    "keywords.try_requested": ("keywords.tried",),
    "timer.trigger_requested": ("timer.fired",),
    "keys.rotate_requested": ("keys.rotated",),
    "account.limits_requested": ("account.limits_told",),
    "console.rebuild_requested": ("console.rebuild_answered",),
    "dead_letter.replay_requested": ("dead_letter.replayed",),
    "dead_letter.drop_requested": ("dead_letter.dropped",),
    "publish.requested": (*_OUTCOMES, "publish.retrying"),
    "publish.withdraw_requested": ("publish.skipped", "publish.succeeded", "publish.unknown", "publish.retrying"),
    "account.refresh_requested": ("account.refreshed", "account.refresh_failed"),
    "retention.purge_requested": ("retention.purged",),
}
"""The facts one of which, in the end, answers each request, under the request's correlation id."""


@dataclass(frozen=True)
class Entry:
    """One event of the contract; its class has the fields."""

    name: str
    summary: str
    emitted_by: tuple[str, ...]
    taken_by: tuple[str, ...] = ()

    @property
    def event(self) -> type[Event]:
        """The event's class."""
        return EVENTS[self.name]

    @property
    def is_request(self) -> bool:
        """Whether anyone may emit it."""
        return ANYONE in self.emitted_by

    @property
    def answered_by(self) -> tuple[str, ...]:
        """The facts that answer it, where it asks for something."""
        return ANSWERS.get(self.name, ())

    def concerns(self, service: str) -> bool:
        """Whether the service emits or takes it."""
        return service in (*self.emitted_by, *self.taken_by)


def _request(name: str, summary: str, *taken_by: str) -> Entry:
    return Entry(name, summary, (ANYONE, CONSOLE), taken_by)


def _job(name: str, summary: str) -> Entry:
    return Entry(name, summary, (MONITOR, MAINTENANCE), (MAINTENANCE,))


CHAPTERS: dict[str, tuple[Entry, ...]] = {
    "Requests": (
        _request("schedule.requested", "Schedule a post, or change one that is not sent yet.", SCHEDULER),
        _request("schedule.batch_requested", "Schedule up to 500 posts in one message.", SCHEDULER),
        _request("schedule.cancel_requested", "Cancel a post on some accounts or on all.", SCHEDULER),
        _request("publish.retry_requested", "Publish a failed or held post again, now.", PUBLISHER),
        _request("publish.resolve_requested", "Say how a post with unknown outcome ended.", PUBLISHER),
        _request("account.connect_requested", "Connect an account, or connect it again.", PUBLISHER),
        _request("account.disconnect_requested", "Disconnect an account; its credentials are deleted.", PUBLISHER),
        _request("account.limits_requested", "Tell how much of an account's limits is used up.", PUBLISHER),
        _request("workspace.configured", "Set what a workspace watches, and whom it notifies.", MONITOR),
        _request("workspace.remove_requested", "Stop watching for a workspace, and delete whom it notifies.", MONITOR),
        _request("keywords.try_requested", "Look for keywords in what has been posted already.", MONITOR),
        _request("timer.trigger_requested", "Fire a timer now, besides its ticks.", SCHEDULER),
        _request("keys.rotate_requested", "Encrypt all secrets again, with the first secret key.", PUBLISHER, MONITOR),
        _request("console.rebuild_requested", "Send the console everything again.", *EVERY_SERVICE),
        _request("dead_letter.replay_requested", "Send dead letters back to their queues.", *EVERY_SERVICE),
        _request("dead_letter.drop_requested", "Delete dead letters of a service.", *EVERY_SERVICE),
    ),
    "Scheduling": (
        Entry("schedule.accepted", "A post is scheduled on an account.", (SCHEDULER,)),
        Entry("schedule.rejected", "A request for a post was not carried out.", (SCHEDULER, PUBLISHER)),
        Entry("schedule.batch_settled", "What became of every post of a batch.", (SCHEDULER,)),
        Entry("schedule.cancelled", "A post is cancelled and not sent.", (SCHEDULER,), (PUBLISHER, MAINTENANCE)),
        Entry("schedule.superseded", "A revision is replaced by a later one.", (SCHEDULER,), (MAINTENANCE,)),
    ),
    "Publishing": (
        Entry("publish.requested", "A post is to be sent at its instant.", (SCHEDULER,), (PUBLISHER,)),
        Entry("publish.withdraw_requested", "A revision is not to be sent any more.", (SCHEDULER,), (PUBLISHER,)),
        Entry("publish.retrying", "An attempt failed; there will be another.", (PUBLISHER,), (SCHEDULER, MAINTENANCE)),
        Entry("publish.succeeded", "The post is out.", (PUBLISHER,), (SCHEDULER, MAINTENANCE)),
        Entry("publish.failed", "The post is given up and not out.", (PUBLISHER,), (SCHEDULER, MAINTENANCE)),
        Entry("publish.unknown", "The post may be out; a person decides.", (PUBLISHER,), (SCHEDULER, MAINTENANCE)),
        Entry("publish.skipped", "The post was not sent, as intended.", (PUBLISHER,), (SCHEDULER, MAINTENANCE)),
        Entry("publish.held", "The post waits for a person.", (PUBLISHER,), (SCHEDULER, MAINTENANCE)),
    ),
    "Accounts": (
        Entry("account.connected", "Posts can be sent to the account.", (PUBLISHER,), (SCHEDULER, MAINTENANCE)),
        Entry("account.connect_failed", "The account could not be connected.", (PUBLISHER,)),
        Entry("account.disconnected", "The account is disconnected.", (PUBLISHER,), (SCHEDULER, MAINTENANCE)),
        Entry("account.disconnect_failed", "The account could not be disconnected.", (PUBLISHER,)),
        Entry("account.refresh_requested", "The account's token is to be renewed.", (MAINTENANCE,), (PUBLISHER,)),
        Entry("account.refreshed", "The account's token is renewed.", (PUBLISHER,), (MAINTENANCE,)),
        Entry("account.refresh_failed", "The account's token could not be renewed.", (PUBLISHER,), (MAINTENANCE,)),
        Entry("account.limits_told", "How much of the account's limits is used up now.", (PUBLISHER,)),
        Entry("keys.rotated", "A service has encrypted its secrets again.", (PUBLISHER, MONITOR)),
    ),
    "Timers and jobs": (
        Entry("timer.fired", "A timer's tick.", (SCHEDULER,), (MONITOR, MAINTENANCE)),
        Entry("timer.configured", "A timer as it is from now on.", (SCHEDULER,)),
        _job("job.started", "A job has begun."),
        _job("job.succeeded", "A job is done."),
        _job("job.failed", "A job has failed."),
        _job("job.released", "A job was not done when its service stopped, and runs again."),
        _job("job.skipped", "A job was not begun because its last run was still at work."),
    ),
    "Mentions": (
        Entry("workspace.accepted", "A workspace is watched as it was asked for.", (MONITOR,)),
        Entry("workspace.rejected", "A workspace cannot be watched so, and stays as it was.", (MONITOR,)),
        Entry("workspace.removed", "There is no such workspace any more.", (MONITOR,)),
        Entry("keywords.tried", "What keywords would have found.", (MONITOR,)),
        Entry("mention.found", "A keyword was found in a post or comment.", (MONITOR,)),
        Entry("monitor.completed", "One look at all subreddits is over.", (MONITOR,)),
        Entry("digest.sent", "A workspace's digest of a day is made, and on its way to its targets.", (MONITOR,)),
    ),
    "Upkeep": (
        Entry("alert.raised", "Something a person should know, or the end of it.", (MAINTENANCE,), (MAINTENANCE,)),
        Entry("service.reported", "How a process is doing, every minute.", EVERY_SERVICE, (MAINTENANCE,)),
        Entry("retention.purge_requested", "What is old is to be deleted.", (MAINTENANCE,), EVERY_SERVICE),
        Entry("retention.purged", "A service has deleted what is old.", EVERY_SERVICE),
        Entry("state.told", "A part of what a service keeps, for the console.", KEEPERS),
        Entry("console.rebuild_answered", "A service has sent the console everything it keeps.", KEEPERS),
        Entry("dead_letter.parked", "A message could not be handled and rests.", EVERY_SERVICE),
        Entry("dead_letter.replayed", "Dead letters went back to their queues.", EVERY_SERVICE),
        Entry("dead_letter.dropped", "Dead letters were deleted.", EVERY_SERVICE),
        Entry("console.acted", "Somebody did something with the console, or was refused.", (CONSOLE,)),
        Entry("analytics.aggregated", "The figures of a day, for each account.", (MAINTENANCE,)),
    ),
}  # fmt: skip
"""The contract by chapter, in the order in which it is read."""


def entries(service: str | None = None) -> Iterator[tuple[str, Entry]]:
    """Every entry with its chapter; of a service, those that it emits or takes."""
    for chapter, listed in CHAPTERS.items():
        for entry in listed:
            if service is None or entry.concerns(service):
                yield chapter, entry
