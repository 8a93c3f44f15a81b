"""What stands first on the first page: what is wrong with the services, and the way out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.console.api.queues import QueueView, ServiceView
from services.console.web.troubles import MOST_BEHIND, troubles_of
from shared.contract.entries import EVERY_SERVICE

NOON = datetime(2027, 3, 28, 12, tzinfo=UTC)


def a_service(service: str = "publisher", *queues: QueueView, **changes: Any) -> ServiceView:
    usual = {"processes": 1, "reported_at": NOON, "problems": {}, "outbox_age_seconds": None, "retrying": [], "dead": 0}
    return ServiceView(service=service, queues=list(queues), **{**usual, **changes})


def what(*services: ServiceView) -> list[str]:
    return [trouble.what for trouble in troubles_of(services)]


def test_services_that_run_and_one_that_was_never_there_are_no_trouble() -> None:
    consumed = QueueView(name="publisher.requests", messages=5, consumers=2)

    assert what(a_service("publisher", consumed), a_service("monitor", processes=0, reported_at=None)) == []


def test_of_every_service_that_is_silent_it_is_told_since_when_and_what_that_means() -> None:
    for service in EVERY_SERVICE:
        abandoned = QueueView(name=f"{service}.requests", messages=312, consumers=0)
        (trouble,) = troubles_of([a_service(service, abandoned, processes=0)])

        assert (trouble.what, trouble.since) == (f"The {service} is silent", NOON)
        assert trouble.meaning and "Start it again" in trouble.way_out
        assert trouble.address == f"/queues#{service}"


def test_services_that_are_silent_together_are_one_trouble_with_the_latest_word_of_any() -> None:
    every = [a_service(service, processes=0) for service in EVERY_SERVICE]
    later = NOON + timedelta(minutes=5)

    (of_all,) = troubles_of([*every[1:], a_service(EVERY_SERVICE[0], processes=0, reported_at=later)])
    (of_others,) = troubles_of([*(one for one in every if one.service != "console"), a_service("console")])

    assert (of_all.what, of_all.since, of_all.address) == ("All services are silent", later, "/queues")
    assert all(service in of_all.meaning for service in EVERY_SERVICE)
    assert of_others.what == "All services but the console are silent"
    assert "console" not in of_others.meaning


def test_while_another_service_runs_each_silent_one_is_told_alone() -> None:
    two = [a_service(service, processes=0) for service in ("scheduler", "publisher")]

    assert what(*two, a_service("monitor")) == ["The scheduler is silent", "The publisher is silent"]


def test_a_queue_that_nobody_consumes_is_named_with_what_waits_in_it() -> None:
    (trouble,) = troubles_of([a_service("publisher", QueueView(name="publisher.commands", messages=1, consumers=0))])

    assert trouble.what == "Nobody consumes publisher.commands"
    assert trouble.meaning == "1 message waits in it, though the publisher is running."


def test_figures_that_nobody_knows_are_no_trouble() -> None:
    assert what(a_service("publisher", QueueView(name="publisher.commands", messages=None, consumers=None))) == []


def test_what_a_service_says_is_wrong_stands_there_in_its_words() -> None:
    (trouble,) = troubles_of([a_service("scheduler", problems={"database": "the disk is full"})])

    assert trouble.meaning == "database: the disk is full"


def test_a_console_that_is_behind_says_that_it_shows_what_is_old() -> None:
    def projector(messages: int) -> ServiceView:
        return a_service("console", QueueView(name="console.projector", messages=messages, consumers=1))

    assert what(projector(MOST_BEHIND)) == []
    assert what(projector(MOST_BEHIND + 1)) == ["The console is behind"]


def test_what_is_silent_stands_before_what_rests() -> None:
    services = [a_service("scheduler", dead=2), a_service("publisher", processes=0, dead=None)]

    assert what(*services) == ["The publisher is silent", "2 messages rest in scheduler.dead"]
