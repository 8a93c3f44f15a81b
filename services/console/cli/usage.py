"""Wrong usage, said in one line: what was given, what is wrong with it, and what would be right."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from services.console.cli.exit_codes import REFUSED, WRONG_USAGE
from services.console.cli.screen import complain

HOW_TO_CONVERT = "for instance with `iconv -f windows-1252 -t utf-8`"


class OneLine(TyperGroup):
    """The commands; what typer refuses is told without its box."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, standalone_mode: bool = True, **more: Any) -> Any:
        """Run what the command line says, and end the program as typer does."""
        more["standalone_mode"] = False
        if not standalone_mode:
            return super().main(args, *rest, **more)
        if unreadable := _no_text(sys.argv[1:] if args is None else args):
            complain(f"{unreadable!r} is no UTF-8; convert it, {HOW_TO_CONVERT}")
            sys.exit(WRONG_USAGE)
        try:
            code = super().main(args, *rest, **more)
        except TyperException as error:
            if line := in_one_line(error):
                complain(line)
            sys.exit(error.exit_code)
        except typer.Abort:
            complain("aborted: nothing was done")
            sys.exit(REFUSED)
        sys.exit(code if isinstance(code, int) else 0)


def _no_text(arguments: Iterable[str]) -> str | None:
    """The first that is no UTF-8, which no request could hold; files may be called so."""
    return next((one for one in arguments if _is_no_text(one) and not _is_file(one)), None)


def _is_no_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return True
    return False


def _is_file(argument: str) -> bool:
    """Whether there is a file of this name, given alone or as `--option=NAME`."""
    return any(name and Path(name).exists() for name in (argument, argument.partition("=")[2]))


def in_one_line(error: TyperException) -> str:
    """What is wrong and where to read on; empty where the help is shown instead."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return ""
    said = " ".join(_said(error).split()).rstrip(".")
    return f"{said}; see `{context.command_path} --help`" if context else said


def _said(error: TyperException) -> str:
    field = _field(getattr(error, "param", None))
    if field is None:
        return error.format_message() if hasattr(error, "option_name") else error.message
    if not error.message:
        return f"{field}: missing, it is required"
    return _unread(field, error.__cause__) or f"{field}: {error.message}"


def _unread(field: str, error: BaseException | None) -> str | None:
    """What is wrong with a value that was given; what typer says itself names it already."""
    from pydantic import ValidationError  # noqa: PLC0415 - most commands are right, and need none of this

    from shared.events.explaining import explain_one  # noqa: PLC0415

    if not isinstance(error, ValidationError):
        return None
    first = error.errors(include_url=False)[0]
    told = explain_one({**first, "loc": (field,)})
    return told.rpartition(" (got ")[0] if first["type"] == "value_error" else told


def _field(parameter: Any) -> str | None:
    """`--port` or `ACCOUNT`, as it is written."""
    if parameter is None:
        return None
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.display_name_raw)
