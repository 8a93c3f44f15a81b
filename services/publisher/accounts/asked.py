"""What is to be known of a request about an account before it is carried out: that it is spelt rightly, and when it was
made. Of two the later one counts, whichever is carried out first. No I/O.
"""

from datetime import datetime, timedelta

from services.publisher.domain import StoredAccount
from services.publisher.platforms.errors import Rejected
from shared.events.requests import AccountConnectRequested, AccountDisconnectRequested
from shared.messaging.envelope import Delivery

Asked = Delivery[AccountConnectRequested] | Delivery[AccountDisconnectRequested]


INVALID = "invalid"


def check_spelling(delivery: Asked) -> None:
    """Raise Rejected for what is nearly a field: a limit that is ignored without a word would be exceeded."""
    if misspelt := delivery.misspelt:
        raise Rejected(misspelt, code=INVALID)


def asked_at(delivery: Asked, now: datetime) -> datetime:
    """As the request says itself, else when it was sent, to the second; a clock that is ahead of ours counts as now."""
    return min(delivery.event.requested_at or delivery.sent_at or now, now)


def is_overtaken(asked: datetime | None, account: StoredAccount | None, now: datetime) -> bool:
    """Whether a later request has been carried out. One of the future does not count: its clock was set back since."""
    if asked is None or account is None or account.asked_at is None:
        return False
    return asked < account.asked_at <= now


def changed_at(account: StoredAccount | None, now: datetime) -> datetime:
    """When it changes now: never before its last change, by which everybody orders what they are told of it."""
    return max(now, account.changed_at + timedelta.resolution) if account else now


def check_not_overtaken(asked: datetime, account: StoredAccount | None, now: datetime) -> None:
    """Raise Rejected where a later request has been carried out already."""
    if account and account.asked_at and is_overtaken(asked, account, now):
        reason = (
            f"a request of {account.asked_at.isoformat()} has connected or disconnected the account already; "
            f"this one is of {asked.isoformat()}: make it again if it is still meant"
        )
        raise Rejected(reason, code="superseded")
