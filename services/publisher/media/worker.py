"""The program that makes pictures fit, one after another: `python -m services.publisher.media.worker`.

It is a program of its own because unpacking a picture holds Python up, takes hundreds of megabytes, and is done by
libraries that a crafted file may crash. It takes jobs as lines of JSON on its standard input, a socket, answers each
with one, and ends when its publisher does. It gives way to everything else on the machine.
"""

import hashlib
import os
import resource
import signal
import socket
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from services.publisher.media.errors import Unfit
from services.publisher.media.fitting import fitted
from services.publisher.media.limits import PictureLimits

GIVES_WAY = 5
MOST_MEMORY = 2 * 1024**3
"""Bytes of address space: the largest picture takes some 0.8 GiB, and the program itself 0.2."""
MOST_CPU_SECONDS = 30
"""For one picture. Then the system ends the program, and the picture is refused."""


def main() -> None:
    """Answer jobs until nobody asks any more."""
    os.nice(GIVES_WAY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(resource.RLIMIT_AS, MOST_MEMORY)
    asked = socket.socket(fileno=0)
    for line in asked.makefile("rb"):
        _limit(resource.RLIMIT_CPU, int(_cpu_seconds()) + MOST_CPU_SECONDS)
        asked.sendall(answer(line) + b"\n")


def answer(line: bytes) -> bytes:
    """Do one job: read `source`, write what fits `limits` to `target`. A full disk is not the picture's fault."""
    job = from_json(line)
    try:
        return to_json(_done(job))
    except Unfit as unfit:
        return to_json({"reason": unfit.reason, "code": unfit.code})
    except OSError as error:
        return to_json({"trouble": str(error)})


def _done(job: dict[str, Any]) -> dict[str, Any]:
    limits = PictureLimits(**job["limits"])
    picture = fitted(Path(job["source"]).read_bytes(), limits)
    Path(job["target"]).write_bytes(picture.data)
    told = {"mime": picture.mime, "width": picture.width, "height": picture.height, "moves": picture.moves}
    return told | {"size": len(picture.data), "digest": hashlib.sha256(picture.data).hexdigest()}


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
