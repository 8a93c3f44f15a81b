"""A service that is asked to end ends, whatever hangs on its way out."""

import subprocess
import sys

HANGS = """
import asyncio
from shared.process.ending import end_hard_after

async def swallow() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue

async def main() -> None:
    stopping = asyncio.Event()
    keep = [asyncio.create_task(swallow()), asyncio.create_task(end_hard_after(stopping, seconds=0.5))]
    await asyncio.sleep(0)
    stopping.set()
    await asyncio.sleep(0)

asyncio.run(main())
"""


def test_a_task_that_swallows_its_cancellation_does_not_keep_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=120, check=False)

    assert ended.returncode == 1
    assert "service_ended_hard" in ended.stdout + ended.stderr
    assert "<string>:8 > locks.py:" in ended.stdout + ended.stderr, "where it hangs"
