"""What a person learns when a post is scheduled, not when it is due: that it cannot be, and what else is near it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.scheduler.handlers import Handlers
from shared.events import Event
from shared.events.publisher import AccountConnected, AccountDisconnected, PublishSucceeded
from shared.events.requests import ScheduleBatchRequested, ScheduleCancelRequested, ScheduleRequested
from shared.events.rules import PostRules, TextRule
from shared.events.scheduler import ScheduleAccepted, ScheduleBatchSettled, ScheduleRejected
from tests.support.schedules import DUE, NOON, post
from tests.support.scheduling import Replica

DAY, MINUTE = timedelta(hours=24), timedelta(minutes=1)


def connected(*, most: int | None = None, minutes: int = 0, account_id: str = "acct-1") -> AccountConnected:
    """News of an account whose texts may have that many characters."""
    rules = PostRules(text=TextRule(most=most)) if most is not None else None
    return AccountConnected(
        account_id=account_id, platform="x", rules=rules, changed_at=NOON + timedelta(minutes=minutes)
    )


def codes(events: list[Event]) -> list[str]:
    return [event.code if isinstance(event, ScheduleRejected) else event.type for event in events]


def warning(events: list[Event]) -> str | None:
    (accepted,) = events
    assert isinstance(accepted, ScheduleAccepted), accepted
    return accepted.warning


def batch(*posts: ScheduleRequested) -> ScheduleBatchRequested:
    bodies: list[Any] = [one.model_dump(mode="json", exclude_none=True) for one in posts]
    return ScheduleBatchRequested(batch_id="batch-1", posts=tuple(bodies))


async def warnings_of(replica: Replica, *posts: ScheduleRequested) -> list[str | None]:
    (settled,) = await replica.take(batch(*posts))
    assert isinstance(settled, ScheduleBatchSettled)
    assert settled.rejected == ()
    return [one.warning for one in settled.accepted]


async def test_a_post_that_its_network_cannot_accept_is_refused_when_it_is_scheduled(replica: Replica) -> None:
    await replica.take(connected(most=5))

    (refused,) = await replica.take(post(content="Hello!"))

    assert isinstance(refused, ScheduleRejected)
    assert (refused.code, refused.account_id) == ("content_too_long", "acct-1")
    assert refused.reason == "content: the text has 6 characters, and at most 5 are possible; shorten it"
    assert await replica.next_due_at() is None
    assert codes(await replica.take(post(content="Hello"))) == ["schedule.accepted"]


async def test_each_account_of_a_post_has_its_own_rules(replica: Replica) -> None:
    await replica.take(connected(most=5))
    await replica.take(connected(account_id="acct-2"))

    assert codes(await replica.take(post("post-1", "acct-1", "acct-2", content="Hello!"))) == [
        "content_too_long",
        "schedule.accepted",
    ]


async def test_a_batch_names_the_posts_that_cannot_be_published(replica: Replica) -> None:
    await replica.take(connected(most=5))

    (settled,) = await replica.take(batch(post("long", content="Hello!"), post("short")))

    assert isinstance(settled, ScheduleBatchSettled)
    assert [(one.post_id, one.code) for one in settled.rejected] == [("long", "content_too_long")]
    assert [one.post_id for one in settled.accepted] == ["short"]


async def test_the_newest_rules_hold(replica: Replica) -> None:
    await replica.take(connected(most=10, minutes=2))
    await replica.take(connected(most=5, minutes=1))
    older = await replica.take(post("a", content="Hello!"))
    await replica.take(connected(most=5, minutes=3))
    newer = await replica.take(post("b", content="Hello!!"))
    await replica.take(connected(minutes=4))
    none = await replica.take(post("c", content="Hello!!!"))

    assert codes([*older, *newer, *none]) == ["schedule.accepted", "content_too_long", "schedule.accepted"]


async def test_a_disconnected_account_is_refused_before_its_rules_are(replica: Replica) -> None:
    await replica.take(connected(most=5))
    await replica.take(AccountDisconnected(account_id="acct-1", platform="x", changed_at=NOON + MINUTE))

    assert codes(await replica.take(post(content="Hello!"))) == ["unknown_account"]


async def test_new_rules_do_not_touch_what_is_scheduled(replica: Replica) -> None:
    await replica.take(post(content="Hello!"))
    await replica.take(connected(most=5))

    (again,) = await replica.take(post(content="Hello!"))
    await replica.reach(DUE)

    assert isinstance(again, ScheduleAccepted)
    assert again.changed is False
    assert [request.content for request in await replica.dispatched()] == ["Hello!"]


@pytest.fixture
async def known(replica: Replica) -> Replica:
    """A replica that has heard of both accounts."""
    await replica.take(connected())
    await replica.take(connected(account_id="acct-2"))
    return replica


@pytest.mark.parametrize("apart", [-DAY, -MINUTE, timedelta(0), MINUTE, DAY])
async def test_the_same_text_within_a_day_is_worth_a_warning(known: Replica, apart: timedelta) -> None:
    due = DUE + 2 * DAY
    assert warning(await known.take(post("a", publish_at=due))) is None

    assert warning(await known.take(post("b", content=" Hello\n", publish_at=due + apart))) == "duplicate_text"


@pytest.mark.parametrize(
    "other",
    [
        post("b", publish_at=DUE + DAY + MINUTE),
        post("b", "acct-2"),
        post("b", content="hello"),
    ],
    ids=["later", "elsewhere", "other text"],
)
async def test_what_is_far_or_elsewhere_or_different_is_no_duplicate(known: Replica, other: ScheduleRequested) -> None:
    await known.take(post("a"))

    assert warning(await known.take(other)) is None


async def test_pictures_without_text_are_no_duplicates_of_one_another(known: Replica) -> None:
    media = [{"url": "https://cdn.example/a.jpg"}]
    await known.take(post("a", content="", media=media))

    assert warning(await known.take(post("b", content="", media=media))) is None


async def test_a_cancelled_post_is_nobodys_duplicate_and_a_published_one_is(known: Replica) -> None:
    await known.take(post("cancelled", content="one"))
    await known.take(ScheduleCancelRequested(post_id="cancelled"))
    await known.take(post("published", content="two"))
    await known.take(
        PublishSucceeded(
            post_id="published",
            account_id="acct-1",
            revision=1,
            platform="x",
            published_at=DUE,
            lateness_ms=0,
            attempts=1,
        )
    )

    assert warning(await known.take(post("a", content="one"))) is None
    assert warning(await known.take(post("b", content="two"))) == "duplicate_text"


async def test_a_post_is_no_neighbour_of_itself(known: Replica) -> None:
    first = await known.take(post())
    again = await known.take(post())
    moved = await known.take(post(publish_at=DUE + MINUTE))
    anew = await known.take(post(content="Other", publish_at=DUE + MINUTE))

    assert [warning(events) for events in (first, again, moved, anew)] == [None] * 4


async def test_a_post_that_was_changed_counts_as_what_it_is_now(known: Replica) -> None:
    await known.take(post("a"))
    await known.take(post("a", content="Other"))

    assert warning(await known.take(post("b"))) is None
    assert warning(await known.take(post("c", content="Other"))) == "duplicate_text"


async def test_more_posts_within_a_minute_than_usual_are_worth_a_warning(known: Replica) -> None:
    known.handlers.crowded_minute = 2
    seconds = timedelta(seconds=29)
    told = [
        warning(await known.take(post(f"post-{n}", content=f"{n}", publish_at=DUE + n * seconds))) for n in range(5)
    ]
    elsewhere = warning(await known.take(post("post-9", "acct-2", content="9")))

    assert told == [None, None, "crowded_minute", None, None]
    assert elsewhere is None


async def test_warnings_are_joined_in_one_order(replica: Replica) -> None:
    replica.handlers.crowded_minute = 1
    await replica.take(post("a"))

    assert warning(await replica.take(post("b"))) == "unknown_account, duplicate_text, crowded_minute"


async def test_posts_of_one_batch_are_neighbours_and_are_told_so_each_time(known: Replica) -> None:
    posts = [post("a"), post("b"), *(post(f"post-{n}", content=f"{n}", publish_at=DUE + DAY) for n in range(6))]

    first = await warnings_of(known, *posts)
    again = await warnings_of(known, *posts)

    assert first == again == ["duplicate_text"] * 2 + ["crowded_minute"] * 6


async def test_targets_of_one_post_are_no_neighbours(known: Replica) -> None:
    events = await known.take(post("post-1", "acct-1", "acct-2"))

    assert [warning([event]) for event in events] == [None, None]


async def test_posts_of_an_earlier_release_are_nobodys_neighbours(known: Replica) -> None:
    await known.take(post("a"))
    async with known.database.transaction() as connection:
        await connection.exec_driver_sql("UPDATE schedules SET text_key = NULL, minute_key = NULL")

    again, other = await known.take(post("a")), await known.take(post("b"))

    assert (warning(again), warning(other)) == (None, None)


def test_five_posts_in_a_minute_are_usual(known: Replica) -> None:
    assert Handlers(known.store, known.clock).crowded_minute == 5


async def test_the_first_and_the_last_instant_there_are_have_neighbours_too(known: Replica) -> None:
    last = datetime.fromisoformat("9999-12-31T23:59:59.999999+00:00")

    assert warning(await known.take(post("a", publish_at=last))) is None
    assert warning(await known.take(post("b", publish_at=last))) == "duplicate_text"
