"""A rebuild tells which alerts are open: those that the console has not heard of, and the ends that it has missed."""

import json
from datetime import timedelta

from services.console.reactions import reactions_of
from services.console.rebuilding import Rebuilding
from shared.events.maintenance import AlertRaised
from shared.events.rebuilding import AlertKey, FactTold, OpenAlerts, StateTold
from shared.messaging.envelope import Delivery
from tests.integration.console.conftest import ReadModel
from tests.integration.console.test_alerts import MINUTE, NOON, listed, raised, resolved, tell

LATER = NOON + 60 * MINUTE


async def rebuild(read_model: ReadModel, *open_: Delivery[AlertRaised]) -> None:
    """Maintenance tells an hour later that these are open, in the order in which parts may come: the last one first."""
    projector = read_model.projector
    rebuilding = Rebuilding(projector.store, reactions_of(projector), projector.clock)
    keys = [AlertKey(**one.event.model_dump(include={"code", "subject", "since"})) for one in open_]
    parts = (
        StateTold(service="maintenance", open_alerts=OpenAlerts(as_of=LATER, alerts=tuple(keys))),
        StateTold(service="maintenance", facts=tuple(map(told, open_))),
    )
    for part in (*parts, *parts):
        await rebuilding.on_state_told(Delivery(part, "m", "c"))


def told(alert: Delivery[AlertRaised]) -> FactTold:
    body = json.loads(alert.event.body())
    return FactTold(type="alert.raised", correlation_id="c", body=body, changed_at=alert.sent_at)


async def open_after(read_model: ReadModel, after: timedelta = MINUTE) -> list[str]:
    return sorted(one.subject for one in await listed(read_model, "raised", LATER + after))


async def test_a_console_without_a_past_learns_what_is_open_and_when_it_was_told(read_model: ReadModel) -> None:
    await rebuild(read_model, raised(NOON + 5 * MINUTE))

    (alert,) = await listed(read_model, "raised", LATER)

    assert (alert.since, alert.told_at, alert.message) == (NOON, NOON + 5 * MINUTE, "3 posts failed")


async def test_what_is_not_open_any_more_is_over(read_model: ReadModel) -> None:
    await tell(read_model, raised(subject="gone"), raised(subject="still"))

    await rebuild(read_model, raised(subject="still"))

    assert await open_after(read_model) == ["still"]
    (over,) = await listed(read_model, "resolved", LATER)
    assert (over.subject, over.resolved_at) == ("gone", LATER)


async def test_of_what_is_told_in_parts_each_ends_what_it_says_nothing_else_of(read_model: ReadModel) -> None:
    everybody = [raised(subject=subject) for subject in ("a", "b", "c", "d", "e")]
    await tell(read_model, *everybody)
    b, d = (AlertKey(**everybody[at].event.model_dump(include={"code", "subject", "since"})) for at in (1, 3))

    await tell_open(read_model, OpenAlerts(as_of=LATER, alerts=(d,), after=b))
    assert await open_after(read_model) == ["a", "b", "d"]

    await tell_open(read_model, OpenAlerts(as_of=LATER, alerts=(b,), until=b))
    assert await open_after(read_model) == ["b", "d"]


async def tell_open(read_model: ReadModel, part: OpenAlerts) -> None:
    projector = read_model.projector
    rebuilding = Rebuilding(projector.store, reactions_of(projector), projector.clock)
    await rebuilding.on_state_told(Delivery(StateTold(service="maintenance", open_alerts=part), "m", "c"))


async def test_what_is_raised_meanwhile_stays_open(read_model: ReadModel) -> None:
    await tell(read_model, raised(LATER - MINUTE / 2, subject="just"), raised(LATER + MINUTE, subject="since"))

    await rebuild(read_model)

    assert await open_after(read_model, 5 * MINUTE) == ["just", "since"]


async def test_an_end_that_is_heard_late_counts_from_when_it_was_told(read_model: ReadModel) -> None:
    await tell(read_model, raised())
    await rebuild(read_model)

    await tell(read_model, resolved(NOON + 5 * MINUTE))

    (over,) = await listed(read_model, "resolved", LATER)
    assert over.resolved_at == NOON + 5 * MINUTE
