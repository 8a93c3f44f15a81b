"""Claiming: many deliveries are decided in one transaction, with their accounts and rate-limit slots."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.publisher import facts
from services.publisher.callbacks import told_and_called_back
from services.publisher.domain import (
    LONGEST_HOLD,
    Ambiguous,
    Claimed,
    Decision,
    Delivered,
    Hold,
    Publication,
    Settled,
    Skip,
    StoredAccount,
    Wait,
    decide,
    postponed,
    settled,
)
from services.publisher.marks import keys_deleted_before
from services.publisher.platforms.base import Limits
from services.publisher.platforms.errors import RateLimited
from services.publisher.slots import Slots
from services.publisher.store import Key, Store, Unit
from shared.clock import Clock
from shared.db import Conflict
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.progress import State
from shared.group_commit import GroupCommit
from shared.messaging.envelope import Envelope

LINGER_SECONDS = 0.05
NEAR = timedelta(seconds=1)
"""A post that is due sooner does not wait for company."""
WAITS_FOR_ITS_SLOT = ErrorDetail(
    kind=RateLimited.kind, code=RateLimited.kind, message="waits for its slot under the account's limits"
)
KEYS_LAST = timedelta(days=1)
"""How long after its end the key of a post is kept at least."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What was decided on a delivery, and the account it goes to."""

    decision: Decision
    account: StoredAccount | None


@dataclass
class Claims:
    """Decides deliveries in groups; what was decided is committed when `claim` returns."""

    store: Store
    clock: Clock
    lease: timedelta
    limits: Mapping[str, Limits] = field(default_factory=dict)
    """What each network allows, by its name."""

    def __post_init__(self) -> None:
        self._group = GroupCommit(self._claim, linger_seconds=LINGER_SECONDS)

    async def claim(self, delivered: Delivered) -> Claim:
        """Decide what to do with a delivery; again where another replica was the first to see the post."""
        is_near = delivered.event.publish_at - self.clock.now() < NEAR
        while True:
            try:
                return await self._group.submit(delivered, urgent=is_near)
            except Conflict:
                continue

    async def _claim(self, group: Sequence[Delivered]) -> Sequence[Claim]:
        now = self.clock.now()
        async with self.store.unit() as unit:
            accounts = await unit.accounts(delivered.event.account_id for delivered in group)
            slots = await Slots.locked(unit, accounts, self.limits, now)
            decisions = await self._decide(unit, group, accounts, now)
            given = await slots.give(one.publication for one in decisions if isinstance(one, Claimed))
            decisions = [_with_slot(decision, slots, given, now) for decision in decisions]
            await unit.save(_latest(decisions, now))
            await unit.emit(
                [
                    envelope
                    for delivered, decision in zip(group, decisions, strict=True)
                    for envelope in _envelopes(delivered, decision, now)
                ]
            )
        return [
            Claim(decision, accounts.get(delivered.event.account_id))
            for delivered, decision in zip(group, decisions, strict=True)
        ]

    async def _decide(
        self, unit: Unit, group: Sequence[Delivered], accounts: Mapping[str, StoredAccount], now: datetime
    ) -> list[Decision]:
        keys = [delivered.key for delivered in group]
        known = await unit.publications(keys)
        tombstones = await unit.tombstones(keys)
        oldest = min((one.event.publish_at for one in group if one.key not in known), default=now)
        deleted_before = await keys_deleted_before(unit.connection) if now - oldest > KEYS_LAST else None
        decisions = []
        for delivered in group:
            current, tombstone = known.get(delivered.key), tombstones.get(delivered.key)
            decision = decide(delivered, current, tombstone, lease=self.lease, now=now)
            decision = decision if current else _if_never_seen(decision, deleted_before)
            decision = _admitted(decision, accounts.get(delivered.event.account_id))
            if after := _after(decision, now):
                known[delivered.key] = after
            decisions.append(decision)
        return decisions


def _if_never_seen(decision: Decision, deleted_before: datetime | None) -> Decision:
    """A post that is not known, but so old that its key may have been deleted, is held: it may have been published."""
    if not isinstance(decision, Claimed) or not deleted_before or decision.publication.publish_at >= deleted_before:
        return decision
    reason = f"was due before {deleted_before:%Y-%m-%d %H:%M} UTC, and what was known of that time has been deleted"
    return Hold(decision.publication, f"{reason}: see on the platform whether it was published, then retry the post")


def _admitted(decision: Decision, account: StoredAccount | None) -> Decision:
    """A post for an account that is not connected is held, not lost."""
    if not isinstance(decision, Claimed):
        return decision
    publication = decision.publication
    if account is None or not account.connected:
        reason = f"account {publication.account_id!r} is not connected: connect it, then retry the post"
        return Hold(publication, reason)
    if account.needs_reconnect:
        reason = (
            f"account {publication.account_id!r} was refused by its platform: connect it again, then retry the post"
        )
        return Hold(publication, reason)
    return Claimed(replace(publication, platform=account.platform))


def _with_slot(decision: Decision, slots: Slots, given: Mapping[Key, datetime], now: datetime) -> Decision:
    if not isinstance(decision, Claimed):
        return decision
    slot_at = given.get(decision.publication.key)
    if slot_at is None:
        return Claimed(slots.without_stale_slot(decision.publication))
    if slot_at - now > max(LONGEST_HOLD, decision.publication.not_before - now):
        return Wait(slot_at, postponed(decision.publication, slot_at, now))
    return Claimed(replace(decision.publication, slot_at=slot_at))


def _after(decision: Decision, now: datetime) -> Publication | None:
    """The publication as the decision leaves it, or None where nothing changes."""
    match decision:
        case Claimed(publication) | Ambiguous(publication):
            return publication
        case Wait(_, publication):
            return publication
        case Skip(publication, reason) if publication:
            return settled(publication, State.SKIPPED, facts.as_text(_skip_fact(publication, reason)), now)
        case Hold(publication, reason):
            return settled(publication, State.HELD, facts.as_text(facts.held(publication, reason)), now)
    return None


def _latest(decisions: Iterable[Decision], now: datetime) -> Iterable[Publication]:
    latest: dict[Key, Publication] = {}
    for decision in decisions:
        if after := _after(decision, now):
            latest[after.key] = after
    return latest.values()


def _envelopes(delivered: Delivered, decision: Decision, now: datetime) -> list[Envelope]:
    """What is told of the decision; what is only repeated calls nobody back."""
    told, correlation_id = _told(delivered, decision), delivered.correlation_id
    if isinstance(decision, Settled):
        return [Envelope.of(fact, correlation_id=correlation_id) for fact in told]
    return told_and_called_back(told, delivered.event, correlation_id=correlation_id, now=now)


def _told(delivered: Delivered, decision: Decision) -> list[Event]:
    """What others learn of the decision."""
    event = delivered.event
    match decision:
        case Skip(None, reason):
            return [facts.skipped(event.post_id, event.account_id, event.revision, reason)]
        case Skip(publication, reason) if publication:
            return [_skip_fact(publication, reason)]
        case Hold(publication, reason):
            return [facts.held(publication, reason)]
        case Wait(_, publication) if publication:
            return [facts.retrying(publication, WAITS_FOR_ITS_SLOT)]
        case Settled(publication) if event.swept and publication.outcome:
            return [facts.kept(publication.outcome)]
    return []


def _skip_fact(publication: Publication, reason: str) -> Event:
    return facts.skipped(
        publication.post_id, publication.account_id, publication.revision, reason, publication.attempts
    )
