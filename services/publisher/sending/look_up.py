"""Look-ups: the network is asked whether a post is there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from services.publisher.accounts.credentials import opened
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import StoredAccount
from services.publisher.platforms.base import Platform, Published
from services.publisher.platforms.errors import PlatformError, Rejected
from services.publisher.platforms.exchange import network_failures
from services.publisher.sending import facts
from services.publisher.sending.case import Case
from services.publisher.sending.preparation import post_of
from services.publisher.store import Store
from shared.clocks.awake_timeout import AwakeTimeout
from shared.clocks.clock import Clock
from shared.events.publisher import PublishSucceeded
from shared.secrets.vault import Vault

CLOCKS_DIFFER = timedelta(minutes=5)
"""Networks look back to a minute or so before the instant, and their clocks and ours differ."""


@dataclass(frozen=True)
class LookUps:
    """Finds out what became of posts that may be out."""

    store: Store
    platforms: Mapping[str, Platform]
    vault: Vault
    tokens: Tokens
    clock: Clock
    timeout: timedelta

    async def looked_up(self, case: Case) -> Case:
        """The case with what the network says, or with the error that the question came to."""
        assert case.account is not None, "a post without an account is left to a person"
        asked_at = self.clock.now()
        try:
            stored = await self.tokens.lasting(case.account, until=asked_at)
            found = await self._ask(case, stored)
            if found and await self._is_anothers(case, found):
                raise Rejected("what looks like it there is another post of the account", code="cannot_tell")
        except PlatformError as error:
            return replace(case, error=error, is_looked_up=True)
        case = replace(case, account=stored)
        return case.found(found, asked_at) if found else case.not_found(asked_at)

    async def _ask(self, case: Case, stored: StoredAccount) -> Published | None:
        async with network_failures(), AwakeTimeout(self.timeout.total_seconds()):
            return await self.platforms[stored.platform].look_up(post_of(case.event), opened(stored, self.vault))

    async def _is_anothers(self, case: Case, found: Published) -> bool:
        """Whether it has been reported as another post, which has the same text: then nothing is known of this one."""
        since, identity = case.event.publish_at - CLOCKS_DIFFER, found.platform_post_id
        if identity is None:
            return False
        others = map(facts.kept, await self.store.others_outcomes(case.publication.key, identity, since))
        return any(isinstance(one, PublishSucceeded) and one.platform_post_id == identity for one in others)
