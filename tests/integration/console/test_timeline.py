"""Timelines in the read model: each event once, in order, and nothing of what a service tells of its state again."""

from datetime import timedelta
from typing import Any

from services.console.reactions import reactions_of
from services.console.read_model.timeline import Timelines
from shared.database.engine import Database
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.publisher import PublishFailed
from shared.events.requests import PublishRetryRequested
from shared.events.scheduler import AcceptedPost, PublishRequested, ScheduleAccepted, ScheduleBatchSettled
from shared.messaging.envelope import Delivery
from tests.integration.console.conftest import ReadModel
from tests.support.schedules import NOON

HOUR = timedelta(hours=1)
KEY: dict[str, Any] = {"post_id": "p", "account_id": "a"}


async def hear(model: ReadModel, event: Event, message_id: str | None) -> None:
    await reactions_of(model.projector)[type(event)](Delivery(event, message_id, "c"))


async def test_each_event_stands_once_and_in_order(read_model: ReadModel, database_url: str) -> None:
    failed = PublishFailed(**KEY, revision=1, attempts=1, error=ErrorDetail(kind="refused", code="400", message="no"))
    events: list[Event] = [
        ScheduleAccepted(**KEY, revision=1, publish_at=NOON, changed=True),
        PublishRequested(**KEY, revision=1, publish_at=NOON, content="never kept here"),
        failed,
        PublishRetryRequested(**KEY),
    ]
    for number, event in enumerate(events):
        for _ in range(2):
            await hear(read_model, event, f"m-{number}")
    await hear(read_model, failed, None)

    database = Database(database_url)
    timeline = await Timelines(database).of("p", "a")
    await database.close()

    assert [one["type"] for one in timeline] == [event.type for event in events]
    assert not [one for one in timeline if "never kept" in one["told"]]


async def test_each_post_of_a_batch_has_it_in_its_own_timeline(read_model: ReadModel, database_url: str) -> None:
    accepted = [
        AcceptedPost(post_id=f"p-{number}", account_id="a", revision=1, publish_at=NOON + HOUR, changed=True)
        for number in range(3)
    ]
    await hear(read_model, ScheduleBatchSettled(batch_id="b", accepted=tuple(accepted), rejected=()), "m")

    database = Database(database_url)
    timelines = [await Timelines(database).of(one.post_id, "a") for one in accepted]
    await database.close()

    assert [len(timeline) for timeline in timelines] == [1, 1, 1]


async def test_what_a_producer_without_ids_asks_for_stands_there(read_model: ReadModel, database_url: str) -> None:
    asked = Delivery(PublishRetryRequested(**KEY), None, "c", derived_id="body-42")

    await reactions_of(read_model.projector)[PublishRetryRequested](asked)

    database = Database(database_url)
    (row,) = await Timelines(database).of("p", "a")
    await database.close()
    assert row["type"] == "publish.retry_requested"
