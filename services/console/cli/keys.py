"""`timeball keys`: what to seal secrets with, and encrypting stored secrets again."""

import os
from collections.abc import Mapping
from typing import Any

import typer

from services.console.cli.calling import JsonFlag, ask
from services.console.cli.exit_codes import REFUSED
from services.console.cli.screen import complain, counted, say, show_json, show_table
from shared.process.home import Home
from shared.secrets.sealing import SealingKey

SERVICES = ("publisher", "monitor")
MOST_NAMED = 10

app = typer.Typer(name="keys", help="Show what to seal secrets with, or re-encrypt stored secrets.")


@app.callback(invoke_without_command=True)
def keys(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Show each service's public key: what is sealed with it, only that service can open.

    timeball keys

    timeball keys --json | jq -r .publisher

    timeball keys rotate

    Asks the console where TIMEBALL_URL is set, else reads (or makes) the keys of this machine.
    """
    if context.invoked_subcommand:
        return
    public_keys: Mapping[str, str] = ask("GET", "/v1/keys") if _is_remote() else _local()
    show_json(dict(public_keys)) if as_json else show_table("Public keys", ("service", "key"), public_keys.items())


@app.command()
def rotate(as_json: JsonFlag = False) -> None:
    """Encrypt every stored secret again, with the first of TIMEBALL_SECRET_KEYS, so that the others can be dropped.

    timeball keys rotate

    Before it, put a new key in front (TIMEBALL_SECRET_KEYS=new,old) and restart the services; then drop the old one.
    """
    rotation = ask("POST", "/v1/keys:rotate")
    if as_json:
        show_json(rotation)
    else:
        _say(rotation)
    if rotation["waiting"] or any(one["unreadable"] for one in rotation["services"]):
        raise typer.Exit(REFUSED)


def _say(rotation: Mapping[str, Any]) -> None:
    for one in rotation["services"]:
        say(f"{one['service']}: {counted(one['rotated'], 'secret')} encrypted with the first key", "green")
        if one["unreadable"]:
            names = ", ".join(one["unreadable"][:MOST_NAMED])
            more = f" and {len(one['unreadable']) - MOST_NAMED} more" if len(one["unreadable"]) > MOST_NAMED else ""
            complain(f"{one['service']}: none of TIMEBALL_SECRET_KEYS fits the secrets of {names}{more}")
    for name in rotation["waiting"]:
        complain(f"{name} has not answered: keep the old key until it has (or where no {name} runs)")


def _is_remote() -> bool:
    return bool(os.environ.get("TIMEBALL_URL"))


def _local() -> dict[str, str]:
    home = Home(os.environ.get("TIMEBALL_HOME", "var"))
    return {service: _public_key(service, home) for service in SERVICES}


def _public_key(service: str, home: Home) -> str:
    name = service.upper()
    if public_key := os.environ.get(f"TIMEBALL_{name}_PUBLIC_KEY"):
        return public_key
    if private_key := os.environ.get(f"TIMEBALL_{name}_SEALING_KEY"):
        return SealingKey.from_base64(private_key).public_key
    return home.public_key(service)
