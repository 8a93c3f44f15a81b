"""What the console deletes once it is old: posts that have come to their end, what was asked for and refused."""

from datetime import timedelta
from typing import Literal

from services.console.tables.audit import act_objects, acts
from services.console.tables.browsers import network_sign_ins, sessions, sign_in_links, tokens
from services.console.tables.bulk import bulk_items, bulk_runs
from services.console.tables.core import (
    FINAL,
    connections,
    dead_letters,
    drafts,
    happenings,
    idempotency_keys,
    journal,
    post_words,
    posts,
    rejections,
    settled_letters,
)
from services.console.tables.counts import (
    daily_counts,
    daily_lateness,
    hourly_counts,
    hourly_lateness,
    lateness_by_minute,
)
from services.console.tables.imports import import_batches, import_lines, import_runs
from services.console.tables.rebuilding import rebuilds, tellings, told_parts
from services.console.tables.reports import alerts, job_runs, service_reports
from services.console.tables.workspaces import digests, mentions
from shared.database.purging import Rule

_NOT_WAITED_FOR = f"""NOT EXISTS (
    SELECT 1 FROM posts WHERE posts.post_id = drafts.post_id AND posts.request_id = drafts.request_id AND NOT ({FINAL})
)"""
_FINDS_NOTHING = """NOT EXISTS (
    SELECT 1 FROM posts WHERE posts.post_id = post_words.post_id AND posts.request_id = post_words.request_id
)"""
_IS_OF_NO_POST = """NOT EXISTS (
    SELECT 1 FROM posts WHERE posts.post_id = happenings.post_id AND posts.account_id = happenings.account_id
)"""
_NOT_IN_USE = """NOT EXISTS (
    SELECT 1 FROM accounts
    WHERE accounts.account_id = connections.account_id AND accounts.request_id = connections.request_id
)"""
_IS_SETTLED = """EXISTS (
    SELECT 1 FROM settled_letters
    WHERE settled_letters.service = dead_letters.service AND settled_letters.queue = dead_letters.queue
        AND settled_letters.message_id = dead_letters.message_id AND settled_letters.parked_at >= dead_letters.parked_at
)"""
_THREE_WEEKS = timedelta(days=21)
"""How much longer than others a letter that rests is listed: after that it is better dropped than replayed."""

_LONGEST_SILENCE = timedelta(days=8)
"""For how long an alert may be open without being told again."""

_YEARS = timedelta(days=800)
"""How much longer figures are kept, which are few."""


def _rule_of_posts(state: str, keeps: Literal["succeeded", "failed"] | None = None) -> Rule:
    latest = "CASE WHEN deleted_before > :before THEN deleted_before ELSE :before END"
    counted = f"UPDATE post_counts SET posts = posts - :rows, deleted_before = {latest} WHERE state = '{state}'"
    return Rule(posts, posts.c.updated_at, f"{FINAL} AND state = '{state}'", keeps=keeps, counted=counted)


RULES = (
    _rule_of_posts("published", keeps="succeeded"),
    _rule_of_posts("failed", keeps="failed"),
    _rule_of_posts("skipped"),
    _rule_of_posts("cancelled"),
    Rule(drafts, drafts.c.seen_at, _NOT_WAITED_FOR),
    Rule(post_words, post_words.c.seen_at, _FINDS_NOTHING),
    Rule(rejections, rejections.c.seen_at),
    Rule(happenings, happenings.c.seen_at, _IS_OF_NO_POST),
    Rule(journal, journal.c.seen_at),
    Rule(idempotency_keys, idempotency_keys.c.started_at),
    Rule(mentions, mentions.c.seen_at),
    Rule(digests, digests.c.seen_at, longer=_THREE_WEEKS),
    Rule(connections, connections.c.seen_at, _NOT_IN_USE),
    Rule(dead_letters, dead_letters.c.seen_at, _IS_SETTLED),
    Rule(dead_letters, dead_letters.c.seen_at, longer=_THREE_WEEKS),
    Rule(settled_letters, settled_letters.c.seen_at, longer=_THREE_WEEKS),
    Rule(hourly_counts, hourly_counts.c.hour, longer=_YEARS),
    Rule(daily_counts, daily_counts.c.day, longer=_YEARS),
    Rule(hourly_lateness, hourly_lateness.c.hour, longer=_YEARS),
    Rule(daily_lateness, daily_lateness.c.day, longer=_YEARS),
    Rule(lateness_by_minute, lateness_by_minute.c.minute),
    Rule(bulk_items, bulk_items.c.seen_at),
    Rule(bulk_runs, bulk_runs.c.as_of),
    Rule(import_lines, import_lines.c.seen_at),
    Rule(import_batches, import_batches.c.seen_at),
    Rule(import_runs, import_runs.c.as_of),
    Rule(rebuilds, rebuilds.c.seen_at),
    Rule(tellings, tellings.c.seen_at),
    Rule(told_parts, told_parts.c.seen_at),
    Rule(service_reports, service_reports.c.seen_at),
    Rule(job_runs, job_runs.c.seen_at),
    Rule(alerts, alerts.c.seen_at, "resolved_at IS NOT NULL"),
    Rule(alerts, alerts.c.seen_at, longer=_LONGEST_SILENCE),
    Rule(sessions, sessions.c.expires_at),
    Rule(sign_in_links, sign_in_links.c.expires_at),
    Rule(network_sign_ins, network_sign_ins.c.expires_at),
    Rule(tokens, tokens.c.expires_at),
)
"""Posts that are still to come keep what was asked for, and accounts the settings they were connected with."""


def rules(audit: timedelta) -> tuple[Rule, ...]:
    """All of them; who did what is kept for so much longer than other rows."""
    of_acts = (Rule(table, table.c.acted_at, longer=audit) for table in (acts, act_objects))
    return (*RULES, *of_acts)
