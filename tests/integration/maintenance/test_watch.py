"""What should not be is told once, reminded of, and told to be over."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.maintenance.alerting import RISEN_AFTER
from services.maintenance.app import MIGRATIONS
from services.maintenance.domain import SETTLING
from services.maintenance.retention import RULES
from services.maintenance.watch import Watch
from shared.database.engine import Database
from shared.database.purging import Purge
from shared.events.maintenance import (
    JobFailed,
    JobReleased,
    JobSkipped,
    JobStarted,
    JobSucceeded,
    RetentionPurgeRequested,
)
from shared.messaging.broker import BrokerUnavailable, QueueFigures, QueuesFail
from tests.fakes.clock import FakeClock
from tests.integration.maintenance.conftest import NOW, Replica, delivery
from tests.support.migrated import migrated

MINUTE = timedelta(minutes=1)
FAILED = (
    "The job monitor.check failed: no network. Posts go out all the same. `timeball timers history monitor.check` "
    "shows its runs, and it runs again at its next tick"
)


async def test_dead_letters_are_told_again_when_their_number_has_doubled(replica: Replica) -> None:
    told = []
    for count in (0, 1, 1, 2, 3, 4):
        await replica.report()
        replica.queues["publisher.dead"] = QueueFigures(count, 0)
        told.append([alert.message[10:32] for alert in await replica.look()])
        replica.clock.advance(RISEN_AFTER)

    assert told == [[], ["publisher.dead holds 1"], [], ["publisher.dead holds 2"], [], ["publisher.dead holds 4"]]


async def test_what_is_over_is_told_once_it_has_stayed_so(replica: Replica) -> None:
    await replica.report()
    replica.queues["publisher.dead"] = QueueFigures(1, 0)
    raised = await replica.look()
    replica.queues["publisher.dead"] = QueueFigures(0, 0)

    told = [await replica.look(MINUTE) for _ in range(4)]

    assert [alert.state for alert in raised] == ["raised"]
    assert [[(alert.state, alert.severity) for alert in alerts] for alerts in told] == [
        [], [], [("resolved", "info")], [],
    ]  # fmt: skip


async def test_posts_of_which_nothing_is_heard_are_told_until_they_are_out(replica: Replica) -> None:
    raised, risen, over = await told_each_minute(replica, 0, *[1] * 4, *[2] * (RISEN_AFTER // MINUTE), 0, 0, 0, 0)

    assert raised == ("posts_overdue", "raised", "1 post is overdue, '")
    assert risen == ("posts_overdue", "raised", "2 posts are overdue,")
    assert over[:2] == ("posts_overdue", "resolved")


async def told_each_minute(replica: Replica, *overdue: int) -> list[tuple[str, str, str]]:
    """What is told while the scheduler reports so many posts overdue, minute by minute."""
    told = []
    for posts in overdue:
        first = {"count": posts, "post_id": "sale", "publish_at": NOW.isoformat()} if posts else None
        await replica.report("scheduler", overdue=first)
        await replica.report("scheduler", instance="scheduler-2")  # an older release does not say
        told += [(alert.code, alert.state, alert.message[:20]) for alert in await replica.look(MINUTE)]
    return told


async def test_posts_that_go_out_at_once_after_the_machine_was_suspended_are_not_told_as_overdue(
    replica: Replica,
) -> None:
    """The first report after it counts what was due meanwhile, and stands for a minute."""
    assert await told_each_minute(replica, 0, 46, 0, 0, 0) == []


async def test_what_lasts_is_reminded_of_once_a_day(replica: Replica) -> None:
    await replica.report()
    replica.queues["publisher.dead"] = QueueFigures(1, 0)

    told = [{alert.code for alert in await replica.look(timedelta(hours=8))} for _ in range(6)]

    assert ["dead_letters" in codes for codes in told] == [True, False, False, True, False, False]


async def test_a_queue_without_consumers_is_told_unless_it_is_only_a_restart(replica: Replica) -> None:
    await replica.report(queues=("publisher.requests", "publisher.commands"))
    replica.queues |= {"publisher.requests": QueueFigures(7, 0), "publisher.commands": QueueFigures(0, 0)}
    at_once = await replica.look()
    replica.queues["publisher.commands"] = QueueFigures(0, 1)
    await replica.look()

    later = await replica.look(2 * MINUTE)

    assert at_once == []
    assert [(alert.code, alert.subject) for alert in later] == [("queue_unconsumed", "publisher.requests")]
    assert "where 7 messages wait" in later[0].message


async def test_an_outbox_that_grows_old_is_told(replica: Replica) -> None:
    await replica.report(outbox_age_seconds=61.0, problems={"outbox": "events have been waiting"})

    assert [(alert.code, alert.subject) for alert in await replica.look()] == [("outbox_old", "publisher")]


async def test_a_service_that_falls_silent_is_told(replica: Replica) -> None:
    await replica.report()
    await replica.report("scheduler")
    told = []
    for _ in range(5):
        told.append(await replica.look(MINUTE))
        await replica.report("scheduler")

    assert told[:4] == [[]] * 4
    assert [(alert.code, alert.subject) for alert in told[4]] == [("service_silent", "publisher")]


async def test_a_service_that_stays_silent_is_not_told_to_be_over_when_its_reports_are_deleted(
    replica: Replica,
) -> None:
    await replica.report("publisher", instance="earlier")
    replica.clock.advance(MINUTE)
    await replica.report("publisher")
    for _ in range(10):
        await replica.look(MINUTE)
    replica.clock.advance(timedelta(days=8))
    await replica.look()

    asked = RetentionPurgeRequested(before=replica.clock.now() - timedelta(days=7), keep_succeeded=0, keep_failed=0)
    deleted = await Purge(replica.database, replica.clock, asyncio.Event()).run(RULES, asked)
    told = [alert for _ in range(4) for alert in await replica.look(MINUTE)]

    assert (deleted, told) == (1, [])


async def test_no_service_counts_as_silent_because_maintenance_did_not_listen(replica: Replica) -> None:
    """It was down, or cut off from the broker: what the others told meanwhile reaches it when it is back."""
    await replica.report()
    started = JobStarted(job="retention.purge", run_id="1", period_seconds=300.0)
    await replica.handlers.on_job_started(delivery(started))
    await replica.look()

    back = await replica.look(timedelta(hours=1))
    await replica.report()
    await replica.handlers.on_job_ended(delivery(JobSucceeded(job="retention.purge", run_id="1", duration_ms=5.0)))
    later = [await replica.look(MINUTE) for _ in range(3)]

    assert [back, *later] == [[]] * 4


async def test_processes_that_ended_are_not_looked_at_for_ever(replica: Replica) -> None:
    """A service that crashes and is started again every minute leaves ten thousand of them in a week."""
    for number in range(20):
        replica.clock.advance(MINUTE)
        await replica.report(instance=f"publisher-{number}")
    await replica.report("scheduler")

    reports = await replica.store.reports()

    assert sorted(report.instance for report in reports) == [
        "publisher-17", "publisher-18", "publisher-19", "scheduler-1",
    ]  # fmt: skip


async def test_processes_that_end_soon_after_their_start_again_and_again_are_told(replica: Replica) -> None:
    """At every look somebody consumes, and the service is not silent either."""
    replica.queues["publisher.requests"] = QueueFigures(7, 1)
    told = []
    for number in range(20):
        await replica.report(instance=f"publisher-{number}", queues=("publisher.requests",), up_seconds=0.0)
        told += await replica.look(MINUTE)
    await replica.report(instance="well", up_seconds=0.0)
    for up_seconds in range(60, 900, 60):
        told += await replica.look(MINUTE)
        await replica.report(instance="well", up_seconds=float(up_seconds))

    assert [(alert.code, alert.subject, alert.state) for alert in told] == [
        ("service_restarts", "publisher", "raised"),
        ("service_restarts", "publisher", "resolved"),
    ]


async def test_many_replicas_that_start_and_later_end_are_no_alert(replica: Replica) -> None:
    told = []
    for minute in range(15):
        for number in range(10 if minute < 5 else 1):
            await replica.report(instance=f"publisher-{number}", up_seconds=60.0 * minute)
        told += await replica.look(MINUTE)

    assert told == []


async def test_a_service_that_is_not_ready_is_told_when_it_stays_so(replica: Replica) -> None:
    for _ in range(3):
        await replica.report(problems={"database": "it does not answer"})
        told = await replica.look(MINUTE)

    assert [(alert.code, alert.subject) for alert in told] == [("service_not_ready", "publisher publishe")]
    assert "database: it does not answer" in told[0].message


async def test_what_a_process_said_before_it_was_replaced_is_no_alert(replica: Replica) -> None:
    """It was stopped while its database was away; the one in its place is well."""
    await replica.report(problems={"database": "it does not answer"}, outbox_age_seconds=30.0)
    told = []
    for _ in range(20):
        await replica.report(instance="publisher-2")
        told += await replica.look(timedelta(seconds=10))

    assert told == []


async def test_a_job_that_fails_is_told_until_it_succeeds(replica: Replica) -> None:
    async def run(event: JobStarted | JobSucceeded | JobFailed) -> None:
        replica.clock.advance(MINUTE)
        hears = replica.handlers.on_job_started if isinstance(event, JobStarted) else replica.handlers.on_job_ended
        await hears(delivery(event))

    await run(JobStarted(job="monitor.check", run_id="1"))
    await run(JobFailed(job="monitor.check", run_id="1", duration_ms=5.0, error="no network"))
    failed = await replica.look()
    await run(JobFailed(job="monitor.check", run_id="2", duration_ms=5.0, error="no network"))
    again = await replica.look()
    await run(JobSucceeded(job="monitor.check", run_id="3", duration_ms=5.0))
    await replica.look()

    over = await replica.look(3 * MINUTE)

    assert [(alert.code, alert.message) for alert in failed] == [("job_failed", FAILED)]
    assert again == []
    assert [alert.state for alert in over] == ["resolved"]


async def test_a_job_that_runs_longer_than_its_period_or_never_ends_is_told(replica: Replica) -> None:
    started = JobStarted(job="retention.purge", run_id="1", period_seconds=300.0)
    await replica.handlers.on_job_started(delivery(started))
    await replica.handlers.on_job_started(delivery(JobStarted(job="by.hand", run_id="2")))
    slow = JobSucceeded(job="digest.send", run_id="3", duration_ms=901_000.0, period_seconds=900.0)
    await replica.handlers.on_job_ended(delivery(slow))

    told = [alert for _ in range(65) for alert in await replica.look(MINUTE)]

    assert [(alert.code, alert.subject) for alert in told] == [
        ("job_overdue", "digest.send"),
        ("job_overdue", "retention.purge"),
        ("job_overdue", "by.hand"),
    ]


async def test_a_run_that_took_a_dead_one_over_is_the_latest_though_both_are_told_of_in_one_second(
    replica: Replica,
) -> None:
    """Messages carry whole seconds. The run whose process died, and the one that took its place, were told together."""
    await replica.handlers.on_job_started(delivery(JobStarted(job="j", run_id="dead"), sent_at=NOW))
    at = NOW + MINUTE
    replica.clock.advance(2 * MINUTE)
    await replica.handlers.on_job_ended(delivery(JobFailed(job="j", run_id="dead", error="died"), sent_at=at))
    await replica.handlers.on_job_started(delivery(JobStarted(job="j", run_id="next"), sent_at=at))
    await replica.handlers.on_job_ended(delivery(JobSucceeded(job="j", run_id="next", duration_ms=400.0), sent_at=at))

    assert [run.run_id for run in await replica.job_history.latest_ended()] == ["next"]
    assert await replica.look() == []


async def test_a_run_that_its_service_gave_back_is_no_reason_for_an_alert(replica: Replica) -> None:
    await replica.handlers.on_job_ended(delivery(JobSucceeded(job="j", run_id="1", duration_ms=1.0)))
    replica.clock.advance(MINUTE)
    await replica.handlers.on_job_started(delivery(JobStarted(job="j", run_id="2", period_seconds=300.0)))
    await replica.handlers.on_job_released(delivery(JobReleased(job="j", run_id="2", duration_ms=6000.0)))

    told = [*await replica.look(), *await replica.look(timedelta(hours=1))]

    assert told == []


async def test_the_end_of_a_run_counts_whichever_is_heard_first(replica: Replica) -> None:
    await replica.handlers.on_job_ended(delivery(JobSucceeded(job="j", run_id="1", duration_ms=1.0)))
    await replica.handlers.on_job_started(delivery(JobStarted(job="j", run_id="1")))
    skipped = JobSkipped(job="j", tick_at=NOW, reason="still at work")
    await replica.handlers.on_job_skipped(delivery(skipped))
    await replica.handlers.on_job_skipped(delivery(skipped))

    assert [run.state for run in await replica.job_history.latest()] == ["succeeded"]


async def test_two_replicas_tell_each_thing_once(postgres_url: str) -> None:
    await migrated(postgres_url, MIGRATIONS)
    clock, databases = FakeClock(NOW), [Database(postgres_url), Database(postgres_url)]
    dead = {"publisher.dead": QueueFigures(1, 0)}
    replicas = [Replica(database, clock, dead) for database in databases]
    await replicas[0].report()

    for _ in range(3):
        clock.advance(MINUTE)
        await asyncio.gather(*(replica.watch.look() for replica in replicas))

    assert len(await replicas[0].told("alert.raised")) == 1
    for database in databases:
        await database.close()


@pytest.mark.parametrize("ahead", [timedelta(hours=1), -timedelta(hours=1)])
async def test_a_replica_whose_clock_is_wrong_shortens_and_lengthens_no_patience(
    postgres_url: str, ahead: timedelta
) -> None:
    await migrated(postgres_url, MIGRATIONS)
    clock, wrong = FakeClock(NOW), FakeClock(NOW + ahead)
    databases = [Database(postgres_url), Database(postgres_url)]
    unconsumed = {"publisher.commands": QueueFigures(7, 0)}
    right, other = (Replica(one, own, unconsumed) for one, own in zip(databases, (clock, wrong), strict=True))
    other.database_clock = clock
    await right.report(queues=["publisher.commands"])

    told = []
    for looked in [right, other] * 4:
        await looked.watch.look()
        told.append([alert.code for alert in await right.told("alert.raised")])
        for one in (clock, wrong):
            one.advance(SETTLING / 4)
        await right.report(queues=["publisher.commands"])

    assert told == [[]] * 4 + [["queue_unconsumed"]] * 4
    for database in databases:
        await database.close()


async def test_nothing_is_over_because_the_broker_cannot_be_asked(replica: Replica) -> None:
    await replica.report()
    replica.queues["publisher.dead"] = QueueFigures(1, 0)
    await replica.look()

    async def away(_: str) -> QueueFigures | None:
        raise BrokerUnavailable("away")

    blind = Replica(replica.database, replica.clock)
    blind.figures = away  # type: ignore[assignment]
    blind.__post_init__()
    with pytest.raises(BrokerUnavailable):
        await blind.look(timedelta(hours=1))

    assert [alert.state for alert in await replica.told("alert.raised")] == ["raised"]


async def test_a_clock_that_was_set_back_stops_no_alert(replica: Replica) -> None:
    await replica.report()
    await replica.look()
    replica.queues["publisher.dead"] = QueueFigures(1, 0)

    told = await replica.look(-timedelta(hours=1))

    assert [alert.code for alert in told] == ["dead_letters"]


async def test_the_end_of_an_outage_is_told_until_a_target_has_it(replica: Replica) -> None:
    """Its network may come back after the broker's."""
    for _ in range(4):
        await replica.broker_alert.is_away("it does not answer")
        replica.clock.advance(MINUTE)
    replica.targets.is_down = True
    await replica.broker_alert.is_back()
    replica.targets.is_down = False

    for _ in range(2):
        await replica.broker_alert.is_back()

    assert replica.targets.titles == [
        "Timeball critical: broker_unreachable (broker)",
        "Timeball resolved: broker_unreachable (broker)",
    ]


async def test_a_clock_that_is_set_back_delays_no_word_of_an_outage(replica: Replica) -> None:
    await replica.broker_alert.is_away("it does not answer")
    replica.clock.advance(-timedelta(hours=1))
    for _ in range(3):
        await replica.broker_alert.is_away("it does not answer")
        replica.clock.advance(MINUTE)

    assert replica.targets.titles == ["Timeball critical: broker_unreachable (broker)"]


async def _look_for_minutes(replica: Replica, watch: Watch) -> None:
    """For longer than an outage must last to be told of."""
    await replica.report()
    for _ in range(3):
        await watch.look_if_possible()
        replica.clock.advance(MINUTE)


async def test_a_broker_that_is_away_is_told_in_words(replica: Replica) -> None:
    async def away(_: str) -> QueueFigures | None:
        raise BrokerUnavailable("cannot look for maintenance.timers: TimeoutError()") from TimeoutError()

    await _look_for_minutes(replica, replace(replica.watch, queue_figures=away))

    assert "(it does not answer): nothing is published" in replica.targets.bodies[0]


async def test_a_broker_whose_queues_fail_is_told_without_it(replica: Replica) -> None:
    """It can be reached, and asked about its queues; alerts would wait in the outbox until somebody restarts it."""

    async def refused() -> None:
        raise QueuesFail("the broker refused alert.raised: restart RabbitMQ")

    await _look_for_minutes(replica, replace(replica.watch, try_publishing=refused))

    assert "(the broker refused alert.raised: restart RabbitMQ): nothing is published" in replica.targets.bodies[0]


async def test_a_broker_that_is_away_is_told_without_it_once_and_told_to_be_over(replica: Replica) -> None:
    is_away = True

    async def figures(queue: str) -> QueueFigures | None:
        if is_away:
            raise BrokerUnavailable("no connection")
        return None

    await replica.report()
    watch = replace(replica.watch, queue_figures=figures)
    told: list[int] = []
    for is_away in (True, True, True, True, True, False, False):  # noqa: B007  (figures reads it)
        replica.targets.is_down = len(told) == 2
        await watch.look_if_possible()
        told.append(len(replica.targets.titles))
        replica.clock.advance(MINUTE)

    assert told == [0, 0, 0, 1, 1, 2, 2]
    assert replica.targets.titles == [
        "Timeball critical: broker_unreachable (broker)",
        "Timeball resolved: broker_unreachable (broker)",
    ]
