"""`timeball console`: fill the console's read model again."""

import asyncio
from typing import Any

import typer

from services.console.cli.calling import JsonFlag, called
from services.console.cli.client import Client, in_path
from services.console.cli.exit_codes import REFUSED
from services.console.cli.screen import complain, counted, say, show_json

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 30.0

app = typer.Typer(name="console", help="Look after the console's own memory.", no_args_is_help=True)


@app.callback()
def console() -> None:
    """Look after the console's own memory."""


@app.command()
def rebuild(as_json: JsonFlag = False) -> None:
    """Have every service tell what it keeps, and learn it: after the console's database was lost or restored.

    timeball console rebuild

    It can be done at any time: what the console knows to be newer stays, and nothing is published by it.
    """
    rebuilt = called(_rebuilt)
    if as_json:
        show_json(rebuilt)
    else:
        for one in rebuilt["services"]:
            say(f"{one['service']} has told of {counted(one['told'], 'thing')}", "green")
        for name in rebuilt["waiting"]:
            complain(f"{name} has not finished telling: it goes on if it runs, else start it and ask again")
    if rebuilt["waiting"]:
        raise typer.Exit(REFUSED)


async def _rebuilt(client: Client) -> dict[str, Any]:
    """The rebuild once everything has been read, or once nothing of it has happened for a while."""
    loop, known = asyncio.get_running_loop(), await client.call("POST", "/v1/console:rebuild")
    changed_at = loop.time()
    while known["waiting"] and loop.time() - changed_at < PATIENCE_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        now = await client.look_again(f"/v1/console/rebuilds/{in_path(known['correlation_id'])}", known)
        changed_at = loop.time() if now != known else changed_at
        known = now
    return dict(known)
