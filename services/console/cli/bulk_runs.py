"""Runs on the command line: looked at before they begin, followed while they go on, told of when they are over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.progress import MofNCompleteColumn

from services.console.cli.calling import ask
from services.console.cli.client import Client, in_path
from services.console.cli.local_times import local_time, with_zone
from services.console.cli.progress import looks, progress_bar, until_over
from services.console.cli.screen import complain, counted, note, say, show_table

RunJson = Mapping[str, Any]

SHOWN = 10
NONE = {
    "cancel": "no post that matches is still to come",
    "retry": "no post that matches has failed or is held",
    "move": "no post that matches can still be moved",
    "published": "no post that matches is unknown",
    "not_published": "no post that matches is unknown",
    "ask_network": "no post that matches is unknown",
}
DONE = {
    "cancel": "cancelled",
    "retry": "tried again",
    "move": "moved",
    "published": "resolved as published",
    "not_published": "resolved as not published",
    "ask_network": "asked of their networks",
}
ASKED = {
    "cancel": "Cancel {}?",
    "retry": "Retry {}?",
    "move": "Move {}?",
    "published": "You have looked at the network, and {} are out?",
    "not_published": "You have looked at the network, and {} are not out?",
    "ask_network": "Ask the network about {}?",
}


@dataclass(frozen=True)
class Prepared:
    """A run that has not begun, with the first of its posts."""

    run: RunJson
    items: list[dict[str, Any]]


async def prepare(client: Client, wanted: Mapping[str, Any]) -> Prepared:
    """Have the console find the posts; nothing is done to them."""
    run = await client.call("POST", "/v1/bulk", body=wanted)
    page = await client.call("GET", f"{_path(run)}/items", limit=SHOWN)
    return Prepared(run, page["items"])


async def leave(client: Client, run: RunJson) -> RunJson:
    """Stop the run, or never begin it; what has been done stays done."""
    stopped: RunJson = await client.call("DELETE", _path(run))
    return stopped


def begun(run: RunJson) -> RunJson:
    """Begin, and follow to the end."""
    return followed(ask("POST", f"{_path(run)}:start"))


def followed(run: RunJson) -> RunJson:
    """The run once it is over; who does not wait for that, or cannot, is told how to follow or stop it."""
    return until_over(lambda client: _over(client, run), lambda: _say_how_to_go_on(run))


async def _over(client: Client, run: RunJson) -> RunJson:
    with progress_bar(MofNCompleteColumn()) as progress:
        task = progress.add_task(run["act"], total=run["total"])
        async for now in looks(client, _path(run), run):
            progress.update(task, completed=_seen_to(now))
    return now  # type: ignore[no-any-return]


def _say_how_to_go_on(run: RunJson) -> None:
    note(f"it goes on without you: `timeball bulk follow {run['id']}` follows it,")
    note(f"`timeball bulk stop {run['id']}` stops it; what has been done stays done")


def question(run: RunJson) -> str:
    """What is asked before a run begins."""
    return ASKED[run["act"]].format(counted(run["total"], "post"))


def show_prepared(prepared: Prepared) -> None:
    """Which posts they are."""
    run = prepared.run
    if not run["total"]:
        say(NONE[run["act"]])
        return
    rows = ((one["post_id"], one["account_id"]) for one in prepared.items)
    show_table(
        with_zone(f"{counted(run['total'], 'post')} as of {local_time(run['as_of'])}"), ("post", "account"), rows
    )
    if run["total"] > len(prepared.items):
        say(f"and {run['total'] - len(prepared.items):,} more")
    if run["in_the_past"]:
        say(f"{counted(run['in_the_past'], 'post')} would then be due in the past, and be refused", "yellow")


def show_outcome(run: RunJson, refused: list[dict[str, Any]]) -> None:
    """What became of the posts, and why it was refused for the first of those for which it was."""
    if run["state"] == "expired":
        say("nothing was done: it was not started within an hour", "yellow")
        return
    told = f"{run['done']:,} of {counted(run['total'], 'post')} {DONE[run['act']]}"
    pending = f", {run['pending']:,} asked for and not answered yet" if run["pending"] else ""
    rest = run["total"] - _seen_to(run)
    stopped = f"; stopped, the other {rest:,} are as they were" if run["state"] == "stopped" else ""
    going_on = f"; {rest:,} still to do" if run["state"] == "running" else ""
    say(told + pending + stopped + going_on, "green" if run["done"] == run["total"] else "yellow")
    if run.get("problem"):
        complain(f"{run['id']}: {run['problem']}")
    for one in refused:
        complain(f"{one['post_id']} on {one['account_id']}: {one['reason']}")
    if run["refused"] > len(refused):
        complain(f"and {run['refused'] - len(refused):,} more; /bulk/{run['id']} on the page lists them")


async def refused_of(client: Client, run: RunJson) -> list[dict[str, Any]]:
    """The first posts of a run for which it was refused."""
    if not run["refused"]:
        return []
    page = await client.call("GET", f"{_path(run)}/items", outcome="refused", limit=SHOWN)
    found: list[dict[str, Any]] = page["items"]
    return found


def _path(run: RunJson) -> str:
    return f"/v1/bulk/{in_path(run['id'])}"


def _seen_to(run: RunJson) -> int:
    return int(run["done"] + run["pending"] + run["refused"])
