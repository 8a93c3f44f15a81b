"""`timeball timers`: list timers, show what became of their ticks, and fire one by hand."""

from typing import Annotated, Any

import typer

from services.console.cli.calling import JsonFlag, ask, end_if_pending
from services.console.cli.client import in_path
from services.console.cli.local_times import local_time, with_zone
from services.console.cli.screen import say, show_json, show_table

app = typer.Typer(name="timers", help="List timers and their runs, and fire one by hand.", no_args_is_help=True)


@app.command(name="list")
def list_timers(as_json: JsonFlag = False) -> None:
    """List every timer with its next tick and its last, in your own time zone.

    timeball timers list --json
    """
    timers = ask("GET", "/v1/timers")["timers"]
    if as_json:
        show_json(timers)
    else:
        columns = ("timer", "cron", "zone", "next tick", "last tick", "")
        show_table(with_zone("Timers"), columns, map(_row, timers))


def _row(timer: dict[str, Any]) -> tuple[Any, ...]:
    missed = timer["last_missed"]
    remark = "by hand" if timer["last_was_manual"] else f"{missed} before it missed" if missed else None
    ticks = local_time(timer["next_at"]), local_time(timer["last_tick_at"])
    return timer["name"], timer["cron"], timer["zone"], *ticks, remark


@app.command()
def history(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """Show what became of a timer's latest ticks, with durations and errors.

    timeball timers history monitor.check
    """
    runs = ask("GET", f"/v1/timers/{in_path(name)}/runs", limit=limit)["runs"]
    if as_json:
        show_json(runs)
    elif runs:
        columns = ("tick", "service", "state", "took", "")
        show_table(with_zone(f"Runs of {name}"), columns, map(_run, runs), _COLOURS)
    else:
        say(f"nothing has run for {name} yet: it has not ticked, or no service reacts to it")


_COLOURS = {"succeeded": "green", "running": "cyan", "failed": "red", "released": "yellow", "skipped": "dim"}


def _run(run: dict[str, Any]) -> tuple[Any, ...]:
    took = None if run["duration_ms"] is None else f"{run['duration_ms']:,.0f} ms"
    remark = ": ".join(filter(None, ["by hand" if run["manual"] else None, run["error"]]))
    return local_time(run["tick_at"]), run["service"], run["state"], took, remark


@app.command()
def trigger(name: Annotated[str, typer.Argument(metavar="NAME")], as_json: JsonFlag = False) -> None:
    """Fire a timer now. Its regular ticks stay as they are.

    timeball timers trigger monitor.check
    """
    fired = ask("POST", f"/v1/timers/{in_path(name)}:trigger")
    if as_json:
        show_json(fired)
    elif fired["pending"]:
        say(f"{name} is to fire; `timeball timers list` shows when it has", "yellow")
    else:
        say(f"{name} fired", "green")
    end_if_pending(fired)
