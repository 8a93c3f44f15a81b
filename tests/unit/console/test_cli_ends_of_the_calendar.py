"""Times at the ends of the calendar, in a machine's zone in which they are beyond it."""

import os
import subprocess
import sys

import pytest

MAIN = "from services.console.cli import main; main()"


@pytest.mark.parametrize(
    ("zone", "option", "time"),
    [("America/New_York", "--from", "9999-12-31 23:59"), ("Asia/Tokyo", "--before", "0001-01-01 00:00")],
)
def test_a_time_that_is_beyond_the_calendar_is_refused_by_its_option(zone: str, option: str, time: str) -> None:
    asked = [sys.executable, "-c", MAIN, "bulk", "cancel", option, time, "--yes"]

    told = subprocess.run(asked, env=os.environ | {"TZ": zone}, capture_output=True, text=True, check=False)

    assert told.returncode == 2
    assert " ".join(told.stderr.split()).startswith(f"{option}: '{time.replace(' ', 'T')}:00' in {zone} is outside the")
