"""The next step of a case, and nothing else decides it. No I/O.

`next_step` is asked again after each step, with what came of it. It asks what stands:

    on its way   send it, where it is ours
    landed       it is told
    in doubt     the same request again where the network deduplicates, a look-up where it answers them, else a person
    nothing out  withdrawn, held, too late, failed; or prepare, reserve, send
"""

from datetime import datetime

from services.publisher.domain import CLAIMED
from services.publisher.sending import outcomes
from services.publisher.sending.case import Case
from services.publisher.sending.evidence import Standing
from services.publisher.sending.in_doubt import step_in_doubt
from services.publisher.sending.nothing_out import step_with_nothing_out
from services.publisher.sending.outcomes import Outcome
from services.publisher.sending.steps import Rest, Send, Settle, Step, Wait
from shared.events.progress import State

AT_WORK = (CLAIMED, State.SENDING)


def next_step(case: Case, now: datetime) -> Step:
    """What is to be done next."""
    if case.opened is not None:
        return Send()
    if case.published is not None:
        return Settle(outcomes.succeeded(case, now))
    if not case.is_ours:
        return _step_for_others(case, now)
    if case.standing(now) is Standing.IN_DOUBT:
        return step_in_doubt(case, now)
    return step_with_nothing_out(case, now)


def _step_for_others(case: Case, now: datetime) -> Step:
    """The delivery has no claim: another sender is at the post, another revision stands, or it is settled.

    The other sender's lease may have ended since the post was read; then the next claim has it.
    """
    if case.standing(now) is Standing.ON_ITS_WAY:
        return Wait()
    if case.event.revision > case.publication.revision:
        return Settle(_answer_to_newer(case, now))
    if case.event.revision < case.publication.revision and case.event.revision > case.publication.withdrawn:
        return Settle(outcomes.not_sent(case, "superseded"))
    if case.publication.state == State.RETRYING and case.event.revision == case.publication.revision:
        return Rest(case.publication.not_before)
    if case.publication.state in AT_WORK and case.event.revision == case.publication.revision:
        return Wait()
    return Settle(_answer_to_settled(case, now))


def _answer_to_newer(case: Case, now: datetime) -> Outcome:
    """Whoever asks for a newer revision learns that the one before is out, or may be."""
    is_open = case.standing(now) is Standing.IN_DOUBT and case.publication.state != State.UNKNOWN
    return outcomes.doubt_told(case, now) if is_open else outcomes.told_again(case)


def _answer_to_settled(case: Case, now: datetime) -> Outcome:
    """What was cancelled before it came is told of now; else only the scheduler's sweep is told once more."""
    if case.publication.state == State.FAILED and case.delivered.redelivered:
        return outcomes.PARKED_LATE
    is_nothing_out = case.standing(now) is Standing.NOTHING_OUT
    if case.publication.is_withdrawn and case.publication.outcome is None and is_nothing_out:
        return outcomes.not_sent(case, case.publication.withdrawn_because or "cancelled")
    return outcomes.told_again(case) if case.event.swept else outcomes.NOTHING
