"""A generic webhook, signed as Standard Webhooks says (standardwebhooks.com).

The receiver deduplicates on `webhook-id`, which is the same for every attempt at one revision of a post on one account.
One that answers 410 Gone wants no more: its account must be connected again.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from services.publisher.platforms.base import FOR_EVER, Account, Platform, Post, Published
from services.publisher.platforms.errors import Rejected, Unauthorized
from services.publisher.platforms.posting import ReadyPost, request_for, url_of

PREFIX = "whsec_"
LEAST_SECRET_BYTES = 16
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


def signature_headers(secrets: Sequence[bytes], webhook_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers; one signature per secret while secrets are rotated."""
    timestamp = str(int(now.timestamp()))
    signed = b".".join((webhook_id.encode(), timestamp.encode(), body))
    signatures = [base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def secrets_of(account: Account) -> list[bytes]:
    """The signing secrets: one `whsec_…`, or a list of them while rotating, or Rejected saying what is wrong."""
    given = account.credentials.get("secret")
    listed = given if isinstance(given, list) else [given]
    if not listed:
        raise Rejected("credentials.secret: the list is empty", code="invalid_credentials")
    try:
        return [signing_key(one) for one in listed]
    except ValueError as error:
        raise Rejected(f"credentials.secret: {error}", code="invalid_credentials") from error


def signing_key(secret: object) -> bytes:
    """The key in a `whsec_…`; ValueError saying what is wrong, without the secret."""
    if not isinstance(secret, str) or not secret.startswith(PREFIX):
        raise ValueError("expected 'whsec_' and base64")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ValueError("what follows 'whsec_' is no base64") from None
    if len(key) < LEAST_SECRET_BYTES:
        raise ValueError(f"too short, at least {LEAST_SECRET_BYTES} bytes are needed")
    return key
