"""Several addresses under the broker's name: the first one that lets somebody in is taken, however slow it is."""

import asyncio
from typing import Any

import pytest

from shared.messaging import transport
from shared.messaging.transport import first_of
from tests.support.waiting import PATIENCE


class Writer:
    """Knows whether it was closed."""

    is_closed = False

    def close(self) -> None:
        """Be closed."""
        self.is_closed = True


def streams() -> Any:
    """What a connection is made of."""
    return asyncio.StreamReader(), Writer()


async def refuse(error: OSError) -> Any:
    """Let nobody in."""
    raise error


async def after(event: asyncio.Event, answer: Any) -> Any:
    """Let somebody in once that has happened."""
    await event.wait()
    return answer


async def happening(event: asyncio.Event) -> Any:
    """Make it happen, and be silent for ever."""
    event.set()
    await asyncio.Event().wait()


async def test_one_that_is_slower_than_the_patience_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "NEXT_AFTER", 0.01)
    next_one_was_asked, slow = asyncio.Event(), streams()

    found = await asyncio.wait_for(first_of([after(next_one_was_asked, slow), happening(next_one_was_asked)]), PATIENCE)

    assert found == slow
    await asyncio.sleep(0)
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_one_that_refuses_is_followed_by_the_next_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "NEXT_AFTER", 10 * PATIENCE)
    happened, answer = asyncio.Event(), streams()
    happened.set()

    found = await asyncio.wait_for(first_of([refuse(OSError("no")), after(happened, answer)]), PATIENCE)

    assert found == answer


async def test_where_nobody_lets_in_the_last_refusal_is_told() -> None:
    with pytest.raises(OSError, match="not I"):
        await first_of([refuse(OSError("nor me")), refuse(OSError("not I"))])


async def test_of_two_that_let_in_at_once_one_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "NEXT_AFTER", 0.01)
    both_were_asked, one, other = asyncio.Event(), streams(), streams()

    async def happened() -> Any:
        both_were_asked.set()
        return other

    found = await asyncio.wait_for(first_of([after(both_were_asked, one), happened()]), PATIENCE)

    (closed,) = [made for made in (one, other) if made[1].is_closed]
    assert found != closed
