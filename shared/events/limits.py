"""Limits: the question how much of an account's limits is used up, and the publisher's answer."""

from typing import Annotated

from pydantic import Field

from shared.events.base import Amount, Event, Id, Instant, Value


class AccountLimitsRequested(Event, type="account.limits_requested"):
    """The publisher tells how many sends the account's limits count now."""

    account_id: Id


class LimitUse(Value):
    """At most `most` sends in any stretch of time so long; `used` of them are taken by what is sent or about to be."""

    most: Amount
    seconds: Annotated[float, Field(gt=0)]
    used: Amount
    is_shared: bool = False


class AccountLimitsTold(Event, type="account.limits_told"):
    """No limits where the account has none. `free_at` is the earliest start of another post, where that is later."""

    account_id: Id
    limits: tuple[LimitUse, ...] = ()
    free_at: Instant | None = None
    closed_until: Instant | None = None
    told_at: Instant
