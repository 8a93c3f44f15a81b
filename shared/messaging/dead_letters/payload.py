"""The payload of a dead letter as it may be shown: its beginning, without secrets. No I/O."""

import json
import re
from dataclasses import dataclass
from typing import Any

from shared.secrets.redaction import MASK, SECRET_NAME, redact_text, redacted

MOST_SHOWN = 4_000
MOST_PARSED = 256 * 1024
"""Bytes: what is longer would hold up everything else while it is parsed."""
MOST_ID = 200
_UNFINISHED_ADDRESS = re.compile(r"://[^\s/\"']*$")
"""It may end in the middle of a password."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What of a body may be shown, and which post and account it names."""

    text: str
    post_id: str | None = None
    account_id: str | None = None


def payload_of(body: bytes) -> Payload:
    """JSON without the values of fields with a secret's name; anything else up to the first such name."""
    try:
        value = json.loads(body) if len(body) <= MOST_PARSED else None
        shown = json.dumps(redacted(value), ensure_ascii=False) if value is not None else None
    except (ValueError, RecursionError):
        value = shown = None
    text = shown if shown is not None else _without_secrets(body[: 4 * MOST_SHOWN].decode("utf-8", "replace"))
    fields = value if isinstance(value, dict) else {}
    return Payload(_cut(printable(redact_text(text))), _id(fields.get("post_id")), _id(fields.get("account_id")))


def printable(text: str) -> str:
    """The text with a replacement character for each that no screen shows or no database stores."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)


def _without_secrets(text: str) -> str:
    secret = SECRET_NAME.search(text) or _UNFINISHED_ADDRESS.search(text)
    return f"{text[: secret.start()]}{MASK} (the rest may hold a secret)" if secret else text


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _id(value: Any) -> str | None:
    usable = isinstance(value, str) and 0 < len(value) <= MOST_ID and value.isprintable()
    return value if usable else None
