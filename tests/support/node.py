"""Node and what it needs from npm, for tests that show that the contract holds outside Python."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

WANTED = Path(__file__).parents[1] / "node" / "package.json"
INSTALLED = Path(__file__).parents[2] / "var" / "tests" / "node"


def node_packages() -> Path:
    """The folder whose `node_modules` has what tests/node/package.json names; skips where it cannot be had."""
    if not all(map(shutil.which, ("node", "npm"))):
        pytest.skip("node or npm is not installed: apt-get install nodejs npm")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_installed():
            _install()
    return INSTALLED


def _is_installed() -> bool:
    manifest = INSTALLED / "package.json"
    return (INSTALLED / "node_modules" / "amqplib").is_dir() and manifest.read_text() == WANTED.read_text()


def _install() -> None:
    shutil.copy(WANTED, INSTALLED / "package.json")
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    done = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        pytest.skip(f"npm could not install what tests/node/package.json names: {done.stderr.strip()[-300:]}")
