"""Posts are found by the beginnings of words in what they say now, and by ids."""

from collections.abc import AsyncIterator

import pytest
from pydantic import JsonValue
from sqlalchemy import text

from services.console import retention
from services.console.app import MIGRATIONS
from services.console.read_model import searching
from services.console.read_model.listing import Filter
from services.console.read_model.searching import Search
from services.console.tables.core import post_words
from shared.database.engine import Database
from shared.database.migrations import migrate
from shared.events.requests import ScheduleBatchRequested, ScheduleRequested, Target
from tests.integration.console.conftest import ReadModel
from tests.integration.console.test_read_model import NOON, accepted, learn, named, succeeded
from tests.support.migrated import as_before


@pytest.fixture
async def search(read_model: ReadModel, database_url: str) -> AsyncIterator[Search]:
    database = Database(database_url)
    yield Search(database)
    await database.close()


async def scheduled(
    model: ReadModel, post_id: str, content: str, *, revision: int = 1, instead: str | None = None
) -> None:
    asked = ScheduleRequested(post_id=post_id, content=content, targets=(Target(account_id="a", content=instead),))
    await learn(model, asked, accepted(post_id, revision=revision).model_copy(update={"request_id": named(asked)}))


async def found(search: Search, looked_for: str, wanted: Filter | None = None) -> list[str]:
    return [one.post.post_id for one in await search.find(looked_for, wanted or Filter(is_ascending=True))]


async def test_posts_are_found_by_the_beginnings_of_their_words(read_model: ReadModel, search: Search) -> None:
    await scheduled(read_model, "one", "The spring sale begins in Köln")
    await scheduled(read_model, "two", "Winter sale")
    await scheduled(read_model, "article-4711", "Something else", instead="A café opens")

    assert await found(search, "SALE") == ["one", "two"]
    assert await found(search, "sal spri") == ["one"]
    assert await found(search, "koln") == ["one"]
    assert await found(search, "4711") == await found(search, "Cafe") == ["article-4711"]
    assert await found(search, "autumn") == await found(search, "!?") == []
    assert await found(search, "'x' | :* \" AND") == []


async def test_a_post_is_found_by_what_it_says_now(read_model: ReadModel, search: Search) -> None:
    await scheduled(read_model, "p", "Monday news")
    await scheduled(read_model, "p", "Tuesday news", revision=2)

    assert await found(search, "monday") == []
    assert await found(search, "tuesday") == ["p"]


async def test_a_request_that_was_refused_is_not_found(read_model: ReadModel, search: Search) -> None:
    refused = ScheduleRequested(post_id="p", content="Never taken", targets=(Target(account_id="a"),))
    await learn(read_model, refused)

    assert await found(search, "taken") == []


async def test_posts_of_a_batch_are_found(read_model: ReadModel, search: Search) -> None:
    posts: list[JsonValue] = [
        {"post_id": f"b-{n}", "content": f"number {n}", "targets": [{"account_id": "a"}]} for n in ("one", "two")
    ]
    batch = ScheduleBatchRequested(batch_id="b", posts=tuple(posts))
    await learn(read_model, batch)
    for post_id in ("b-one", "b-two"):
        await learn(read_model, accepted(post_id).model_copy(update={"request_id": named(batch)}))

    assert await found(search, "number") == ["b-one", "b-two"]
    assert await found(search, "number two") == ["b-two"]


async def test_the_filter_and_the_bound_hold_while_searching(read_model: ReadModel, search: Search) -> None:
    for number in range(5):
        await scheduled(read_model, f"p-{number}", "news")
    await learn(read_model, succeeded("p-2"))

    assert await found(search, "news", Filter(states=["published"])) == ["p-2"]
    assert await found(search, "news", Filter(account_ids=["b"])) == []
    assert await found(search, "news", Filter(due_from=NOON, due_to=NOON)) == []
    assert len(await found(search, "news", Filter(due_from=NOON))) == 5
    latest = [one.post.post_id for one in await search.find("news", Filter(is_ascending=True), limit=2)]
    assert latest == ["p-3", "p-4"]


async def test_what_is_rare_among_the_latest_is_found_among_all(
    read_model: ReadModel, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LATEST", 3)
    for number in range(2):
        await scheduled(read_model, f"old-{number}", "spring tide")
    for number in range(4):
        await scheduled(read_model, f"p-{number}", "sprinkler")
    await scheduled(read_model, "new", "spring sale")

    assert await found(search, "spring") == ["new", "old-0", "old-1"]
    assert await found(search, "sprin") == ["new", "old-0", "old-1", "p-0", "p-1", "p-2", "p-3"]
    assert await found(search, "spring tid") == ["old-0", "old-1"]
    assert await found(search, "p") == ["p-0", "p-1", "p-2", "p-3"]
    assert [one.post.post_id for one in await search.find("sprink", Filter(is_ascending=True), limit=2)] == [
        "p-2",
        "p-3",
    ]


async def test_an_upgrade_finds_what_was_scheduled_before(read_model: ReadModel, database_url: str) -> None:
    await scheduled(read_model, "old", "From before")
    database = Database(database_url)
    await as_before(database_url, MIGRATIONS, "0017")

    await migrate(database_url, MIGRATIONS)

    assert await found(Search(database), "before") == ["old"]
    await database.close()


async def test_an_upgrade_finds_every_post_of_more_than_one_part(read_model: ReadModel, database_url: str) -> None:
    """Posts of one batch were asked for at one instant: the next part begins among them."""
    for batch_id, numbers in (("first", range(400)), ("second", range(400, 800))):
        posts: list[JsonValue] = [
            {"post_id": f"p-{n}", "content": f"number {n}", "targets": [{"account_id": "a"}]} for n in numbers
        ]
        batch = ScheduleBatchRequested(batch_id=batch_id, posts=tuple(posts))
        answers = (accepted(f"p-{n}").model_copy(update={"request_id": named(batch)}) for n in numbers)
        await learn(read_model, batch, *answers)
    database = Database(database_url)
    await as_before(database_url, MIGRATIONS, "0017")

    await migrate(database_url, MIGRATIONS)

    looked_for = ("399", "400", "499", "500", "501", "799")
    assert [await found(Search(database), f"number {one}") for one in looked_for] == [
        [f"p-{one}"] for one in looked_for
    ]
    await database.close()


async def test_words_of_no_post_are_deleted_and_found_no_more(read_model: ReadModel, database_url: str) -> None:
    await scheduled(read_model, "p", "To be deleted")
    database = Database(database_url)
    async with database.transaction() as connection:
        await connection.execute(text("DELETE FROM posts"))
        await connection.execute(post_words.delete())
    await scheduled(read_model, "p", "Another text")

    assert any(rule.table is post_words for rule in retention.RULES)
    assert await found(Search(database), "deleted") == []
    assert await found(Search(database), "another") == ["p"]
    await database.close()
