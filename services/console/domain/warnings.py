"""What a person should know of a post that was accepted."""

from collections.abc import Mapping
from typing import Any

_IN_WORDS = {
    "unknown_account": "{account} is not connected: `timeball accounts add PLATFORM {account}`",
    "duplicate_text": "the same text is on {account} already, within 24 hours of it",
    "crowded_minute": "many posts are due on {account} in that minute",
}


def warnings_in(accepted: Mapping[str, Any]) -> list[str]:
    """Each in words; a warning newer than this release as it is."""
    warnings = (accepted.get("warning") or "").split(", ")
    return [_IN_WORDS.get(name, name).replace("{account}", accepted["account_id"]) for name in warnings if name]
