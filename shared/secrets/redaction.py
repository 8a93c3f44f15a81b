"""Redaction: secrets taken out of what is about to be logged.

Twice, since each catches what the other cannot see: by the name of a field before rendering, and by the look of a
secret in the finished line.
"""

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"

SECRET_NAME = re.compile(
    r"passw|passphrase|secret|token|authorization|credential|cookie|sealed|api_?key|private_?key|webhook_url|notify_url",
    re.IGNORECASE,
)
HARMLESS_NAME = re.compile(r"(_at|_in|_count|_type)$", re.IGNORECASE)

# A password may hold an unescaped slash, but `host:8080/@name` is the address of a page. Bounded, lest a long text of
# nothing but beginnings takes quadratic time.
URL_CREDENTIALS = re.compile(r"""://(?:[^\s/?#"'<>]{0,256}@|[^\s/?#"'@:<>]{0,256}:(?!\d+[/?#])[^\s"'@<>]{0,256}@)""")
PATTERNS = [
    (URL_CREDENTIALS, f"://{MASK}@"),
    (re.compile(r"/bot\d+:[\w-]+"), f"/bot{MASK}"),
    (re.compile(r"/api/(v\d+/)?webhooks/(\d+)/[\w-]+"), rf"/api/\1webhooks/\2/{MASK}"),
    (re.compile(r"([?&]\w{0,32}(?:token|secret|key|password|signature)=)[^\s&\"']+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"([Bb]earer|[Bb]asic) [\w.~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"whsec_[\w+/=-]+"), f"whsec_{MASK}"),
]


def is_secret_name(name: object) -> bool:
    """Whether what a field of this name holds must not be shown."""
    return bool(SECRET_NAME.search(str(name))) and not HARMLESS_NAME.search(str(name))


def redacted(value: Any) -> Any:
    """The same value, in which what has a secret's name is masked, at any depth."""
    if isinstance(value, Mapping):
        return redact_fields(value)
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return value


def redact_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields, the values of those with a secret's name masked, at any depth."""
    return {name: MASK if _is_secret(name, value) else redacted(value) for name, value in fields.items()}


def redact_text(text: str) -> str:
    """The same text without credentials in URLs, bearer tokens and the like."""
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _is_secret(name: object, value: object) -> bool:
    if value is None or isinstance(value, bool):
        return False
    return is_secret_name(name)
