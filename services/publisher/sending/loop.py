"""The loop: asks for the next step of a post, carries it out, and asks again."""

from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from services.publisher.accounts.credentials import destination_of
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import Key
from services.publisher.limits.circuit_breaker import CircuitOpen, Turn
from services.publisher.limits.closed_accounts import ClosedAccounts
from services.publisher.limits.destinations import Destinations
from services.publisher.limits.lines import Lines
from services.publisher.limits.pace import Pace
from services.publisher.platforms.base import Published, Ready
from services.publisher.platforms.errors import NO_REPLY, PlatformError, Unconfirmed
from services.publisher.sending.case import Blocked, Case, Delivered, longest_send
from services.publisher.sending.claiming import Claims
from services.publisher.sending.evidence import Attempt
from services.publisher.sending.in_doubt import is_forgotten
from services.publisher.sending.interruptible import Interruptible
from services.publisher.sending.look_up import LookUps
from services.publisher.sending.next_step import next_step
from services.publisher.sending.outcomes import Outcome
from services.publisher.sending.preparation import Preparation
from services.publisher.sending.recording import Recording
from services.publisher.sending.reporting import report
from services.publisher.sending.steps import LookUp, Prepare, Renew, Reserve, Rest, Send, Settle, Wait
from services.publisher.sending.under_way import UnderWay
from services.publisher.sending.waiting import SHORTEST_REST, deadline_of
from services.publisher.sending.withdrawals import Withdrawals
from shared.clocks.awake_timeout import AwakeTimeout
from shared.clocks.clock import Clock
from shared.events.scheduler import PublishRequested
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park, TryAgain

LOOK_EVERY = timedelta(seconds=1)
"""How often we ask whether another sender has come to its end."""
MOST_WAIT = timedelta(seconds=1)
"""The longest pause before a post that has changed under us is claimed again: random, so that two do not keep step."""


@dataclass
class Sending:
    """Brings posts to their platforms, each once."""

    claims: Claims
    preparation: Preparation
    lines: Lines
    look_ups: LookUps
    recording: Recording
    tokens: Tokens
    clock: Clock
    pace: Pace
    send_timeout: timedelta
    withdrawals: Withdrawals = field(default_factory=Withdrawals)
    destinations: Destinations = field(default_factory=Destinations)
    under_way: UnderWay = field(default_factory=UnderWay)
    closed: ClosedAccounts = field(default_factory=ClosedAccounts)

    def __post_init__(self) -> None:
        self._interruptible = Interruptible()

    async def on_publish_requested(self, delivery: Delivery[PublishRequested]) -> None:
        """Publish the post once, however often the event arrives."""
        delivered = Delivered(
            delivery.event, delivery.correlation_id, uuid4().hex, delivery.redelivered, delivery.is_replayed
        )
        key, revision = delivered.key, delivered.event.revision
        while end := self.under_way.end_of(key, revision):
            await self._interruptible.wait(end.wait())
        with self.under_way.being_at(key, revision):
            case: Case | None = await self.claims.claim(delivered)
            while case is not None:
                case = await self._go_on(case)

    def note_withdrawal(self, key: Key, revision: int, reason: str) -> None:
        """Stop what is not on its way yet."""
        self.withdrawals.note(key, revision, reason)
        self.lines.call(key)

    def stop(self) -> None:
        """Hand back what is still waiting for its instant; what is being sent is finished."""
        self._interruptible.stop()
        self.recording.stop()
        self.lines.stop()

    async def _go_on(self, case: Case) -> Case | None:
        """Advance; where the delivery ends without an outcome, that attempts never left is committed first."""
        try:
            return await self._advance(case)
        except (Park, TryAgain):
            raise
        except Exception:
            await self.recording.keep(case)
            raise

    async def _advance(self, case: Case) -> Case | None:
        """Carry out the next step; the case after it, or None when the delivery is done."""
        after: Case | None
        match next_step(case, self.clock.now()):
            case Prepare():
                after = await self._prepare(case)
            case Reserve():
                after = await self._reserve(case)
            case Send():
                after = await self._send(case)
            case LookUp():
                after = await self.look_ups.looked_up(case)
            case Renew():
                after = await self._renew(case)
            case Wait():
                after = await self._wait(case, LOOK_EVERY)
            case Rest(until):
                after = await self._rest(case, until - self.clock.now())
            case Settle(outcome):
                after = await self._settle(case, outcome)
        return after

    async def _prepare(self, case: Case) -> Case:
        assert case.account is not None, "a post without an account is held"
        self.destinations.learn(case.account.account_id, destination_of(case.account))
        try:
            return await self.preparation.prepared(case)
        except CircuitOpen as error:
            return replace(case, blocked=Blocked.by(error, self.clock.now()))

    async def _reserve(self, case: Case) -> Case:
        reserved = await self.lines.join(case)
        return await self._claimed_again(case) if reserved is None else reserved

    async def _send(self, case: Case) -> Case:
        """Send our attempt at its start, unless it was withdrawn meanwhile or it is too late for it."""
        attempt, turn, ready = case.opened, case.turn, case.ready
        assert attempt and turn and ready, "what is opened has been prepared and has a turn"
        try:
            now = await self._until_its_start(case, attempt, turn)
            if now is None or now > attempt.latest_at:
                return case.not_started()
            if is_forgotten(case, now) or (now > deadline_of(case) and not case.doubtful(now)):
                return case.not_started()
            reason = self.withdrawals.reason(case.publication)
            if reason and not case.was_in_doubt:
                return case.not_started().withdrawn(reason)
            if case.account and (until := self.closed.until(case.account, now)):
                return replace(case.not_started(), blocked=Blocked(until))
            turn.begin(longest_send(ready, self.send_timeout) - self.send_timeout)
            return await self._sent(case.begun(now), ready, turn, now)
        finally:
            turn.end()
            self.lines.leave(case)

    async def _until_its_start(self, case: Case, attempt: Attempt, turn: Turn) -> datetime | None:
        """Wait for it; the instant at which the send may begin, None where no start has come.

        The pace learns from it how late we wake up; or, where the start is over already, how long it took to get it.
        """
        if case.runner:
            return await case.runner.begin()
        had_to_wait = attempt.start_at > self.clock.now()
        await self.clock.sleep_until(attempt.start_at)
        now = self.clock.now()
        if had_to_wait:
            self.pace.began_late(now - attempt.start_at)
        else:
            self.pace.committed_in(turn.age)
        return now

    async def _sent(self, case: Case, ready: Ready, turn: Turn, started_at: datetime) -> Case:
        try:
            send = ready.send if case.doubtful(started_at) else getattr(ready, "send_afresh", ready.send)
            published = await self._bounded(send(started_at), longest_send(ready, self.send_timeout))
        except PlatformError as error:
            turn.was_answered, turn.error = not error.is_silence, error
            return case.lost(error)
        turn.was_answered = True
        return case.landed(published, started_at, self.clock.now())

    async def _bounded(self, sending: Awaitable[Published], longest: timedelta) -> Published:
        seconds = longest.total_seconds()
        try:
            async with AwakeTimeout(seconds):
                return await sending
        except TimeoutError as error:
            raise Unconfirmed(f"no reply within {seconds:g} s", code=NO_REPLY) from error

    async def _renew(self, case: Case) -> Case:
        """Get a new token; what was prepared with the old one is prepared again."""
        assert case.account is not None, "a post without an account is not sent"
        try:
            await self.tokens.expire(case.account)
            account = await self.tokens.renewed(case.account)
        except PlatformError as error:
            return replace(case.failed(error), has_renewed=True)
        return replace(case, account=account, has_renewed=True, ready=None, error=None)

    async def _settle(self, case: Case, outcome: Outcome) -> Case | None:
        """Commit the outcome, then say what happens to the message; a pause that a network asks for begins at once."""
        if outcome.closed_until and case.account:
            now, whole_app = self.clock.now(), outcome.whole_app
            self.closed.close(case.account, outcome.closed_until, whole_app=whole_app, now=now)
        if not await self.recording.record(case, outcome):
            return await self._wait(case, MOST_WAIT * case.jitter)
        report(case, outcome)
        if outcome.parked_because is not None:
            raise Park(outcome.parked_because)
        return None if outcome.rest is None else await self._rest(case, outcome.rest)

    async def _rest(self, case: Case, delay: timedelta) -> Case:
        """A long rest is spent in a retry queue, a short one here."""
        if delay >= SHORTEST_REST:
            raise TryAgain(delay)
        await self._interruptible.wait(self.clock.sleep(delay))
        return await self._claimed_again(case)

    async def _wait(self, case: Case, delay: timedelta) -> Case:
        """Wait for another sender of the post, or for a moment, and claim it again."""
        key, revision = case.publication.key, case.event.revision
        another_ends = self.under_way.until_another_ends(key, revision, seconds=delay.total_seconds())
        await self._interruptible.wait(another_ends)
        return await self._claimed_again(case)

    async def _claimed_again(self, case: Case) -> Case:
        """The case as it is now; what was prepared for the same account is still good."""
        again = (await self.claims.claim(case.delivered)).knowing(case)
        if again.account != case.account:
            return again
        return replace(again, ready=case.ready, has_renewed=case.has_renewed)
