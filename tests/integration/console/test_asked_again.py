"""A console that was killed between asking for posts of a run and recording it asks again, and knows what it asked."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.console.api.bulk_work import act_on_posts
from services.console.api.console import Console
from services.console.read_model.timeline import Timelines
from services.console.requests.bulk_runs import Act, BulkRuns
from shared.database.engine import Database
from shared.events import Event
from shared.events.publisher import PublishFailed, PublishUnknown
from shared.messaging.envelope import Delivery
from tests.fakes.clock import FakeClock
from tests.integration.console.conftest import ReadModel
from tests.integration.console.test_read_model import ERROR, learn, succeeded
from tests.support.schedules import NOON

FAILED = PublishFailed(post_id="p", account_id="a", revision=1, attempts=1, error=ERROR)
UNKNOWN = PublishUnknown(post_id="p", account_id="a", revision=1, attempts=1, error=ERROR)
OUT = succeeded("p")


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Sender:
    """What is asked is learnt, and then the process is killed."""

    model: ReadModel
    then: Sequence[Event]
    ids: list[str | None] = field(default_factory=list)

    async def send_and_wait(self, request: Event, _until: Any, *, message_id: str | None = None) -> None:
        self.ids.append(message_id)
        await self.model.projector.on_asked_of_a_post(Delivery(request, message_id, "c"))
        await learn(self.model, *self.then)
        raise Killed


@dataclass(frozen=True)
class Stage:
    """A console without a broker, with one run."""

    model: ReadModel
    database: Database

    async def begun(self, act: Act) -> str:
        runs = BulkRuns(self.database)
        run = await runs.prepare(act, [("p", "a")], moving=None, by="anna", now=NOON)
        await runs.start(run["run_id"], NOON)
        return str(run["run_id"])

    async def carry_out(self, run_id: str, sender: Sender) -> None:
        runs = BulkRuns(self.database)
        parts = SimpleNamespace(
            bulk=runs,
            queries=self.model.queries,
            timelines=Timelines(self.database),
            requests=sender,
            clock=FakeClock(NOON),
        )
        run = await runs.run(run_id)
        assert run
        await act_on_posts(cast(Console, parts), run)

    async def outcome(self, run_id: str) -> tuple[str, str | None]:
        (item,) = await BulkRuns(self.database).items(run_id, outcome=None, after=-1, limit=1)
        return item["outcome"], item["reason"]


@pytest.fixture
async def stage(read_model: ReadModel, database_url: str) -> AsyncIterator[Stage]:
    database = Database(database_url)
    yield Stage(read_model, database)
    await database.close()


@pytest.mark.parametrize(("act", "before"), [(Act.RETRY, FAILED), (Act.PUBLISHED, UNKNOWN), (Act.ASK_NETWORK, UNKNOWN)])
async def test_what_was_asked_and_came_to_be_is_done(stage: Stage, act: Act, before: Event) -> None:
    await learn(stage.model, before)
    run_id = await stage.begun(act)
    with pytest.raises(Killed):
        await stage.carry_out(run_id, Sender(stage.model, [OUT]))

    await stage.carry_out(run_id, Sender(stage.model, []))

    assert await stage.outcome(run_id) == ("done", None)


async def test_what_nobody_has_carried_out_yet_is_asked_again_under_the_same_id(stage: Stage) -> None:
    await learn(stage.model, FAILED)
    run_id = await stage.begun(Act.RETRY)
    sender = Sender(stage.model, [])

    for _ in range(2):
        with pytest.raises(Killed):
            await stage.carry_out(run_id, sender)

    assert len(sender.ids) == 2
    assert len(set(sender.ids) - {None}) == 1


async def test_what_became_of_a_post_before_it_was_asked_for_is_refused(stage: Stage) -> None:
    await learn(stage.model, FAILED)
    run_id = await stage.begun(Act.RETRY)
    await learn(stage.model, OUT)

    await stage.carry_out(run_id, Sender(stage.model, []))

    assert await stage.outcome(run_id) == ("refused", "post 'p' on 'a' is published, not failed or held")
