"""Claiming: deliveries take their posts over, many in one transaction, and become cases."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.publisher.accounts.credentials import opened, place_of
from services.publisher.domain import CLAIMED, Key, Publication, StoredAccount
from services.publisher.platforms.base import Account, Platform
from services.publisher.platforms.errors import Rejected
from services.publisher.sending.case import Case, Certainty, Delivered
from services.publisher.sending.evidence import Attempt
from services.publisher.sending.taking import Taken, new_publication, take
from services.publisher.store import Store, Unit
from services.publisher.watermarks import read_watermarks, what_is_missing
from shared.clocks.clock import Clock
from shared.database.group_commit import GroupCommit
from shared.secrets.vault import Vault

LINGER_SECONDS = 0.25
NEAR = timedelta(seconds=0.75)
"""A post that is due sooner does not wait for company: it has come late, for the scheduler sends them earlier."""


@dataclass
class Claims:
    """Makes cases of deliveries in groups; a claim is committed when `claim` returns."""

    store: Store
    clock: Clock
    platforms: Mapping[str, Platform]
    vault: Vault

    def __post_init__(self) -> None:
        self._group = GroupCommit(self._claim, linger_seconds=LINGER_SECONDS)

    async def claim(self, delivered: Delivered) -> Case:
        """The case of a delivery, which has taken its post over where it may."""
        is_near = delivered.event.publish_at - self.clock.now() < NEAR
        return await self._group.submit(delivered, urgent=is_near)

    async def _claim(self, group: Sequence[Delivered]) -> Sequence[Case]:
        now = self.clock.now()
        async with self.store.unit() as unit:
            taken, known_at = await self._take(unit, group, now)
            accounts = await unit.accounts(delivered.event.account_id for delivered in group)
            reached = await _reached(unit, taken, now)
        return [
            self._case(
                delivered,
                one,
                accounts.get(delivered.event.account_id),
                what_is_missing(one.publication.publish_at, known_at.get(delivered.key), reached),
            )
            for delivered, one in zip(group, taken, strict=True)
        ]

    async def _take(
        self, unit: Unit, group: Sequence[Delivered], now: datetime
    ) -> tuple[list[Taken], dict[Key, datetime]]:
        """Each post as its delivery finds it, one after another; and when those that are known were last written."""
        first = {one.key: new_publication(one, now) for one in reversed(group)}
        made = await unit.make(list(first.values()))
        known = await unit.publications(set(first) - made)
        attempts = await unit.attempts(known)
        posts = {key: Taken(one, attempts.get(key, ()), False) for key, one in known.items()}
        posts |= {key: Taken(first[key], (), False) for key in made}
        taken: list[Taken] = []
        for delivered in group:
            before = posts[delivered.key]
            has_made_it = delivered.key in made and before.publication.claim_token == delivered.token
            one = before if has_made_it else take(delivered, before.publication, before.attempts, now)
            if one.changed:
                posts[delivered.key] = one
            taken.append(one)
        await _save(unit, [one for one in posts.values() if one.changed], attempts)
        return taken, {key: one.updated_at for key, one in known.items() if not _is_only_claimed(one)}

    def _case(self, delivered: Delivered, taken: Taken, account: StoredAccount | None, problem: str | None) -> Case:
        publication = replace(taken.publication, platform=account.platform if account else None)
        case = Case(
            delivered,
            publication,
            taken.attempts,
            committed=taken.attempts,
            account=account,
            is_ours=publication.claim_token == delivered.token,
            jitter=random.random(),  # noqa: S311  (no secret)
        )
        return replace(case, problem=problem) if problem else self._with_account(case, account)

    def _with_account(self, case: Case, account: StoredAccount | None) -> Case:
        """The case with what its account's network can do, or with what is wrong with the account."""
        account_id = case.publication.account_id
        if account is None or not account.connected:
            return replace(case, problem=f"account {account_id!r} is not connected: connect it, then retry the post")
        try:
            usable = opened(account, self.vault)
        except Rejected as error:
            return replace(case, problem=f"{error.detail.message}, then retry the post")
        if account.needs_reconnect:
            reason = f"account {account_id!r} was refused by its platform: connect it again, then retry the post"
            return replace(case, problem=reason)
        platform = self.platforms.get(account.platform)
        if platform is None:
            reason = f"platform {account.platform!r} is not known to this release: upgrade it, then retry the post"
            return replace(case, problem=reason)
        return replace(
            case,
            place=place_of(account, self.vault),
            certainty=_certainty(platform, usable),
            can_renew=platform.can_refresh(usable),
        )


def _certainty(platform: Platform, account: Account) -> Certainty:
    return Certainty(platform.deduplicates_for(account), platform.answers_look_ups(account), platform.look_up_lag)


async def _save(unit: Unit, changed: Sequence[Taken], attempts: Mapping[Key, tuple[Attempt, ...]]) -> None:
    """Write what was taken over; `attempts` are those that are there already."""
    await unit.save([one.publication for one in changed])
    await unit.save_attempts(
        [one for taken in changed for one in taken.attempts if one not in attempts.get(one.key, ())]
    )


def _is_only_claimed(publication: Publication) -> bool:
    """Whether its row says no more than that somebody has begun: nothing has come of it, and no person asked for it."""
    return publication.state == CLAIMED and not publication.retries


async def _reached(unit: Unit, taken: Sequence[Taken], now: datetime) -> Mapping[str, datetime]:
    """The watermarks, where a post of the group is late: only then one may concern it, be it set a moment ago."""
    oldest = min(one.publication.publish_at for one in taken)
    return await read_watermarks(unit.connection) if now > oldest else {}
