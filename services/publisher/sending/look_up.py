"""Look-ups: the network is asked whether a post is there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from services.publisher.accounts.credentials import opened
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import StoredAccount
from services.publisher.platforms.base import Platform, Published
from services.publisher.platforms.errors import PlatformError
from services.publisher.platforms.exchange import network_failures
from services.publisher.sending.case import Case
from services.publisher.sending.preparation import post_of
from shared.clocks.awake_timeout import AwakeTimeout
from shared.clocks.clock import Clock
from shared.secrets.vault import Vault


@dataclass(frozen=True)
class LookUps:
    """Finds out what became of posts that may be out."""

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
        except PlatformError as error:
            return replace(case, error=error, is_looked_up=True)
        case = replace(case, account=stored)
        return case.found(found, asked_at) if found else case.not_found(asked_at)

    async def _ask(self, case: Case, stored: StoredAccount) -> Published | None:
        async with network_failures(), AwakeTimeout(self.timeout.total_seconds()):
            return await self.platforms[stored.platform].look_up(post_of(case.event), opened(stored, self.vault))
