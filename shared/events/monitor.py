"""Facts that the monitor emits."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from shared.events.base import Count, Duration, Event, Id, Instant, Name, Text, Value, WebUrl
from shared.events.patterns import DAY

Day = Annotated[str, StringConstraints(pattern=DAY)]


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


class WorkspaceAccepted(Event, type="workspace.accepted"):
    """The workspace is watched as it was asked for; `configured_at` is that of the request."""

    workspace_id: Id
    configured_at: Instant | None = None
    decided_at: Instant | None = None


class WorkspaceRejected(Event, type="workspace.rejected"):
    """The workspace cannot be watched as it was asked for; one that is there goes on as it was."""

    workspace_id: Id
    reason: str
    configured_at: Instant | None = None
    decided_at: Instant | None = None


class WorkspaceRemoved(Event, type="workspace.removed"):
    """There is no such workspace any more; what was configured after `removed_at` is another one."""

    workspace_id: Id
    removed_at: Instant
    decided_at: Instant


class WorkspaceFailure(Value):
    workspace_id: Id
    error: str


class SubredditProblem(Value):
    """What could not be read of a subreddit."""

    subreddit: Name
    error: str


class MonitorCompleted(Event, type="monitor.completed"):
    """`checked` counts workspaces, `items` what was read; `problems` says of subreddits what `failed` says of those
    who follow them."""

    checked: Count
    failed: tuple[WorkspaceFailure, ...]
    found: Count
    duration_ms: Duration
    items: Count | None = None
    problems: tuple[SubredditProblem, ...] = ()


class DigestSent(Event, type="digest.sent"):
    workspace_id: Id
    day: Day
    mentions: Count


class NotificationRequested(Event, type="notification.requested"):
    """The monitor's order to itself: tell one target of one mention or digest, which its own rows know."""

    delivery_id: Id
