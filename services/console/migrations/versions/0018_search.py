"""The words by which posts are found."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0018"
down_revision = "0017"

MOST_ROWS = 500
MOST_WORDS = 5_000
LONGEST_WORD = 60
_WORD = re.compile(r"[^\W_]+")
_WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Letters of scripts that put no spaces between words: each counts as one."""
_SQLITE = (
    "CREATE VIRTUAL TABLE post_search USING fts5(words, content='post_words', content_rowid='id', prefix='2 3')",
    """CREATE TRIGGER post_words_added AFTER INSERT ON post_words BEGIN
        INSERT INTO post_search(rowid, words) VALUES (new.id, new.words);
    END""",
    """CREATE TRIGGER post_words_deleted AFTER DELETE ON post_words BEGIN
        INSERT INTO post_search(post_search, rowid, words) VALUES ('delete', old.id, old.words);
    END""",
)
_POSTGRESQL = (
    """ALTER TABLE post_words ADD COLUMN vector tsvector
        GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED""",
    "CREATE INDEX post_words_by_word ON post_words USING gin (vector)",
)


def upgrade() -> None:
    op.create_table(
        "post_words",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("request_id", sa.String(length=200), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("post_id", "request_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_post_words_seen_at"), "post_words", ["seen_at"], unique=False)
    connection = op.get_bind()
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
    _read_drafts(connection)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE post_search")
    op.drop_table("post_words")


def _read_drafts(connection: sa.Connection) -> None:
    insert = sa.text(
        "INSERT INTO post_words (post_id, request_id, words, seen_at) VALUES (:post_id, :request_id, :words, :seen_at) "
        "ON CONFLICT DO NOTHING"
    ).bindparams(sa.bindparam("seen_at", type_=InstantColumn()))
    for part in _every_draft(connection):
        connection.execute(insert, [_row_of(draft) for draft in part])


def _every_draft(connection: sa.Connection) -> Iterator[Sequence[sa.RowMapping]]:
    """Part by part, the oldest first: all of them may be more than there is memory."""
    key: tuple[sa.ColumnClause[Any], ...] = (
        sa.column("seen_at", InstantColumn()),
        sa.column("request_id", sa.String()),
        sa.column("post_id", sa.String()),
        sa.column("position", sa.Integer()),
    )
    in_order = sa.select(*key, sa.column("body")).select_from(sa.table("drafts")).order_by(*key).limit(MOST_ROWS)
    after: tuple[Any, ...] = (datetime(1, 1, 1, tzinfo=UTC), "", "", 0)
    while True:
        place = sa.tuple_(*(sa.literal(value, column.type) for value, column in zip(after, key, strict=True)))
        part = connection.execute(in_order.where(sa.tuple_(*key) > place)).mappings().all()
        if not part:
            return
        yield part
        after = tuple(part[-1][column.name] for column in key)


def _row_of(draft: sa.RowMapping) -> dict[str, Any]:
    words = _words_in(" ".join([draft["post_id"], *_said(json.loads(draft["body"]))]))
    return {"words": " ".join(words)} | {name: draft[name] for name in ("post_id", "request_id", "seen_at")}


def _said(body: Mapping[str, Any]) -> Iterator[str]:
    targets = body.get("targets")
    for part in (body, *(targets if isinstance(targets, list) else ())):
        if isinstance(part, Mapping):
            yield from (said for name in ("account_id", "content") if isinstance(said := part.get(name), str))


def _words_in(said: str) -> list[str]:
    """Its words, each once, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", said.casefold())
    plain = "".join(one for one in decomposed if not unicodedata.combining(one))
    spaced = _WITHOUT_SPACES.sub(lambda found: f" {found.group()} ", plain)
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in _WORD.findall(spaced)))[:MOST_WORDS]
