"""What the fields and parameters of the HTTP API mean where the contract of the events does not say it."""

from collections.abc import Mapping

from shared.contract.fields import meaning_of

MEANINGS: Mapping[str, str] = {
    "accounts_connected": "How many accounts are connected.",
    "cancelled": "The accounts on which it is cancelled.",
    "connect_error": "Why it could not be connected anew; it goes on as it was.",
    "connected": "Whether posts can be sent to it.",
    "correlation_id": "Every event that follows from the request carries it.",
    "count": "How many posts these figures are about.",
    "credentials": "In clear, sealed at once; or `sealed_credentials`.",
    "cursor": "`next` of the page before.",
    "detail": "What is wrong and the way out, for a person.",
    "field": "The field that is to blame, if one is.",
    "from": "Due at this instant or later.",
    "last_missed": "How many ticks were missed before its last one.",
    "last_was_manual": "Whether a person asked for its last tick.",
    "limit": "How many at most.",
    "next": "The `cursor` of the page that follows, if there is one.",
    "notify_urls": "Apprise URLs in clear, sealed at once; or `sealed_notify`.",
    "order": "`asc` or `desc`, by when posts are due.",
    "p50": "Half of the posts were sent no later than this, in ms.",
    "p99": "Of 100 posts 99 were sent no later than this, in ms.",
    "pending": "Whether the answer has not come (in full) yet.",
    "rejection": "Why it is not watched as it was asked for last; null where it is.",
    "rejections": "The latest requests for it that were not carried out.",
    "seen_at": "When the console learned of it.",
    "services": "The services that have answered.",
    "states": "How many posts are in each state.",
    "status": "The status of the answer.",
    "timers": "Every timer there is.",
    "to": "Due before this instant.",
    "updated_at": "When the console last learned of it.",
    "waiting": "The services that have not answered yet.",
    "AcceptedView.publish_at": "The instant at which it will be sent.",
    "AccountList.accounts": "Every account that is or was connected.",
    "AccountView.error": "Why its token could not be renewed.",
    "BatchSettled.waiting": "What waits for the publisher.",
    "ErrorAnswer.title": "The status in words.",
    "ErrorAnswer.type": "Always `about:blank`: `code` tells what it is.",
    "MentionPage.mentions": "The mentions, the latest first.",
    "PostDetails.accounts": "The post on each of its accounts.",
    "PostPage.posts": "The posts, one entry for each account.",
    "PostView.error": "What went wrong with the last attempt.",
    "PostView.publish_at": "The instant at which it is sent.",
    "PostView.state": "How far it has come: see docs/state-machine.md.",
    "Stats.lateness_ms": "How late the posts of the last hour were.",
    "TimerView.cron": "Its cron expression.",
    "TimerView.name": "The timer's name.",
    "WorkspaceList.workspaces": "Every workspace there is.",
    "WorkspaceView.keywords": "What it looks for.",
    "Watch.keywords": "What to look for.",
    "state": "Only posts in one of these states.",
    "path.name": "The timer, by its name.",
    "query.account_id": "Only on these accounts.",
    "query.post_id": "Only what is about this post.",
    "query.type": "Only these types; `publish.*` means all that begin so.",
    "query.workspace_id": "Only of this workspace.",
}
"""By name, by class and name, or for a parameter by `query` and name."""


def meaning_in_api(owner: str, field: str) -> str:
    """What the field of this class, or the parameter, means."""
    return MEANINGS.get(f"{owner}.{field}") or MEANINGS.get(field) or meaning_of(owner, field)
