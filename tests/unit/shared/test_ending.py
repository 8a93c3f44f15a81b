"""A service that is asked to end ends, whatever hangs on its way out."""

import signal
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize(("ignored", "ends"), [("", True), ("trap '' HUP; ", False)], ids=["terminal", "nohup"])
def test_a_closed_terminal_ends_a_program_that_was_not_told_to_outlive_it(ignored: str, ends: bool) -> None:
    look = "from shared.process.ending import asking_to_end; print(*map(int, asking_to_end()))"

    told = subprocess.check_output(["sh", "-c", f'{ignored}exec "$0" -c "$1"', sys.executable, look], text=True)

    assert (str(int(signal.SIGHUP)) in told.split()) is ends
