"""The words by which posts are found."""

import json

import sqlalchemy as sa
from alembic import op

from services.console.read_model.words import row_of_words
from shared.database.engine import InstantColumn

revision = "0018"
down_revision = "0017"

MOST_ROWS = 500
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
    drafts = sa.table(
        "drafts",
        sa.column("request_id"),
        sa.column("post_id"),
        sa.column("body"),
        sa.column("seen_at", InstantColumn()),
    )
    insert = sa.text(
        "INSERT INTO post_words (post_id, request_id, words, seen_at) VALUES (:post_id, :request_id, :words, :seen_at) "
        "ON CONFLICT DO NOTHING"
    ).bindparams(sa.bindparam("seen_at", type_=InstantColumn()))
    in_order = sa.select(drafts).order_by(drafts.c.seen_at)
    for part in connection.execute(in_order).mappings().partitions(MOST_ROWS):
        connection.execute(
            insert,
            [row_of_words(one["request_id"], one["post_id"], json.loads(one["body"]), one["seen_at"]) for one in part],
        )
