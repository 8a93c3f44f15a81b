"""Timers and jobs, dead letters, alerts and figures."""

from collections.abc import Mapping
from typing import Any

from shared.contract.examples.posts import REVISION

_ERROR = {"class": "transient", "code": "503", "message": "the network answered 503: try later"}
_JOB = {"job": "retention.purge", "service": "maintenance", "tick_at": "2027-03-28T07:00:00Z", "manual": False}
_TELLING = "5d0c7a3e-6b1f-4f8e-9a11-2f6f0d9b7e10"
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

UPKEEP: Mapping[str, Mapping[str, Any]] = {
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
        "since": "2027-03-28T06:58:00Z",
    },
    "service.reported": {
        "service": "publisher",
        "instance": "publisher-1",
        "up_seconds": 3600.0,
        "problems": {},
        "outbox_age_seconds": 0.0,
        "queues": ["publisher.requests", "publisher.commands"],
    },
    "retention.purge_requested": {"before": "2027-03-21T07:00:00Z", "keep_succeeded": 1000, "keep_failed": 5000},
    "retention.purged": {"service": "publisher", "rows": 2417},
    "state.told": {
        "service": "publisher",
        "telling_id": _TELLING,
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
                "body": REVISION | {"attempts": 3, "error": _ERROR},
            }
        ],
    },
    "console.rebuild_answered": {"service": "publisher", "told": 2, "telling_id": _TELLING, "parts": 1},
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
