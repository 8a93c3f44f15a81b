"""Preparation: everything that can be done before the instant, in a bounded time, and without holding up others."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from services.publisher.accounts.credentials import destination_of, host_of, opened
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import StoredAccount
from services.publisher.limits.circuit_breaker import Turn
from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.platforms.base import Account, Platform, Post, Ready
from services.publisher.platforms.errors import PlatformError
from services.publisher.platforms.exchange import network_failures
from services.publisher.platforms.network_time import network_time
from services.publisher.sending.case import Case
from shared.events.scheduler import PublishRequested
from shared.secrets.vault import Vault


@dataclass(frozen=True)
class Preparation:
    """Gets posts ready to be sent."""

    platforms: Mapping[str, Platform]
    vault: Vault
    tokens: Tokens
    breakers: CircuitBreakers
    timeout: timedelta

    async def prepared(self, case: Case) -> Case:
        """The case with a token that lasts and the post ready, or with the error; raises CircuitOpen."""
        assert case.account is not None, "a post without an account is held"
        stored, post = case.account, post_of(case.event)
        try:
            async with self.breakers.turn(_where(post, stored)) as turn:
                stored = await self.tokens.lasting(stored, until=case.publication.not_before)
                account = opened(stored, self.vault)
                ready = await self._ready(self.platforms[stored.platform], post, account, turn)
        except PlatformError as error:
            return case.failed(error)
        return replace(case, account=stored, ready=ready)

    async def _ready(self, platform: Platform, post: Post, account: Account, turn: Turn) -> Ready:
        platform.check(account)
        async with network_failures(), network_time(self.timeout, turn.count_from):
            return await platform.prepare(post, account)


def post_of(event: PublishRequested) -> Post:
    """The post that is requested, as platforms take it."""
    return Post(
        post_id=event.post_id,
        account_id=event.account_id,
        revision=event.revision,
        publish_at=event.publish_at,
        content=event.content,
        media=[item.model_dump(exclude_none=True) for item in event.media],
        options=event.options,
    )


def _where(post: Post, stored: StoredAccount) -> str:
    """Where preparing may hang: at the network, or at the server that has the pictures."""
    media_host = host_of(post.media[0].get("url")) if post.media else ""
    return f"{destination_of(stored)} {media_host}".rstrip()
