"""Preparation: everything that can be done before the instant, in a bounded time, and without holding up others."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.publisher.accounts.credentials import destination_of, host_of, opened
from services.publisher.accounts.tokens import Tokens
from services.publisher.bulkheads import Bulkheads
from services.publisher.domain import Publication, StoredAccount
from services.publisher.doubt import post_of
from services.publisher.platforms.base import Account, Platform, Post, Ready
from services.publisher.platforms.errors import PlatformError, Rejected, Transient, Unconfirmed
from services.publisher.platforms.exchange import network_failures
from shared.vault import Vault


@dataclass(frozen=True)
class Preparation:
    """Gets posts ready to be sent."""

    platforms: Mapping[str, Platform]
    vault: Vault
    tokens: Tokens
    bulkheads: Bulkheads
    timeout: timedelta

    async def prepared(self, publication: Publication, stored: StoredAccount) -> tuple[StoredAccount, Ready]:
        """The account with a token that lasts, and the post; raises PlatformError, or Unwell."""
        platform = self.platforms.get(stored.platform)
        if platform is None:
            raise Rejected(f"platform {stored.platform!r} is not known to this release", code="unknown_platform")
        post = post_of(publication)
        async with self.bulkheads.turn(_place(post, stored)) as turn:
            try:
                stored = await self.tokens.lasting(stored, until=publication.start_at)
                return stored, await self._ready(platform, post, opened(stored, self.vault))
            except PlatformError as error:
                turn.was_answered = not error.is_silence
                raise

    async def _ready(self, platform: Platform, post: Post, account: Account) -> Ready:
        platform.check(account)
        try:
            async with network_failures(), asyncio.timeout(self.timeout.total_seconds()):
                return await platform.prepare(post, account)
        except Unconfirmed as error:  # nothing has been sent yet that a person could see
            raise Transient(f"not prepared: {error.detail.message}", code=error.detail.code) from error


def _place(post: Post, stored: StoredAccount) -> str:
    """Where preparing may hang: at the network, or at the server that has the pictures."""
    media_host = host_of(post.media[0].get("url")) if post.media else ""
    return f"{destination_of(stored)} {media_host}".rstrip()
