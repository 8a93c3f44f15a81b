"""Requests that are ready: all that is left to do at the instant is to send them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from services.publisher.platforms.base import Published
from services.publisher.platforms.errors import AlreadyThere, PlatformError, Rejected, Unconfirmed
from services.publisher.platforms.exchange import publish
from services.publisher.platforms.judging import Dialect
from services.publisher.platforms.reply import Reply


@dataclass(frozen=True, slots=True)
class ReadyRequest:
    """A request that is complete. `published_in` finds in the reply where the post is."""

    client: httpx.AsyncClient
    request: httpx.Request = field(repr=False)
    dialect: Dialect
    published_in: Callable[[Reply], Published | None] = field(repr=False)
    send_timeout: timedelta | None = None

    async def send(self, now: datetime) -> Published:
        """Send it, or raise a PlatformError."""
        return await publish(self.client, self.request, now, self.dialect, self.published_in)


@dataclass(frozen=True, slots=True)
class ReadyOnce:
    """A request that a network refuses to take twice: the post may be there from an attempt whose reply was lost."""

    once: ReadyRequest
    is_repeated: Callable[[Rejected], bool]
    """Whether a refusal says that something like it is there already."""
    look_up: Callable[[], Awaitable[Published | None]]
    not_there: Callable[[Rejected], PlatformError] = AlreadyThere.by
    """What the refusal means where the look-up finds nothing."""
    afresh: Callable[[PlatformError], ReadyRequest | None] = lambda _error: None
    """Another request in its place, where the network takes this one no more, and none before it may have landed."""

    async def send(self, now: datetime) -> Published:
        """Send it; what is there already is looked up."""
        try:
            return await self.once.send(now)
        except Rejected as error:
            if not self.is_repeated(error):
                raise
            return await self._there_already(error)

    async def send_afresh(self, now: datetime) -> Published:
        """The same where nothing that was sent before may have landed."""
        try:
            return await self.send(now)
        except PlatformError as error:
            another = self.afresh(error)
            if another is None:
                raise
        return await another.send(now)

    async def _there_already(self, refusal: Rejected) -> Published:
        """Where it is, if it is this very post; Unconfirmed where that cannot be found out."""
        try:
            found = await self.look_up()
        except PlatformError as error:
            reason = f"{refusal.detail.message}; whether it is this post cannot be found out: {error.detail.message}"
            raise Unconfirmed(reason, code=refusal.detail.code) from error
        if found is None:
            raise self.not_there(refusal) from None
        return found
