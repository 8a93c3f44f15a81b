"""Two schedulers as processes, and a timer that ticks every second: one pauses, one dies, each tick is told once."""

import signal
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.nodes import Broker
from tests.support.beats import EVERY_SECOND, beat_once_each_second
from tests.support.system import running_system
from tests.support.waiting import until

PAUSE = timedelta(seconds=3)


async def test_each_second_is_told_once_while_one_replica_pauses_and_the_other_dies(
    postgres_url: str, broker_node: Broker, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        two, env = ("scheduler",) * 2, {"TIMEBALL_TIMERS": EVERY_SECOND}
        running = await stack.enter_async_context(
            running_system(tmp_path, broker_node, *two, env=env, scheduler=postgres_url)
        )
        one, other = running.processes
        await running.bus.fact("timer.fired", timer="beat")

        paused_at = datetime.now(UTC)
        one.process.send_signal(signal.SIGSTOP)
        await beat_once_each_second(running.bus, until=paused_at + PAUSE)
        one.process.send_signal(signal.SIGCONT)
        await beat_once_each_second(running.bus, until=paused_at + PAUSE + timedelta(seconds=1))
        await other.kill()
        await until(paused_at + 2 * PAUSE)

        await beat_once_each_second(running.bus, until=paused_at + 2 * PAUSE)
