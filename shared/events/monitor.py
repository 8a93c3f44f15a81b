"""Facts that the monitor emits."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from shared.events.base import Count, Event, Id, Instant, Text, Value, WebUrl

Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]


class MentionFound(Event, type="mention.found"):
    workspace_id: Id
    subreddit: str
    item_id: Id
    kind: Literal["post", "comment"]
    title: Text
    url: WebUrl
    author: str
    keywords: tuple[str, ...]
    created_at: Instant


class WorkspaceFailure(Value):
    workspace_id: Id
    error: str


class MonitorCompleted(Event, type="monitor.completed"):
    checked: Count
    failed: tuple[WorkspaceFailure, ...]
    found: Count
    duration_ms: float


class DigestSent(Event, type="digest.sent"):
    workspace_id: Id
    day: Day
    mentions: Count
