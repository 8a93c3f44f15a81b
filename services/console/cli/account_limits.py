"""`timeball accounts limits`: how much of an account's limits is used up, and when the next post may start."""

from typing import Annotated, Any

import typer

from services.console.cli.calling import JsonFlag, called
from services.console.cli.client import in_path
from services.console.cli.local_times import local_time, shown_zone
from services.console.cli.screen import say, show_json, show_table

_STRETCHES = {1: "a second", 60: "a minute", 86_400: "a day"}


def limits(account_id: Annotated[str, typer.Argument(metavar="ACCOUNT")], as_json: JsonFlag = False) -> None:
    """Show how much of an account's limits is used up now.

    timeball accounts limits team
    """
    told = called(lambda client: client.call("GET", f"/v1/accounts/{in_path(account_id)}:limits"))
    show_json(told) if as_json else _show(told)


def _show(told: dict[str, Any]) -> None:
    if told["limits"]:
        show_table(told["account_id"], ("used", "of", "in", "shared"), map(_row, told["limits"]))
    else:
        say(f"nothing limits how much is sent to {told['account_id']}")
    if told["closed_until"]:
        say(f"the network takes no posts for it until {local_time(told['closed_until'])} ({shown_zone()})", "yellow")
    elif told["free_at"]:
        say(f"the next post may start at {local_time(told['free_at'])} ({shown_zone()})", "yellow")


def _row(limit: dict[str, Any]) -> tuple[Any, ...]:
    stretch = _STRETCHES.get(limit["seconds"], f"{limit['seconds']:.0f} s")
    return limit["used"], limit["most"], stretch, "with its app" if limit["is_shared"] else None
