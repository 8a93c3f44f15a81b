"""A private RabbitMQ node: its own ports, name, epmd and data, on loopback only, gone when its parent is gone."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.amqp_login import accepts_login
from deploy.local.broker_files import (
    DISK_FREE_LIMIT,
    NODENAME,
    USERNAME,
    BrokerIdentity,
    lock_directory,
    recall_identity,
    refuse_moved,
    write_configuration,
)
from deploy.local.child import Child, NodeError, clean_environment, is_free, log_tail, wait_until

PLUGINS = ("rabbitmq_management", "rabbitmq_prometheus")
_LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"
_DEAD_LETTERS_AGAIN = "-rabbit dead_letter_worker_publisher_confirm_timeout 3000"
"""Milliseconds until an expired message is sent on again whose target did not confirm it, as while a broker starts."""
_WRITES_ITS_QUEUES = "is_pid(whereis(ra_log_wal))."
"""Quorum queues have one log together. When it cannot be written, as on a full disk, RabbitMQ ends it, and does not
begin it again: until it is restarted it runs, lets everybody in, and refuses whatever is meant for a queue."""
_LOOK_SECONDS = 5
_STARTUP_SECONDS = 180
_PORTS_SECONDS = 10
_SHUTDOWN_SECONDS = 20


class BrokerNode:
    """RabbitMQ from the installed package, as whoever runs this, with all its files in `directory`.

    The methods block (a start takes seconds): call them through `asyncio.to_thread` where a loop is running.
    """

    def __init__(self, directory: Path, *, plugins: tuple[str, ...] = PLUGINS, erlang: str = "") -> None:
        """`erlang`: more arguments for Erlang, such as settings that RabbitMQ's own file does not know."""
        self.directory = directory.resolve()
        self.plugins = plugins
        self._erlang = f"{_LOOPBACK_ONLY} {_DEAD_LETTERS_AGAIN} {erlang}"
        self.username = USERNAME
        self._identity: BrokerIdentity | None = None
        self._children: list[Child] = []
        self._lock: int | None = None
        self._given_up = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Return when the node accepts a login; raise NodeError with the end of its log when it does not.

        A node that has run before stays where it was: others know its address.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.kill()  # of a node that died some part may be left, which holds its ports
        refuse_moved(self.directory)
        self._lock = lock_directory(self.directory)
        if self._identity is None:
            self._identity = recall_identity(self.directory)
        elif not wait_until(self._identity.is_free, within=_PORTS_SECONDS):
            raise NodeError(f"somebody has taken a port of the broker node: one of {self._identity.ports}")
        write_configuration(self.directory, self._identity, self.plugins)
        try:
            self._start_epmd(self._identity)
            self._start_server(self._identity)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Shut the node down in good order."""
        for child in reversed(self._children):
            child.stop(grace=_SHUTDOWN_SECONDS)
        self._release()

    def kill(self) -> None:
        """End the node as a power cut would."""
        for child in reversed(self._children):
            child.kill()
        self._release()

    def give_up(self) -> None:
        """End a start that goes on in another thread: it kills what it has started, and raises NodeError. Whatever was
        killed from here would be killed before it is there, or while it is used."""
        self._given_up.set()

    def restart(self) -> None:
        """Stop and start again, on the same ports."""
        self.stop()
        self.start()

    def evaluate(self, erlang: str, *, within: float | None = None) -> str:
        """What an expression comes to within the node; `rabbitmqctl` would start another Erlang for it."""
        try:
            done = subprocess.run(
                [find_of_erlang("erl_call"), "-address", f"127.0.0.1:{self._known.dist_port}", "-e"],
                input=f"{erlang}\n",
                env=self._environment(self._known),
                capture_output=True,
                text=True,
                check=False,
                timeout=within,
            )
        except subprocess.TimeoutExpired as late:
            raise NodeError(f"{erlang} was not answered within {within:g} s") from late
        if not done.stdout.startswith("{ok, "):
            raise NodeError(f"{erlang} failed: {done.stdout}{done.stderr}".strip())
        return done.stdout.removeprefix("{ok, ").removesuffix("}")

    @property
    def running(self) -> bool:
        """Are the server and its epmd alive?"""
        return bool(self._children) and all(child.running for child in self._children)

    @property
    def has_failed_queues(self) -> bool:
        """Do queues take no messages until the node is restarted, and is there room on the disk to do that?"""
        try:
            has_room = shutil.disk_usage(self.directory).free > DISK_FREE_LIMIT
            return has_room and self.evaluate(_WRITES_ITS_QUEUES, within=_LOOK_SECONDS).strip() == "false"
        except (NodeError, OSError):  # it has much to do, or somebody has taken the folder away
            return False

    @property
    def password(self) -> str:
        """The password of the only user, kept in the directory."""
        return self._known.password

    @property
    def url(self) -> str:
        """The AMQP address, credentials included."""
        return f"amqp://{USERNAME}:{self.password}@127.0.0.1:{self._known.amqp_port}/"

    @property
    def management_url(self) -> str:
        """Where RabbitMQ's own pages and HTTP API are."""
        return f"http://127.0.0.1:{self._known.management_port}"

    @property
    def prometheus_url(self) -> str:
        """Where RabbitMQ's own metrics are."""
        return f"http://127.0.0.1:{self._known.prometheus_port}/metrics"

    @property
    def _known(self) -> BrokerIdentity:
        if self._identity is None:
            raise NodeError("the broker node has not been started")
        return self._identity

    @property
    def _console(self) -> Path:
        return self.directory / "log" / "console.log"

    def _release(self) -> None:
        self._children.clear()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _start_epmd(self, identity: BrokerIdentity) -> None:
        command = [find_of_erlang("epmd"), "-port", str(identity.epmd_port), "-address", "127.0.0.1"]
        epmd = Child(command, self._environment(identity), self._console)
        self._children.append(epmd)
        epmd.start()
        self._await(lambda: not is_free(identity.epmd_port), epmd, within=10)

    def _start_server(self, identity: BrokerIdentity) -> None:
        server = Child([find_server()], self._environment(identity), self._console)
        self._children.append(server)
        server.start(keep_open=[self._lock] if self._lock is not None else [])
        login = (identity.amqp_port, USERNAME, identity.password)
        self._await(lambda: accepts_login(*login), server, within=_STARTUP_SECONDS)

    def _await(self, ready: Callable[[], bool], child: Child, *, within: float) -> None:
        is_over = wait_until(lambda: self._given_up.is_set() or ready() or not child.running, within=within)
        if self._given_up.is_set():
            raise NodeError("the start of the broker node was given up")
        if is_over and child.running:
            return
        outcome = f"was not ready within {within:.0f} s" if child.running else "ended during its start"
        logs = sorted((self.directory / "log").glob("*.log"))
        raise NodeError(f"{child.argv[0]} {outcome}\n{log_tail(*logs)}")

    def _environment(self, identity: BrokerIdentity) -> dict[str, str]:
        at = self.directory
        return clean_environment("RABBITMQ_", "ERL_") | {
            "HOME": str(at),  # the Erlang cookie
            "ERL_CRASH_DUMP": str(at / "log" / "erl_crash.dump"),
            "ERL_EPMD_PORT": str(identity.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": NODENAME,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(identity.amqp_port),
            "RABBITMQ_DIST_PORT": str(identity.dist_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": self._erlang,
            "RABBITMQ_MNESIA_BASE": str(at / "mnesia"),
            "RABBITMQ_LOG_BASE": str(at / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(at / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(at / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            # The launch script then becomes the server instead of watching over it.
            "RUNNING_UNDER_SYSTEMD": "true",
        }


def find_server() -> str:
    """The launch script that does not change the user, as the one on a Debian PATH does."""
    packaged = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    return str(packaged) if packaged.exists() else _find("rabbitmq-server")


def find_of_erlang(program: str) -> str:
    """One of Erlang's own programs: its name service `epmd`, or `erl_call`."""
    packaged = sorted(Path("/usr/lib/erlang").glob(f"erts-*/bin/{program}"))
    return shutil.which(program) or (str(packaged[-1]) if packaged else _find(program))


def _find(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise NodeError(f"{program} is not installed; install RabbitMQ (Debian: apt-get install rabbitmq-server)")
    return found
