"""A receiver's side of Standard Webhooks, written from the specification alone (standardwebhooks.com)."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)


class NotGenuineError(Exception):
    """The message is not from whom it says, or too old."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
    """Raise NotGenuineError unless one of the signatures was made with the secret, a short time ago."""
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise NotGenuineError("the timestamp is too far off")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    wanted = "v1," + base64.b64encode(mac.digest()).decode()
    if not any(hmac.compare_digest(wanted, given) for given in headers["webhook-signature"].split(" ")):
        raise NotGenuineError("no signature fits")
