"""What anybody may ask for: the spring sale is written, changed and looked after."""

from collections.abc import Mapping
from typing import Any

from shared.contract.examples.posts import POST

REQUESTS: Mapping[str, Mapping[str, Any]] = {
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
    "publish.retry_requested": POST,
    "publish.resolve_requested": POST | {"outcome": "published", "platform_post_id": "112233"},
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
}
