"""A service works on where nobody takes what it writes."""

import errno
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread

import pytest

from shared.process import output
from shared.process.output import Output
from tests.support.waiting import PATIENCE

NAMES_ITS_FILES = (
    "import os, sys; from shared.process.output import open_missing_files; open_missing_files(); "
    "print('shown'); print('shown', file=sys.stderr); os._exit(os.open('/dev/null', os.O_RDONLY))"
)


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


class Pipe:
    """A pipe whose reader stands still."""

    def __init__(self) -> None:
        self._reading, writing = os.pipe()
        os.set_blocking(writing, False)
        self.inside = 0
        try:
            while True:
                self.inside += os.write(writing, b"." * 4096)
        except BlockingIOError:
            os.set_blocking(writing, True)
        self.writer = os.fdopen(writing, "w")

    def read(self, size: int) -> str:
        read = b""
        while len(read) < self.inside + size:
            read += os.read(self._reading, 65536)
        return read[self.inside :].decode()

    def close(self) -> None:
        os.close(self._reading)
        self.writer.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def test_what_a_full_disk_does_not_take_is_left_out() -> None:
    assert Output(Full()).write("lost\n") == 5


def test_what_nobody_reads_is_left_out() -> None:
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing, "w") as stream:
        assert [Output(stream).write("lost\n") for _ in range(2)] == [5, 5]


def test_a_reader_who_stands_still_is_not_waited_for_and_misses_nothing(pipe: Pipe) -> None:
    stream = Output(pipe.writer)
    told = [f"line {number}\n" for number in range(2000)]

    writing = Thread(target=lambda: [stream.write(one) for one in told], daemon=True)
    writing.start()
    writing.join(PATIENCE)

    assert not writing.is_alive()
    assert pipe.read(sum(map(len, told))) == "".join(told)


def test_of_what_waits_for_a_reader_only_so_much_is_kept(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "MOST_LATE", 2)
    stream = Output(pipe.writer)

    for number in range(4):
        stream.write(f"{number}\n")

    assert pipe.read(4) == "0\n1\n"


@pytest.mark.parametrize("closed", ["1", "2", "0 1 2"])
def test_no_file_gets_the_number_of_a_standard_one_that_is_closed(closed: str) -> None:
    closing = " ".join(f"{number}>&-" for number in closed.split())

    done = subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {closing}', sys.executable, NAMES_ITS_FILES], check=False, capture_output=True
    )

    shown_by_the_other = b"" if len(closed) > 1 else b"shown\n"
    assert done.returncode > 2
    assert done.stdout + done.stderr == shown_by_the_other
