"""Slots: who may send when on a limited account, in the order in which posts are due, whichever replica has them.

A post that comes late to the queue takes the slot of the first that is due after it; that one takes the next, and so
on, so that the slots stay the same and only change hands. A post only ever loses its slot for a later one: whoever
sleeps until the old one finds out when it is to be marked, and goes round again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from services.publisher.domain import Publication, StoredAccount
from services.publisher.limits import Bucket, Window, in_line, reserve, windows_of
from services.publisher.platforms.base import Limits
from services.publisher.store import Key, Unit

MOVABLE_AHEAD = timedelta(milliseconds=400)
"""A slot that is nearer is not handed on: whoever holds it is about to be marked as being sent."""
LONGEST_KEY = 200
UNLIMITED = "{}"
NONE = Limits()

Gates = Mapping[str, Sequence[Window]]
"""The buckets that a send needs room in, by their keys, with their windows."""


@dataclass(frozen=True)
class Slots:
    """The buckets of one transaction's limited accounts, locked until its commit."""

    unit: Unit
    accounts: Mapping[str, StoredAccount]
    gates: Mapping[str, Gates]
    buckets: Mapping[str, Bucket]
    now: datetime

    @classmethod
    async def locked(
        cls, unit: Unit, accounts: Mapping[str, StoredAccount], limits: Mapping[str, Limits], now: datetime
    ) -> "Slots":
        """Lock the buckets of these accounts, before anything else of theirs is; none where none is limited."""
        gates = {
            account.account_id: gates_of(account, limits.get(account.platform, NONE), now)
            for account in accounts.values()
        }
        buckets = await unit.buckets({key: windows for all_of in gates.values() for key, windows in all_of.items()})
        for bucket in buckets.values():
            bucket.forget(now)
        return cls(unit, accounts, gates, buckets, now)

    async def give(self, claimed: Iterable[Publication]) -> dict[Key, datetime]:
        """The slots of those that need a new one, earliest due first; those due later hand theirs on."""
        needy = sorted({one.key: one for one in claimed if self._needs_slot(one)}.values(), key=_rank)
        if not needy:
            return {}
        lasts = {key: bucket.last for key, bucket in self.buckets.items()}
        given = [replace(one, slot_at=self._reserve(one)) for one in needy]
        await self.unit.save_buckets(self.buckets)
        return {one.key: one.slot_at for one in await self._in_due_order(given, lasts) if one.slot_at}

    def without_stale_slot(self, publication: Publication) -> Publication:
        """The publication as it may start now; a slot that has passed means nothing where there are no limits."""
        is_stale = publication.slot_at is not None and publication.slot_at <= self.now
        return replace(publication, slot_at=None) if is_stale and not self._buckets_of(publication) else publication

    def _needs_slot(self, publication: Publication) -> bool:
        """A slot that has passed unused is no use: all that waited for theirs while nobody ran would start at once."""
        if not self._buckets_of(publication):
            return False
        return not self._has_reserved(publication) or publication.start_at < self._earliest(publication)

    def _has_reserved(self, publication: Publication) -> bool:
        slot_at = publication.slot_at
        return slot_at is not None and all(bucket.holds(slot_at) for bucket in self._buckets_of(publication))

    def _reserve(self, publication: Publication) -> datetime:
        return reserve(self._buckets_of(publication), self._earliest(publication))

    def _earliest(self, publication: Publication) -> datetime:
        closed_until = self.accounts[publication.account_id].closed_until
        return max(publication.not_before, self.now, closed_until or self.now)

    def _buckets_of(self, publication: Publication) -> list[Bucket]:
        return [self.buckets[key] for key in self.gates.get(publication.account_id, {})]

    async def _in_due_order(self, given: Sequence[Publication], lasts: Mapping[str, int]) -> list[Publication]:
        """Those that were given slots, with the slots they end up with."""
        movable_from = self.now + MOVABLE_AHEAD
        first_due: dict[str, datetime] = {}
        for one in given:
            if any(lasts[key] > movable_from.timestamp() * 1000 for key in self.gates[one.account_id]):
                first_due.setdefault(one.account_id, one.not_before)
        holders = await self.unit.slot_holders(first_due, movable_from)
        new = {one.key for one in given}
        before = [one for one in holders if one.key not in new and self._has_reserved(one)]
        after = [moved for account_id in first_due for moved in _ordered(account_id, [*before, *given])]
        slots = {one.key: one.slot_at for one in before}
        await self.unit.move_slots([one for one in after if one.key in slots and one.slot_at != slots[one.key]])
        final = {one.key: one for one in after}
        return [final.get(one.key, one) for one in given]


def _ordered(account_id: str, posts: Iterable[Publication]) -> list[Publication]:
    """The account's posts in due order, with their own slots in the same order."""
    own = sorted((one for one in posts if one.account_id == account_id), key=_rank)
    slots = sorted(one.slot_at for one in own if one.slot_at)
    return [replace(one, slot_at=slot_at) for one, slot_at in zip(own, slots, strict=True)]


def _rank(publication: Publication) -> tuple[datetime, datetime, datetime]:
    """Due first; among equals who has the earlier slot, and the others in the order they were asked for."""
    slot_at = publication.slot_at or publication.not_before
    return publication.not_before, publication.publish_at, slot_at


def gates_of(account: StoredAccount, limits: Limits, now: datetime) -> Gates:
    """An account's buckets: its own limits or else its network's, and those it shares with the accounts of its app."""
    gates: dict[str, Sequence[Window]] = {}
    own = json.loads(account.limits) if account.limits != UNLIMITED else limits.account
    is_closed = account.closed_until is not None and account.closed_until > now
    shares_limits = bool(account.app and limits.app)
    if own or is_closed or shares_limits:
        gates[account.account_id] = in_line(windows_of(own))
    if account.app and limits.app:
        gates[_app_key(account.platform, account.app)] = windows_of(limits.app)
    return gates


def _app_key(platform: str, app: str) -> str:
    key = f"app:{platform}:{app}"
    return key if len(key) <= LONGEST_KEY else f"app:{platform}:{sha256(app.encode()).hexdigest()}"
