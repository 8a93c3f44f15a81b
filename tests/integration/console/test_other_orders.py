"""A PostgreSQL that puts texts in the order of a language, as an image of it does unless told otherwise."""

from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.postgres_node import PostgresNode
from services.console.cursor import Cursor
from services.console.domain.posts import Plan, Post, Standing
from services.console.read_model import listing
from services.console.read_model.listing import Filter
from services.console.read_model.queries import Queries
from services.console.read_model.rows import row_of_post
from services.console.tables.core import metadata, posts
from shared.database import bulk
from shared.database.engine import Database
from shared.events.progress import Progress, State
from tests.integration.console.consoles import NOW

NAMES = ("Ada", "_ada", "ada", "BOB", "bob", "é", "e", "F", "Zoë", "zoë", "9", "-9")
STATES = (State.SCHEDULED, State.RETRYING)


@pytest.fixture
async def database(postgres_node: PostgresNode) -> AsyncIterator[Database]:
    """A database whose texts are in the order of English, where `ada` stands before `BOB`."""
    name = f"english_{uuid4().hex}"
    await _run(postgres_node, f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
    database = Database(postgres_node.address(name))
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()
    await _run(postgres_node, f"DROP DATABASE {name} WITH (FORCE)")


async def _run(node: PostgresNode, statement: str) -> None:
    engine = create_async_engine(node.address("postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def learn(database: Database) -> None:
    """Posts in two states that are all due at once."""
    plan = Plan(1, True, NOW, "r")
    rows = [
        row_of_post(Post(name, account, Standing(Progress(STATES[number % 2], 1, 1)), plan), NOW, 1)
        for number, name in enumerate(NAMES)
        for account in ("a", "B")
    ]
    async with database.transaction() as connection:
        await connection.execute(bulk.insert(posts, list(posts.columns), database.dialect), bulk.encode(rows))


async def seen(database: Database, wanted: Filter) -> Sequence[tuple[str, str]]:
    """The posts of all pages."""
    shown: list[tuple[str, str]] = []
    cursor = None
    while page := await Queries(database).list_posts(wanted, cursor, 5):
        shown += [(one.post.post_id, one.post.account_id) for one in page]
        cursor = Cursor.read(str(page[-1].cursor))
    return shown


@pytest.mark.parametrize("is_ascending", [True, False])
@pytest.mark.parametrize("most_parts", [listing.MOST_PARTS, 1])
async def test_pages_of_several_states_show_every_post_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, most_parts: int, is_ascending: bool
) -> None:
    monkeypatch.setattr(listing, "MOST_PARTS", most_parts)
    await learn(database)

    shown = await seen(database, Filter(STATES, is_ascending=is_ascending))

    assert len(shown) == len(set(shown)) == len(NAMES) * 2
