"""Tells how much of an account's limits is used up, as the next post would find it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.publisher.domain import StoredAccount
from services.publisher.limits.bucket import MILLISECOND, Bucket, earliest
from services.publisher.limits.gates import Gates, gates_of, name_of_account
from services.publisher.platforms.base import Limits
from services.publisher.store import Store
from shared.clocks.clock import Clock
from shared.events.limits import AccountLimitsRequested, AccountLimitsTold, LimitUse
from shared.messaging.envelope import Delivery


@dataclass(frozen=True)
class LimitsTold:
    """The publisher's answer to whoever asks for the limits of an account; `limits` are those of each network."""

    store: Store
    limits: Mapping[str, Limits]
    clock: Clock

    async def on_account_limits_requested(self, delivery: Delivery[AccountLimitsRequested]) -> None:
        """Answer; of an account that nobody knows, that it has none."""
        account_id, now = delivery.event.account_id, self.clock.now()
        account = await self.store.account(account_id)
        gates = gates_of(account, self.limits.get(account.platform)) if account else {}
        kept = await self.store.reservations(gates)
        answer = told(account_id, account, gates, kept, now)
        await self.store.tell(answer, delivery.correlation_id)


def told(
    account_id: str, account: StoredAccount | None, gates: Gates, kept: Mapping[str, Any], now: datetime
) -> AccountLimitsTold:
    """What is used of each window of the account's buckets, and of those that it shares."""
    own = name_of_account(account_id)
    buckets = {name: Bucket.of(windows, kept.get(name, {}), now, waiting=1) for name, windows in gates.items()}
    free_at = earliest(list(buckets.values()), now)
    closed_until = account.closed_until if account else None
    return AccountLimitsTold(
        account_id=account_id,
        limits=tuple(use for name, one in buckets.items() for use in _uses(one, now, is_shared=name != own)),
        free_at=free_at if free_at - now > MILLISECOND else None,
        closed_until=closed_until if closed_until and closed_until > now else None,
        told_at=now,
    )


def _uses(bucket: Bucket, now: datetime, *, is_shared: bool) -> Iterator[LimitUse]:
    for window in bucket.windows:
        since = (now - window.length).timestamp() * 1000
        used = min(sum(latest > since for latest in bucket.latest), window.most)
        yield LimitUse(most=window.most, seconds=window.length.total_seconds(), used=used, is_shared=is_shared)
