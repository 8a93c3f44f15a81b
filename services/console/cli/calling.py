"""Calling the console from a command."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from services.console.cli.client import Address, Client, Refused, Unreachable
from services.console.cli.exit_codes import NOT_YET, REFUSED, UNREACHABLE
from services.console.cli.screen import complain

JsonFlag = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
_WHERE_TOKENS_ARE = (
    "the one in keys/api_token under its TIMEBALL_HOME (a restart of `timeball up` makes a lost one anew), or one of "
    "`timeball tokens create`"
)
_SEPARATORS = re.compile(r"[,;]")
AnswerT = TypeVar("AnswerT")


def called(work: Callable[[Client], Awaitable[AnswerT]], *, in_doubt: str | None = None) -> AnswerT:
    """The work's answer; what goes wrong ends the program with its exit code and a line on stderr.

    `in_doubt` is what to do where the work may have been done all the same.
    """
    address = Address.known()
    if fault := address.fault():
        wrong(fault)
    try:
        return asyncio.run(_with_client(address, work))
    except Refused as error:
        complain(str(error))
        if error.status == 401:  # noqa: PLR2004
            complain(f"set TIMEBALL_API_TOKEN to the token of the console at {address.url}: {_WHERE_TOKENS_ARE}")
        if in_doubt and error.is_passing:
            complain(in_doubt)
        raise typer.Exit(REFUSED) from error
    except Unreachable as error:
        complain(f"cannot reach the console at {address.url} ({error})")
        complain("start it with `timeball up`, or set TIMEBALL_URL to where it is")
        if in_doubt and error.may_have_heard:
            complain(in_doubt)
        raise typer.Exit(UNREACHABLE) from error
    except KeyboardInterrupt:
        if in_doubt:
            complain(in_doubt)
        raise


def end_if_pending(answer: Mapping[str, Any]) -> None:
    """End the program otherwise than well where it was asked for, and is not answered yet."""
    if answer["pending"]:
        raise typer.Exit(NOT_YET)


def ask(method: str, path: str, *, body: Any = None, **parameters: Any) -> Any:
    """The answer to one call of the API, or the end of the program as for `called`."""
    return called(lambda client: client.call(method, path, body=body, **parameters))


def attempted(work: Callable[[Client], Awaitable[AnswerT]]) -> AnswerT:
    """The work's answer; Refused or Unreachable say why there is none, to a command that can do without it."""
    address = Address.known()
    if fault := address.fault():
        raise Unreachable(fault, may_have_heard=False)
    return asyncio.run(_with_client(address, work))


async def _with_client(address: Address, work: Callable[[Client], Awaitable[AnswerT]]) -> AnswerT:
    async with Client(address) as client:
        return await work(client)


def named(texts: Iterable[str]) -> list[str]:
    """The ids in what an option was given: several times, or separated by commas as in a file."""
    return [part for text in texts for part in map(str.strip, _SEPARATORS.split(text)) if part]


@contextmanager
def reading(option: str, *unreadable: type[Exception]) -> Iterator[None]:
    """Name the option where what was given for it cannot be read, which these errors say."""
    try:
        yield
    except unreadable as error:
        wrong(f"{option}: {error}")


def wrong(message: Any) -> NoReturn:
    """End the program: the command line cannot be meant so."""
    raise typer.BadParameter(str(message))
