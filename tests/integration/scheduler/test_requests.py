"""Requests at the database: taken once, decided in order, whoever else is deciding."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from services.scheduler.app import MIGRATIONS
from services.scheduler.tables import metadata
from shared.database.engine import Database
from shared.database.errors import Conflict, is_passing
from shared.database.migrations import migrate
from shared.events import Event
from shared.events.progress import State
from shared.events.publisher import AccountConnected, AccountDisconnected, PublishSucceeded
from shared.events.requests import NewMedia, ScheduleBatchRequested, ScheduleCancelRequested
from shared.events.scheduler import ScheduleAccepted, ScheduleBatchSettled, ScheduleRejected
from tests.support.schedules import DUE, NOON, post, schedule, wanted
from tests.support.scheduling import Replica

PICTURE = NewMedia(url="https://example.org/a.png")

Replicas = tuple[Replica, Replica]


def accepted(revision: int = 1, *, changed: bool = True, account_id: str = "acct-1") -> ScheduleAccepted:
    return ScheduleAccepted(
        post_id="post-1",
        account_id=account_id,
        revision=revision,
        publish_at=DUE,
        changed=changed,
        warning="unknown_account",
    )


def revisions(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.type, getattr(event, "revision", 0)) for event in events]


async def test_a_post_is_stored_as_it_was_asked_for(replica: Replica) -> None:
    answers = await replica.take(post())

    assert answers == [accepted()]
    assert await replica.schedule() == schedule()


async def test_every_part_of_a_post_survives_the_table(replica: Replica) -> None:
    media = [{"url": "https://cdn.example/a.jpg", "alt": "Ein „Ball“ \\ 'x'", "mime": "image/jpeg", "size": 12_345}]
    own = {"account_id": "acct-1", "options": {"tags": ["ü", 1, 2.5, None, True, {"a": []}], "quote": '"\\'}}
    policy = {"mode": "skip", "grace_seconds": 60}
    callback = "https://cms.example/hook?a=1&b=2"
    await replica.take(
        post(content="Grüße 👋\n\t'\"\\", media=media, targets=[own], late_policy=policy, callback_url=callback)
    )

    await replica.reach(DUE)
    (request,) = await replica.dispatched()

    assert request.content == "Grüße 👋\n\t'\"\\"
    assert [item.model_dump() for item in request.media] == media
    assert request.options == own["options"]
    assert request.late_policy.model_dump() == policy
    assert (request.callback_url, request.publish_at, request.attempt) == (callback, DUE, 1)


async def test_a_post_may_have_a_thousand_targets(replica: Replica) -> None:
    answers = await replica.take(post("post-1", *(f"acct-{number}" for number in range(1000))))

    assert len(answers) == 1000
    cancelled = await replica.take(ScheduleCancelRequested(post_id="post-1"))
    assert {event.type for event in cancelled} == {"schedule.cancelled"}
    assert len(cancelled) == 1000


async def test_the_same_again_changes_nothing(replica: Replica) -> None:
    await replica.take(post())

    answers = await replica.take(post())

    assert answers == [accepted(changed=False)]
    assert await replica.schedule() == schedule()


async def test_a_redelivered_request_is_not_even_answered_again(replica: Replica) -> None:
    first = await replica.take(post(), message_id="m-1")
    await replica.take(post(content="changed"), message_id="m-2")

    again = await replica.take(post(), message_id="m-1")

    assert (revisions(first), again) == ([("schedule.accepted", 1)], [])
    assert (await replica.schedule()).content == "changed"


async def test_a_cancellation_with_a_field_that_is_nearly_a_known_one_cancels_nothing(replica: Replica) -> None:
    """Without `account_ids` it would cancel the post everywhere."""
    await replica.take(post())
    body = b'{"post_id": "post-1", "account_id": "acct-2"}'

    answers = await replica.take(ScheduleCancelRequested(post_id="post-1"), body=body)

    reason = "account_id: no such field; do you mean account_ids?"
    assert answers == [ScheduleRejected(post_id="post-1", code="invalid", reason=reason)]
    assert await replica.schedule() == schedule()


async def test_two_requests_under_one_message_id_are_both_answered(replica: Replica) -> None:
    """A producer that gives each message the id of its article would else lose every edit and cancellation."""
    first = await replica.take(post(), message_id="article-1")
    edited = await replica.take(post(content="changed"), message_id="article-1")
    cancelled = await replica.take(ScheduleCancelRequested(post_id="post-1"), message_id="article-1")

    assert [revisions(answers) for answers in (first, edited, cancelled)] == [
        [("schedule.accepted", 1)],
        [("schedule.accepted", 2)],
        [("schedule.cancelled", 3)],
    ]


async def test_requests_without_an_id_are_taken_each_time(replica: Replica) -> None:
    answers = [await replica.take(post(), message_id=None) for _ in range(2)]

    assert answers == [[accepted()], [accepted(changed=False)]]


async def test_a_change_is_the_next_revision(replica: Replica) -> None:
    await replica.take(post())

    answers = await replica.take(post(content="changed"))

    assert answers == [accepted(2)]
    assert await replica.schedule() == schedule(wanted(content="changed"), revision=2)


async def test_a_cancelled_post_can_be_scheduled_again(replica: Replica) -> None:
    await replica.take(post())
    cancelled = await replica.take(ScheduleCancelRequested(post_id="post-1"))
    again = await replica.take(post())

    assert revisions(cancelled) + revisions(again) == [("schedule.cancelled", 2), ("schedule.accepted", 3)]
    assert (await replica.schedule()).state is State.SCHEDULED


async def test_what_is_refused_leaves_no_trace(replica: Replica) -> None:
    (refused,) = await replica.take(post(publish_at="2020-01-01T00:00Z"))
    (not_found,) = await replica.take(ScheduleCancelRequested(post_id="post-1"))

    assert isinstance(refused, ScheduleRejected)
    assert isinstance(not_found, ScheduleRejected)
    assert (refused.code, not_found.code) == ("in_the_past", "not_found")
    assert await replica.next_due_at() is None


async def test_requests_that_come_together_are_decided_in_their_order(replica: Replica) -> None:
    texts = [f"version {number}" for number in range(30)]

    await asyncio.gather(
        *(replica.handle(post(content=text)) for text in texts),
        replica.handle(ScheduleCancelRequested(post_id="post-1")),
    )

    stored = await replica.schedule()
    assert (stored.content, stored.revision, stored.state) == (texts[-1], 31, State.CANCELLED)


async def test_a_batch_is_settled_in_one_answer(replica: Replica) -> None:
    await replica.take(post("old"))
    bodies: list[Any] = [post(post_id).model_dump(mode="json", exclude_none=True) for post_id in ("new", "old")]

    (answer,) = await replica.take(ScheduleBatchRequested(batch_id="batch-1", posts=(*bodies, {"post_id": "bad"})))

    assert isinstance(answer, ScheduleBatchSettled)
    assert [(one.post_id, one.revision, one.changed) for one in answer.accepted] == [
        ("new", 1, True),
        ("old", 1, False),
    ]
    assert [(one.post_id, one.code) for one in answer.rejected] == [("bad", "invalid")]
    assert await replica.schedule("new") == schedule(wanted(post_id="new"))


async def test_two_replicas_agree_on_one_revision_of_the_same_post(replicas: Replicas) -> None:
    await asyncio.gather(*(replica.handle(post()) for replica in replicas * 5))

    assert await replicas[0].schedule() == schedule()


async def test_two_replicas_never_give_one_revision_to_two_wishes(replicas: Replicas) -> None:
    """Where one was overtaken, the message is tried again a little later, on what is there by then."""
    one, other = replicas
    texts = [f"version {number}" for number in range(10)]
    both = [(replica, text) for text in texts for replica in (one, other)]

    results = await asyncio.gather(
        *(replica.take(post(content=text)) for replica, text in both), return_exceptions=True
    )

    decided = [event for events in results if isinstance(events, list) for event in events]
    changes = Counter(event.revision for event in decided if isinstance(event, ScheduleAccepted) and event.changed)
    assert [error for error in results if isinstance(error, BaseException) and not is_passing(error)] == []
    assert (await one.schedule()).revision == max(changes)
    assert set(changes) == set(range(1, max(changes) + 1))


async def test_of_two_replicas_that_write_the_same_revision_the_second_is_refused(replica: Replica) -> None:
    async with replica.store.unit() as unit:
        await unit.save([schedule(), schedule(wanted(post_id="post-2"))])

    with pytest.raises(Conflict, match="1 of 2 schedules were changed by another replica"):
        async with replica.store.unit() as unit:
            await unit.save([schedule(wanted(content="mine")), schedule(wanted(post_id="post-3"))])

    assert await replica.schedule() == schedule()
    assert await replica.next_due_at() == DUE


async def test_an_account_is_known_from_its_last_news(replica: Replica) -> None:
    def news(event: Any, minutes: int) -> Any:
        return event(account_id="acct-1", platform="x", changed_at=NOON + timedelta(minutes=minutes))

    await replica.take(news(AccountConnected, 1))
    (connected,) = await replica.take(post("a"))
    await replica.take(news(AccountDisconnected, 3))
    await replica.take(news(AccountConnected, 2))
    (gone,) = await replica.take(post("b", content="b"))
    await replica.take(news(AccountConnected, 4))
    (back,) = await replica.take(post("c", content="c"))

    assert isinstance(connected, ScheduleAccepted)
    assert isinstance(gone, ScheduleRejected)
    assert isinstance(back, ScheduleAccepted)
    assert (connected.warning, gone.code, back.warning) == (None, "unknown_account", None)


async def test_a_post_that_was_published_meanwhile_is_not_changed_any_more(replica: Replica) -> None:
    await replica.take(post())
    await replica.take(
        PublishSucceeded(
            post_id="post-1", account_id="acct-1", revision=1, platform="x", published_at=DUE, lateness_ms=0, attempts=1
        )
    )

    (changed,) = await replica.take(post(content="changed"))
    (cancelled,) = await replica.take(ScheduleCancelRequested(post_id="post-1", account_ids=("acct-1",)))

    assert isinstance(changed, ScheduleRejected)
    assert isinstance(cancelled, ScheduleRejected)
    assert (changed.code, cancelled.code) == ("already_published", "already_published")


@pytest.mark.parametrize(
    ("seconds", "media", "waits"),
    [
        (0, (), False),
        (5, (), False),
        (6, (), True),
        (20, (PICTURE,), False),
        (24, (PICTURE,), True),
        (3600, (), True),
    ],
)
async def test_what_is_released_soon_is_dispatched_without_waiting_for_the_next_look(
    replica: Replica, seconds: float, media: tuple[NewMedia, ...], waits: bool
) -> None:
    await replica.take(post(publish_at=NOON + timedelta(seconds=seconds), media=media))

    assert replica.handlers.due_soon.is_set() is not waits


async def test_migrations_make_the_tables_the_code_expects(database_url: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    await migrate(database_url, MIGRATIONS)

    database = Database(database_url)
    async with database.transaction() as connection:
        found = await connection.run_sync(differences)
    await database.close()
    assert [one for one in found if "alembic_version" not in str(one)] == []


async def test_replicas_that_start_together_migrate_once(database_url: str) -> None:
    await asyncio.gather(*(migrate(database_url, MIGRATIONS) for _ in range(4)))

    async with Replica.on(database_url) as replica:
        assert await replica.take(post()) == [accepted()]
