"""`timeball console`: fill the console's read model again."""

import typer

from services.console.cli.calling import REFUSED, JsonFlag, called
from services.console.cli.screen import complain, say, show_json

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
    rebuilt = called(lambda client: client.call("POST", "/v1/console:rebuild"))
    if as_json:
        show_json(rebuilt)
    else:
        for one in rebuilt["services"]:
            say(f"{one['service']}: told of {one['told']}", "green")
        for name in rebuilt["waiting"]:
            complain(f"{name} has not finished telling: it goes on if it runs, else start it and ask again")
    if rebuilt["waiting"]:
        raise typer.Exit(REFUSED)
