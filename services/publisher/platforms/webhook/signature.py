"""Signatures as Standard Webhooks says, and the secrets that make them. No I/O."""

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime

from services.publisher.platforms.account_fields import invalid_credential
from services.publisher.platforms.base import Account

PREFIX = "whsec_"
LEAST_SECRET_BYTES = 16
_MAKE_ONE = "make one with `echo whsec_$(openssl rand -base64 32)`"


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
        raise invalid_credential("secret", "the list is empty")
    try:
        return [signing_key(one) for one in listed]
    except ValueError as error:
        raise invalid_credential("secret", str(error)) from error


def signing_key(secret: object) -> bytes:
    """The key in a `whsec_…`; ValueError saying what is wrong, without the secret."""
    if not isinstance(secret, str) or not secret.startswith(PREFIX):
        raise ValueError(f"expected 'whsec_' and base64; {_MAKE_ONE}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ValueError(f"what follows 'whsec_' is no base64; {_MAKE_ONE}") from None
    if len(key) < LEAST_SECRET_BYTES:
        raise ValueError(f"too short, at least {LEAST_SECRET_BYTES} bytes are needed; {_MAKE_ONE}")
    return key
