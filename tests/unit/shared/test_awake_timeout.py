"""What arrives while a process is frozen counts as an answer."""

import asyncio
import socket
import time

import pytest
import uvloop

from shared.clocks.awake_timeout import STEP, AwakeTimeout

FROZEN = STEP + 0.2


async def test_an_answer_that_came_while_the_process_was_frozen_is_read() -> None:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)

    async with AwakeTimeout(0.3):
        asyncio.get_running_loop().call_soon(_freeze_while_it_answers, theirs)
        assert await reader.readline() == b"one\n"
        assert await reader.readline() == b"two\n"

    writer.close()
    theirs.close()


def _freeze_while_it_answers(theirs: socket.socket) -> None:
    time.sleep(FROZEN)
    theirs.sendall(b"one\ntwo\n")


@pytest.mark.parametrize("seconds", [0.1, STEP + 0.1])
async def test_who_does_not_answer_is_given_up(seconds: float) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with AwakeTimeout(seconds):
            await asyncio.Event().wait()
    assert time.monotonic() - began >= seconds


@pytest.mark.parametrize("seconds", [0.0, 0.0004, STEP + 0.0004])
def test_so_is_he_on_uvloop_where_less_than_a_millisecond_is_left(seconds: float) -> None:
    """What is due so soon uvloop runs at once, under a handle that does not know when."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_is_given_up(seconds))


async def _is_given_up(seconds: float) -> None:
    for_ever = asyncio.get_running_loop().time() + STEP + 1
    async with asyncio.timeout_at(for_ever) as outer:
        with pytest.raises(TimeoutError):
            async with AwakeTimeout(seconds):
                await asyncio.Event().wait()
    assert not outer.expired()


async def test_who_does_not_answer_after_a_freeze_either_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        async with AwakeTimeout(0.1):
            time.sleep(FROZEN)  # noqa: ASYNC251
            await asyncio.Event().wait()


async def test_what_ends_in_time_is_left_alone() -> None:
    async with AwakeTimeout(0.1):
        pass
    with pytest.raises(ValueError):
        async with AwakeTimeout(0.1):
            raise ValueError
    await asyncio.sleep(0.2)
