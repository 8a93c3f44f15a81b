"""In the end: nothing is left, nothing broke, everybody knows the same."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from shared.events.publisher import PublishFailed, PublishHeld, PublishSkipped, PublishSucceeded, PublishUnknown
from shared.events.requests import PublishRetryRequested
from shared.events.scheduler import (
    PublishRequested,
    PublishWithdrawRequested,
    ScheduleAccepted,
    ScheduleBatchSettled,
    ScheduleCancelled,
    ScheduleRejected,
)
from tests.simulation.invariants.run import Run, Violations
from tests.simulation.servers import Callbacks, X
from tests.simulation.user import CALLBACKS, CALLED_BACK
from tests.simulation.witness import Key

OF_ITS_OWN_ACCORD = re.compile(r"^\w+ failed at it\b", re.MULTILINE)
"""A reason for parking that says so: a handler broke."""
ASKED_AGAIN = 20.0
"""Seconds after which a withdrawal that was not answered comes again."""


def everything_settles(run: Run) -> Violations:
    """Some time after the last trouble nothing is left to do: queues and outboxes are empty, every post has an end."""
    if run.world.settled_at is None:
        left = run.world.unsettled()
        yield f"{len(left)} things are left: {'; '.join(left[:4])}"


def nothing_breaks(run: Run) -> Violations:
    """No handler and no loop ends with an error that nobody expects."""
    yield from run.world.problems
    for parked in run.witness.parked:
        if OF_ITS_OWN_ACCORD.match(parked.reason) or parked.reason == "None":
            yield f"{parked.type} was parked by {parked.queue} at {parked.at:.2f}: {parked.reason}"


def every_change_is_told_once(run: Run) -> Violations:
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
        for told, again in pairwise(run.witness.of(key, PublishSucceeded)):
            if run.is_undisturbed and again.at - told.at < ASKED_AGAIN:
                yield f"{key}: that it is out was told at {told.at:.2f}, and again at {again.at:.2f}"


_FACTS: Mapping[str, Any] = {
    "published": PublishSucceeded,
    "failed": PublishFailed,
    "unknown": PublishUnknown,
    "skipped": PublishSkipped | ScheduleCancelled,
    "held": PublishHeld,
}


def no_change_is_told_twice(run: Run) -> Violations:
    """Each change is told under one message id, unless somebody asks what has become of the post."""
    for key in run.keys:
        asks = len(list(run.witness.of(key, PublishWithdrawRequested, PublishRetryRequested)))
        asks += sum(one.event.swept or one.event.revision > 1 for one in run.witness.of(key, PublishRequested))
        told = Counter(
            (one.type, one.event.body()) for one in run.witness.of(key, *_OUTCOMES, ScheduleCancelled, ScheduleAccepted)
        )
        for (name, body), times in told.items():
            may_repeat = asks > 0 or b'"changed":false' in body
            if times > 1 and not may_repeat:
                yield f"{key}: {name} was told {times} times under different ids"


def every_outcome_is_called_back(run: Run) -> Violations:
    """Whoever left an address hears each outcome there, each under one id; what people took back they know."""
    if run.world.settled_at is None:
        return
    callbacks = run.world.internet.networks[CALLBACKS]
    assert isinstance(callbacks, Callbacks)
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    for identity, body in callbacks.calls:
        ids[body["type"], json.dumps(body["data"], sort_keys=True)].add(identity)
    for key in run.keys:
        if int(key[0][1:]) % CALLED_BACK:
            continue
        for told in run.witness.of(key, *_OUTCOMES):
            if getattr(told.event, "reason", "") in ("cancelled", "superseded"):
                continue
            fact = told.type, json.dumps(json.loads(told.event.body()), sort_keys=True)
            if not ids[fact]:
                yield f"{key}: nobody was called back with {told.type}, told at {told.at:.2f}"
            if len(ids[fact]) > 1:
                yield f"{key}: {told.type} was called back under {len(ids[fact])} ids"


_OUTCOMES = (PublishSucceeded, PublishFailed, PublishUnknown, PublishSkipped, PublishHeld)


def every_request_is_answered(run: Run) -> Violations:
    """Whoever asks for a post hears whether it is accepted, and hears it once."""
    answered = Counter[str]()
    accepted = Counter(
        (one.correlation_id, one.event.post_id, one.event.account_id)
        for one in run.witness.told
        if isinstance(one.event, ScheduleAccepted)
    )
    for (name, post_id, account_id), times in accepted.items():
        if times > 1:
            yield f"{name} was accepted {times} times for {post_id!r} on {account_id!r}"
    for told in run.witness.told:
        if isinstance(told.event, ScheduleAccepted | ScheduleRejected | ScheduleBatchSettled):
            answered[told.correlation_id] += 1
    for name, wish in run.user.wishes.items():
        if name.startswith("m") and not answered[name] and run.world.settled_at is not None:
            yield f"nobody answered {name}: {wish.content!r}"


def the_console_shows_the_truth(run: Run) -> Violations:
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
            if name == "the console" and not run.has_console:
                continue
            row = rows.get(key)
            says = row and (row["state"], row["revision"])
            is_right = says == (true["state"], true["revision"])
            if not is_right and (name == "the console" or not says or says[0] != true["state"]):
                yield f"{key}: {name} shows {says}, it is {true['state']} in revision {true['revision']}"


def _key(row: Mapping[str, Any]) -> Key:
    return row["post_id"], row["account_id"]


def refresh_tokens_are_used_once(run: Run) -> Violations:
    """A refresh token is never presented again, where nothing got lost on the way."""
    if run.world.scenario.crashes or set(run.world.scenario.fates) != {"ok"}:
        return
    for network in run.world.internet.networks.values():
        if isinstance(network, X):
            for token in network.replayed:
                yield f"{token} was presented to {network.host} after it had been used"
