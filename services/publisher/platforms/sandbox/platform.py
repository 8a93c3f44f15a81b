"""A stand-in for a social network, for demonstrations and tests.

It neither deduplicates nor, unless `settings.answers_lookups` says so, answers look-ups: a reply that is lost leaves
the outcome unknown. A look-up is a GET of the account's URL with `post_id` and `account_id`: 200 with the post, or 404.
Its rules are those in `settings.rules`, e.g. `{"text": {"most": 280, "counted_in": "weighted"}}`.
"""

from dataclasses import dataclass, field

import httpx
from pydantic import ValidationError
from pydantic_core import to_json

from services.publisher.platforms.base import Account, Platform, Post, Published
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.exchange import exchange
from services.publisher.platforms.judging import ANY
from services.publisher.platforms.posting import published_in, request_for, url_of
from services.publisher.platforms.ready import ReadyRequest
from shared.clocks.clock import Clock, SystemClock
from shared.events.explaining import explain
from shared.events.rules import PostRules


@dataclass(frozen=True)
class Sandbox(Platform):
    """The `sandbox` platform."""

    client: httpx.AsyncClient
    clock: Clock = field(default_factory=SystemClock)
    name = "sandbox"

    def check(self, account: Account) -> None:
        """Raise Rejected unless there is a URL to post to, and rules are rules."""
        url_of(account)
        rules_of(account)

    async def prepare(self, post: Post, account: Account) -> ReadyRequest:
        """Build the request."""
        return ReadyRequest(self.client, request_for(self.client, post, account), ANY, published_in)

    async def rules(self, account: Account) -> PostRules:
        """As the account's settings say."""
        return rules_of(account)

    def answers_look_ups(self, account: Account) -> bool:
        """As the account's settings say."""
        return account.settings.get("answers_lookups") is True

    async def look_up(self, post: Post, account: Account) -> Published | None:
        """The post as the sandbox has it."""
        parameters = {"post_id": post.post_id, "account_id": post.account_id}
        request = self.client.build_request("GET", url_of(account), params=parameters)
        try:
            reply = await exchange(self.client, request, self.clock.now())
        except Rejected as error:
            if error.detail.code == "404":
                return None
            raise
        return published_in(reply)


def rules_of(account: Account) -> PostRules:
    """The rules in the account's settings, or Rejected where they are none."""
    try:
        return PostRules.model_validate_json(to_json(account.settings.get("rules", {})))
    except ValidationError as error:
        raise Rejected(f"settings.rules: {explain(error)}", code="invalid_settings") from error
