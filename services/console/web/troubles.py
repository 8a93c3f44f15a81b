"""What is wrong with the services, and the way out: what stands first on the first page. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.console.api.queues import QueueView, ServiceView
from services.console.web import words
from shared.messaging.topology import dead_queue

MOST_BEHIND = 1_000
"""So many events wait for the console for a moment whenever a batch is imported."""

_MEANWHILE = {
    "scheduler": "Until it runs, nothing that falls due is released, and what is asked for waits in its queue.",
    "publisher": "Until it runs, nothing is sent: what is due waits in its queue and goes out late.",
    "monitor": "Until it runs, nobody looks for mentions, and no digest is sent.",
    "maintenance": "Until it runs, no access to a network is renewed, nothing old is deleted, and nobody is alerted.",
    "console": "Its own reports do not come back to it, so what you see is likely to be old.",
}
"""What it means that no process of a service is running."""
_NOTHING_HAPPENS = "Nothing is published, and what is asked for is not carried out. None of it is lost."
_START_ALL = "They share a cause: look first at what they share (machine, database, broker), then start them again."
_NOTHING_IS_HEARD = "The console does not even hear itself, so what you see is old, and the others may be running."
_HEAR_AGAIN = "Look first whether the console reads its queue and reaches its database; its log says why not."
"""Said of all services at once."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: what, since when, what it means and what to do, and where to look."""

    key: str
    what: str
    meaning: str
    way_out: str
    address: str
    since: datetime | None = None


def troubles_of(services: Sequence[ServiceView]) -> list[Trouble]:
    """What is wrong with the services, the worst first."""
    silent = [one for one in services if is_silent(one)]
    running = [one for one in services if one.processes]
    queues = [(one.service, queue) for one in running for queue in one.queues]
    return [
        *_silences(silent, [one for one in running if one.service != "console"]),
        *(_unconsumed(service, queue) for service, queue in queues if queue.consumers == 0),
        *(_problem(one.service, *problem) for one in running for problem in sorted(one.problems.items())),
        *(_behind(queue) for _, queue in queues if _is_behind(queue)),
        *_dead_letters(services),
    ]


def is_silent(service: ServiceView) -> bool:
    """Whether it has reported, and does not any more."""
    return service.reported_at is not None and not service.processes


def _silences(silent: Sequence[ServiceView], others: Sequence[ServiceView]) -> Iterator[Trouble]:
    """One trouble for each, or one for all of them where no other service is running: they have one cause."""
    if len(silent) > 1 and not others:
        yield _silence_of_all(silent)
    else:
        yield from map(_silence, silent)


def _silence_of_all(silent: Sequence[ServiceView]) -> Trouble:
    names = ", ".join(one.service for one in silent)
    hears_itself = all(one.service != "console" for one in silent)
    return Trouble(
        "silent all",
        "All services but the console are silent" if hears_itself else "All services are silent",
        f"{names}. {_NOTHING_HAPPENS if hears_itself else _NOTHING_IS_HEARD}",
        _START_ALL if hears_itself else _HEAR_AGAIN,
        "/queues",
        max(one.reported_at for one in silent if one.reported_at),
    )


def _silence(one: ServiceView) -> Trouble:
    way_out = "Start it again, and read the end of its log to learn why it ended."
    return Trouble(
        f"silent {one.service}",
        f"The {one.service} is silent",
        _MEANWHILE[one.service],
        way_out,
        f"/queues#{one.service}",
        one.reported_at,
    )


def _unconsumed(service: str, queue: QueueView) -> Trouble:
    waiting = words.count(queue.messages or 0, "message")
    waits = "waits" if queue.messages == 1 else "wait"
    return Trouble(
        f"unconsumed {queue.name}",
        f"Nobody consumes {queue.name}",
        f"{waiting} {waits} in it, though the {service} is running.",
        f"It attaches again by itself within half a minute, or ends to be started anew; if not, restart the {service}.",
        f"/queues#{service}",
    )


def _problem(service: str, name: str, problem: str) -> Trouble:
    return Trouble(
        f"problem {service} {name}",
        f"The {service} says that it is not well",
        f"{name}: {problem}",
        "It works on as far as it can, and tries again by itself.",
        f"/queues#{service}",
    )


def _is_behind(queue: QueueView) -> bool:
    return queue.name == "console.projector" and (queue.messages or 0) > MOST_BEHIND


def _behind(queue: QueueView) -> Trouble:
    return Trouble(
        "behind",
        "The console is behind",
        f"{words.count(queue.messages or 0, 'event')} wait to be read, so what you see is old.",
        "It catches up by itself. Where it does not, its database is too slow, or its log says why.",
        "/queues#console",
    )


def _dead_letters(services: Sequence[ServiceView]) -> Iterator[Trouble]:
    for one in services:
        if one.dead:
            rest = "rests" if one.dead == 1 else "rest"
            yield Trouble(
                f"dead {one.service}",
                f"{words.count(one.dead, 'message')} {rest} in {dead_queue(one.service)}",
                f"The {one.service} could not handle {'it' if one.dead == 1 else 'them'}, and tries no more.",
                "Read the reason, then send back what can be handled now, and drop the rest.",
                f"/queues/{dead_queue(one.service)}",
            )
