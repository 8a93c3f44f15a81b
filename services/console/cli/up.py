"""`timeball up`: everything on this machine, kept running until Ctrl-C."""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from deploy.local.broker import LocalBroker, NoBroker, running_broker
from deploy.local.programs import SANDBOX, NoPort, Place, by_name, places
from deploy.local.running import NotReady, running_programs, until_ready
from services.console.cli.client import Address, Client, Refused, Unreachable, url_file
from services.console.cli.demo import demo_at, run_demo
from services.console.cli.exit_codes import REFUSED
from services.console.cli.screen import complain, say, show_table
from services.console.cli.watching import Following, followed
from shared.process.ending import asking_to_end
from shared.process.home import Home
from shared.process.output import never_fail

READY_SECONDS = 90
_FIRST_POST = 'timeball schedule "Hello" --to demo-one --in 10s'


def up(
    with_demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Begin with the demo.")] = True,
    patience: Annotated[int, typer.Option(help="Seconds to wait for everything to be ready.", min=1)] = READY_SECONDS,
) -> None:
    """Start the broker, every service and a sandbox platform on this machine, and show what happens.

    timeball up

    timeball up --no-demo

    TIMEBALL_BROKER_URL=amqp://user:password@host/ timeball up

    Data and keys live under TIMEBALL_HOME (var/): the next start finds them again. Ctrl-C stops everything.
    """
    never_fail()
    try:
        asyncio.run(_until_stopped(with_demo, patience))
    except (NoBroker, NoPort, NotReady) as error:
        complain(str(error))
        raise typer.Exit(REFUSED) from error


async def _until_stopped(with_demo: bool, patience: int) -> None:
    """Run until asked to end; whatever has been started by then is stopped in good order."""
    working = asyncio.create_task(_everything(with_demo, patience))

    def stop() -> None:
        if not working.cancelling():  # a second Ctrl-C must not break off the stopping
            working.cancel()

    for number in asking_to_end():
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await working


async def _everything(with_demo: bool, patience: int) -> None:
    home = Home(os.environ.get("TIMEBALL_HOME", "var"))
    all_places = places()
    address = Address(by_name(all_places)["console"].url, os.environ.get("TIMEBALL_API_TOKEN") or home.api_token())
    with home.taken():
        await _run_everything(home, address, all_places, with_demo, patience)


async def _run_everything(
    home: Home, address: Address, all_places: list[Place], with_demo: bool, patience: int
) -> None:
    async with (
        running_broker(home.path, say) as broker,
        running_programs(all_places, home.path, broker.url, say) as running,
        Client(address) as client,
    ):
        await until_ready(all_places, patience, say, given_up=running.given_up)
        with _findable(home.path, address.url):
            async with followed(client) as following:
                if with_demo:
                    await _demo(client, following, by_name(all_places)[SANDBOX].url)
                _show_places(all_places, address, broker, _callback_secret(home))
                _show_first_steps(home.path, _FIRST_POST if with_demo else demo_at(by_name(all_places)[SANDBOX].url))
                await _show_sign_in(client)
                await asyncio.Event().wait()


async def _show_sign_in(client: Client) -> None:
    """Where the page is, signed in by a link that works once."""
    try:
        link = await client.call("POST", "/sign-in-links")
    except (Refused, Unreachable) as error:
        complain(f"no link to sign in with: {error}; open {client.url} and sign in with the token")
    else:
        say(f"open {client.url}{link['path']}  (signs a browser in, once)\n")


async def _demo(client: Client, following: Following, sandbox: str) -> None:
    try:
        await run_demo(client, following, sandbox)
    except (Refused, Unreachable) as error:
        complain(f"the demo did not work: {error}")


@contextmanager
def _findable(home: Path, url: str) -> Iterator[None]:
    """Let the command line on this machine find the console, wherever it is."""
    file = url_file(home)
    file.write_text(url)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _callback_secret(home: Home) -> str:
    """Where the secret is that callbacks are signed with."""
    given = os.environ.get("TIMEBALL_CALLBACK_SECRET")
    return "in TIMEBALL_CALLBACK_SECRET" if given else f"in {home.callback_secret_file}"


def _show_places(all_places: Sequence[Place], address: Address, broker: LocalBroker, callback_secret: str) -> None:
    named = by_name(list(all_places))
    rows = [
        ("console", f"{address.url}  API: {address.url}/docs"),
        ("token", address.token),
        ("callback secret", callback_secret),
        ("sandbox platform", named[SANDBOX].url),
        ("broker", broker.url),
        ("broker's pages", broker.management),
        *((place.name, f"{place.url}  /readyz /metrics /asyncapi") for place in all_places if _is_behind(place)),
    ]
    show_table("\nTimeball is up", ("what", "where"), rows)


def _is_behind(place: Place) -> bool:
    return place.name not in ("console", SANDBOX)


def _show_first_steps(home: Path, first: str) -> None:
    """What to type first, in any new terminal, with what that needs to find this Timeball."""
    activate = None if shutil.which("timeball") else Path(sys.prefix) / "bin" / "activate"
    given_home = home if "TIMEBALL_HOME" in os.environ else None
    say("\ntry, in another terminal:")
    for command in _first_steps(Path.cwd(), given_home, activate, first):
        say(f"  {command}")
    say("Ctrl-C here stops everything\n")


def _first_steps(folder: Path, home: Path | None, activate: Path | None, first: str) -> list[str]:
    """`home` where another than the folder's var/ is used; `activate` where `timeball` is not on the path yet."""
    steps = [f"cd {quote(str(folder))}"]
    if home:
        steps.append(f"export TIMEBALL_HOME={quote(str(home))}")
    if activate:
        steps.append(f"source {quote(_from(folder, activate))}")
    return [*steps, first, "timeball status"]


def _from(folder: Path, file: Path) -> str:
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
