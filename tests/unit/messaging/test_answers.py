"""Work that is answered bit by bit is waited for, however long it takes; silence is not."""

import asyncio

from shared.messaging.answers import Answers

SILENCE = 0.2


async def test_work_that_is_answered_now_and_then_is_waited_for() -> None:
    answers = Answers()

    async def slow() -> str:
        for _ in range(6):
            await asyncio.sleep(SILENCE / 2)
            answers.note()
        return "done"

    work = asyncio.create_task(slow())

    assert await answers.end_of(work, silence=SILENCE)
    assert work.result() == "done"


async def test_work_that_is_not_answered_is_given_up_and_goes_on() -> None:
    work = asyncio.create_task(asyncio.Event().wait())

    assert not await Answers().end_of(work, silence=SILENCE)

    assert not work.done()
    work.cancel()


async def test_work_that_fails_has_ended() -> None:
    async def fail() -> None:
        raise ConnectionError

    work = asyncio.create_task(fail())

    assert await Answers().end_of(work, silence=SILENCE)
    assert isinstance(work.exception(), ConnectionError)
