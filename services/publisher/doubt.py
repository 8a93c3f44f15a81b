"""After a send that did not simply succeed: retry, look the post up, or leave it to a person."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.publisher.accounts.credentials import opened
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import Publication, StoredAccount
from services.publisher.outcomes import Outcome, after_failed_look_up, after_failure, after_success
from services.publisher.platforms.base import NEVER, Platform, Post, Published
from services.publisher.platforms.errors import PlatformError, RateLimited, Rejected, Unauthorized, Unconfirmed
from services.publisher.platforms.exchange import network_failures
from shared.clock import Clock
from shared.events.progress import State
from shared.events.scheduler import PublishRequested
from shared.messaging.verdict import TryAgain
from shared.vault import Vault

LOOK_AGAIN_IN = timedelta(seconds=5)

log = structlog.get_logger()


@dataclass(frozen=True)
class Doubts:
    """Finds out what became of a post, as far as its platform lets us."""

    platforms: Mapping[str, Platform]
    vault: Vault
    clock: Clock
    tokens: Tokens
    look_up_timeout: timedelta

    async def after_error(self, publication: Publication, error: PlatformError, stored: StoredAccount) -> Outcome:
        """What follows from a failed send; TryAgain while the request may still be on its way."""
        platform = self.platforms[stored.platform]
        deduplicates = self._deduplicates(publication, stored)
        if not isinstance(error, Unconfirmed) or deduplicates or not self._can_be_asked(platform, stored):
            return self.after_failure(publication, error, deduplicates=deduplicates)
        outcome = await self._look_up(publication, stored, platform, error)
        if outcome.publication.state != State.PUBLISHED and publication.lease_until:
            raise TryAgain(publication.lease_until - self.clock.now())
        return outcome

    async def after_interruption(self, publication: Publication, stored: StoredAccount | None) -> Outcome:
        """What follows when a sender died between the request and its outcome."""
        log.warning("publication_ambiguous", post_id=publication.post_id, account_id=publication.account_id)
        error = Unconfirmed("the publisher stopped between the request and its outcome", code="interrupted")
        platform = self.platforms.get(stored.platform) if stored else None
        if stored is None or platform is None:
            return self.after_failure(publication, error, deduplicates=False)
        if self._deduplicates(publication, stored) or not self._can_be_asked(platform, stored):
            return self.after_failure(publication, error, deduplicates=self._deduplicates(publication, stored))
        return await self._look_up(publication, stored, platform, error)

    async def before_repeating(self, publication: Publication, stored: StoredAccount) -> Outcome | None:
        """What follows where a platform that no longer recognises a repeated request has, or may have, the post.

        None: it does not, so that it may be sent.
        """
        platform = self.platforms.get(stored.platform)
        if not publication.attempts or platform is None or not self._has_forgotten(publication, stored, platform):
            return None
        error = Unconfirmed("an earlier attempt may have landed", code="no_reply")
        outcome = await self._look_up(publication, stored, platform, error)
        return None if outcome.publication.state == State.RETRYING else outcome

    def after_failure(self, publication: Publication, error: PlatformError, *, deduplicates: bool) -> Outcome:
        """What follows from an error, without asking the platform."""
        jitter = random.random()  # noqa: S311  (no secret)
        return after_failure(publication, error, deduplicates=deduplicates, jitter=jitter, now=self.clock.now())

    def _deduplicates(self, publication: Publication, stored: StoredAccount) -> bool:
        """Whether the platform still takes a repeated request as one; no request can be older than its due instant."""
        platform = self.platforms.get(stored.platform)
        age = max(timedelta(0), self.clock.now() - publication.publish_at)
        return platform is not None and age < self._window(platform, stored)

    def _has_forgotten(self, publication: Publication, stored: StoredAccount, platform: Platform) -> bool:
        once_deduplicated = self._window(platform, stored) > NEVER and not self._deduplicates(publication, stored)
        return once_deduplicated and self._can_be_asked(platform, stored)

    def _window(self, platform: Platform, stored: StoredAccount) -> timedelta:
        try:
            return platform.deduplicates_for(opened(stored, self.vault))
        except Rejected:  # its credentials cannot be read any more
            return NEVER

    def _can_be_asked(self, platform: Platform, stored: StoredAccount) -> bool:
        try:
            return platform.answers_look_ups(opened(stored, self.vault))
        except Rejected:  # its credentials cannot be read any more
            return False

    async def _look_up(
        self, publication: Publication, stored: StoredAccount, platform: Platform, unconfirmed: Unconfirmed
    ) -> Outcome:
        try:
            found = await self._found(publication, stored, platform)
        except PlatformError as error:
            outcome = after_failed_look_up(publication, error, self.clock.now())
            if outcome is None:
                asked_for = error.retry_after if isinstance(error, RateLimited) else LOOK_AGAIN_IN
                raise TryAgain(max(asked_for, LOOK_AGAIN_IN)) from error
            return outcome
        return self._after_look_up(publication, found, unconfirmed)

    async def _found(self, publication: Publication, stored: StoredAccount, platform: Platform) -> Published | None:
        """The post on its platform; a token that ends, or is refused, is renewed once."""
        stored = await self.tokens.lasting(stored, until=self.clock.now())
        try:
            return await self._ask(publication, stored, platform)
        except Unauthorized:
            if not self.tokens.can_renew(stored):
                raise
            return await self._ask(publication, await self.tokens.renewed(stored), platform)

    async def _ask(self, publication: Publication, stored: StoredAccount, platform: Platform) -> Published | None:
        async with network_failures(), asyncio.timeout(self.look_up_timeout.total_seconds()):
            return await platform.look_up(post_of(publication), opened(stored, self.vault))

    def _after_look_up(self, publication: Publication, found: Published | None, error: Unconfirmed) -> Outcome:
        now = self.clock.now()
        if found:
            return after_success(publication, found, min(now, publication.updated_at), now)
        return self.after_failure(publication, error, deduplicates=True)


def post_of(publication: Publication) -> Post:
    """The post that was requested, as platforms take it."""
    event = PublishRequested.model_validate_json(publication.request)
    return Post(
        post_id=event.post_id,
        account_id=event.account_id,
        revision=event.revision,
        publish_at=event.publish_at,
        content=event.content,
        media=[item.model_dump(exclude_none=True) for item in event.media],
        options=event.options,
    )
