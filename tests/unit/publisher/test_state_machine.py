"""The table of states in docs/state-machine.md: every change the code can make is in it, and no other."""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

from services.publisher.domain import CLAIMED
from services.publisher.handlers import resolved
from services.publisher.platforms.base import Published
from services.publisher.platforms.errors import NotSent, Rejected, Transient, Unauthorized, Unconfirmed
from services.publisher.refusals import MAY_BE_RETRIED
from services.publisher.sending.case import Blocked, Case, Certainty
from services.publisher.sending.evidence import Attempt, Evidence
from services.publisher.sending.next_step import next_step
from services.publisher.sending.steps import Settle
from services.publisher.sending.taking import asked_of_network, new_publication, revived, take
from services.publisher.withdrawing import withdraw
from shared.events.progress import State
from shared.events.requests import PublishResolveRequested
from shared.events.scheduler import PublishWithdrawRequested
from tests.support.publications import NOON, a_case, a_publication, an_attempt, delivered, requested

PAGE = Path(__file__).parents[3] / "docs" / "state-machine.md"
STATES = (
    CLAIMED,
    State.SENDING,
    State.RETRYING,
    State.HELD,
    State.FAILED,
    State.SKIPPED,
    State.UNKNOWN,
    State.PUBLISHED,
)
LATER = NOON + timedelta(minutes=1)
ERRORS = (None, NotSent("away"), Transient("busy"), Rejected("no"), Unauthorized("revoked"), Unconfirmed("lost"))
Change = tuple[str, str]


def documented() -> set[Change]:
    """The changes in the page's table."""
    return {
        (was, becomes) for was, becomes in re.findall(r"^\| (\w+) \| (\w+) \| ", PAGE.read_text(), re.MULTILINE)
    } - {("from", "to")}


def attempts_of(state: str) -> list[tuple[Attempt, ...]]:
    """What attempts a post in that state may have; their lease is over."""
    if state == State.PUBLISHED:
        return [(an_attempt(Evidence.LANDED),)]
    if state == State.UNKNOWN:
        return [(an_attempt(Evidence.UNKNOWN),)]
    if state == State.SENDING:
        return [(an_attempt(Evidence.OPEN),)]
    closed = [(), (an_attempt(Evidence.REFUSED),), (an_attempt(Evidence.DISPROVED),)]
    return [*closed, (an_attempt(Evidence.UNKNOWN),)] if state in (CLAIMED, State.RETRYING) else closed


def taken_over() -> Iterator[Change]:
    """What deliveries of every revision make of every state."""
    yield "new", new_publication(delivered(requested()), NOON).state
    for state, revision in product(STATES, (1, 2)):
        current = a_publication(state=state, outcome=None)
        for attempts in attempts_of(state):
            for is_replayed in (False, True):
                arrived = delivered(requested(revision=revision), is_replayed=is_replayed)
                taken = take(arrived, current, attempts, LATER)
                if taken.changed:
                    yield state, taken.publication.state


def withdrawn() -> Iterator[Change]:
    """What withdrawals make of every state."""
    asked = PublishWithdrawRequested(post_id="post", account_id="account", revision=1, reason="cancelled")
    yield "new", State.SKIPPED
    for state in STATES:
        for attempts in attempts_of(state):
            kept = withdraw(asked, a_publication(state=state, outcome=None), attempts, LATER).publication
            if kept is not None and kept.state != state:
                yield state, kept.state


def asked_for_by_people() -> Iterator[Change]:
    """What retries and resolutions make of the states that they are for."""
    for state in MAY_BE_RETRIED:
        yield state, revived(a_publication(state=state), NOON).state
    for outcome in ("published", "not_published"):
        asked = PublishResolveRequested.model_validate({"post_id": "post", "account_id": "account", "outcome": outcome})
        yield State.UNKNOWN, resolved(a_publication(state=State.UNKNOWN), asked, (), NOON)[0].state
    yield State.UNKNOWN, asked_of_network(a_publication(state=State.UNKNOWN, outcome=None), NOON).state


def cases(state: str) -> Iterator[Case]:
    """Cases of a post that is claimed, or whose attempt has just come to its end."""
    evidence = [(one,) for one in map(an_attempt, (Evidence.REFUSED, Evidence.NOT_SENT, Evidence.UNKNOWN))]
    attempts = evidence if state == State.SENDING else [(), *evidence]
    for known, error, tries, look_ups in product(attempts, ERRORS, (1, 3), (False, True)):
        certainty = Certainty(answers_look_ups=look_ups)
        yield a_case(*known, error=error, certainty=certainty, is_looked_up=True, publication={"tries": tries})
    landed: Any = {"published": Published("id"), "started_at": NOON}
    yield a_case(an_attempt(Evidence.LANDED), **landed)
    yield a_case(publication={"withdrawn": 1})
    yield a_case(blocked=Blocked(LATER)) if state == CLAIMED else a_case(problem="gone")


def settled() -> Iterator[Change]:
    """What outcomes make of a post that is claimed or being sent."""
    for state in (CLAIMED, State.SENDING):
        for case in cases(state):
            step = next_step(case, LATER)
            if isinstance(step, Settle) and (kept := step.outcome.publication):
                yield state, kept.state


def test_the_page_has_every_change_of_state_and_no_other() -> None:
    opened = {(CLAIMED, str(State.SENDING))}
    made = {*taken_over(), *withdrawn(), *asked_for_by_people(), *settled()}

    assert {(str(was), str(becomes)) for was, becomes in made} | opened == documented()


def test_what_is_published_changes_no_more() -> None:
    assert not [was for was, _ in documented() if was == State.PUBLISHED]
