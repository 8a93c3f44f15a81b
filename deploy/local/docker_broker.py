"""A broker in Docker, for machines without a RabbitMQ package; its data lives in a volume of the home's own."""

import hashlib
import secrets
import shutil
import subprocess
import threading
from pathlib import Path

from deploy.local.amqp_login import accepts_login
from deploy.local.broker_files import write_private
from deploy.local.child import NodeError, free_ports, wait_until

IMAGE = "rabbitmq:4.1.4-management"
"""The release that compose.yaml runs, too."""
_USERNAME = "timeball"
_START_SECONDS = 180
_STOP_SECONDS = 15


def has_docker() -> bool:
    """Whether a Docker engine answers."""
    return shutil.which("docker") is not None and _docker("info").returncode == 0


class DockerBroker:
    """RabbitMQ's official image, on loopback ports, removed at the end; the volume stays."""

    has_failed_queues = False
    """Nobody looks: each look would start an Erlang in the container."""

    def __init__(self, home: Path) -> None:
        self._name = f"timeball-{hashlib.sha256(str(home).encode()).hexdigest()[:10]}"
        self._password = _password(home / "keys" / "broker_password")
        self._amqp_port, self._management_port = free_ports(2)
        self._given_up = threading.Event()

    @property
    def url(self) -> str:
        return f"amqp://{_USERNAME}:{self._password}@127.0.0.1:{self._amqp_port}/"

    @property
    def management(self) -> str:
        return f"http://127.0.0.1:{self._management_port}  login {_USERNAME} / {self._password}"

    @property
    def running(self) -> bool:
        return _docker("inspect", "--format", "{{.State.Running}}", self._name).stdout.strip() == "true"

    def start(self) -> None:
        """Return when the broker accepts a login."""
        self.kill()
        started = _docker("run", "--detach", "--rm", *self._options(), IMAGE)
        if started.returncode:
            raise NodeError(f"docker run failed: {started.stderr.strip()}")
        login = (self._amqp_port, _USERNAME, self._password)
        is_over = wait_until(lambda: self._given_up.is_set() or accepts_login(*login), within=_START_SECONDS, every=0.5)
        if self._given_up.is_set():
            self.kill()
            raise NodeError("the start of the broker in Docker was given up")
        if not is_over:
            raise NodeError(f"the broker in Docker did not start within {_START_SECONDS} s")

    def stop(self) -> None:
        """Stop the container in good order."""
        _docker("stop", "--time", str(_STOP_SECONDS), self._name)

    def give_up(self) -> None:
        """End a start that goes on in another thread: it removes the container, and raises NodeError."""
        self._given_up.set()

    def kill(self) -> None:
        """Remove the container at once."""
        _docker("rm", "--force", self._name)

    def _options(self) -> list[str]:
        ports = (f"127.0.0.1:{self._amqp_port}:5672", f"127.0.0.1:{self._management_port}:15672")
        return [
            f"--name={self._name}",
            "--hostname=timeball",  # RabbitMQ's data belong to a host name
            f"--volume={self._name}:/var/lib/rabbitmq",
            f"--env=RABBITMQ_DEFAULT_USER={_USERNAME}",
            f"--env=RABBITMQ_DEFAULT_PASS={self._password}",
            *(f"--publish={port}" for port in ports),
        ]


def _password(file: Path) -> str:
    """Made once, because the volume remembers it."""
    kept = file.read_text().strip() if file.exists() else ""
    if not kept:
        kept = secrets.token_urlsafe(24)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, kept)
    return kept


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
