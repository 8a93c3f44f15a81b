"""What the scheduler answers."""

from collections.abc import Mapping
from typing import Any

from shared.contract.examples.posts import POST, REVISION

SCHEDULING: Mapping[str, Mapping[str, Any]] = {
    "schedule.accepted": REVISION
    | {"publish_at": "2027-03-28T07:00:00Z", "changed": True, "warning": "crowded_minute"},
    "schedule.rejected": POST
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
    "schedule.cancelled": REVISION | {"reason": "asked for"},
    "schedule.superseded": REVISION | {"by": 2},
}
