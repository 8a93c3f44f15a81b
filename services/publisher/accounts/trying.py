"""Trying: an account's credentials are used once before they are stored, so that wrong ones are told at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from services.publisher.accounts.credentials import opened, shares_tokens, with_renewed, with_tokens_of
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import StoredAccount
from services.publisher.platforms.errors import (
    Forbidden,
    PlatformError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from services.publisher.platforms.exchange import blaming, network_failures
from shared.clocks.clock import loop_time

TRY_FOR = timedelta(seconds=8)
PAUSES = (timedelta(seconds=1), timedelta(seconds=2))
"""Before the network is asked again when it gave no answer that says anything of the credentials."""

AnswerT = TypeVar("AnswerT")

log = structlog.get_logger()


@dataclass(frozen=True)
class Candidate:
    """An account that is to be connected, not stored yet, and the one that is stored under its id.

    Where the two use one refresh token (`shares_tokens`), what is stored must still be the same when it is replaced.
    Else it does not matter, and a token that was got for the new one alone is never thrown away because of it.
    """

    new: StoredAccount
    stored: StoredAccount | None
    shares_tokens: bool

    @classmethod
    def of(cls, new: StoredAccount, stored: StoredAccount | None) -> "Candidate":
        """The candidate before it is tried."""
        return cls(new, stored, stored is not None and shares_tokens(new, stored))

    @property
    def may_be_used_up(self) -> bool:
        """Whether it takes over tokens of a renewal that has not ended, and that would not find its account again."""
        holder = self.stored if self.shares_tokens else None
        return holder is not None and holder.renewing_until is not None and holder.credentials != self.new.credentials


@dataclass(frozen=True)
class Trial:
    """Tries credentials at their network."""

    tokens: Tokens
    within: timedelta = TRY_FOR

    async def passed(self, candidate: Candidate) -> Candidate:
        """The candidate with a token that its network takes.

        Raises Unauthorized or Rejected where the network refuses it, Forbidden where our settings do, and Unavailable
        where it cannot be asked.
        A refresh token that it shares with the stored account may be used up: what came of it is stored there.
        """
        if _needs_token(candidate.new, self.tokens.clock.now()) or candidate.may_be_used_up:
            return await self._passed_anew(candidate)
        try:
            await self._verified(candidate.new)
        except Unauthorized:
            if not self.tokens.can_renew(candidate.new):
                raise
            return await self._passed_anew(candidate)
        return candidate

    async def _passed_anew(self, candidate: Candidate) -> Candidate:
        """With a new token. That it was given says enough, where the network can say no more at the moment.

        A renewal that has begun has the time of every renewal: one that is cut off may use up the refresh token.
        """
        candidate = await self._several_times(lambda: self._renewed(candidate))
        try:
            await self._verified(candidate.new)
        except Unavailable as error:
            log.warning("credentials_not_verified", account_id=candidate.new.account_id, reason=error.detail.message)
        return candidate

    async def _renewed(self, candidate: Candidate) -> Candidate:
        new, stored, vault = candidate.new, candidate.stored, self.tokens.vault
        with blaming(_named(vault.decrypt(new.credentials))):
            if stored is None or not candidate.shares_tokens:
                return replace(candidate, new=with_renewed(new, await self.tokens.fetched(new), vault))
            holder = await self.tokens.renewed_for(new, stored)
        return replace(candidate, new=with_tokens_of(holder, new), stored=holder)

    async def _verify(self, new: StoredAccount) -> None:
        """A limit says nothing of the credentials, but whose they are: it was reached by somebody who is signed in."""
        try:
            async with network_failures():
                await self.tokens.platforms[new.platform].verify(opened(new, self.tokens.vault))
        except RateLimited as error:
            log.warning("credentials_not_verified", account_id=new.account_id, reason=error.detail.message)

    async def _verified(self, new: StoredAccount) -> None:
        """Raise Unavailable where the network gives no answer to go by in time."""
        try:
            async with asyncio.timeout(self.within.total_seconds()):
                await self._several_times(lambda: self._verify(new))
        except TimeoutError as error:
            raise _not_tried(Unavailable(f"no answer within {self.within.total_seconds():g} s")) from error

    async def _several_times(self, work: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        """Do it, again after a moment where the network gave no answer to go by, as long as there is time."""
        begun_at = loop_time()
        for pause in (*PAUSES, None):
            try:
                return await work()
            except (Rejected, Unauthorized, Forbidden):
                raise
            except PlatformError as error:
                took = loop_time() - begun_at
                if pause is None or took > self.within.total_seconds():
                    raise _not_tried(error) from error
                await self.tokens.clock.sleep(pause)
        raise AssertionError("the last time ends it")


def _named(given: Iterable[str]) -> str:
    """What a new token is asked for with."""
    return ", ".join(f"credentials.{name}" for name in given if name != "access_token")


def _needs_token(account: StoredAccount, now: datetime) -> bool:
    return account.token_expires_at is not None and account.token_expires_at <= now


def _not_tried(error: PlatformError) -> Unavailable:
    reason = f"the credentials could not be tried: {error.detail.message}; nothing has changed, try again later"
    return Unavailable(reason, code=error.detail.code)
