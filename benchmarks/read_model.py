"""A console's database with very many posts and events, filled by the database itself."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.console.app import MIGRATIONS
from shared.database.engine import InstantColumn
from shared.database.migrations import migrate

EVENTS_OF_A_POST = 5
ACCOUNTS = 100
BETWEEN = timedelta(seconds=259)
"""From post to post: ten thousand a month."""
MOST_TOGETHER = 100_000

_DIALECTS: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        "numbers": """(WITH RECURSIVE n(i) AS (SELECT :low UNION ALL SELECT i + 1 FROM n WHERE i < :high)
            SELECT i FROM n)""",
        "at": "strftime('%Y-%m-%dT%H:%M:%S', :first, '+' || (i * 259) || ' seconds') || '.000000+00\\:00'",
        "hour": "substr(due_at, 1, 13) || '\\:00\\:00.000000+00\\:00'",
        "day": "substr(hour, 1, 10) || 'T00\\:00\\:00.000000+00\\:00'",
        "minute": "substr(published_at, 1, 16) || '\\:00.000000+00\\:00'",
    },
    "postgresql": {
        "numbers": "(SELECT i FROM generate_series(CAST(:low AS int), CAST(:high AS int)) AS n(i)) AS n",
        "at": "CAST(:first AS timestamptz) + i * interval '259 seconds'",
        "hour": "date_trunc('hour', due_at)",
        "day": "date_trunc('day', hour, 'UTC')",
        "minute": "date_trunc('minute', published_at)",
    },
}
_STATE = """CASE WHEN i > :past THEN 'scheduled' WHEN i % 20 = 0 THEN 'failed' WHEN i % 1000 = 1 THEN 'held'
    ELSE 'published' END"""
_IS_OUT = "i <= :past AND i % 20 <> 0 AND i % 1000 <> 1"
_FILL = (
    f"""INSERT INTO posts (post_id, account_id, state, revision, attempts, retries, in_doubt, platform, published_at,
        lateness_ms, planned_revision, plan_is_accepted, publish_at, request_id, due_at, updated_at, version)
    SELECT 'p-' || i, 'a-' || (i % {ACCOUNTS}), {_STATE}, 1, 1, 0, false, 'sandbox',
        CASE WHEN {_IS_OUT} THEN {{at}} END, CASE WHEN {_IS_OUT} THEN i % 97 END, 1, true, {{at}}, 'r-' || i, {{at}},
        {{at}}, 1 FROM {{numbers}}""",
    """INSERT INTO drafts (request_id, post_id, position, body, seen_at)
    SELECT 'r-' || i, 'p-' || i, 0, '{{"post_id":"p-' || i || '","content":"spring word' || (i % 5000) || :filler ||
        '","targets":[{{"account_id":"a-' || (i % 100) || '"}}]}}', {at} FROM {numbers}""",
    """INSERT INTO post_words (post_id, request_id, words, seen_at)
    SELECT 'p-' || i, 'r-' || i, 'p ' || i || ' spring word' || (i % 5000) || ' sale', {at} FROM {numbers}""",
)
_FILL_EVENTS = (
    f"""INSERT INTO happenings (message_id, post_id, account_id, type, told, seen_at)
    SELECT 'm-' || i || '-' || k, 'p-' || i, 'a-' || (i % {ACCOUNTS}), 'publish.succeeded', :told, {{at}}
    FROM {{numbers}} CROSS JOIN {{each}}""",
    """INSERT INTO journal (message_id, type, correlation_id, data, seen_at)
    SELECT 'm-' || i || '-' || k, 'publish.succeeded', 'r-' || i, :told, {at} FROM {numbers} CROSS JOIN {each}""",
)
_EACH = "(" + " UNION ALL ".join(f"SELECT {k} AS k" for k in range(EVENTS_OF_A_POST)) + ") AS each_event"
_COUNT = (
    "INSERT INTO post_counts (state, posts) SELECT state, count(*) FROM posts GROUP BY state",
    """INSERT INTO hourly_counts (hour, account_id, state, posts)
    SELECT {hour}, account_id, state, count(*) FROM posts GROUP BY 1, 2, 3""",
    """INSERT INTO hourly_lateness (hour, account_id, step, posts)
    SELECT {hour}, account_id, CAST(lateness_ms AS int) % 60, count(*) FROM posts
    WHERE lateness_ms IS NOT NULL GROUP BY 1, 2, 3""",
    *(
        f"""INSERT INTO {to} ({begins}, account_id, {what}, posts)
        SELECT {when}, {account}, {what}, sum(posts) FROM hourly_{name} GROUP BY 1, 2, 3"""
        for name, what in (("counts", "state"), ("lateness", "step"))
        for to, begins, when, account in (
            (f"hourly_{name}", "hour", "hour", "''"),
            (f"daily_{name}", "day", "{day}", "account_id"),
        )
    ),
    """INSERT INTO lateness_by_minute (minute, step, posts)
    SELECT {minute}, CAST(lateness_ms AS int) % 60, count(*) FROM posts WHERE published_at IS NOT NULL GROUP BY 1, 2""",
    """INSERT INTO accounts (account_id, changed_at, is_connected, platform, updated_at, version)
    SELECT account_id, max(due_at), true, 'sandbox', max(due_at), 1 FROM posts GROUP BY account_id""",
)
_TOLD = '{"revision":1,"attempts":1,"url":"https://example.org/1","lateness_ms":1.5}'


async def fill(url: str, posts: int, now: datetime) -> None:
    """Nine posts of ten in the past, five events each; then the counters, as they would have been kept up."""
    await migrate(url, MIGRATIONS)
    engine = create_async_engine(url)
    names = _DIALECTS[engine.dialect.name]
    past = posts * 9 // 10
    values = {"first": now - past * BETWEEN, "past": past, "filler": " sale" * 75, "told": _TOLD}
    for low in range(1, posts + 1, MOST_TOGETHER):
        part = values | {"low": low, "high": min(low + MOST_TOGETHER - 1, posts)}
        for statement in (*_FILL, *_FILL_EVENTS):
            async with engine.begin() as connection:
                await connection.execute(*_bound(statement, names, part))
    for statement in _COUNT:
        async with engine.begin() as connection:
            await connection.execute(text(statement.format(**names)))
    if engine.dialect.name == "postgresql":  # as autovacuum does there
        async with engine.connect() as connection:
            ready = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await ready.execute(text("VACUUM ANALYZE"))
    await engine.dispose()


def _bound(statement: str, names: Mapping[str, str], values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The statement for this database, with those of the values that it has."""
    told = statement.format(**names, each=_EACH) if "{each}" in statement else statement.format(**names)
    used = {name: value for name, value in values.items() if f":{name}" in told}
    prepared = text(told)
    return prepared.bindparams(bindparam("first", type_=InstantColumn())), used
