"""Committing how far posts have come: that they are being sent, and what became of them, with the facts told."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from services.publisher.accounts.renewals import refuse_account
from services.publisher.callbacks import told_and_called_back
from services.publisher.domain import Publication
from services.publisher.outcomes import Outcome
from services.publisher.reporting import report
from services.publisher.store import Store
from shared.clock import Clock
from shared.db import is_passing
from shared.events.publisher import AccountRefreshFailed
from shared.group_commit import GroupCommit
from shared.messaging.envelope import Envelope
from shared.messaging.verdict import Park, TryAgain

WRITE_AGAIN_IN = timedelta(seconds=0.5)
LINGER_SECONDS = 0.05
"""How long writes gather that nothing is waiting for; together they cost a fraction."""

log = structlog.get_logger()


class Settling:
    """Writes in groups; what was written is committed when a method returns."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self._is_stopping = False
        self._marks = GroupCommit(self._mark_sending, linger_seconds=LINGER_SECONDS)
        self._outcomes = GroupCommit(self._finish, linger_seconds=LINGER_SECONDS)

    def stop(self) -> None:
        """Wait for no database any more."""
        self._is_stopping = True

    async def mark_sending(self, marked: Publication, *, urgent: bool) -> bool:
        """Note that it is about to be sent; False where it is no longer ours to send."""
        return await self._marks.submit(marked, urgent=urgent)

    async def settle(self, claimed: Publication, outcome: Outcome) -> None:
        """Commit the outcome with its events, then say what happens to the message."""
        await self._write_down(claimed, outcome)
        report(outcome)
        if outcome.again_in is not None:
            raise TryAgain(outcome.again_in)
        if outcome.parked_because is not None:
            raise Park(outcome.parked_because)

    async def _write_down(self, claimed: Publication, outcome: Outcome) -> None:
        """Commit the outcome; while the database is away, keep it, for nobody else knows what became of the send."""
        while True:
            try:
                return await self._outcomes.submit((claimed, outcome))
            except Exception as error:
                if self._is_stopping or not is_passing(error):
                    raise
                log.warning("outcome_not_written_yet", post_id=outcome.publication.post_id, error=repr(error))
            await self.clock.sleep_until(self.clock.now() + WRITE_AGAIN_IN)

    async def _mark_sending(self, claimed: Sequence[Publication]) -> Sequence[bool]:
        async with self.store.unit() as unit:
            marked = await unit.mark_sending(claimed)
        return [publication.claim_token in marked for publication in claimed]

    async def _finish(self, finished: Sequence[tuple[Publication, Outcome]]) -> Sequence[None]:
        async with self.store.unit() as unit:
            ours = await unit.finish(
                [(outcome.publication, claimed.claim_token or "") for claimed, outcome in finished]
            )
            await unit.emit(self._envelopes([outcome for claimed, outcome in finished if claimed.claim_token in ours]))
            for account_id, claimed_at in _refused(finished).items():
                await refuse_account(unit, account_id, known_at=claimed_at)
            for account_id, (until, whole_app) in self._closed([outcome for _, outcome in finished]).items():
                await unit.close_accounts(account_id, until, whole_app=whole_app)
        return [None] * len(finished)

    def _closed(self, outcomes: Sequence[Outcome]) -> dict[str, tuple[datetime, bool]]:
        """The accounts on which nothing more may be sent for a while: until when, and whether on all of their app."""
        closed: dict[str, tuple[datetime, bool]] = {}
        for outcome in outcomes:
            if outcome.closed_until is None:
                continue
            account_id = outcome.publication.account_id
            until, before = closed.get(account_id, (outcome.closed_until, False))
            closed[account_id] = max(until, outcome.closed_until), outcome.whole_app or before
        return closed

    def _envelopes(self, outcomes: Sequence[Outcome]) -> list[Envelope]:
        now = self.clock.now()
        return [
            envelope
            for outcome in outcomes
            for envelope in told_and_called_back(
                outcome.told,
                outcome.publication.request,
                correlation_id=outcome.publication.correlation_id,
                now=now,
            )
        ]


def _refused(finished: Sequence[tuple[Publication, Outcome]]) -> dict[str, datetime]:
    """The accounts that their platforms refused, and when they were read for the last such post."""
    refused: dict[str, datetime] = {}
    for claimed, outcome in finished:
        if any(isinstance(fact, AccountRefreshFailed) for fact in outcome.told):
            at = claimed.updated_at
            refused[claimed.account_id] = max(at, refused.get(claimed.account_id, at))
    return dict(sorted(refused.items()))
