"""Open files: the limit of a service's process is the system's, not a shell's."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from shared.process.open_files import allow_more_files
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
allow_more_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "then"),
    [
        pytest.param(256, 4096, "4096 4096", id="raised"),
        pytest.param(4096, 4096, "4096 4096", id="as it was"),
    ],
)
def test_a_process_may_open_as_many_files_as_the_system_allows(soft: int, hard: int, then: str) -> None:
    command = [sys.executable, "-c", PROGRAM, str(soft), str(hard)]

    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == then
