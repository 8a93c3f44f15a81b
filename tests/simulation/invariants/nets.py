"""Where nothing was lost, no safety net has anything to catch."""

import re
from collections import Counter

from shared.events.scheduler import PublishRequested
from tests.simulation.invariants.run import Run, Violations
from tests.simulation.servers import Callbacks
from tests.simulation.user import CALLBACKS

OF_THE_WEATHER = re.compile(
    r"disk I/O error|database is locked|database or disk is full|BrokerUnavailable|^no confirm|^not connected"
    r"|Park\(|^$|TimeoutError\(\)"
)
"""Errors that the world makes on purpose, and what is parked: `nothing_breaks` looks at that."""

ANSWERS = (
    "account_not_connected",
    "account_not_disconnected",
    "credentials_not_verified",
    "tokens_refused",
    "request_refused",
)
"""What is logged of requests that are refused, and told to whoever made them."""


def no_error_is_passed_over(run: Run) -> Violations:
    """No loop and no consumer goes on after an error that nothing in the world has caused."""
    for one in run.world.complaints.heard:
        if one.event not in ANSWERS and not OF_THE_WEATHER.search(one.error):
            yield f"{one.process} at {one.at:.2f}: {one.event}, {one.error}"


def nothing_is_asked_for_again(run: Run) -> Violations:
    """The sweep finds nothing where no process hesitates, and each revision of a post is asked for once.

    What waits for long, for its destination or under limits, is told of.
    """
    scenario = run.world.scenario
    if _loses_time(run) or scenario.commit_seconds[1] > 0.2:
        return
    for key in run.keys:
        if key in run.user.retried or key in run.user.asked_of_network:
            continue
        asked = list(run.witness.of(key, PublishRequested))
        if any(one.event.swept for one in asked):
            yield f"{key} was swept"
        elif len({one.event.revision for one in asked}) < len(asked):
            yield f"{key} was dispatched {len(asked)} times"


def what_was_answered_is_not_sent_again(run: Run) -> Violations:
    """No request is repeated after an answer that it was taken, even where the network recognises the repetition."""
    if _loses_time(run):
        return
    for key, entries in run.requests.items():
        for entry in entries:
            heard = [one for one in entries if one.status == 200 and one.fate in ("ok", "slow") and one is not entry]
            if entry.repeats and any(one.answered_at and one.answered_at < entry.left_at for one in heard):
                yield f"{key}: {entry.content!r} left again at {entry.left_at:.2f}, after it had been taken"


def nobody_is_called_back_twice(run: Run) -> Violations:
    """Each call that was answered is made once."""
    if _loses_time(run):
        return
    callbacks = run.world.internet.networks[CALLBACKS]
    assert isinstance(callbacks, Callbacks)
    made = Counter(identity for identity, _ in callbacks.calls)
    yield from (f"{identity} was called back {times} times" for identity, times in made.items() if times > 1)


def _loses_time(run: Run) -> bool:
    """Whether processes die or stand still, or what they know gets lost on its way to broker and database."""
    one = run.world.scenario
    processes = one.crashes or one.freezes or one.restarts or one.clock_steps or one.stalls
    ways = one.broker_outages or one.publish_lost or one.publish_unheard or one.acknowledgement_lost
    return bool(processes or ways or one.statement_fails or one.commit_refused or one.commit_unheard)
