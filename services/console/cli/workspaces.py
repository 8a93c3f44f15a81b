"""`timeball workspaces`: configure what the monitor watches, and see what it found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from services.console.cli.calling import JsonFlag, ask, called, end_if_pending, wrong
from services.console.cli.client import Client, Refused, in_path
from services.console.cli.exit_codes import REFUSED
from services.console.cli.local_times import local_time, with_zone
from services.console.cli.screen import complain, counted, say, show_json, show_table
from services.console.cli.workspace_files import Entry, UnreadableWorkspaces, workspaces_in
from shared.secrets.sealing import seal

app = typer.Typer(name="workspaces", help="Configure what is watched, and see what was found.", no_args_is_help=True)


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML or JSON; see docs/monitor.md.")],
    as_json: JsonFlag = False,
) -> None:
    """Configure the workspaces of a file; each replaces what it was. Notification URLs are sealed before they leave.

    timeball workspaces apply workspaces.yaml
    """
    try:
        entries = workspaces_in(file)
    except UnreadableWorkspaces as error:
        wrong(error)
    applied = called(lambda client: _apply_all(client, entries))
    if as_json:
        show_json({"workspaces": applied.workspaces, "rejected": applied.rejected})
    else:
        _show(applied)
    if applied.rejected:
        raise typer.Exit(REFUSED)
    for one in applied.workspaces:
        end_if_pending(one)


@dataclass
class Applied:
    """What became of the workspaces of a file."""

    workspaces: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, str]] = field(default_factory=list)


def _show(applied: Applied) -> None:
    answered = [one["workspace_id"] for one in applied.workspaces if not one["pending"]]
    pending = [one["workspace_id"] for one in applied.workspaces if one["pending"]]
    if answered:
        say(f"{counted(len(answered), 'workspace')} configured: {', '.join(answered)}", "green")
    if pending:
        say(f"not answered yet: {', '.join(pending)}; `timeball workspaces list` tells later", "yellow")
    for one in applied.rejected:
        complain(f"{one['workspace_id']} stays as it was: {one['reason']}")


async def _apply_all(client: Client, entries: Sequence[Entry]) -> Applied:
    """Each on its own: one that is refused does not stop the others."""
    public_key, applied = (await client.call("GET", "/v1/keys"))["monitor"], Applied()
    for entry in entries:
        try:
            applied.workspaces.append(await _apply(client, entry, public_key))
        except Refused as error:
            if error.code != "invalid":
                raise
            applied.rejected.append({"workspace_id": entry.workspace_id, "reason": str(error)})
    return applied


async def _apply(client: Client, entry: Entry, public_key: str) -> Any:
    sealed = {"sealed_notify": seal(list(entry.notify_urls), public_key)} if entry.notify_urls else {}
    return await client.call("PUT", f"/v1/workspaces/{in_path(entry.workspace_id)}", body={**entry.body, **sealed})


@app.command(name="list")
def list_workspaces(as_json: JsonFlag = False) -> None:
    """List every workspace, watched or not.

    timeball workspaces list --json
    """
    workspaces = ask("GET", "/v1/workspaces")["workspaces"]
    if as_json:
        show_json(workspaces)
        return
    columns = ("workspace", "watched", "subreddits", "keywords", "tells", "digest", "problem")
    show_table("Workspaces", columns, map(_row, workspaces), {"yes": "green", "no": "dim"})


def _row(workspace: dict[str, Any]) -> tuple[Any, ...]:
    digest = workspace["digest"]
    tells = workspace["notify"].replace("_", " ") if workspace["has_targets"] else "nobody"
    return (
        workspace["workspace_id"],
        "yes" if workspace["monitoring_enabled"] else "no",
        ", ".join(workspace["subreddits"]),
        ", ".join(keyword["phrase"] for keyword in workspace["keywords"]),
        tells,
        f"{digest['at']} {digest['zone']}" if digest else None,
        f"it stays as it was before: {workspace['rejection']}" if workspace["rejection"] else None,
    )


@app.command()
def mentions(
    workspace_id: Annotated[str | None, typer.Argument(metavar="[WORKSPACE]")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    as_json: JsonFlag = False,
) -> None:
    """Show what was found, the latest first.

    timeball workspaces mentions team
    """
    page = ask("GET", "/v1/mentions", workspace_id=workspace_id, limit=limit)
    if as_json:
        show_json(page)
        return
    rows = (
        (local_time(one["created_at"]), one["workspace_id"], f"r/{one['subreddit']}", one["title"], one["url"])
        for one in page["mentions"]
    )
    show_table(with_zone("Mentions"), ("when", "workspace", "where", "title", "link"), rows)


@app.command()
def remove(workspace_id: Annotated[str, typer.Argument(metavar="WORKSPACE")], as_json: JsonFlag = False) -> None:
    """Stop watching for a workspace, and delete whom it notifies.

    timeball workspaces remove team
    """
    removed = ask("DELETE", f"/v1/workspaces/{in_path(workspace_id)}")
    if as_json:
        show_json(removed)
    elif removed["pending"]:
        say(f"not answered yet; `timeball workspaces list` tells later whether {workspace_id} is gone", "yellow")
    else:
        say(f"{workspace_id} is removed", "green")
    end_if_pending(removed)
