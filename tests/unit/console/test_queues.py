"""What is said of a service's queues, by what its processes told and what the broker says."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.console.api.queues import TierView, service_view
from services.console.read_model.service_reports import SILENT_AFTER, Report
from shared.messaging.broker import QueueFigures

NOW = datetime(2027, 3, 28, 12, tzinfo=UTC)


def a_report(instance: str = "one", *, ago: timedelta = timedelta(0), **more: Any) -> Report:
    usual: dict[str, Any] = {"problems": {}, "outbox_age_seconds": None, "queues": ("publisher.requests",)}
    return Report(service="publisher", instance=instance, seen_at=NOW - ago, **usual | more)


def test_a_process_that_has_been_silent_is_not_counted_and_its_problems_are_past() -> None:
    silent = a_report("two", ago=SILENT_AFTER + timedelta(seconds=1), problems={"broker": "away"})

    view = service_view("publisher", [a_report(), silent], {"publisher.requests": QueueFigures(3, 1)}, NOW)

    assert (view.processes, view.problems) == (1, {})


def test_the_newest_process_says_which_queues_there_are() -> None:
    older = a_report("two", ago=timedelta(minutes=1), queues=("publisher.former",))

    view = service_view("publisher", [a_report(), older], {"publisher.requests": QueueFigures(3, 1)}, NOW)

    assert [(one.name, one.messages, one.consumers) for one in view.queues] == [("publisher.requests", 3, 1)]


def test_tiers_in_which_nothing_waits_are_left_out() -> None:
    figures = {
        "publisher.requests": None,
        "publisher.retry.5s": QueueFigures(0, 0),
        "publisher.retry.20s": QueueFigures(2, 0),
        "publisher.dead": QueueFigures(4, 0),
    }

    view = service_view("publisher", [a_report()], figures, NOW)

    assert (view.retrying, view.dead) == ([TierView(seconds=20, messages=2)], 4)
    assert view.queues[0].messages is None


def test_a_broker_that_does_not_answer_leaves_figures_unknown_not_zero() -> None:
    view = service_view("publisher", [a_report()], None, NOW)

    assert (view.dead, view.retrying, view.queues[0].messages) == (None, None, None)


def test_a_service_that_nobody_has_heard_of_is_there_without_figures_of_its_own() -> None:
    view = service_view("publisher", [], {}, NOW)

    assert (view.processes, view.reported_at, view.queues, view.dead) == (0, None, [], 0)
