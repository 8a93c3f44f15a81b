"""What a private RabbitMQ node keeps in its directory: who it is, its configuration, its plugins, its lock."""

import fcntl
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local.child import NodeError, free_ports, is_free, wait_until

NODENAME = "timeball@localhost"  # each node has an epmd of its own, so the name need not differ
USERNAME = "timeball"
DISK_FREE_LIMIT = 200_000_000
"""With fewer free bytes RabbitMQ takes no messages."""
_QUEUES_AT = re.compile(rf'"([^"]+)/mnesia/{NODENAME}/quorum/{NODENAME}"')


@dataclass(frozen=True)
class BrokerIdentity:
    """What must stay the same from one start to the next."""

    password: str
    amqp_port: int
    management_port: int
    prometheus_port: int
    dist_port: int
    epmd_port: int

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port the node listens on."""
        return (self.amqp_port, self.management_port, self.prometheus_port, self.dist_port, self.epmd_port)

    def is_free(self) -> bool:
        """Whether nobody listens on any of them now."""
        return all(map(is_free, self.ports))


def recall_identity(directory: Path) -> BrokerIdentity:
    """The node's identity of last time, with other ports if somebody took one; made up the first time."""
    file = directory / "node.json"
    known = _kept_in(file) if file.exists() else None
    if known and known.is_free():
        return known
    identity = BrokerIdentity(known.password if known else secrets.token_urlsafe(24), *free_ports(5))
    write_private(file, json.dumps(asdict(identity), indent=2))
    return identity


def _kept_in(file: Path) -> BrokerIdentity:
    try:
        return BrokerIdentity(**json.loads(file.read_text()))
    except (ValueError, TypeError) as error:
        raise NodeError(
            f"{file} cannot be read ({error}), and without the password in it nobody can use this broker: put it back "
            f"from a backup, or delete the folder {file.parent}; it is made anew, the scheduler sends again what was "
            "waiting, and dead letters are lost"
        ) from error


def write_private(file: Path, text: str) -> None:
    """Replace the file in one step; only its owner may read it."""
    draft = file.with_name(file.name + ".new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(file)


def write_configuration(directory: Path, identity: BrokerIdentity, plugins: tuple[str, ...]) -> None:
    """Write the configuration and the list of plugins."""
    (directory / "enabled_plugins").write_text(f"[{','.join(plugins)}].\n")
    write_private(directory / "rabbitmq.conf", "\n".join(_configuration(identity, plugins)) + "\n")


def _configuration(identity: BrokerIdentity, plugins: tuple[str, ...]) -> list[str]:
    lines = [
        f"default_user = {USERNAME}",
        f"default_pass = {identity.password}",
        "log.console = false",
        "log.file.level = warning",
        "log.file.rotation.size = 10485760",
        "log.file.rotation.count = 3",
        "vm_memory_high_watermark.relative = 0.4",
        f"disk_free_limit.absolute = {DISK_FREE_LIMIT}",
        "consumer_timeout = 86400000",
        "raft.wal_max_size_bytes = 67108864",  # the log's tail lives in memory: the stock 512 MiB suits a server
    ]
    if "rabbitmq_management" in plugins:
        lines += [f"management.tcp.port = {identity.management_port}", "management.tcp.ip = 127.0.0.1"]
    if "rabbitmq_prometheus" in plugins:
        lines += [f"prometheus.tcp.port = {identity.prometheus_port}", "prometheus.tcp.ip = 127.0.0.1"]
    return lines


def lock_directory(directory: Path) -> int:
    """Take the directory for one node; the lock lasts until every process that inherits the descriptor is gone."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    # A node whose parent was killed is on its way out: give it a moment.
    if wait_until(lambda: _try_lock(descriptor), within=2):
        return descriptor
    os.close(descriptor)
    raise NodeError(f"a broker node is already running on {directory}; stop it, or choose another TIMEBALL_HOME")


def refuse_moved(directory: Path) -> None:
    """Raise NodeError where the queues were made at another path: they would write there and find nothing here."""
    kept = directory.glob(f"mnesia/{NODENAME}/quorum/{NODENAME}/*/config")
    for was_at in {Path(found) for file in kept for found in _QUEUES_AT.findall(file.read_text(errors="replace"))}:
        if not (was_at.exists() and was_at.samefile(directory)):
            raise NodeError(
                f"{directory} was copied or moved from {was_at}, where its queues look for their messages: start it "
                "there, or delete this folder; it is made anew, the scheduler sends again what was waiting, and dead "
                "letters are lost"
            )


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
