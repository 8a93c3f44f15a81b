"""What maintenance tells a console that is built anew: the alerts that are open, and that there are no others."""

import json
from datetime import timedelta

from services.maintenance.domain import Alert
from services.maintenance.own_state import OwnState
from shared.events.maintenance import AlertRaised
from shared.events.rebuilding import AlertKey, StateTold
from shared.messaging.broker import QueueFigures
from shared.messaging.rebuild_answers import MOST_CHARACTERS
from tests.integration.maintenance.conftest import NOW, Replica

MINUTE = timedelta(minutes=1)


async def told_by(replica: Replica) -> list[StateTold]:
    return [part async for part in OwnState("maintenance", replica.database, replica.clock).parts()]


async def test_without_alerts_it_is_told_that_there_are_none(replica: Replica) -> None:
    (part,) = await told_by(replica)

    assert part.open_alerts is not None
    assert (part.open_alerts.as_of, part.open_alerts.alerts, part.size) == (NOW, (), 0)


async def test_what_was_told_is_told_again_as_it_was_and_what_may_still_pass_is_not(replica: Replica) -> None:
    await replica.report(queues=("publisher.requests",))
    replica.queues |= {"publisher.dead": QueueFigures(1, 0), "publisher.requests": QueueFigures(0, 0)}
    (alert,) = await replica.look()
    replica.clock.advance(MINUTE)

    facts, all_ = await told_by(replica)

    (fact,) = facts.facts
    assert AlertRaised.model_validate_json(json.dumps(fact.body)) == alert
    assert fact.changed_at == NOW + MINUTE / 2
    assert all_.open_alerts is not None
    assert [(one.code, one.since) for one in all_.open_alerts.alerts] == [("dead_letters", alert.since)]


async def test_what_is_over_is_not_told(replica: Replica) -> None:
    await replica.report()
    replica.queues["publisher.dead"] = QueueFigures(1, 0)
    await replica.look()
    replica.queues["publisher.dead"] = QueueFigures(0, 0)
    for _ in range(4):
        await replica.look(MINUTE)

    (part,) = await told_by(replica)

    assert part.open_alerts is not None and part.open_alerts.alerts == ()


async def test_so_many_that_no_message_holds_them_are_told_in_parts_that_say_of_every_alert(replica: Replica) -> None:
    at = NOW - MINUTE
    rows = [("posts_held", f"{number:04} {'é' * 390}") for number in range(3_000)]
    kept = [Alert(code, subject, "warning", "It waits.", 0, at, at) for code, subject in rows]
    async with replica.store.unit() as unit:
        await unit.save_alerts(kept, [])

    parts = [part.open_alerts for part in await told_by(replica) if part.open_alerts]

    assert len(parts) > 2
    assert max(len(part.model_dump_json()) for part in parts) < 2 * MOST_CHARACTERS
    assert sorted(one.subject for part in parts for one in part.alerts) == sorted(subject for _, subject in rows)
    for key in (AlertKey(code=code, subject="1500", since=NOW) for code in ("a", "posts_held", "z")):
        assert sum(part.says_of(key) for part in parts) == 1
    assert all(part.says_of(one) for part in parts for one in part.alerts)
