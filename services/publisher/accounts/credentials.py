"""Accounts: connecting them, and opening their credentials for use. No I/O."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from services.publisher.domain import StoredAccount
from services.publisher.limits.windows import limits_of
from services.publisher.platforms.base import Account, Platform, Renewed
from services.publisher.platforms.errors import Rejected
from shared.events.requests import AccountConnectRequested
from shared.secrets.sealing import SealingKey, UnreadableSeal
from shared.secrets.vault import UnreadableSecret, Vault

UNREADABLE_CODE = "unreadable_credentials"
UNKNOWN_PLATFORM = "unknown"
"""Of an account that was never connected: somebody mistyped, or takes back a connection that failed."""
PROVES_ONLY = frozenset({"secret", "password", "client_secret"})
"""Credentials that may change while the account stays whose it is; a token may be somebody else's."""
WHERE = ("author", "channel_id", "chat_id", "server", "subreddit", "url")
"""Settings that say where an account publishes; others say how."""
LEASE = timedelta(seconds=30)
"""How long a renewal of tokens keeps others out that shows no sign of life."""


def unsealed(request: AccountConnectRequested, key: SealingKey) -> Account:
    """The account a request describes, or Rejected where its seal cannot be opened."""
    try:
        credentials = key.open(request.sealed_credentials) if request.sealed_credentials else {}
    except UnreadableSeal as error:
        reason = f"sealed_credentials: {error}; seal a JSON object for the publisher's key (`timeball keys`)"
        raise Rejected(reason, code=UNREADABLE_CODE) from error
    return Account(request.account_id, request.platform, request.settings, credentials)


def stored(
    request: AccountConnectRequested,
    account: Account,
    platform: Platform,
    previous: StoredAccount | None,
    *,
    vault: Vault,
    now: datetime,
) -> StoredAccount:
    """The account as it is kept: its credentials encrypted, with tokens that were renewed since and are still good.

    What was given before may be the `same`, its tokens `going_on`, or only its refresh token still `refreshing` them.
    Where nothing is new, the encrypted texts stay the very same, so that a renewal under way still finds its account.
    """
    kept = _kept(account, previous, vault)
    whole = replace(account, credentials={**account.credentials, **kept})
    readable = previous if previous and is_readable(previous, vault) else None  # none are not those that no key fits
    same = readable if readable and _before(account, readable, vault) == dict(account.credentials) else None
    going_on = previous if same or (previous and kept and kept == _renewed(previous, vault)) else None
    refreshing = previous if going_on or "refresh_token" in kept else None
    return StoredAccount(
        account_id=account.account_id,
        platform=account.platform,
        settings=json.dumps(dict(account.settings)),
        credentials=same.credentials if same else vault.encrypt(account.credentials),
        renewed=going_on.renewed if going_on else vault.encrypt(kept) if kept else None,
        token_expires_at=going_on.token_expires_at if going_on else platform.token_expires_at(whole),
        refresh_expires_at=refreshing.refresh_expires_at if refreshing else platform.refresh_expires_at(whole),
        renewing_until=same.renewing_until if same else None,
        limits=json.dumps(limits_of(request.limits)),
        app=platform.app_of(whole),
        connected=True,
        changed_at=now,
    )


def shares_tokens(new: StoredAccount, stored: StoredAccount) -> bool:
    """Whether the two would use one and the same refresh token, which may be good for a single use."""
    return stored.connected and (new.credentials == stored.credentials or new.renewed is not None)


def must_wait_for(previous: StoredAccount | None, new: StoredAccount, now: datetime) -> timedelta | None:
    """How long a renewal may still be under way whose tokens the new account would be without; None: not at all."""
    if previous is None or previous.renewing_until is None or not is_being_renewed(previous, now):
        return None
    takes_over = new.renewed is not None and new.credentials != previous.credentials
    return previous.renewing_until - now if takes_over else None


def is_being_renewed(account: StoredAccount, now: datetime) -> bool:
    """Whether somebody renews its tokens.

    The clock of who does may be ahead of ours; a lease much longer than any is of a clock that was set back since.
    """
    return account.renewing_until is not None and now < account.renewing_until <= now + 2 * LEASE


def nobody(account_id: str, now: datetime) -> StoredAccount:
    """An account that nobody has connected, so that a request to disconnect it can be kept all the same."""
    return StoredAccount(account_id, UNKNOWN_PLATFORM, "{}", "", "{}", connected=False, changed_at=now)


def forgotten(account: StoredAccount, vault: Vault, now: datetime) -> StoredAccount:
    """The account as it is kept once it is disconnected: without any secret."""
    return replace(
        account,
        connected=False,
        credentials=vault.encrypt({}),
        renewed=None,
        token_expires_at=None,
        changed_at=now,
        is_unreadable=False,
    )


def _kept(account: Account, previous: StoredAccount | None, vault: Vault) -> Mapping[str, Any]:
    """Of the tokens there were, those that connecting again must not wipe.

    A refresh token of long ago, given again, says nothing new: it may have been rotated since. And credentials without
    one do not take away the one there is.
    """
    before = _before(account, previous, vault) if previous else {}
    if previous is None or not before:
        return {}
    given = account.credentials.get("refresh_token")
    if before == dict(account.credentials) or (given and given == before.get("refresh_token")):
        return _renewed(previous, vault)
    latest = _opened(previous, vault).credentials.get("refresh_token")
    is_same_app = before.get("client_id") == account.credentials.get("client_id")
    return {"refresh_token": latest} if latest and is_same_app and not given else {}


def _before(account: Account, previous: StoredAccount, vault: Vault) -> Mapping[str, Any]:
    """The credentials as they were given before, to the same network for the same author; else none."""
    settings = _parsed(previous.settings)
    is_elsewhere = any(settings.get(name) != account.settings.get(name) for name in ("server", "author"))
    if not previous.connected or previous.platform != account.platform or is_elsewhere:
        return {}
    return vault.decrypt(previous.credentials) if is_readable(previous, vault) else {}


def destination_of(account: StoredAccount) -> str:
    """Where the account's posts go, as far as one place can hang without the others: its platform, and its server."""
    settings = _parsed(account.settings)
    return f"{account.platform} {host_of(settings.get('server') or settings.get('url'))}".rstrip()


def place_of(account: StoredAccount, vault: Vault) -> str:
    """Where and as whom the account publishes, in few letters: what differs may not be repeated or looked up there."""
    return _place_of(account.platform, account.settings, account.credentials, vault)


@lru_cache(maxsize=10_000)
def _place_of(platform: str, settings: str, credentials: str, vault: Vault) -> str:
    given = vault.decrypt(credentials)
    who = {name: value for name, value in given.items() if name not in PROVES_ONLY}
    where = [_parsed(settings).get(name) for name in WHERE]
    return sha256(json.dumps([platform, where, who], sort_keys=True).encode()).hexdigest()


def host_of(url: object) -> str:
    """The host and port of a URL, or nothing where it is none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower() if isinstance(url, str) else ""
    except ValueError:
        return ""


def with_renewed(account: StoredAccount, renewed: Renewed, vault: Vault) -> StoredAccount:
    """The account with its new tokens."""
    return replace(
        account,
        renewed=vault.encrypt({**_renewed(account, vault), **renewed.credentials}),
        token_expires_at=renewed.expires_at,
        refresh_expires_at=renewed.refresh_expires_at or account.refresh_expires_at,
        renewing_until=None,
        needs_reconnect=False,
    )


def with_tokens_of(holder: StoredAccount, account: StoredAccount) -> StoredAccount:
    """The account with the tokens that have just been renewed for both."""
    return replace(
        account,
        renewed=holder.renewed,
        token_expires_at=holder.token_expires_at,
        refresh_expires_at=holder.refresh_expires_at,
        renewing_until=None,
    )


def opened(account: StoredAccount, vault: Vault) -> Account:
    """The account ready for use, or Rejected where none of the keys fits."""
    try:
        return _opened(account, vault)
    except UnreadableSecret as error:
        raise unreadable(account) from error


def unreadable(account: StoredAccount) -> Rejected:
    """What is said of an account whose secrets none of our keys fits."""
    reason = (
        f"the stored credentials of {account.account_id!r} cannot be read: none of TIMEBALL_SECRET_KEYS is the key "
        "that they were encrypted with; give the publisher that key again, or connect the account again"
    )
    return Rejected(reason, code=UNREADABLE_CODE)


def same_secrets(one: StoredAccount, other: StoredAccount, vault: Vault) -> bool:
    """Whether both have the same credentials and tokens, under whichever key they are encrypted."""
    if (one.credentials, one.renewed) == (other.credentials, other.renewed):
        return True
    if not (is_readable(one, vault) and is_readable(other, vault)):
        return False
    return _opened(one, vault).credentials == _opened(other, vault).credentials


def is_readable(account: StoredAccount, vault: Vault) -> bool:
    """Whether one of our keys fits the account's secrets."""
    try:
        _opened(account, vault)
    except UnreadableSecret:
        return False
    return True


def _opened(account: StoredAccount, vault: Vault) -> Account:
    secrets = _decrypted(vault, account.credentials, account.renewed)
    return Account(account.account_id, account.platform, _parsed(account.settings), secrets)


@lru_cache(maxsize=10_000)
def _decrypted(vault: Vault, credentials: str, renewed: str | None) -> Mapping[str, Any]:
    return {**vault.decrypt(credentials), **(vault.decrypt(renewed) if renewed else {})}


@lru_cache(maxsize=10_000)
def _parsed(settings: str) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = json.loads(settings)
    return parsed


def _renewed(account: StoredAccount, vault: Vault) -> Mapping[str, Any]:
    return vault.decrypt(account.renewed) if account.renewed else {}
