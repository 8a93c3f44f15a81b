"""What an account was given: a server, credentials, instants; Rejected says which of them cannot work. No I/O."""

from datetime import UTC, datetime
from functools import lru_cache

import httpx

from services.publisher.platforms.base import Account
from services.publisher.platforms.errors import Rejected, Unauthorized
from shared.connections.ports import check_port

LONG_AGO = datetime.fromtimestamp(0, UTC)
"""When the token ends of an account that has none yet."""


def server_of(account: Account, official: str) -> str:
    """`settings.server`, or the network's own; Rejected where it is no base URL."""
    given = account.settings.get("server") or official
    if not is_web_url(given) or "?" in given or "#" in given:
        raise invalid_setting(account, "server", f"write an http(s) URL to add paths to, such as {official}")
    return str(given).rstrip("/")


def invalid_setting(account: Account, name: str, advice: str) -> Rejected:
    """The refusal of a setting: what to write instead of what was given."""
    given = account.settings.get(name)
    found = "it is missing" if given is None else f"got {given!r}"
    return Rejected(f"settings.{name}: {advice} ({found})", code="invalid_settings")


def invalid_credential(name: str, reason: str) -> Rejected:
    """The refusal of a credential, which is never quoted."""
    return Rejected(f"credentials.{name}: {reason}", code="invalid_credentials")


def is_web_url(given: object) -> bool:
    """Whether it is an http(s) URL with a host that can exist."""
    return isinstance(given, str) and _is_web_url(given)


@lru_cache(maxsize=10_000)  # the same few are asked about for every post
def _is_web_url(given: str) -> bool:
    try:
        url = httpx.URL(given)
        has_host = bool(url.host) and "%" not in url.host  # httpx escapes what no host may contain
        check_port(given)
    except (httpx.InvalidURL, ValueError):  # the latter also for a host in punycode that stands for nothing
        return False
    return url.scheme in ("http", "https") and has_host


def require_texts(account: Account, *names: str) -> None:
    """Raise Rejected unless each of these credentials is a text."""
    for name in names:
        given = account.credentials.get(name)
        if not isinstance(given, str) or not given:
            raise invalid_credential(name, "a text is needed, see docs/platforms")


def require_credentials(account: Account, *names: str) -> None:
    """Raise Rejected unless each of these credentials is a text that can stand in a header."""
    require_texts(account, *names)
    for name in names:
        given = account.credentials[name]
        if not (given.isascii() and given.isprintable()) or given != given.strip():
            reason = "it has characters that it cannot have, such as a line break or an ellipsis; copy it once more"
            raise invalid_credential(name, reason)


def allow_credential(account: Account, name: str) -> None:
    """Raise Rejected where this credential, which may be missing or empty, cannot stand in a header."""
    if account.credentials.get(name) not in (None, ""):
        require_credentials(account, name)


def instant_of(account: Account, name: str) -> datetime | None:
    """An instant in the credentials (RFC 3339), None where there is none, or Rejected."""
    given = account.credentials.get(name)
    if given is None:
        return None
    try:
        instant = datetime.fromisoformat(str(given))
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise invalid_credential(name, "no RFC 3339 instant with an offset, such as 2027-03-28T09:00:00Z")


def bearer(account: Account) -> dict[str, str]:
    """The header that says who asks; Unauthorized where there is no token yet."""
    token = account.credentials.get("access_token")
    if not token:
        raise Unauthorized("there is no access token yet", code="no_token")
    return {"authorization": f"Bearer {token}"}
