"""`timeball watch`, and following the live stream."""

import asyncio
import fnmatch
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated

import typer

from services.console.cli.calling import called, wrong
from services.console.cli.client import Client, LiveEvent, Refused, StreamPosition, Unreachable
from services.console.cli.screen import note, say, show_json
from services.console.cli.sentences import said_by_the_console, sentence
from shared.events import EVENTS

RECONNECT_SECONDS = 1.0
ROUTINE = frozenset({"service.reported", "account.limits_requested", "account.limits_told"})
"""What comes every minute or with each look at a page, and is shown only to who asks for it."""
REPEATED = frozenset({"timer.configured", "service.reported"})
"""What services tell one another again and again; people see it when they ask for it."""


def watch(
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only this type, or `publish.*`; several times.")
    ] = None,
    post_id: Annotated[str | None, typer.Option("--post", help="Only this post.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Show every event as it happens, until Ctrl-C.

    timeball watch

    timeball watch --type publish.succeeded --json | jq .data.lateness_ms
    """
    for wanted in types or ():
        if not fnmatch.filter(EVENTS, wanted):
            wrong(f"--type: no event is called {wanted!r}{_meant(wanted)}")
    note("watching; Ctrl-C ends it")
    with suppress(KeyboardInterrupt):
        called(lambda client: _watch(client, types or (), post_id, as_json=as_json))


def _meant(name: str) -> str:
    near = get_close_matches(name, EVENTS, n=1)
    return f"; do you mean {near[0]!r}?" if near else "; docs/events.md lists them"


async def _watch(client: Client, types: Sequence[str], post_id: str | None, *, as_json: bool) -> None:
    show = tell if types else tell_news
    async for event in _across_interruptions(client, types, post_id):
        if event and (said := said_by_the_console(event)):
            note(said)
        elif event and (types or event.type not in ROUTINE):
            show_json(event.whole) if as_json else show(event)


async def _across_interruptions(
    client: Client, types: Sequence[str], post_id: str | None
) -> AsyncIterator[LiveEvent | None]:
    """Every event once the stream has begun, however often it breaks off: it goes on after the last one."""
    position, is_away = StreamPosition(), False
    while True:
        try:
            async for event in client.events(position, types=types, post_id=post_id):
                if is_away:
                    note("the console is there again")
                is_away = False
                yield event
        except (Unreachable, Refused) as error:
            if position.last_id is None or _is_final(error):
                raise
            if not is_away:
                note(f"the console is away ({error}); what happens meanwhile is shown when it is back")
            is_away = True
        await asyncio.sleep(RECONNECT_SECONDS)


def _is_final(error: Unreachable | Refused) -> bool:
    """Whether to ask again would not help; a console whose database is away will be back."""
    return isinstance(error, Refused) and not error.is_passing


def tell(event: LiveEvent) -> None:
    """Print the event as one line."""
    say(sentence(event, datetime.now(UTC)))


def tell_news(event: LiveEvent) -> None:
    """Print the event unless services only repeat themselves."""
    if event.type not in REPEATED:
        tell(event)


@asynccontextmanager
async def followed(client: Client) -> "AsyncIterator[Following]":
    """The live stream, followed for the length of the block."""
    following = Following(client)
    task = asyncio.create_task(following.run())
    listening = asyncio.create_task(following.listening.wait())
    try:
        await asyncio.wait((task, listening), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield following
    finally:
        for one in (task, listening):
            one.cancel()
        await asyncio.gather(task, listening, return_exceptions=True)


@dataclass
class Following:
    """The live stream, followed across interruptions, for whoever takes part in it."""

    client: Client
    listeners: list[Callable[[LiveEvent], None]] = field(default_factory=lambda: [tell_news])
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    position: StreamPosition = field(default_factory=StreamPosition)

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            with suppress(Unreachable):
                await self._follow()
            self.listening.clear()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _follow(self) -> None:
        async for event in self.client.events(self.position):
            if event is None:
                self.listening.set()
                continue
            if said := said_by_the_console(event):
                note(said)
                continue
            for listen in tuple(self.listeners) if event.type not in ROUTINE else ():
                listen(event)
