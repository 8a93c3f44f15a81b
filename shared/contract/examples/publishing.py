"""What becomes of the post on its network."""

from collections.abc import Mapping
from typing import Any

from shared.contract.examples.posts import REVISION

_ERROR = {"class": "transient", "code": "503", "message": "the network answered 503: try later"}

PUBLISHING: Mapping[str, Mapping[str, Any]] = {
    "publish.requested": REVISION
    | {
        "publish_at": "2027-03-28T07:00:00Z",
        "content": "It begins.",
        "media": [{"url": "https://cdn.example/sale.jpg", "alt": "A shop window full of tulips"}],
        "options": {"visibility": "public"},
        "late_policy": {"mode": "publish", "grace_seconds": 3600.0},
        "retry": {"attempts": 3, "first_delay_seconds": 5.0, "longest_delay_seconds": 3600.0},
        "attempt": 1,
    },
    "publish.withdraw_requested": REVISION | {"reason": "cancelled"},
    "publish.retrying": REVISION
    | {"attempt": 1, "next_attempt_at": "2027-03-28T07:00:05Z", "error": _ERROR, "in_doubt": False},
    "publish.succeeded": REVISION
    | {
        "platform": "mastodon",
        "platform_post_id": "112233",
        "url": "https://mastodon.example/@shop/112233",
        "published_at": "2027-03-28T07:00:05.120Z",
        "lateness_ms": 5004.2,
        "attempts": 2,
    },
    "publish.failed": REVISION
    | {"attempts": 3, "error": {"class": "rejected", "code": "422", "message": "Text is too long"}},
    "publish.unknown": REVISION
    | {"attempts": 1, "error": {"class": "unconfirmed", "code": "timeout", "message": "no answer within 30 s"}},
    "publish.skipped": REVISION | {"reason": "cancelled", "attempts": 0},
    "publish.held": REVISION
    | {
        "reason": (
            "later than its grace of 1:00:00 allows: found 2:00:00 after it was due; "
            "retry the post to publish it all the same"
        ),
        "attempts": 0,
    },
}
