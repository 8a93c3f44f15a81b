"""The facts that tell of an account's tokens. No I/O."""

from datetime import datetime

from services.publisher.domain import StoredAccount
from shared.events.base import ErrorDetail
from shared.events.publisher import AccountRefreshed, AccountRefreshFailed


def refreshed(account: StoredAccount, now: datetime) -> AccountRefreshed:
    """Its tokens are good, as far as we know."""
    return AccountRefreshed(
        account_id=account.account_id,
        platform=account.platform,
        token_expires_at=account.token_expires_at,
        refresh_expires_at=account.refresh_expires_at,
        needs_reconnect=account.needs_reconnect,
        changed_at=max(now, account.changed_at),
    )


def refresh_failed(account: StoredAccount, error: ErrorDetail, now: datetime) -> AccountRefreshFailed:
    """Its tokens could not be renewed, or not be read."""
    return AccountRefreshFailed(
        account_id=account.account_id,
        platform=account.platform,
        token_expires_at=account.token_expires_at,
        error=error,
        needs_reconnect=account.needs_reconnect,
        changed_at=max(now, account.changed_at),
    )
