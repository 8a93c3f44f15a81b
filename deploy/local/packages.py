"""The system packages the local mode needs: found, or installed where we may.

Runs on a bare machine, before there is an environment: standard library only.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_SYSTEMD = Path("/run/systemd/system")
_SERVICE_PORTS = {"epmd": 4369, "rabbitmq-server": 5672}


class PackagesMissingError(RuntimeError):
    """Programs are missing and cannot be installed from here; the message says what to install."""


@dataclass(frozen=True)
class Package:
    """A Debian package, and the programs or the Python module that show it is there."""

    name: str
    programs: tuple[str, ...] = ()
    folders: str = "usr/bin"  # where the programs are when they are not on PATH
    module: str = "sys"

    @property
    def is_present(self) -> bool:
        """Can everything be found?"""
        return find_spec(self.module) is not None and all(map(self._has_program, self.programs))

    def _has_program(self, name: str) -> bool:
        return shutil.which(name) is not None or any(Path("/").glob(f"{self.folders}/{name}"))


PACKAGES = {
    package.name: package
    for package in (
        Package("rabbitmq-server", ("rabbitmq-server",), "usr/lib/rabbitmq/bin"),
        Package("postgresql", ("initdb", "postgres"), "usr/lib/postgresql/*/bin"),
        Package("chromium-headless-shell", ("chromium-headless-shell",)),
        Package("chromium", ("chromium",)),
        Package("python3-venv", module="ensurepip"),
    )
}


def ensure_installed(*names: str) -> None:
    """Install the packages that are missing; raise PackagesMissingError where we may not."""
    missing = [name for name in names if not PACKAGES[name].is_present]
    if not missing:
        return
    before = _running_services()
    try:
        _apt_install(missing)
    finally:
        _stop_services(_running_services() - before)


def _apt_install(names: Sequence[str]) -> None:
    command = f"apt-get install --no-install-recommends {' '.join(names)}"
    become_root = _become_root()
    if shutil.which("apt-get") is None or become_root is None:
        raise PackagesMissingError(
            f"missing on this machine: {', '.join(names)}. "
            f"Install them with your package manager (on Debian or Ubuntu, as root: {command}), then try again."
        )
    print(f"installing {', '.join(names)} with apt-get", flush=True)
    apt = [*become_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "Dpkg::Use-Pty=0"]
    _run([*apt, "update"])
    installed = _run([*apt, "install", "-y", "--no-install-recommends", *names])
    # The service of a package fails to start where its port is taken, and apt-get with it: no matter to us.
    if not installed and not all(PACKAGES[name].is_present for name in names):
        raise PackagesMissingError(f"{command} failed; see above")


def _become_root() -> list[str] | None:
    """What to put before a command that needs root; None where we cannot become root unasked."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and _succeeds(["sudo", "-n", "true"]):
        return ["sudo", "-n"]
    return None


def _running_services() -> set[str]:
    """Which of the services that Debian's packages start by themselves are running, PostgreSQL by cluster."""
    listening = {name for name, port in _SERVICE_PORTS.items() if _listens(port)}
    return listening | {f"postgresql {cluster}" for cluster in _online_clusters()}


def _online_clusters() -> list[str]:
    if shutil.which("pg_lsclusters") is None:
        return []
    lines = subprocess.run(["pg_lsclusters", "-h"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [" ".join(fields[:2]) for fields in map(str.split, lines) if fields[3].startswith("online")]


def _stop_services(names: set[str]) -> None:
    """Stop what the installation started: Timeball runs nodes of its own."""
    become_root = _become_root() or []
    for name in sorted(names, reverse=True):  # the broker before its epmd
        print(f"stopping {name}, which the installation started", flush=True)
        for command in _stop_commands(name):
            _succeeds([*become_root, *command])


def _stop_commands(name: str) -> list[list[str]]:
    service, _, cluster = name.partition(" ")
    if cluster:
        return [["pg_ctlcluster", *cluster.split(), "stop"]]
    if _SYSTEMD.exists():
        units = ["epmd.socket", "epmd.service"] if service == "epmd" else [service]
        return [["systemctl", "disable", "--now", *units]]
    return [["epmd", "-kill"]] if service == "epmd" else [["service", service, "stop"]]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _run(command: Sequence[str]) -> bool:
    """Run the command in the open; did it succeed?"""
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode == 0


def main() -> int:
    """Install the packages named on the command line."""
    names = sys.argv[1:]
    if unknown := set(names) - PACKAGES.keys():
        print(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(PACKAGES)}", file=sys.stderr)
        return 2
    try:
        ensure_installed(*names)
    except PackagesMissingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
