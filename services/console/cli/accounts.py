"""`timeball accounts`: connect, list and disconnect accounts, and show their limits."""

import asyncio
import json
import sys
import threading
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.prompt import Prompt
from rich.text import Text

from services.console.cli.calling import JsonFlag, ask, end_if_pending, wrong
from services.console.cli.client import in_path
from services.console.cli.exit_codes import REFUSED
from services.console.cli.local_times import local_time, shown_zone, with_zone
from services.console.cli.screen import complain, say, screen, show_json, show_table
from services.console.cli.sign_in import PORT, signed_in
from services.console.networks.oauth import Network, Signed, SignInFailed, network_of

app = typer.Typer(name="accounts", help="Connect, list and disconnect accounts.", no_args_is_help=True)

CREDENTIALS = {
    "webhook": ("secret",),
    "bluesky": ("identifier", "password"),
    "mastodon": ("access_token",),
    "telegram": ("bot_token",),
    "discord": ("webhook_url",),
    "reddit": ("client_id", "client_secret", "refresh_token"),
    "x": ("client_id", "access_token", "refresh_token"),
    "linkedin": ("client_id", "client_secret", "access_token"),
}
"""What is asked for when no file is given and nobody signs in; a file may hold more (see docs)."""

_HOW_TO_GET = {"secret": " (whsec_ and base64: `echo whsec_$(openssl rand -base64 32)` makes one)"}

LIMITS = ("per_second", "per_minute", "per_day")
_STRETCHES = {1: "a second", 60: "a minute", 86_400: "a day"}


@app.command()
def add(
    platform: Annotated[str, typer.Argument(metavar="PLATFORM", help=f"sandbox, {', '.join(CREDENTIALS)}.")],
    account_id: Annotated[str, typer.Argument(metavar="ACCOUNT", help="A name of your choice.")],
    *,
    setting: Annotated[list[str] | None, typer.Option(help="name=value, e.g. server=https://…; several times.")] = None,
    limit: Annotated[
        list[str] | None, typer.Option(help="per_second=, per_minute= or per_day=; several times.")
    ] = None,
    credentials_file: Annotated[
        Path | None, typer.Option(allow_dash=True, help="A JSON object of secrets; - reads it from stdin.")
    ] = None,
    sign_in: Annotated[
        bool, typer.Option(help="Sign in with the browser to x, linkedin, reddit or mastodon for tokens not given.")
    ] = True,
    port: Annotated[
        int, typer.Option(help="Your app must know the address http://127.0.0.1:PORT/callback.", min=0, max=65535)
    ] = PORT,
    browser: Annotated[bool, typer.Option(help="Open the browser, beside showing the address.")] = True,
    as_json: JsonFlag = False,
) -> None:
    """Connect an account, or connect it again. Secrets are asked for, or read from a file: never given as arguments.

    timeball accounts add mastodon team --setting server=https://mastodon.example

    timeball accounts add sandbox demo --setting url=http://127.0.0.1:8090/demo/posts

    timeball accounts add telegram alerts --setting chat_id=42 --credentials-file - < secrets.json
    """
    settings = _pairs("--setting", setting or [])
    network = network_of(platform, settings) if sign_in else None
    credentials = _credentials(platform, credentials_file, network)
    if network and network.needed not in credentials:
        settings, credentials = _signed_in(network, settings, credentials, port=port, browser=browser)
    more = {"limits": _limits(limit or []), "credentials": credentials}
    body = {"platform": platform, "settings": settings} | {name: given for name, given in more.items() if given}
    account = ask("PUT", f"/v1/accounts/{in_path(account_id)}", body=body)
    show_json(account) if as_json else _show_connected(account)
    end_if_pending(account)


def _show_connected(account: Mapping[str, Any]) -> None:
    name = account["account_id"]
    if account["pending"]:
        say(f"{name} is being connected; `timeball accounts list` shows when it is", "yellow")
    else:
        say(f"{name} is connected to {account['platform']}", "green")


def _pairs(option: str, texts: list[str]) -> dict[str, Any]:
    pairs = [text.partition("=") for text in texts]
    if unreadable := [text for text, (_, sign, _) in zip(texts, pairs, strict=True) if not sign]:
        wrong(f"{option}: write name=value (got {unreadable[0]!r})")
    return {name: _value(value) for name, _, value in pairs}


def _limits(texts: list[str]) -> dict[str, Any]:
    limits = _pairs("--limit", texts)
    if unknown := [name for name in limits if name not in LIMITS]:
        wrong(f"--limit: {unknown[0]!r} is no limit: write {', '.join(f'{name}=' for name in LIMITS)}")
    return limits


def _value(text: str) -> Any:
    """Numbers, true and false as such; everything else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text


def _credentials(platform: str, file: Path | None, network: Network | None) -> dict[str, Any]:
    if file is None:
        return {name: Prompt.ask(_named(name), password=True) for name in _asked(platform, network)}
    try:
        credentials = json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except (OSError, ValueError) as error:
        wrong(f"--credentials-file: it must be a readable JSON object ({getattr(error, 'strerror', 'no JSON')})")
    if not isinstance(credentials, dict):
        wrong("--credentials-file: it must hold a JSON object")
    return credentials


def _named(credential: str) -> str:
    return f"{credential}{_HOW_TO_GET.get(credential, '')}"


def _asked(platform: str, network: Network | None) -> tuple[str, ...]:
    asked = network.app if network else CREDENTIALS.get(platform, ())
    if asked and not sys.stdin.isatty():
        needed = ", ".join(map(_named, asked))
        wrong(f"{platform} needs {needed}: give --credentials-file FILE, a JSON object, or - for stdin")
    return asked


def _signed_in(
    network: Network, settings: Mapping[str, Any], given: Mapping[str, Any], *, port: int, browser: bool
) -> Signed:
    """Settings and credentials after somebody has signed in; the console is asked first whether it is there."""
    if network.app and not given.get("client_id"):
        wrong("client_id is missing: it names the app that you have registered with the network")
    if odd := [name for name, key in given.items() if not isinstance(key, str)]:
        wrong(f"--credentials-file: {odd[0]} must be a text; put it in quotes")
    ask("GET", "/v1/keys")

    def show(page: str) -> None:
        screen(stderr=True).print(Text(f"Sign in with your browser, at\n{page}"))
        if browser:
            threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()

    try:
        return asyncio.run(signed_in(network, settings, given, show=show, port=port))
    except SignInFailed as error:
        complain(str(error))
        raise typer.Exit(REFUSED) from error


@app.command(name="list")
def list_accounts(as_json: JsonFlag = False) -> None:
    """List every account, connected or not.

    timeball accounts list --json
    """
    accounts = ask("GET", "/v1/accounts")["accounts"]
    if as_json:
        show_json(accounts)
        return
    columns = ("account", "platform", "connected", "token until", "problem")
    show_table(with_zone("Accounts"), columns, map(_row, accounts), {"yes": "green", "no": "dim"})


def _row(account: dict[str, Any]) -> tuple[Any, ...]:
    problem = "connect it again" if account["needs_reconnect"] else _problem(account)
    connected = "yes" if account["connected"] else "no"
    until = local_time(account["token_expires_at"])
    return account["account_id"], account["platform"], connected, until, problem


def _problem(account: dict[str, Any]) -> str | None:
    if account["error"]:
        return str(account["error"]["message"])
    if not account["connect_error"]:
        return None
    message = str(account["connect_error"]["message"])
    return f"as it was before: {message}" if account["connected"] else message


@app.command()
def remove(account_id: Annotated[str, typer.Argument(metavar="ACCOUNT")], as_json: JsonFlag = False) -> None:
    """Disconnect an account; its credentials are forgotten, its posts stay.

    timeball accounts remove team
    """
    account = ask("DELETE", f"/v1/accounts/{in_path(account_id)}")
    if as_json:
        show_json(account)
    else:
        say(f"{account_id} is {'being ' if account['pending'] else ''}disconnected")
    end_if_pending(account)


@app.command()
def limits(account_id: Annotated[str, typer.Argument(metavar="ACCOUNT")], as_json: JsonFlag = False) -> None:
    """Show how much of an account's limits is used up now.

    timeball accounts limits team
    """
    told = ask("GET", f"/v1/accounts/{in_path(account_id)}:limits")
    show_json(told) if as_json else _show_limits(told)


def _show_limits(told: dict[str, Any]) -> None:
    if told["limits"]:
        show_table(told["account_id"], ("used", "of", "in", "shared"), map(_row_of_limit, told["limits"]))
    else:
        say(f"nothing limits how much is sent to {told['account_id']}")
    if told["closed_until"]:
        say(f"the network takes no posts for it until {local_time(told['closed_until'])} ({shown_zone()})", "yellow")
    elif told["free_at"]:
        say(f"the next post may start at {local_time(told['free_at'])} ({shown_zone()})", "yellow")


def _row_of_limit(limit: dict[str, Any]) -> tuple[Any, ...]:
    stretch = _STRETCHES.get(limit["seconds"], f"{limit['seconds']:.0f} s")
    return limit["used"], limit["most"], stretch, "with its app" if limit["is_shared"] else None
