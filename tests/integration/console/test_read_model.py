"""The read model on a real database: merged, paged, and the same for every replica."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest
from pydantic import JsonValue
from sqlalchemy import delete, text

from services.console.api.views import AccountView
from services.console.app import MIGRATIONS
from services.console.cursor import Cursor
from services.console.domain.post_facts import posts_in
from services.console.domain.posts import merged
from services.console.reactions import reactions_of
from services.console.read_model.listing import Filter
from services.console.read_model.merging import MergedTable
from services.console.read_model.queries import Queries
from services.console.read_model.rows import post_in, row_of_post
from services.console.tables.core import posts
from shared.database.engine import Database
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.progress import State
from shared.events.publisher import (
    AccountConnected,
    AccountConnectFailed,
    AccountDisconnected,
    PublishFailed,
    PublishRetrying,
    PublishSucceeded,
)
from shared.events.requests import AccountConnectRequested, ScheduleBatchRequested, ScheduleRequested, Target
from shared.events.scheduler import (
    AcceptedPost,
    PublishRequested,
    RejectedPost,
    ScheduleAccepted,
    ScheduleBatchSettled,
    ScheduleRejected,
)
from shared.messaging.envelope import Delivery
from tests.integration.console.conftest import ReadModel, a_read_model
from tests.support.migrated import migrated
from tests.support.waiting import eventually

NOON = datetime(2027, 3, 28, 12, tzinfo=UTC)
ERROR = ErrorDetail(kind="transient", code="503", message="out of order")


async def learn(model: ReadModel, *events: Event, request: str = "request") -> None:
    """Project the events as if they arrived at the same time."""
    reactions = reactions_of(model.projector)
    deliveries = [delivery_of(event, request) for event in events]
    await asyncio.gather(*(reactions[type(delivery.event)](delivery) for delivery in deliveries))


def delivery_of(event: Event, correlation_id: str) -> Delivery[Event]:
    """The event as it arrives, under the same id whenever it does."""
    return Delivery(event, str(uuid5(NAMESPACE_OID, event.model_dump_json())), correlation_id, body=event.body())


def accepted(post_id: str, account_id: str = "a", *, at: datetime = NOON, revision: int = 1) -> ScheduleAccepted:
    return ScheduleAccepted(post_id=post_id, account_id=account_id, revision=revision, publish_at=at, changed=True)


def succeeded(
    post_id: str, account_id: str = "a", *, lateness_ms: float = 1.5, at: datetime = NOON
) -> PublishSucceeded:
    return PublishSucceeded(
        post_id=post_id,
        account_id=account_id,
        revision=1,
        platform="sandbox",
        platform_post_id="1",
        url="https://sandbox.example/1",
        published_at=at,
        lateness_ms=lateness_ms,
        attempts=2,
    )


def life_of(post_id: str) -> list[Event]:
    """All that is said of a post that goes out at the second attempt."""
    named: dict[str, Any] = {"post_id": post_id, "account_id": "a", "revision": 1}
    return [
        accepted(post_id),
        PublishRequested(**named, publish_at=NOON, content=f"this is {post_id}"),
        PublishRetrying(**named, attempt=1, next_attempt_at=NOON + timedelta(seconds=5), error=ERROR),
        succeeded(post_id),
    ]


async def test_facts_in_any_order_and_twice_end_in_the_same_row(read_model: ReadModel) -> None:
    events = [event for number in range(20) for event in life_of(f"p-{number}")] * 2
    random.Random(7).shuffle(events)

    for event in events:
        await learn(read_model, event)

    page = await read_model.queries.list_posts(Filter(), None, 100)
    assert len(page) == 20
    assert {listed.post.state for listed in page} == {State.PUBLISHED}
    assert {listed.post.standing.lateness_ms for listed in page} == {1.5}
    fields = (await read_model.queries.drafts(())).fields_of(page[0].post)
    assert fields and fields["content"] == f"this is {page[0].post.post_id}"


async def test_replicas_that_learn_of_the_same_posts_at_once_lose_nothing(postgres_url: str) -> None:
    await migrated(postgres_url, MIGRATIONS)
    names = [f"p-{number}" for number in range(60)]
    async with a_read_model(postgres_url) as one, a_read_model(postgres_url) as other:
        for round_ in range(4):
            shuffled = [life_of(post_id)[(round_ + shift) % 4] for shift in (0, 2) for post_id in names]
            await asyncio.gather(learn(one, *shuffled[:60]), learn(other, *shuffled[60:]))

        page = await one.queries.list_posts(Filter(), None, 100)

    assert len(page) == 60
    assert all(listed.post.state is State.PUBLISHED for listed in page)
    assert all(listed.post.plan and listed.post.plan.is_accepted and listed.post.content for listed in page)


async def test_a_replica_that_was_overtaken_in_the_middle_merges_again(postgres_url: str) -> None:
    await migrated(postgres_url, MIGRATIONS)
    requested, published = posts_in(life_of("p")[1], "request")[0], posts_in(succeeded("p"), "request")[0]
    table = MergedTable(posts, "postgresql", merge=merged, read=post_in, write=row_of_post)

    async def second(database: Database) -> None:
        async with database.transaction() as connection:
            await table.learn(connection, [requested], NOON)

    async with a_database(postgres_url) as one, a_database(postgres_url) as other:
        async with one.transaction() as connection:
            await table.learn(connection, [published], NOON)
            overtaken = asyncio.create_task(second(other))
            await eventually(lambda: _somebody_waits_for_a_lock(one), what="the second waits for the row")
        await overtaken
        (listed,) = await Queries(one).post("p")

    assert (listed.post.state, listed.post.content) == (State.PUBLISHED, requested.content)


@asynccontextmanager
async def a_database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


async def _somebody_waits_for_a_lock(database: Database) -> bool:
    """Asked outside the transaction, which would see the same statistics for ever."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    async with database.reading() as connection:
        return bool((await connection.execute(waiting)).scalar())


async def test_pages_show_every_post_once_in_order(read_model: ReadModel) -> None:
    times = [
        NOON + timedelta(minutes=number // 3) for number in range(10)
    ]  # three at a time: the cursor must tell them apart
    await learn(read_model, *(accepted(f"p-{number}", at=at) for number, at in enumerate(times)))

    for is_ascending in (True, False):
        seen, cursor = [], None
        while page := await read_model.queries.list_posts(Filter(is_ascending=is_ascending), cursor, 4):
            seen += page
            cursor = Cursor.read(str(page[-1].cursor))
        keys = [(listed.due_at, listed.post.post_id) for listed in seen]
        assert keys == sorted(keys, reverse=not is_ascending)
        assert len(set(keys)) == 10


@pytest.mark.parametrize("is_ascending", [True, False])
async def test_what_comes_and_goes_between_pages_hides_and_doubles_no_other(
    read_model: ReadModel, database_url: str, *, is_ascending: bool
) -> None:
    await learn(read_model, *(accepted(f"p-{number}", at=NOON + timedelta(minutes=number)) for number in range(10)))
    wanted = Filter(["scheduled", "retrying"], is_ascending=is_ascending)

    seen, cursor, pages = [], None, 0
    while page := await read_model.queries.list_posts(wanted, cursor, 2):
        seen += [one.post.post_id for one in page]
        cursor, pages = page[-1].cursor, pages + 1
        if pages == 2:
            new = [accepted(f"new-{number}", at=NOON + timedelta(minutes=number, seconds=30)) for number in range(10)]
            await learn(read_model, *new)
            gone = delete(posts).where(posts.c.post_id.in_([seen[0], seen[-1], "p-5"]))
            async with a_database(database_url) as database:
                await database.write(gone)

    others = [name for name in seen if not name.startswith("new")]
    assert sorted(others) == [f"p-{number}" for number in range(10) if number != 5]


async def test_a_list_is_narrowed_by_state_account_and_time(read_model: ReadModel) -> None:
    later = NOON + timedelta(hours=1)
    failed = PublishFailed(post_id="p-2", account_id="a", revision=1, attempts=3, error=ERROR)
    await learn(read_model, accepted("p-1"), accepted("p-2"), accepted("p-3", "b", at=later), failed)

    async def named(**wanted: Any) -> set[str]:
        return {listed.post.post_id for listed in await read_model.queries.list_posts(Filter(**wanted), None, 10)}

    assert await named(states=["failed"]) == {"p-2"}
    assert await named(account_ids=["b"]) == {"p-3"}
    assert await named(due_to=later) == {"p-1", "p-2"}
    assert await named(due_from=later) == {"p-3"}


def named(request: Event) -> str:
    """What the facts that answer a request call it, where `learn` has sent it."""
    return delivery_of(request, "request").request_id


async def test_an_accepted_post_shows_the_content_it_was_asked_with(read_model: ReadModel) -> None:
    asked = ScheduleRequested(post_id="p-1", content="one", targets=(Target(account_id="a"),))
    post: JsonValue = {"post_id": "p-2", "content": "two", "targets": [{"account_id": "a"}]}
    fact = accepted("p-1").model_copy(update={"request_id": named(asked)})
    await learn(read_model, fact, asked, request="single")
    settled = AcceptedPost(post_id="p-2", account_id="a", revision=1, publish_at=NOON, changed=True)
    batch = ScheduleBatchRequested(batch_id="b", posts=(post, "no post", {"post_id": 7}))
    refused = RejectedPost(post_id="7", code="invalid", reason="no")
    answer = ScheduleBatchSettled(batch_id="b", accepted=(settled,), rejected=(refused,), request_id=named(batch))
    await learn(read_model, answer, request="many")
    await learn(read_model, batch, request="many")

    page = [listed.post for listed in await read_model.queries.list_posts(Filter(is_ascending=True), None, 10)]
    drafts = await read_model.queries.drafts(page)

    assert [(drafts.fields_of(post) or {}).get("content") for post in page] == ["one", "two"]
    assert [row["reason"] for row in await read_model.queries.rejections("7")] == ["no"]


async def test_a_producer_that_uses_one_correlation_id_for_all_its_requests_sees_its_latest_text(
    read_model: ReadModel,
) -> None:
    first, second = (
        ScheduleRequested(post_id="p", content=text, targets=(Target(account_id="a"),)) for text in ("old", "new")
    )
    facts = [
        accepted("p", revision=revision).model_copy(update={"request_id": named(request)})
        for revision, request in ((1, first), (2, second))
    ]

    await learn(read_model, first, second, *facts, request="article-1")

    (listed,) = await read_model.queries.post("p")
    fields = (await read_model.queries.drafts([listed.post])).fields_of(listed.post)
    assert fields
    assert fields["content"] == "new"


@pytest.mark.parametrize("correlation_id", ["article-1", "body-0815"])
async def test_each_post_of_a_batch_shows_its_text_whatever_ids_its_producer_gives(
    read_model: ReadModel, correlation_id: str
) -> None:
    wanted: list[JsonValue] = [
        {"post_id": name, "content": f"{name} says", "targets": [{"account_id": "a"}]} for name in ("p", "q")
    ]
    batch = ScheduleBatchRequested(batch_id="b", posts=tuple(wanted))
    posts = tuple(
        AcceptedPost(post_id=name, account_id="a", revision=1, publish_at=NOON, changed=True) for name in ("p", "q")
    )
    settled = ScheduleBatchSettled(batch_id="b", accepted=posts, rejected=(), request_id="body-42")
    reactions = reactions_of(read_model.projector)

    await reactions[ScheduleBatchRequested](Delivery(batch, None, correlation_id, derived_id="body-42"))
    await learn(read_model, settled, request=correlation_id)

    for name in ("p", "q"):
        (listed,) = await read_model.queries.post(name)
        fields = (await read_model.queries.drafts([listed.post])).fields_of(listed.post)
        assert fields
        assert fields["content"] == f"{name} says"


async def test_a_rejection_heard_twice_is_kept_once(read_model: ReadModel) -> None:
    rejected = ScheduleRejected(post_id="p", account_id="a", code="in_the_past", reason="long ago")
    await learn(read_model, rejected)
    await learn(read_model, rejected)

    assert len(await read_model.queries.rejections("p")) == 1


async def test_an_account_shows_the_settings_of_the_request_that_connected_it(read_model: ReadModel) -> None:
    def asked(url: str) -> AccountConnectRequested:
        return AccountConnectRequested(account_id="a", platform="sandbox", settings={"url": url})

    old, new = asked("https://old.example"), asked("https://new.example")
    connected = [
        AccountConnected(
            account_id="a", platform="sandbox", changed_at=NOON + timedelta(seconds=seconds), request_id=named(request)
        )
        for seconds, request in ((0, old), (2, new))
    ]
    gone = AccountDisconnected(account_id="a", platform="sandbox", changed_at=NOON + timedelta(seconds=1))
    await learn(read_model, new, connected[1], request="second")
    await learn(read_model, gone, request="goodbye")
    await learn(read_model, old, connected[0], request="first")

    (row,) = await read_model.queries.accounts()

    assert (bool(row["is_connected"]), row["settings"]) == (True, '{"url": "https://new.example"}')


async def test_an_account_that_is_connected_again_under_one_correlation_id_shows_its_new_settings(
    read_model: ReadModel,
) -> None:
    first, second = (
        AccountConnectRequested(account_id="a", platform="sandbox", settings={"url": f"https://{name}.example/"})
        for name in ("old", "new")
    )
    facts = [
        AccountConnected(account_id="a", platform="sandbox", changed_at=NOON + wait, request_id=named(request))
        for wait, request in ((timedelta(0), first), (timedelta(hours=1), second))
    ]

    await learn(read_model, first, second, *facts, request="account-a")

    (row,) = await read_model.queries.accounts("a")
    assert row["settings"] == '{"url": "https://new.example/"}'


@pytest.mark.parametrize("connected_at", [None, 0, 9])
async def test_a_failed_connection_is_shown_until_the_account_is_connected(
    read_model: ReadModel, connected_at: int | None
) -> None:
    error = ErrorDetail(kind="unauthorized", code="wrong_password", message="the password is wrong")
    failed = AccountConnectFailed(
        account_id="a", platform="sandbox", error=error, changed_at=NOON + timedelta(seconds=5)
    )
    connected = [
        AccountConnected(account_id="a", platform="sandbox", changed_at=NOON + timedelta(seconds=seconds))
        for seconds in ([] if connected_at is None else [connected_at])
    ]
    await learn(read_model, failed, *connected)

    (row,) = await read_model.queries.accounts()
    view = AccountView.of(row)

    assert (view.platform, view.connected, view.error) == ("sandbox", connected_at is not None, None)
    assert (view.connect_error is not None) == (connected_at != 9)


async def test_figures_count_states_and_lateness(read_model: ReadModel) -> None:
    late = [succeeded(f"p-{number}", lateness_ms=float(number)) for number in range(100)]
    old = succeeded("old", lateness_ms=9000.0, at=NOON - timedelta(days=1))
    await learn(read_model, *late, old, accepted("waiting"))

    counts = await read_model.queries.counts.by_state()
    lateness = await read_model.queries.counts.lateness_since(NOON - timedelta(hours=1))
    nothing = await read_model.queries.counts.lateness_since(NOON + timedelta(hours=1))

    assert (counts["published"], counts["scheduled"], counts["failed"]) == (101, 1, 0)
    assert lateness.count == 100
    assert [lateness.p50, lateness.p99] == pytest.approx([50, 99], rel=0.1)
    assert (nothing.count, nothing.p50) == (0, None)
