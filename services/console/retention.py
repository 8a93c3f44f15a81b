"""What the console deletes once it is old: posts that have come to their end, what was asked for and refused."""

from services.console.tables import FINAL, connections, drafts, idempotency_keys, mentions, posts, rejections
from shared.database.purging import Rule

_BY_AGE = posts.c.updated_at
_NOT_WAITED_FOR = f"""NOT EXISTS (
    SELECT 1 FROM posts WHERE posts.post_id = drafts.post_id AND posts.request_id = drafts.request_id AND NOT ({FINAL})
)"""
_NOT_IN_USE = """NOT EXISTS (
    SELECT 1 FROM accounts
    WHERE accounts.account_id = connections.account_id AND accounts.request_id = connections.request_id
)"""

RULES = (
    Rule(posts, _BY_AGE, f"{FINAL} AND state = 'published'", keeps="succeeded"),
    Rule(posts, _BY_AGE, f"{FINAL} AND state = 'failed'", keeps="failed"),
    Rule(posts, _BY_AGE, f"{FINAL} AND state = 'skipped'"),
    Rule(posts, _BY_AGE, f"{FINAL} AND state = 'cancelled'"),
    Rule(drafts, drafts.c.seen_at, _NOT_WAITED_FOR),
    Rule(rejections, rejections.c.seen_at),
    Rule(idempotency_keys, idempotency_keys.c.started_at),
    Rule(mentions, mentions.c.seen_at),
    Rule(connections, connections.c.seen_at, _NOT_IN_USE),
)
"""Posts that are still to come keep what was asked for, and accounts the settings they were connected with."""
