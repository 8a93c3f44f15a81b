"""Accounts: connecting them, and opening their credentials for use. No I/O."""

import json
from datetime import datetime
from functools import lru_cache

from services.publisher.limits import limits_of
from services.publisher.platforms.base import Account, Rejected
from services.publisher.store import StoredAccount
from shared.events.requests import AccountConnectRequested
from shared.sealing import SealingKey, UnreadableSeal
from shared.vault import UnreadableSecret, Vault


def unsealed(request: AccountConnectRequested, key: SealingKey) -> Account:
    """The account a request describes, or Rejected where its seal cannot be opened."""
    try:
        credentials = key.open(request.sealed_credentials) if request.sealed_credentials else {}
    except UnreadableSeal as error:
        reason = f"sealed_credentials: {error}; seal a JSON object for the publisher's key (`timeball keys`)"
        raise Rejected(reason, code="unreadable_credentials") from error
    return Account(request.account_id, request.platform, request.settings, credentials)


def stored(request: AccountConnectRequested, account: Account, vault: Vault, now: datetime) -> StoredAccount:
    """The account as it is kept, its credentials encrypted."""
    return StoredAccount(
        account_id=account.account_id,
        platform=account.platform,
        settings=json.dumps(dict(account.settings)),
        credentials=vault.encrypt(account.credentials),
        limits=json.dumps(limits_of(request.limits)),
        connected=True,
        changed_at=now,
    )


def opened(account: StoredAccount, vault: Vault) -> Account:
    """The account ready for use, or Rejected where none of the keys fits."""
    try:
        return _opened(account, vault)
    except UnreadableSecret as error:
        raise Rejected(f"credentials of {account.account_id!r}: {error}", code="unreadable_credentials") from error


@lru_cache(maxsize=10_000)
def _opened(account: StoredAccount, vault: Vault) -> Account:
    credentials = vault.decrypt(account.credentials)
    return Account(account.account_id, account.platform, json.loads(account.settings), credentials)
