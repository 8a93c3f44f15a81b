"""Accounts and the keys of their secrets."""

from collections.abc import Mapping
from typing import Any

ACCOUNTS: Mapping[str, Mapping[str, Any]] = {
    "account.connected": {
        "account_id": "team",
        "platform": "mastodon",
        "token_expires_at": "2027-06-01T00:00:00Z",
        "can_refresh": True,
        "rules": {"text": {"most": 500, "counted_in": "characters", "link_length": 23}, "needs_one_of": ["content"]},
        "changed_at": "2027-03-01T12:00:00Z",
    },
    "account.connect_failed": {
        "account_id": "team",
        "platform": "mastodon",
        "error": {"class": "unauthorized", "code": "401", "message": "The access token was revoked"},
        "changed_at": "2027-03-01T12:00:00Z",
    },
    "account.disconnected": {"account_id": "team", "platform": "mastodon", "changed_at": "2027-03-01T12:00:00Z"},
    "account.disconnect_failed": {
        "account_id": "team",
        "error": {
            "class": "rejected",
            "code": "invalid",
            "message": "requested_at: the instant has no offset; add one, such as +02:00 or Z (got '2027-03-01T12:00')",
        },
        "changed_at": "2027-03-01T12:00:00Z",
    },
    "account.refresh_requested": {"account_id": "team"},
    "account.refreshed": {
        "account_id": "team",
        "platform": "mastodon",
        "token_expires_at": "2027-09-01T00:00:00Z",
        "needs_reconnect": False,
    },
    "account.refresh_failed": {
        "account_id": "team",
        "platform": "mastodon",
        "error": {"class": "unauthorized", "code": "invalid_grant", "message": "the refresh token was revoked"},
        "needs_reconnect": True,
    },
    "account.limits_told": {
        "account_id": "team",
        "limits": [{"most": 60, "seconds": 60.0, "used": 60}],
        "free_at": "2027-03-28T09:00:12.250Z",
        "told_at": "2027-03-28T09:00:00Z",
    },
    "keys.rotated": {"service": "publisher", "rotated": 12, "unreadable": []},
}
