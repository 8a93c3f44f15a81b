"""A generic webhook, signed as Standard Webhooks says (standardwebhooks.com).

The receiver deduplicates on `webhook-id`, which is the same for every attempt at one revision of a post on one account.
One that answers 410 Gone wants no more: its account must be connected again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from services.publisher.platforms.base import FOR_EVER, Account, Platform, Post, Published
from services.publisher.platforms.errors import Rejected, Unauthorized
from services.publisher.platforms.posting import ReadyPost, request_for, url_of
from services.publisher.platforms.webhook.signature import secrets_of, signature_headers

GONE = str(HTTPStatus.GONE.value)


@dataclass(frozen=True, slots=True)
class ReadyForEndpoint:
    """A signed post for an endpoint that may have been given up."""

    post: ReadyPost

    async def send(self, now: datetime) -> Published:
        """Send it; Unauthorized where the endpoint says that it is gone."""
        try:
            return await self.post.send(now)
        except Rejected as error:
            if error.detail.code != GONE:
                raise
            message = f"the endpoint takes no more posts ({error.detail.message})"
            raise Unauthorized(message, code=GONE) from error


@dataclass(frozen=True)
class Webhook(Platform):
    """The `webhook` platform."""

    client: httpx.AsyncClient
    name: str = "webhook"

    def check(self, account: Account) -> None:
        """Raise Rejected unless there is a URL to post to and a secret to sign with."""
        url_of(account)
        secrets_of(account)

    async def prepare(self, post: Post, account: Account) -> ReadyForEndpoint:
        """Build the request; it is signed when it is sent, since the signature covers the time."""
        secrets = secrets_of(account)
        webhook_id = message_id(post)

        def sign(body: bytes, now: datetime) -> Mapping[str, str]:
            return signature_headers(secrets, webhook_id, body, now)

        return ReadyForEndpoint(ReadyPost(self.client, request_for(self.client, post, account), sign))

    def deduplicates_for(self, account: Account) -> timedelta:
        """By `webhook-id`, as long as the receiver remembers it."""
        return FOR_EVER


def message_id(post: Post) -> str:
    """The `webhook-id`: safe in a header whatever the post's id contains."""
    return "msg_" + hashlib.sha256(post.key.encode()).hexdigest()[:40]
