"""Recording: outcomes are committed with their attempts, their facts and what they mean for accounts."""

from collections.abc import Sequence, Set
from datetime import datetime, timedelta

import structlog

from services.publisher.accounts.at_rest import refuse_account
from services.publisher.callbacks.telling import told_and_called_back
from services.publisher.sending.case import Case
from services.publisher.sending.evidence import Evidence
from services.publisher.sending.outcomes import Outcome
from services.publisher.store import Store, Unit
from shared.clocks.clock import Clock
from shared.database.errors import is_passing
from shared.database.group_commit import GroupCommit
from shared.events.publisher import AccountRefreshFailed
from shared.messaging.envelope import Envelope

WRITE_AGAIN_IN = timedelta(seconds=0.5)
LINGER_SECONDS = 0.1
"""How long writes gather that nothing is waiting for; together they cost a fraction."""

log = structlog.get_logger()

Recorded = tuple[Case, Outcome]


class Recording:
    """Writes outcomes in groups; what was written is committed when `record` returns."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self._is_stopping = False
        self._group = GroupCommit(self._record, linger_seconds=LINGER_SECONDS)

    def stop(self) -> None:
        """Wait for no database any more."""
        self._is_stopping = True

    async def record(self, case: Case, outcome: Outcome) -> bool:
        """Commit the outcome; False where the post is no longer as the case knows it, and nothing was told.

        While the database is away the outcome is kept, for nobody else knows what became of the send.
        """
        while True:
            try:
                return await self._group.submit((case, outcome))
            except Exception as error:
                if self._is_stopping or not is_passing(error):
                    raise
                log.warning("outcome_not_written_yet", post_id=case.publication.post_id, error=repr(error))
            await self.clock.sleep(WRITE_AGAIN_IN)

    async def keep(self, case: Case) -> None:
        """Commit that attempts never left, which only this delivery knows: others would doubt it. What has landed is
        committed with its outcome, or not at all."""
        never_left = tuple(one for one in case.changed_attempts if one.evidence is Evidence.NOT_SENT)
        if not never_left:
            return
        try:
            await self.record(case, Outcome(None, attempts=never_left))
        except Exception as error:
            log.warning("attempts_not_kept", post_id=case.publication.post_id, error=repr(error))

    async def _record(self, group: Sequence[Recorded]) -> Sequence[bool]:
        async with self.store.unit() as unit:
            overtaken = await self._overtaken(unit, group)
            written = [
                (one, case, outcome)
                for case, outcome in group
                if (one := outcome.publication) and case.delivered.token not in overtaken
            ]
            counted = await unit.finish(
                [(one, case.delivered.token, outcome.stands_when_withdrawn) for one, case, outcome in written]
            )
            answers = [outcome.publication is None or case.delivered.token in counted for case, outcome in group]
            await unit.save_attempts([attempt for _, outcome in group for attempt in outcome.attempts])
            told = [recorded for recorded, counts in zip(group, answers, strict=True) if counts]
            await unit.emit([envelope for case, outcome in told for envelope in self._envelopes(case, outcome)])
            for account_id, (until, whole_app) in _closed(group).items():
                await unit.close_accounts(account_id, until, whole_app=whole_app)
        return answers

    async def _overtaken(self, unit: Unit, group: Sequence[Recorded]) -> Set[str]:
        """The tokens of those whose account was refused, but was connected anew since: they are tried once more."""
        refused = {
            case.delivered.token: case.account
            for case, outcome in group
            if case.account and any(isinstance(fact, AccountRefreshFailed) for fact in outcome.told)
        }
        known = sorted({(one.account_id, one.changed_at) for one in refused.values()})
        stand = {one for one in known if await refuse_account(unit, *one)}
        return {token for token, one in refused.items() if (one.account_id, one.changed_at) not in stand}

    def _envelopes(self, case: Case, outcome: Outcome) -> list[Envelope]:
        """What is told; what is only repeated calls nobody back."""
        correlation_id = case.delivered.correlation_id
        if outcome.publication is None:
            return [Envelope.of(fact, correlation_id=correlation_id) for fact in outcome.told]
        return told_and_called_back(outcome.told, case.event, correlation_id=correlation_id, now=self.clock.now())


def _closed(group: Sequence[Recorded]) -> dict[str, tuple[datetime, bool]]:
    """The accounts on which nothing more may be sent for a while: until when, and whether on all of their app."""
    closed: dict[str, tuple[datetime, bool]] = {}
    for case, outcome in group:
        if outcome.closed_until is None:
            continue
        account_id = case.publication.account_id
        until, before = closed.get(account_id, (outcome.closed_until, False))
        closed[account_id] = max(until, outcome.closed_until), outcome.whole_app or before
    return dict(sorted(closed.items()))
