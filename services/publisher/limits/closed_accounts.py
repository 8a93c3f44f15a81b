"""Closed accounts: this process sends nothing on an account from the moment in which its network asks for a pause.

The database says so to all replicas, but only once that is committed, and not of attempts that are committed already.
"""

from datetime import datetime

from services.publisher.domain import StoredAccount

Name = tuple[str, ...]


class ClosedAccounts:
    """Until when accounts, or all accounts of an app, are closed; one that was connected anew since then is not."""

    def __init__(self) -> None:
        self._closed: dict[Name, tuple[datetime, datetime]] = {}

    def close(self, account: StoredAccount, until: datetime, *, whole_app: bool, now: datetime) -> None:
        """Note that the network wants nothing on the account before then, or on any account of its app."""
        self._closed = {name: one for name, one in self._closed.items() if one[0] > now}
        name = _names(account)[-1 if whole_app else 0]
        self._closed[name] = max(self._closed.get(name, (until, now)), (until, now))

    def until(self, account: StoredAccount, now: datetime) -> datetime | None:
        """Until when nothing is sent on the account; None where it is open."""
        closed = [self._closed[name] for name in _names(account) if name in self._closed]
        return max((until for until, since in closed if until > now and account.changed_at <= since), default=None)


def _names(account: StoredAccount) -> list[Name]:
    """What the account is closed by: itself, and last its app, where it has one."""
    names: list[Name] = [(account.account_id,)]
    return names if account.app is None else [*names, (account.platform, account.app)]
