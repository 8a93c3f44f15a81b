"""A generic webhook, signed as Standard Webhooks says (standardwebhooks.com).

The receiver deduplicates on `webhook-id`, which is the same for every attempt at one revision of a post on one account.
One that answers 410 Gone wants no more: its account must be connected again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from services.publisher.platforms.base import FOR_EVER, Account, Platform, Post
from services.publisher.platforms.errors import PlatformError, Unauthorized
from services.publisher.platforms.judging import ANY, any_words
from services.publisher.platforms.posting import ReadyPost, request_for, url_of
from services.publisher.platforms.reply import Reply
from services.publisher.platforms.webhook.signature import secrets_of, signature_headers


def gone(reply: Reply) -> PlatformError | None:
    """An endpoint that has been given up."""
    if reply.status != HTTPStatus.GONE:
        return None
    return Unauthorized(f"the endpoint takes no more posts ({reply.saying(any_words(reply) or '')})", code="410")


ENDPOINT = replace(ANY, documented=gone)


@dataclass(frozen=True)
class Webhook(Platform):
    """The `webhook` platform."""

    client: httpx.AsyncClient
    name: str = "webhook"

    def check(self, account: Account) -> None:
        """Raise Rejected unless there is a URL to post to and a secret to sign with."""
        url_of(account)
        secrets_of(account)

    async def prepare(self, post: Post, account: Account) -> ReadyPost:
        """Build the request; it is signed when it is sent, since the signature covers the time."""
        secrets = secrets_of(account)
        webhook_id = message_id(post)

        def sign(body: bytes, now: datetime) -> Mapping[str, str]:
            return signature_headers(secrets, webhook_id, body, now)

        return ReadyPost(self.client, request_for(self.client, post, account), sign, ENDPOINT)

    def deduplicates_for(self, account: Account) -> timedelta:
        """By `webhook-id`, as long as the receiver remembers it."""
        return FOR_EVER


def message_id(post: Post) -> str:
    """The `webhook-id`: safe in a header whatever the post's id contains."""
    return "msg_" + hashlib.sha256(post.key.encode()).hexdigest()[:40]
