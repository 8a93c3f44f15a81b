"""What the monitor deletes once it is old: mentions that no digest waits for, and what became of notifications.

Those that may have arrived, or whose dead letter was dropped, go as well: after four weeks nobody sends them again.
"""

from datetime import timedelta

from services.monitor.tables import deliveries, inbox, mentions, workspace_requests
from shared.database.purging import Rule, inbox_rule

_NO_DIGEST_WAITS = """CASE WHEN day IS NOT NULL THEN day < substr(CAST(:before AS text), 1, 10) ELSE NOT EXISTS (
    SELECT 1 FROM workspaces
    WHERE workspaces.workspace_id = mentions.workspace_id AND workspaces.enabled AND workspaces.digest IS NOT NULL
) END"""
"""A digest that comes after a week's pause has old mentions, and is still being sent when the purge comes."""

_IS_REMOVED = """NOT EXISTS (
    SELECT 1 FROM workspaces WHERE workspaces.workspace_id = workspace_requests.workspace_id
)"""

RULES = (
    Rule(mentions, mentions.c.found_at, _NO_DIGEST_WAITS),
    Rule(deliveries, deliveries.c.updated_at, longer=timedelta(days=21)),
    Rule(workspace_requests, workspace_requests.c.decided_at, _IS_REMOVED, longer=timedelta(days=21)),
    inbox_rule(inbox),
)
