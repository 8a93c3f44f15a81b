"""One example for each fact that the monitor tells: somebody watches for what is sold in the spring sale."""

from collections.abc import Mapping
from typing import Any

_DECIDED: dict[str, Any] = {
    "workspace_id": "shop",
    "configured_at": "2027-03-28T06:58:10Z",
    "decided_at": "2027-03-28T06:58:11Z",
}

MONITOR: Mapping[str, Mapping[str, Any]] = {
    "keywords.tried": {
        "subreddits": ["gardening"],
        "items": 200,
        "found": 1,
        "matches": [
            {
                "subreddit": "gardening",
                "item_id": "t3_1abcd0",
                "kind": "post",
                "title": "Tulip bulbs in spring?",
                "excerpt": "Is it too late to plant them?",
                "url": "https://www.reddit.com/r/gardening/comments/1abcd0/",
                "author": "a_gardener",
                "keywords": ["tulip bulbs"],
                "created_at": "2027-03-27T18:20:00Z",
            }
        ],
        "problems": [],
    },
    "mention.found": {
        "workspace_id": "shop",
        "subreddit": "gardening",
        "item_id": "t3_1abcde",
        "kind": "post",
        "title": "Where do you buy tulip bulbs?",
        "url": "https://www.reddit.com/r/gardening/comments/1abcde/",
        "author": "a_gardener",
        "keywords": ["tulip bulbs"],
        "created_at": "2027-03-28T06:58:11Z",
    },
    "workspace.accepted": _DECIDED,
    "workspace.rejected": _DECIDED
    | {"reason": "keywords: '(tulip' is no regular expression of RE2 (missing closing ))"},
    "workspace.removed": {
        "workspace_id": "shop",
        "removed_at": "2027-04-30T16:00:00Z",
        "decided_at": "2027-04-30T16:00:01Z",
    },
    "monitor.completed": {"checked": 4, "failed": [], "found": 1, "duration_ms": 912.0, "items": 75, "problems": []},
    "digest.sent": {"workspace_id": "shop", "day": "2027-03-27", "mentions": 7},
}
