"""A generic webhook, signed as Standard Webhooks says (standardwebhooks.com).

The receiver deduplicates on `webhook-id`, which is the same for every attempt at one revision of a post on one account.
One that answers 410 Gone wants no more: its account must be connected again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from services.publisher.platforms.base import FOR_EVER, Account, Platform, Post, Published
from services.publisher.platforms.errors import PlatformError, Unauthorized
from services.publisher.platforms.exchange import publish
from services.publisher.platforms.judging import ANY, any_words
from services.publisher.platforms.posting import published_in, request_for, url_of
from services.publisher.platforms.reply import Reply
from services.publisher.platforms.webhook.signature import secrets_of, signature_headers


def gone(reply: Reply) -> PlatformError | None:
    """An endpoint that has been given up."""
    if reply.status != HTTPStatus.GONE:
        return None
    return Unauthorized(f"the endpoint takes no more posts ({reply.saying(any_words(reply) or '')})", code="410")


WORDS_WITHIN = 5.0
ENDPOINT = replace(ANY, documented=gone, body_within=WORDS_WITHIN)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that is complete but for its signature, which covers the time of sending."""

    client: httpx.AsyncClient
    request: httpx.Request
    secrets: Sequence[bytes] = field(repr=False)
    webhook_id: str

    async def send(self, now: datetime) -> Published:
        """Sign it and send it; a JSON answer tells the id and the URL."""
        self.request.headers.update(signature_headers(self.secrets, self.webhook_id, self.request.content, now))
        return await publish(self.client, self.request, now, ENDPOINT, published_in)


@dataclass(frozen=True)
class Webhook(Platform):
    """The `webhook` platform."""

    client: httpx.AsyncClient
    name = "webhook"

    def check(self, account: Account) -> None:
        """Raise Rejected unless there is a URL to post to and a secret to sign with."""
        url_of(account)
        secrets_of(account)

    async def prepare(self, post: Post, account: Account) -> SignedRequest:
        """Build the request."""
        request = request_for(self.client, post, account)
        return SignedRequest(self.client, request, secrets_of(account), message_id(post))

    def deduplicates_for(self, account: Account) -> timedelta:
        """By `webhook-id`, as long as the receiver remembers it."""
        return FOR_EVER


def message_id(post: Post) -> str:
    """The `webhook-id`: safe in a header whatever the post's id contains."""
    return "msg_" + post.key_digest[:40]
