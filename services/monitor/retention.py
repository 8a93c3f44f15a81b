"""What the monitor deletes once it is old: mentions that no digest waits for, and what was delivered of them."""

from datetime import timedelta

from services.monitor.tables import deliveries, inbox, mentions
from shared.database.purging import Rule, inbox_rule

_NO_DIGEST_WAITS = """(day IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM workspaces
    WHERE workspaces.workspace_id = mentions.workspace_id AND workspaces.enabled AND workspaces.digest IS NOT NULL
))"""

RULES = (
    Rule(mentions, mentions.c.found_at, _NO_DIGEST_WAITS),
    Rule(deliveries, deliveries.c.updated_at, "state IN ('sent', 'failed')", longer=timedelta(days=21)),
    inbox_rule(inbox),
)
