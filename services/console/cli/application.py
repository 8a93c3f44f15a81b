"""Every command, in one place."""

import sys

import typer

from services.console.cli import (
    account_limits,
    accounts,
    audit,
    bulk,
    dead_letters,
    deciding,
    demo,
    importing,
    keys,
    posts,
    rebuilding,
    timers,
    tokens,
    up,
    version,
    watching,
    workspaces,
)
from services.console.cli.calling import WRONG_USAGE
from services.console.cli.screen import complain
from services.console.cli.usage import OneLine
from shared.process.home import HomeUnusable

app = typer.Typer(
    name="timeball",
    cls=OneLine,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.callback()(version.options)
app.command()(up.up)
app.command()(demo.demo)
app.command()(posts.schedule)
app.command()(posts.cancel)
app.command()(posts.status)
app.command()(deciding.retry)
app.command()(deciding.resolve)
app.command()(watching.watch)
app.command(name="import")(importing.import_posts)
app.command()(audit.audit)
app.add_typer(bulk.app)
accounts.app.command()(account_limits.limits)
app.add_typer(accounts.app)
app.add_typer(timers.app)
app.add_typer(tokens.app)
app.add_typer(workspaces.app)
app.add_typer(keys.app)
app.add_typer(rebuilding.app)
app.add_typer(dead_letters.app)


def main() -> None:
    """Run what the command line says."""
    try:
        app(prog_name="timeball")
    except HomeUnusable as error:
        complain(str(error))
        sys.exit(WRONG_USAGE)
