"""`timeball dead-letters`: what services could not handle, to look at, replay or drop."""

from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from services.console.cli.calling import JsonFlag, ask, end_if_pending, wrong
from services.console.cli.exit_codes import REFUSED
from services.console.cli.local_times import local_time, with_zone
from services.console.cli.screen import complain, counted, say, show_json, show_table
from shared.events.base import Instant
from shared.events.explaining import explain

app = typer.Typer(
    name="dead-letters", help="Look at messages that could not be handled; replay or drop them.", no_args_is_help=True
)

_INSTANT = TypeAdapter(Instant)
Service = Annotated[str, typer.Argument(metavar="SERVICE", help="scheduler, publisher, monitor, maintenance, console.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[MESSAGE_ID]...", help="Those that `list` shows.")]
All = Annotated[bool, typer.Option("--all", help="All that the service has now.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="INSTANT", help="None that was parked later, e.g. 2027-03-28T14:03:07Z."),
]


@app.command(name="list")
def list_letters(
    services: Annotated[list[str] | None, typer.Argument(metavar="[SERVICE]...")] = None,
    *,
    post: Annotated[str | None, typer.Option(help="Only those about this post.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    payload: Annotated[bool, typer.Option("--payload", help="Show what is in each, without secrets.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List dead letters with the reason, the latest first. Nothing is taken by looking.

    timeball dead-letters list

    timeball dead-letters list scheduler --payload
    """
    page = ask("GET", "/v1/dead-letters", service=tuple(services or ()), post_id=post, limit=limit)
    if as_json:
        show_json(page)
        return
    letters = page["dead_letters"]
    if letters:
        columns = ("parked", "service", "type", "replays", "message", "reason")
        show_table(with_zone("Dead letters"), columns, map(_row, letters))
    for letter in letters if payload else ():
        say(f"{letter['message_id']} ({letter['size']:,} bytes): {letter['payload']}")
    _say_how_many(page)


def _row(letter: dict[str, Any]) -> tuple[Any, ...]:
    when = local_time(letter["parked_at"])
    names = letter["service"], letter["message_type"], letter["replays"] or None, letter["message_id"]
    return when, *names, letter["reason"]


def _say_how_many(page: dict[str, Any]) -> None:
    for one in page["services"]:
        if one["resting"] is None:
            say(f"{one['service']}: the broker does not say how many there are", "yellow")
        elif one["resting"]:
            say(f"{one['service']}: {counted(one['resting'], 'dead letter')}")
    if page["next"]:
        say("there are more; --limit shows up to 500, --json the cursor of the next page")
    if not page["dead_letters"] and not any(one["resting"] for one in page["services"]):
        say("no dead letters", "green")


@app.command()
def replay(
    service: Service, message_ids: Ids = None, *, every: All = False, as_of: AsOf = None, as_json: JsonFlag = False
) -> None:
    """Send dead letters back to the queues they came from, once what was wrong is mended.

    timeball dead-letters replay scheduler 3f2b8a0e-52a4-4f0c-8f5a-0c6a5a0f7b11

    timeball dead-letters replay scheduler --all

    A letter that fails again becomes a dead letter again, with one more replay counted.
    """
    body = _body(service, message_ids, as_of, every=every)
    _show(ask("POST", "/v1/dead-letters:replay", body=body), "replayed", as_json=as_json)


@app.command()
def drop(
    service: Service,
    message_ids: Ids = None,
    *,
    every: All = False,
    as_of: AsOf = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before all are dropped.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete dead letters for good.

    timeball dead-letters drop scheduler 3f2b8a0e-52a4-4f0c-8f5a-0c6a5a0f7b11

    timeball dead-letters drop scheduler --all --yes
    """
    body = _body(service, message_ids, as_of, every=every)
    if every and not yes:
        typer.confirm(f"Delete all dead letters of {service} for good?", abort=True)
    _show(ask("POST", "/v1/dead-letters:drop", body=body), "dropped", as_json=as_json)


def _body(service: str, message_ids: list[str] | None, as_of: str | None, *, every: bool) -> dict[str, Any]:
    if bool(message_ids) == every:
        wrong("name the messages, or say --all" if not every else "name messages or say --all, not both")
    if as_of:
        _require_instant("--as-of", as_of)
    named = {"message_ids": message_ids} if message_ids else {}
    return {"service": service, **named, **({"as_of": as_of} if as_of else {})}


def _require_instant(option: str, text: str) -> None:
    """End the program where the text is no instant."""
    try:
        _INSTANT.validate_python(text)
    except ValidationError as error:
        wrong(f"{option}: {explain(error)} (got {text!r})")


def _show(settled: dict[str, Any], done: str, *, as_json: bool) -> None:
    if as_json:
        show_json(settled)
    else:
        _say(settled, done)
    if settled["absent"] or settled["kept"]:
        raise typer.Exit(REFUSED)
    end_if_pending(settled)


def _say(settled: dict[str, Any], done: str) -> None:
    service, more = settled["service"], " so far" if settled["pending"] else ""
    left = f", {settled['resting']:,} left" if settled["resting"] else ""
    say(f"{settled['count']} {done}{more}{left}", "yellow" if settled["pending"] else "green")
    if settled["pending"]:
        say(f"{service} has not finished yet: it goes on if it runs; `timeball dead-letters list {service}` tells")
    if settled["kept"]:
        complain(f"{settled['kept']:,} left: {service} no longer has the queue that they came from; drop them")
    for message_id in settled["absent"]:
        complain(f"{message_id} is no dead letter of {service}; `timeball dead-letters list {service}` shows them")
