"""Targets that never end their answer, or give none: they keep no thread, fill no memory, and nobody waits for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.outbound.silence import Silence
from shared.outbound.targets import AT_ONCE, Message, Refused, Sent, Targets, Unconfirmed

MESSAGE = Message("A title", "A body")
ANSWER = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"


class Endless:
    """A target whose answer goes on: by a byte now and then, or as fast as it is read."""

    def __init__(self, *, is_slow: bool) -> None:
        self.is_slow = is_slow
        self.begun = 0
        self.ended = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        async with await asyncio.start_server(self._answer, "127.0.0.1", 0) as server:
            yield f"json://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.begun += 1
        writer.write(ANSWER)
        try:
            while True:
                writer.write(b"1\r\nx\r\n" if self.is_slow else CHUNK)
                await writer.drain()
                await asyncio.sleep(0.01 if self.is_slow else 0)
        except ConnectionError:
            self.ended += 1
        finally:
            writer.close()


async def test_targets_that_go_on_answering_give_their_threads_back() -> None:
    endless, targets = Endless(is_slow=True), Targets(allow_private_addresses=True, send_seconds=1)
    async with endless.serving() as url:
        outcomes = await asyncio.gather(*(targets.tell(f"{url}{number}", MESSAGE) for number in range(AT_ONCE)))

        free = [targets._threads.submit(lambda: None) for _ in range(AT_ONCE)]
        await asyncio.wait_for(asyncio.gather(*map(asyncio.wrap_future, free)), 60)

    assert all(isinstance(outcome, Unconfirmed) for outcome in outcomes)
    await targets.close()


async def test_of_an_answer_without_end_only_the_beginning_is_read() -> None:
    endless, targets = Endless(is_slow=False), Targets(allow_private_addresses=True)
    async with endless.serving() as url:
        outcome = await targets.tell(url, MESSAGE)

        assert isinstance(outcome, Sent)
        await asyncio.wait_for(_until_ended(endless), 60)
    await targets.close()


async def _until_ended(endless: Endless) -> None:
    while not endless.ended:  # noqa: ASYNC110  (the other end tells nobody)
        await asyncio.sleep(0.01)


async def test_a_target_that_does_not_answer_is_left_alone_and_the_others_are_not() -> None:
    silent, targets = Endless(is_slow=True), Targets(allow_private_addresses=True, send_seconds=0.5)
    async with silent.serving() as url:
        first = await targets.tell(url, MESSAGE)
        begun = silent.begun
        second = await targets.tell(url, MESSAGE)
        other = await targets.tell(f"{url}other", MESSAGE)

    assert isinstance(first, Unconfirmed)
    assert isinstance(second, Refused)
    assert not second.for_good
    assert isinstance(other, Unconfirmed)
    assert silent.begun == begun + 1
    await targets.close()


def test_after_its_rest_one_message_finds_out_whether_a_target_answers() -> None:
    silence = Silence(rest_seconds=60)
    silence.begin("t", 100)

    assert [silence.may_be_asked("t", now) for now in (100, 159, 160, 161, 219)] == [False, False, True, False, False]
    silence.end("t")
    assert [silence.may_be_asked("t", 220), silence.may_be_asked("t", 220)] == [True, True]


@pytest.mark.parametrize("later", [3599, 3661])
def test_targets_that_nobody_asks_any_more_are_forgotten(later: float) -> None:
    silence = Silence(rest_seconds=60)
    silence.begin("gone", 0)

    silence.begin("other", later)

    assert ("gone" in silence._until) is (later < 3660)
