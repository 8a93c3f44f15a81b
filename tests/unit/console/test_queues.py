"""What is said of a service's queues, by what its processes told and what the broker says."""

import importlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.console.api.queues import TierView, names_of, service_view
from services.console.read_model.service_reports import SILENT_AFTER, Report
from shared.contract.entries import EVERY_SERVICE
from shared.messaging.broker import QueueFigures
from shared.messaging.topology import own_queues

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


@pytest.mark.parametrize("service", EVERY_SERVICE)
def test_the_broker_is_asked_for_queues_that_the_service_has(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It logs each question for another one as an error, once a minute while the page is open."""
    monkeypatch.setenv("TIMEBALL_HOME", str(tmp_path))
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://nowhere/")
    settings = importlib.import_module(f"services.{service}.settings").Settings()

    topology = importlib.import_module(f"services.{service}.app").build(settings).topology

    told = replace(a_report(queues=[queue.name for queue in topology.queues]), service=service)
    there = {queue.name for queue in own_queues(topology)}
    assert set(names_of(service, [told])) <= there
