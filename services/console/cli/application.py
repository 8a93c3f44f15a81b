"""Every command, in one place."""

import errno
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer

from services.console.cli.exit_codes import REFUSED, WRONG_USAGE
from services.console.cli.loading import Loading, Named, Place
from services.console.cli.screen import complain, prepare_streams, say
from shared.process.unusable_home import HomeUnusable

COMMANDS = {
    "up": Place(
        "up", "up", "Start the broker, every service and a sandbox platform on this machine, and show what happens."
    ),
    "demo": Place(
        "demo", "demo", "Connect two demo accounts, schedule three posts and show every event until they are published."
    ),
    "schedule": Place("posts", "schedule", "Schedule a post."),
    "cancel": Place("posts", "cancel", "Cancel a post that is not yet published."),
    "status": Place(
        "posts", "status", "Show one post, or how many there are in each state, what comes next and what went out last."
    ),
    "retry": Place("deciding", "retry", "Publish a failed or held post again, now."),
    "resolve": Place("deciding", "resolve", "Settle a post that may be out: as you found it there, or by the network."),
    "watch": Place("watching", "watch", "Show every event as it happens, until Ctrl-C."),
    "import": Place("importing", "import_posts", "Schedule every post of a file."),
    "alerts": Place("alerts", "alerts", "Show what is wrong, since when, and what to run, the latest first."),
    "audit": Place("audit", "audit", "Show who did what, from where, and how it ended, the latest first."),
    "bulk": Place("bulk", "app", "Cancel, retry, move or resolve many posts at once."),
    "accounts": Place("accounts", "app", "Connect, list and disconnect accounts."),
    "timers": Place("timers", "app", "List timers and their runs, and fire one by hand."),
    "tokens": Place("tokens", "app", "Create, list and revoke tokens."),
    "workspaces": Place("workspaces", "app", "Configure what is watched, and see what was found."),
    "keys": Place("keys", "app", "Show what to seal secrets with, or re-encrypt stored secrets."),
    "console": Place("rebuilding", "app", "Look after the console's own memory."),
    "dead-letters": Place("dead_letters", "app", "Look at messages that could not be handled; replay or drop them."),
}
"""In the order in which they are listed; what is said of each is the first line of its own help."""


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
"""Errors of a disk that takes nothing more."""


class Timeball(Loading):
    """The commands, none of which is loaded."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more | {"commands": {name: Named(name, place) for name, place in COMMANDS.items()}})


app = typer.Typer(
    name="timeball",
    cls=Timeball,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _show_version(is_asked_for: bool) -> None:
    if is_asked_for:
        say(f"timeball {version('timeball')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Every post published at its moment, once. `timeball up` starts everything on this machine."""


def main() -> None:
    """Run what the command line says."""
    prepare_streams()
    try:
        app(prog_name="timeball")
    except HomeUnusable as error:
        complain(str(error))
        sys.exit(WRONG_USAGE)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        sys.stdout = None  # else what it still holds would be written at the end, in vain
        complain(f"the answer cannot be written ({error.strerror}): what was asked for may be done all the same")
        sys.exit(REFUSED)
