"""`timeball tokens`: a token for each person and each program."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import typer

from services.console.cli.calling import JsonFlag, ask
from services.console.cli.client import in_path
from services.console.cli.local_times import local_time, shown_zone, with_zone
from services.console.cli.screen import note, say, show_json, show_table

app = typer.Typer(name="tokens", help="Create, list and revoke tokens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]
Days = Annotated[int | None, typer.Option("--days", min=1, max=36_500, help="It expires after so many days.")]
Scope = Annotated[
    Literal["read", "write", "admin"],
    typer.Option("--scope", help="read looks; write also changes posts; admin also accounts and tokens."),
]


@app.command(name="list")
def list_tokens(as_json: JsonFlag = False) -> None:
    """List every token with its scope, and when it was used last.

    timeball tokens list --json
    """
    tokens = ask("GET", "/v1/tokens")["tokens"]
    if as_json:
        show_json(tokens)
    else:
        columns = ("token", "scope", "last used", "expires", "created", "by")
        show_table(with_zone("Tokens"), columns, map(_row, tokens))


def _row(token: dict[str, Any]) -> tuple[Any, ...]:
    expires = "expired" if token["expired"] else local_time(token["expires_at"]) or "never"
    used = local_time(token["last_used_at"]) or "never"
    return token["name"], token["scope"], used, expires, local_time(token["created_at"]), token["created_by"]


@app.command()
def create(name: Name, scope: Scope = "read", days: Days = None, as_json: JsonFlag = False) -> None:
    """Create a token and print its secret, which cannot be shown again.

    timeball tokens create anna --scope write --days 90

    TIMEBALL_API_TOKEN=$(timeball tokens create shop-backend --scope write)
    """
    wanted: dict[str, Any] = {"name": name, "scope": scope}
    if days:
        wanted["expires_at"] = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    made = ask("POST", "/v1/tokens", body=wanted)
    if as_json:
        show_json(made)
        return
    say(made["secret"])
    until = f", until {local_time(made['expires_at'])} ({shown_zone()})" if made["expires_at"] else ""
    note(f"the token of {name} ({scope}{until}): keep it now, it cannot be shown again")


@app.command()
def revoke(name: Name) -> None:
    """Revoke a token: it, and every browser signed in with it, is out from this moment on.

    timeball tokens revoke anna
    """
    ask("DELETE", f"/v1/tokens/{in_path(name)}")
    say(f"{name} is revoked", "green")
