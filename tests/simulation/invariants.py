"""What must hold whatever happens: each a small function that answers what is wrong with a run.

What the people were told comes from the witness, what truly happened from the ledger of the networks.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from shared.events.publisher import (
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)
from shared.events.scheduler import (
    PublishRequested,
    ScheduleAccepted,
    ScheduleBatchSettled,
    ScheduleCancelled,
    ScheduleRejected,
)
from tests.simulation.networks import Entry, Taken
from tests.simulation.user import Wish
from tests.simulation.witness import Key, Told
from tests.simulation.world import World

Invariant = Callable[["Run"], Iterator[str]]

MOMENT = 0.005
"""Seconds that no clock is blamed for."""
ON_TIME = 2.0
"""Lateness that no policy minds."""
TAKES_AN_ATTEMPT = ("slow", "too_slow", "reply_lost", "request_lost", "arrives_late", "taken_500", "taken_502",
                    "taken_302", "untaken_500", "untaken_502")  # fmt: skip
ATTEMPTS = 3
KNOWN_FOR = 12.0
"""Seconds after which a post has come to the publisher, whatever it had to wait for on its way."""
ROOM_IS_USED = 0.8
STARTS_WITHIN = 5.0
OF_ITS_OWN_ACCORD = re.compile(r"^[A-Z]\w*(Error|Exception|Exit|Conflict)?: ")
"""A reason for parking that is the name of an exception: a handler broke."""


class Run:
    """A run that is over, by post."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.user, self.witness = world.user, world.witness
        self.wishes: dict[str, Wish] = {wish.content: wish for wish in self.user.wishes.values()}
        self.requests: dict[Key, list[Entry]] = defaultdict(list)
        for entry in world.internet.ledger:
            self.requests[self.wish_of(entry).key].append(entry)
        self.posts: dict[Key, list[Taken]] = {
            key: [one.taken for one in entries if one.taken] for key, entries in self.requests.items()
        }
        self.keys = sorted({wish.key for wish in self.wishes.values()})

    def wish_of(self, entry: Entry) -> Wish:
        """What was asked for that led to the request."""
        return self.wishes[entry.content]

    def revisions(self, key: Key) -> dict[str, int]:
        """The revision that each text of a post was dispatched as."""
        return {one.event.content: one.event.revision for one in self.witness.of(key, PublishRequested)}

    def accepted(self, key: Key) -> list[Told]:
        """The answers that promised a revision."""
        return list(self.witness.of(key, ScheduleAccepted, ScheduleBatchSettled))


# once, and never another text


def published_at_most_once(run: Run) -> Iterator[str]:
    """No network ever shows two posts for one."""
    for key, posts in run.posts.items():
        if len(posts) > 1:
            yield f"{key} stands {len(posts)} times: {[(one.content, round(one.at, 2)) for one in posts]}"


def never_another_text_after_one_that_may_be_out(run: Run) -> Iterator[str]:
    """Two different requests for one post only if the first was told as not published and truly was not."""
    for key, entries in run.requests.items():
        for first, second in pairwise(_in_order_of_texts(entries)):
            if first.taken or first.repeats:
                yield f"{key}: {second.content!r} left at {second.left_at:.2f}, but {first.content!r} was taken"
            elif not _was_told_as_not_published(run, key, first):
                yield f"{key}: {second.content!r} left at {second.left_at:.2f}; nobody was told of {first.content!r}"


def _in_order_of_texts(entries: list[Entry]) -> list[Entry]:
    """For each text the request that most likely landed, in the order in which texts were first sent."""
    best: dict[str, Entry] = {}
    for entry in entries:
        kept = best.get(entry.content)
        if kept is None or (entry.taken and not kept.taken):
            best[entry.content] = entry
    return list(best.values())


def _was_told_as_not_published(run: Run, key: Key, entry: Entry) -> bool:
    told = run.witness.of(key, PublishFailed, PublishSkipped, PublishHeld, PublishRetrying, ScheduleCancelled)
    revision = run.revisions(key).get(entry.content, 1)
    return any(one.event.revision >= revision for one in told) or bool(run.user.resolved.get(key))


# what is told is true


def success_is_true(run: Run) -> Iterator[str]:
    """What is told as published stands there, under the text of that revision."""
    for key in run.keys:
        resolved = [at for at, outcome in run.user.resolved.get(key, ()) if outcome == "published"]
        for told in run.witness.of(key, PublishSucceeded):
            texts = [text for text, revision in run.revisions(key).items() if revision == told.event.revision]
            there = [one for one in run.posts.get(key, ()) if one.content in texts and one.at <= told.at]
            if not there and not any(at <= told.at for at in resolved):
                yield f"{key} revision {told.event.revision} was told as published at {told.at:.2f}; it is not there"


def what_is_told_as_not_published_is_not_there(run: Run) -> Iterator[str]:
    """Failed, skipped, held or cancelled: no such text stands there then, nor later unless somebody asks for it."""
    for key in run.keys:
        revisions = run.revisions(key)
        for told in run.witness.of(key, PublishFailed, PublishSkipped, PublishHeld):
            for post in run.posts.get(key, ()):
                is_meant = revisions.get(post.content, 0) <= told.event.revision
                asked_again = [at for at in run.user.retried.get(key, ()) if told.at < at + 5 and at <= post.at]
                if is_meant and not asked_again:
                    what = f"{told.type} of revision {told.event.revision} was told at {told.at:.2f}"
                    yield f"{key}: {what}, but {post.content!r} stands there since {post.at:.2f}"


def cancelled_means_not_published(run: Run) -> Iterator[str]:
    """What a person was told is cancelled never appears, unless it is taken back."""
    for key in run.keys:
        for told in run.witness.of(key, ScheduleCancelled):
            if told.event.reason == "superseded":
                continue
            later = any(one.at > told.at for one in run.accepted(key))
            for post in run.posts.get(key, ()):
                is_before = run.revisions(key).get(post.content, 0) <= told.event.revision
                if is_before and not later and not _taken_back(run, key, told.at):
                    yield f"{key} was told as cancelled at {told.at:.2f}, but stands there since {post.at:.2f}"


def an_accepted_edit_is_what_appears(run: Run) -> Iterator[str]:
    """Who was told that a new version is accepted does not find an old one, unless that was taken back."""
    for key in run.keys:
        revisions = run.revisions(key)
        for post in run.posts.get(key, ()):
            revision = revisions.get(post.content, 0)
            for told in run.accepted(key):
                newer = getattr(told.event, "revision", 0)
                if newer > revision and getattr(told.event, "changed", False) and not _taken_back(run, key, told.at):
                    yield f"{key}: revision {newer} was accepted at {told.at:.2f}; {post.content!r} stands there"


def _taken_back(run: Run, key: Key, since: float) -> bool:
    rejected = run.witness.of(key, ScheduleRejected)
    return any(one.event.code == "already_published" and one.at > since for one in rejected)


def an_unknown_may_be_there(run: Run) -> Iterator[str]:
    """`unknown` is told only where a request left whose fate nobody could know, or whose sender died."""
    scenario = run.world.scenario
    if scenario.crashes or scenario.freezes or scenario.restarts:
        return
    for key in run.keys:
        for told in run.witness.of(key, PublishUnknown):
            left = [one for one in run.requests.get(key, ()) if one.left_at <= told.at]
            if not left:
                yield f"{key} was told as unknown at {told.at:.2f}, but nothing had ever left"


# failing, waiting


def absence_uses_no_attempts(run: Run) -> Iterator[str]:
    """No post fails for good because nobody answered, or was asked to come back later."""
    for key in run.keys:
        for told in run.witness.of(key, PublishFailed):
            if told.event.error.kind == "resolved":
                continue
            before = [one for one in run.requests.get(key, ()) if one.left_at <= told.at]
            refused = [one for one in before if one.status in (400, 401, 403)]
            used = [one for one in before if one.fate in TAKES_AN_ATTEMPT]
            if not refused and len(used) < ATTEMPTS:
                fates = [one.fate for one in before]
                yield f"{key} failed for good at {told.at:.2f} ({told.event.error.message}); its requests: {fates}"


def never_early(run: Run) -> Iterator[str]:
    """Nothing leaves before it is due."""
    for key, entries in run.requests.items():
        for entry in entries:
            due = run.wish_of(entry).due
            if entry.left_at < due - MOMENT:
                yield f"{key} left {due - entry.left_at:.3f} s before it was due"


def late_policies_kept(run: Run) -> Iterator[str]:
    """What may not be later than its grace does not leave later, unless somebody asks for it."""
    for key, entries in run.requests.items():
        for entry in entries:
            wish = run.wish_of(entry)
            earlier = [one for one in entries if one.left_at < entry.left_at and one.content == entry.content]
            may_be_out = any(one.taken or one.fate in TAKES_AN_ATTEMPT for one in earlier)
            late = entry.left_at - max(wish.due, wish.asked_at)
            grace = max(wish.policy.grace_seconds, ON_TIME) + 0.5
            if late > grace and not may_be_out and not run.user.retried.get(key):
                yield f"{key} left {late:.1f} s late; its policy allows {wish.policy.grace_seconds:g}"


# limits


def no_window_above_its_limit(run: Run) -> Iterator[str]:
    """No stretch of a second, a minute or a day holds more requests of an account than its limit."""
    lengths = {"per_second": 1.0, "per_minute": 60.0, "per_day": 86400.0}
    for account_id, left in _departures(run).items():
        for name, most in (run.world.scenario.limits or {}).items():
            for first, last in zip(left, left[most:], strict=False):
                if last - first < lengths[name] - MOMENT:
                    yield f"{account_id}: {most + 1} requests within {last - first:.3f} s, allowed are {most} {name}"
                    break


def due_order_kept(run: Run) -> Iterator[str]:
    """The posts of a limited account leave in the order in which they are due."""
    if not run.world.scenario.limits or run.world.scenario.crashes:
        return
    by_account: dict[str, list[Entry]] = defaultdict(list)
    for entry in run.world.internet.ledger:
        by_account[entry.account_id].append(entry)
    for entries in by_account.values():
        for first, second in pairwise(entries):
            ahead = run.wish_of(first).due - run.wish_of(second).due
            is_known = run.wish_of(second).asked_at < first.left_at - KNOWN_FOR
            if ahead > 0.5 and is_known and first.left_at < second.left_at:
                yield f"{second.content!r} left after {first.content!r}, but was due {ahead:.2f} s earlier"
                break


def limits_are_used(run: Run) -> Iterator[str]:
    """While posts wait and a limit has room, they leave at four fifths of the rate or more."""
    limits = run.world.scenario.limits
    if not limits or "per_second" not in limits or run.world.scenario.ahead[1] > 0:
        return
    latency = run.world.scenario.commit_seconds[1]
    for account_id, left in _departures(run).items():
        fastest = len(left) / limits["per_second"]
        allowed = fastest / ROOM_IS_USED + STARTS_WITHIN + 4 * latency
        took = left[-1] - run.user.starts_at
        if took > allowed:
            yield f"{account_id}: {len(left)} posts took {took:.1f} s; {allowed:.1f} would be slow"


def _departures(run: Run) -> Mapping[str, list[float]]:
    left: dict[str, list[float]] = defaultdict(list)
    for entry in run.world.internet.ledger:
        left[entry.account_id].append(entry.left_at)
    return left


# in the end


def everything_settles(run: Run) -> Iterator[str]:
    """Some time after the last trouble nothing is left to do: queues and outboxes are empty, every post has an end."""
    if run.world.settled_at is None:
        left = run.world.unsettled()
        yield f"{len(left)} things are left: {'; '.join(left[:4])}"


def nothing_breaks(run: Run) -> Iterator[str]:
    """No handler and no loop ends with an error that nobody expects."""
    yield from run.world.problems
    for parked in run.witness.parked:
        if OF_ITS_OWN_ACCORD.match(parked.reason) or parked.reason == "None":
            yield f"{parked.type} was parked by {parked.queue} at {parked.at:.2f}: {parked.reason}"


def every_change_is_told_once(run: Run) -> Iterator[str]:
    """Each state that was reached was told, and no two messages tell of one and the same differently."""
    for row in run.world.query("publisher", "SELECT post_id, account_id, revision, state FROM publications"):
        key = row["post_id"], row["account_id"]
        final = _FACTS.get(row["state"])
        if final and not any(one.event.revision == row["revision"] for one in run.witness.of(key, final)):
            yield f"{key} is {row['state']} in revision {row['revision']}, and nobody was told"
    for key in run.keys:
        bodies: dict[tuple[Any, ...], set[bytes]] = defaultdict(set)
        for told in run.witness.of(key, PublishSucceeded, ScheduleAccepted):
            if getattr(told.event, "changed", True):
                bodies[told.type, told.event.revision].add(told.event.body())
        for (name, revision), different in bodies.items():
            if len(different) > 1:
                yield f"{key}: {name} of revision {revision} was told in {len(different)} ways"


_FACTS: Mapping[str, Any] = {
    "published": PublishSucceeded,
    "failed": PublishFailed,
    "unknown": PublishUnknown,
    "skipped": PublishSkipped,
    "held": PublishHeld,
}


def every_request_is_answered(run: Run) -> Iterator[str]:
    """Whoever asks for a post hears whether it is accepted."""
    answered = Counter[str]()
    for told in run.witness.told:
        if isinstance(told.event, ScheduleAccepted | ScheduleRejected | ScheduleBatchSettled):
            answered[told.correlation_id] += 1
    for name, wish in run.user.wishes.items():
        if name.startswith("m") and not answered[name] and run.world.settled_at is not None:
            yield f"nobody answered {name}: {wish.content!r}"


def the_console_shows_the_truth(run: Run) -> Iterator[str]:
    """In the end the console shows each post as the publisher has it, or as the scheduler has what never came there."""
    if run.world.settled_at is None:
        return
    statement = "SELECT post_id, account_id, state, revision FROM"
    shown = {_key(row): row for row in run.world.query("console", f"{statement} posts")}
    there = {_key(row): row for row in run.world.query("publisher", f"{statement} publications")}
    planned = {_key(row): row for row in run.world.query("scheduler", f"{statement} schedules")}
    for key, plan in planned.items():
        true = there.get(key)
        if true is None or (plan["state"] == "cancelled" and true["state"] != "published"):
            true = plan
        for name, rows in (("the console", shown), ("the scheduler", planned)):
            row = rows.get(key)
            says = row and (row["state"], row["revision"])
            is_right = says == (true["state"], true["revision"])
            if not is_right and (name == "the console" or not says or says[0] != true["state"]):
                yield f"{key}: {name} shows {says}, it is {true['state']} in revision {true['revision']}"


def _key(row: Mapping[str, Any]) -> Key:
    return row["post_id"], row["account_id"]


INVARIANTS: tuple[Invariant, ...] = (
    published_at_most_once,
    never_another_text_after_one_that_may_be_out,
    success_is_true,
    what_is_told_as_not_published_is_not_there,
    cancelled_means_not_published,
    an_accepted_edit_is_what_appears,
    an_unknown_may_be_there,
    absence_uses_no_attempts,
    never_early,
    late_policies_kept,
    no_window_above_its_limit,
    due_order_kept,
    limits_are_used,
    everything_settles,
    nothing_breaks,
    every_change_is_told_once,
    every_request_is_answered,
    the_console_shows_the_truth,
)


def violations(world: World) -> list[tuple[str, str]]:
    """What is wrong, each under the name of its invariant."""
    run = Run(world)
    return [
        (invariant.__name__, what)
        for invariant in INVARIANTS
        if invariant.__name__ not in world.scenario.waives
        for what in invariant(run)
    ]
