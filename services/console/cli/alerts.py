"""`timeball alerts`: what is wrong, and what was."""

from typing import Annotated, Any

import typer
from rich.text import Text

from services.console.cli.calling import JsonFlag, ask
from services.console.cli.local_times import local_time, shown_zone
from services.console.cli.screen import note, say, show_json

_COLOURS = {"critical": "bold red", "warning": "yellow"}


def alerts(
    *,
    every: Annotated[bool, typer.Option("--all", help="What is over as well.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most.")] = 50,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Where the page before ended.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what is wrong, since when, and what to run, the latest first.

    timeball alerts

    timeball alerts --all --limit 10
    """
    page = ask("GET", "/v1/alerts", state=None if every else "raised", limit=limit, cursor=cursor)
    if as_json:
        show_json(page)
        return
    for alert in page["alerts"]:
        _show(alert)
    if page["alerts"]:
        note(f"times in {shown_zone()}")
    else:
        say("no alerts" if every else "no alerts; --all shows those that are over", "green")
    if page["next"]:
        note(f"more: --cursor {page['next']}")


def _show(alert: dict[str, Any]) -> None:
    is_open = alert["state"] == "raised"
    word = alert["severity"] if is_open else "over"
    line = Text.assemble((f"{word:<9}", _COLOURS.get(word, "dim")), f"{alert['code']} ({alert['subject']}), ")
    say(line + Text(_when(alert), "dim"))
    say(f"         {alert['message']}", "" if is_open else "dim")


def _when(alert: dict[str, Any]) -> str:
    since = f"since {local_time(alert['since'])}"
    if alert["state"] == "raised":
        return since
    if alert["resolved_at"]:
        return f"{since} until {local_time(alert['resolved_at'])}"
    return f"{since}, last told {local_time(alert['told_at'])}"
