"""What `timeball up` runs, at which ports, and with which environment."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deploy.local.child import free_ports, is_free
from deploy.local.supervisor import Program

SANDBOX = "sandbox"
PORTS = {"scheduler": 8081, "publisher": 8082, "monitor": 8083, "maintenance": 8084, "console": 8080, SANDBOX: 8090}
STEP = 100
HIGHEST_PORT = 65_536


class NoPort(Exception):
    """A program cannot have the port of its setting; the message names both."""


@dataclass(frozen=True, slots=True)
class Place:
    """A program and the port of its HTTP side; `wanted` is the port it has when nobody else does."""

    name: str
    port: int
    wanted: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ready_url(self) -> str:
        """What answers 200 once the program does its work."""
        return f"{self.url}/healthz" if self.name == SANDBOX else f"{self.url}/readyz"

    @property
    def is_moved(self) -> bool:
        return self.port != self.wanted


def places() -> list[Place]:
    """Every service there is and the sandbox platform, each with a port that is free."""
    wanted = {name: _wanted(name, port) for name, port in PORTS.items() if _exists(name)}
    return [Place(name, _free(port), port) for name, port in wanted.items()]


def _free(wanted: int) -> int:
    """The port, or else one that the next start will find again, if nothing has changed by then."""
    following = range(wanted, HIGHEST_PORT, STEP)
    return next(filter(is_free, following), None) or free_ports(1)[0]


def _exists(name: str) -> bool:
    if name == SANDBOX:
        return True
    package = f"services.{name}"
    return find_spec(package) is not None and find_spec(f"{package}.__main__") is not None


def _wanted(name: str, port: int) -> int:
    """The port of the setting; any that is free where it is 0."""
    setting = f"TIMEBALL_{name.upper()}_HTTP_PORT"
    given = os.environ.get(setting, "").strip() or str(port)
    if not (given.isascii() and given.isdigit() and int(given) < HIGHEST_PORT):
        raise NoPort(f"{setting}: {given!r} is no port: give a number up to {HIGHEST_PORT - 1}, 0 for any that is free")
    return int(given) or free_ports(1)[0]


def programs(all_places: list[Place], home: Path, broker_url: str) -> list[Program]:
    """The programs, ready to be supervised."""
    environment = dict(os.environ) | dict(_environment(all_places, home, broker_url))
    return [Program(place.name, _argv(place), environment) for place in all_places]


def _environment(all_places: list[Place], home: Path, broker_url: str) -> Iterator[tuple[str, str]]:
    yield "TIMEBALL_HOME", str(home)
    yield "TIMEBALL_BROKER_URL", broker_url
    yield "TIMEBALL_ALLOW_PRIVATE_ADDRESSES", os.environ.get("TIMEBALL_ALLOW_PRIVATE_ADDRESSES", "true")
    yield "TIMEBALL_LOG_LEVEL", os.environ.get("TIMEBALL_LOG_LEVEL", "warning")
    yield "TIMEBALL_LOG_FORMAT", os.environ.get("TIMEBALL_LOG_FORMAT", "console")
    for place in all_places:
        yield f"TIMEBALL_{place.name.upper()}_HTTP_PORT", str(place.port)


def _argv(place: Place) -> list[str]:
    if place.name == SANDBOX:
        return [sys.executable, "-m", "deploy.local.sandbox", "--port", str(place.port)]
    return [sys.executable, "-m", f"services.{place.name}"]


def by_name(all_places: list[Place]) -> Mapping[str, Place]:
    """The places by the names of their programs."""
    return {place.name: place for place in all_places}
