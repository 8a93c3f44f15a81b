"""One example for each event: the story of a spring sale, so that they can be read one after the other."""

from collections.abc import Mapping
from typing import Any

from shared.contract.monitor_examples import OF_THE_MONITOR

_POST = {"post_id": "spring-sale", "account_id": "team"}
_REVISION = _POST | {"revision": 1}
_ERROR = {"class": "transient", "code": "503", "message": "the network answered 503: try later"}
_JOB = {"job": "retention.purge", "service": "maintenance", "tick_at": "2027-03-28T07:00:00Z", "manual": False}
_RUN = _JOB | {"run_id": "0b9c2f5e-8a51-4d1f-9a53-3f0f9b1c7d10", "period_seconds": 3600.0}

_LETTER = {
    "message_id": "3f2b8a0e-52a4-4f0c-8f5a-0c6a5a0f7b11",
    "parked_at": "2027-03-28T07:00:01.250000Z",
    "queue": "publisher.commands",
}
_SETTLED: dict[str, Any] = {
    "service": "publisher",
    "count": 1,
    "letters": [_LETTER],
    "looked_at": "2027-03-28T07:10:00Z",
    "kept": 0,
    "resting": 2,
    "is_last": True,
}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    **OF_THE_MONITOR,
    "schedule.requested": {
        "post_id": "spring-sale",
        "content": "It begins.",
        "media": [{"url": "https://cdn.example/sale.jpg", "alt": "A shop window full of tulips"}],
        "publish_at": {"local": "2027-03-28T09:00", "zone": "Europe/Berlin"},
        "targets": [{"account_id": "team"}, {"account_id": "shop", "content": "It begins, briefly."}],
    },
    "schedule.batch_requested": {
        "batch_id": "april",
        "posts": [
            {
                "post_id": "april-1",
                "content": "No joke: everything must go.",
                "publish_at": "2027-04-01T09:00:00+02:00",
                "targets": [{"account_id": "team"}],
            },
            {"post_id": "april-2", "content": "Still here.", "targets": [{"account_id": "gone"}]},
        ],
    },
    "schedule.cancel_requested": {"post_id": "spring-sale", "account_ids": ["team"], "expected_revision": 1},
    "publish.retry_requested": _POST,
    "publish.resolve_requested": _POST | {"outcome": "published", "platform_post_id": "112233"},
    "account.connect_requested": {
        "account_id": "team",
        "platform": "mastodon",
        "settings": {"server": "https://mastodon.example"},
        "sealed_credentials": "bm90IGEgcmVhbCBzZWFsZWQgYm94",
        "limits": {"per_minute": 30},
    },
    "account.disconnect_requested": {"account_id": "team"},
    "account.limits_requested": {"account_id": "team"},
    "workspace.configured": {
        "workspace_id": "shop",
        "monitoring_enabled": True,
        "subreddits": ["gardening"],
        "keywords": [{"phrase": "tulip bulbs", "match": "phrase", "exclude": ["giveaway"]}],
        "digest": {"at": "09:00", "zone": "Europe/Berlin"},
    },
    "workspace.remove_requested": {"workspace_id": "shop", "requested_at": "2027-04-30T16:00:00Z"},
    "keywords.try_requested": {
        "subreddits": ["gardening"],
        "keywords": [{"phrase": "tulip bulbs", "match": "phrase", "exclude": ["giveaway"]}],
    },
    "timer.trigger_requested": {"timer": "retention.purge"},
    "keys.rotate_requested": {},
    "dead_letter.replay_requested": {
        "service": "publisher",
        "message_ids": ["3f2b8a0e-52a4-4f0c-8f5a-0c6a5a0f7b11"],
    },
    "dead_letter.drop_requested": {"service": "publisher"},
    "console.rebuild_requested": {},
    "schedule.accepted": _REVISION
    | {"publish_at": "2027-03-28T07:00:00Z", "changed": True, "warning": "crowded_minute"},
    "schedule.rejected": _POST
    | {"code": "in_the_past", "reason": "publish_at: 2027-03-28T07:00:00Z is in the past; choose a time to come"},
    "schedule.batch_settled": {
        "batch_id": "april",
        "accepted": [
            {
                "post_id": "april-1",
                "account_id": "team",
                "revision": 1,
                "publish_at": "2027-04-01T07:00:00Z",
                "changed": True,
            }
        ],
        "rejected": [
            {
                "post_id": "april-2",
                "account_id": "gone",
                "code": "unknown_account",
                "reason": "account 'gone' has been disconnected; connect it again",
            }
        ],
        "pending": [],
    },
    "schedule.cancelled": _REVISION | {"reason": "asked for"},
    "schedule.superseded": _REVISION | {"by": 2},
    "publish.requested": _REVISION
    | {
        "publish_at": "2027-03-28T07:00:00Z",
        "content": "It begins.",
        "media": [{"url": "https://cdn.example/sale.jpg", "alt": "A shop window full of tulips"}],
        "options": {"visibility": "public"},
        "late_policy": {"mode": "publish", "grace_seconds": 3600.0},
        "retry": {"attempts": 3, "first_delay_seconds": 5.0, "longest_delay_seconds": 3600.0},
        "attempt": 1,
    },
    "publish.withdraw_requested": _REVISION | {"reason": "cancelled"},
    "publish.retrying": _REVISION
    | {"attempt": 1, "next_attempt_at": "2027-03-28T07:00:05Z", "error": _ERROR, "in_doubt": False},
    "publish.succeeded": _REVISION
    | {
        "platform": "mastodon",
        "platform_post_id": "112233",
        "url": "https://mastodon.example/@shop/112233",
        "published_at": "2027-03-28T07:00:05.120Z",
        "lateness_ms": 5004.2,
        "attempts": 2,
    },
    "publish.failed": _REVISION
    | {"attempts": 3, "error": {"class": "rejected", "code": "422", "message": "Text is too long"}},
    "publish.unknown": _REVISION
    | {"attempts": 1, "error": {"class": "unconfirmed", "code": "timeout", "message": "no answer within 30 s"}},
    "publish.skipped": _REVISION | {"reason": "cancelled", "attempts": 0},
    "publish.held": _REVISION | {"reason": "it is 2 h late, more than its grace of 1 h", "attempts": 0},
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
    "timer.fired": {
        "timer": "retention.purge",
        "tick_at": "2027-03-28T07:00:00Z",
        "fired_at": "2027-03-28T07:00:00.012Z",
        "manual": False,
        "missed": 0,
        "next_at": "2027-03-28T08:00:00Z",
        "cron": "0 * * * *",
        "zone": "UTC",
    },
    "timer.configured": {
        "timer": "retention.purge",
        "configured_at": "2027-03-28T06:12:00Z",
        "cron": "0 * * * *",
        "zone": "UTC",
        "next_at": "2027-03-28T07:00:00Z",
    },
    "job.started": _RUN | {"missed": 0},
    "job.succeeded": _RUN | {"duration_ms": 84.5},
    "job.failed": _RUN | {"duration_ms": 31.0, "error": "the database does not answer"},
    "job.released": _RUN | {"duration_ms": 8000.0},
    "job.skipped": _JOB | {"reason": "its last run is still at work"},
    "alert.raised": {
        "severity": "critical",
        "code": "account_needs_reconnect",
        "message": "team (mastodon) must be connected again: the refresh token was revoked",
        "subject": "team",
        "state": "raised",
    },
    "service.reported": {
        "service": "publisher",
        "instance": "publisher-1",
        "problems": {},
        "outbox_age_seconds": 0.0,
        "queues": ["publisher.requests", "publisher.commands"],
    },
    "retention.purge_requested": {"before": "2027-03-21T07:00:00Z", "keep_succeeded": 1000, "keep_failed": 5000},
    "retention.purged": {"service": "publisher", "rows": 2417},
    "state.told": {
        "service": "publisher",
        "accounts": [
            {
                "account_id": "team",
                "platform": "mastodon",
                "settings": {"server": "https://mastodon.example"},
                "is_connected": True,
                "changed_at": "2027-03-01T12:00:00Z",
            }
        ],
        "facts": [
            {
                "type": "publish.failed",
                "correlation_id": "8c0e2f5c-6d0f-4b8f-9d56-2a4b1c7e9a10",
                "body": _REVISION | {"attempts": 3, "error": _ERROR},
            }
        ],
    },
    "console.rebuild_answered": {"service": "publisher", "told": 2},
    "dead_letter.parked": _LETTER
    | {
        "service": "publisher",
        "message_type": "publish.retry_requested",
        "reason": "post 'spring-sale' on account 'team' is published, not failed or held or skipped",
        "payload": '{"post_id": "spring-sale", "account_id": "team"}',
        "size": 46,
        "replays": 0,
        "post_id": "spring-sale",
        "account_id": "team",
    },
    "dead_letter.replayed": _SETTLED,
    "dead_letter.dropped": _SETTLED,
    "console.acted": {
        "act_id": "5a1e0c1b-9a52-4a0e-8f0e-3d7c2f6a1b20",
        "who": "anna",
        "via": "page",
        "address": "198.51.100.7",
        "act": "cancel_post",
        "objects": [{"kind": "post", "id": "spring-sale"}, {"kind": "account", "id": "team"}],
        "count": 2,
        "outcome": "done",
        "request_id": "8c0e6f52-2b1d-4c7e-9f43-6a1c0d9e7b31",
        "acted_at": "2027-03-28T06:59:30Z",
    },
    "analytics.aggregated": {
        "day": "2027-03-27",
        "accounts": [
            {
                "account_id": "team",
                "platform": "mastodon",
                "published": 41,
                "failed": 1,
                "p50_lateness_ms": 3.1,
                "p99_lateness_ms": 18.7,
            }
        ],
    },
}
"""The body of an example of every event, by its type."""
