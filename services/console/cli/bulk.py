"""`timeball bulk`: cancel, retry, move or resolve all posts that match: seen before it is done, followed to its end."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from services.console.cli.bulk_runs import (
    RunJson,
    begun,
    followed,
    leave,
    prepare,
    question,
    refused_of,
    show_outcome,
    show_prepared,
)
from services.console.cli.calling import JsonFlag, ask, called, reading, wrong
from services.console.cli.client import in_path
from services.console.cli.deciding import AskNetwork, resolution
from services.console.cli.exit_codes import REFUSED
from services.console.cli.local_times import local_time, own_zone, with_zone
from services.console.cli.screen import say, show_json, show_table
from services.console.written_times import (
    UnreadableTime,
    duration_in,
    instant_of,
    instant_or_local,
    is_without_zone,
    shift_in,
)
from shared.clocks.local_time import UnknownZone
from shared.events.progress import State

app = typer.Typer(name="bulk", help="Cancel, retry, move or resolve many posts at once.", no_args_is_help=True)

States = Annotated[
    list[State] | None, typer.Option("--state", metavar="STATE", help="Only in this state; several times.")
]
Accounts = Annotated[list[str] | None, typer.Option("--account", help="Only on this account; several times.")]
Words = Annotated[str, typer.Option("--q", help="Only with words that begin like these, in text or id.")]
From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Only those due then or later.")]
Before = Annotated[str | None, typer.Option("--before", metavar="TIME", help="Only those due before then.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which posts match; do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before it is done.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="As `list` and the page show it.")]


@app.command()
def cancel(
    *,
    state: States = None,
    account: Accounts = None,
    q: Words = "",
    due_from: From = None,
    before: Before = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Cancel all posts that match and are still to come.

    timeball bulk cancel --account team --q "spring sale" --dry-run

    timeball bulk cancel --account team --from "2027-03-28 00:00" --before "2027-03-29 00:00"
    """
    _run(_wanted("cancel", state, account, q, (due_from, before)), dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def retry(
    *,
    state: States = None,
    account: Accounts = None,
    q: Words = "",
    due_from: From = None,
    before: Before = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Publish all posts that match and have failed or are held again, now.

    timeball bulk retry --state failed --account team
    """
    _run(_wanted("retry", state, account, q, (due_from, before)), dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def move(
    *,
    by: Annotated[str | None, typer.Option(help="How much later, e.g. 90m or 2d; with - before it earlier.")] = None,
    to: Annotated[str | None, typer.Option(metavar="TIME", help="Instead: when the first of them is due.")] = None,
    every: Annotated[str | None, typer.Option(help="With --to: how long after one another, e.g. 5m.")] = None,
    zone: Annotated[str | None, typer.Option(help="Whose clock is meant; else this machine's.")] = None,
    state: States = None,
    account: Accounts = None,
    q: Words = "",
    due_from: From = None,
    before: Before = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Move all posts that match and are not yet out. Days keep the time on the clock, hours are real hours.

    timeball bulk move --by 1d --account team

    timeball bulk move --by=-90m --state scheduled --q "spring sale"

    timeball bulk move --to "2027-03-28 09:00" --every 5m --state held --account team
    """
    wanted = _wanted("move", state, account, q, (due_from, before))
    wanted["move"] = _moving(by, to, every, zone)
    _run(wanted, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def resolve(
    *,
    published: Annotated[bool, typer.Option("--published", help="You found all of them on the network.")] = False,
    not_published: Annotated[bool, typer.Option("--not-published", help="You found none of them there.")] = False,
    ask_network: AskNetwork = False,
    account: Accounts = None,
    q: Words = "",
    due_from: From = None,
    before: Before = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Say of all unknown posts that match whether they are out, as you found it there, or have the network settle it.

    timeball bulk resolve --not-published --account team --from "2027-03-28 09:00"

    timeball bulk resolve --ask-network

    What is asked of the networks may be all there is; what you found there must be said of some.
    """
    act = resolution(published=published, not_published=not_published, ask_network=ask_network)
    narrowed = _narrowed(None, account, q, (due_from, before))
    if not narrowed and not ask_network:
        wrong("say which posts: --account, --q, --from or --before")
    _run({"act": act} | narrowed, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command(name="list")
def list_runs(as_json: JsonFlag = False) -> None:
    """List the latest runs, begun here or on the page.

    timeball bulk list
    """
    page = ask("GET", "/v1/bulk")
    if as_json:
        show_json(page)
    elif page["runs"]:
        columns = ("as of", "run", "act", "state", "posts", "done", "pending", "refused", "by")
        show_table(with_zone("Runs"), columns, map(_row, page["runs"]))
    else:
        say("nothing has been done to many posts yet")


def _row(run: RunJson) -> tuple[Any, ...]:
    figures = (run[name] for name in ("total", "done", "pending", "refused"))
    return local_time(run["as_of"]), run["id"], run["act"], run["state"], *figures, run["asked_by"]


@app.command()
def follow(run_id: RunId, as_json: JsonFlag = False) -> None:
    """Follow a run to its end, begun here or on the page; Ctrl-C leaves it going.

    timeball bulk follow 3f2b8a0e-52a4-4f0c-8f5a-0c6a5a0f7b11
    """
    _end(followed(ask("GET", f"/v1/bulk/{in_path(run_id)}")), as_json=as_json)


@app.command()
def stop(run_id: RunId, as_json: JsonFlag = False) -> None:
    """Stop a run; what has been done stays done.

    timeball bulk stop 3f2b8a0e-52a4-4f0c-8f5a-0c6a5a0f7b11
    """
    run = called(lambda client: leave(client, {"id": run_id}))
    show_json(run) if as_json else show_outcome(run, [])


def _run(wanted: dict[str, Any], *, dry_run: bool, yes: bool, as_json: bool) -> None:
    prepared = called(lambda client: prepare(client, wanted))
    run = prepared.run
    if dry_run or not run["total"]:
        run = called(lambda client: leave(client, run))
        show_json({"run": run, "items": prepared.items}) if as_json else show_prepared(prepared)
        return
    if not yes and not as_json:
        show_prepared(prepared)
    if not yes and not typer.confirm(question(run), err=True):
        called(lambda client: leave(client, run))
        raise typer.Abort
    _end(begun(run), as_json=as_json)


def _end(run: RunJson, *, as_json: bool) -> None:
    refused = called(lambda client: refused_of(client, run))
    show_json({"run": run, "refused": refused}) if as_json else show_outcome(run, refused)
    if run["done"] < run["total"]:
        raise typer.Exit(REFUSED)


def _wanted(
    act: str, states: Sequence[State] | None, accounts: Sequence[str] | None, q: str, due: tuple[str | None, str | None]
) -> dict[str, Any]:
    narrowed = _narrowed(states, accounts, q, due)
    if not narrowed:
        wrong("say which posts: --state, --account, --q, --from or --before")
    return {"act": act} | narrowed


def _narrowed(
    states: Sequence[State] | None, accounts: Sequence[str] | None, q: str, due: tuple[str | None, str | None]
) -> dict[str, Any]:
    due_from, due_to = map(_instant, ("--from", "--before"), due)
    given = {"state": states, "account_id": accounts, "q": q, "due_from": due_from, "due_to": due_to}
    return {name: value for name, value in given.items() if value}


def _instant(option: str, time: str | None) -> str | None:
    read = None if time is None else _time(option, time, own_zone())
    if isinstance(read, dict):
        with reading(option, UnreadableTime):
            return instant_of(read["local"], read["zone"])
    return read


def _time(option: str, time: str, zone: str | None) -> str | dict[str, str]:
    with reading(option, UnreadableTime, UnknownZone):
        return instant_or_local(time, zone if is_without_zone(time) else None)


def _moving(by: str | None, to: str | None, every: str | None, zone: str | None) -> dict[str, Any]:
    zone = zone or own_zone()
    if by is not None and to is None and every is None:
        with reading("--by", UnreadableTime):
            days, seconds = shift_in(by)
        return {"days": days, "seconds": seconds, "zone": zone or "UTC"}
    if to is not None and by is None:
        with reading("--every", UnreadableTime):
            apart = duration_in(every or "0s")
        return {"to": _time("--to", to, zone), "every_seconds": int(apart.total_seconds())}
    return wrong("say how far, --by 2d, or when the first of them is due, --to TIME (with --every 5m, if you like)")
