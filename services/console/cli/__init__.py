"""The command line `timeball`: a client of the console's HTTP API, and the start of everything on one machine."""

from services.console.cli.application import main

__all__ = ["main"]
