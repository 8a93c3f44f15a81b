"""Which Python the Makefile makes the environment with."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local.child import clean_environment
from tests.support.fork_server import ROOT

SYSTEM = "/usr/bin/python3"
IS_SUFFICIENT = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"


def chosen(folder: Path, *arguments: str, exit_code: int) -> str:
    """What PYTHON is where the first `python3` says with this exit code whether it is optimised."""
    first = folder / "python3"
    first.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    first.chmod(0o755)
    ours = clean_environment("PYTHON", "MAKE")  # `make test PYTHON=…` would speak through MAKEFLAGS
    env = ours | {"PATH": f"{folder}{os.pathsep}{ours['PATH']}"}
    command = ["make", "--silent", "--eval", "chosen: ; @echo $(PYTHON)", "chosen", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(autouse=True)
def _make_is_installed() -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")


def test_an_optimised_python_that_comes_first_is_taken(tmp_path: Path) -> None:
    assert chosen(tmp_path, exit_code=0) == "python3"


def test_instead_of_one_that_is_not_the_systems_is_taken_where_it_serves(tmp_path: Path) -> None:
    serves = Path(SYSTEM).exists() and not subprocess.run([SYSTEM, "-c", IS_SUFFICIENT], check=False).returncode

    assert chosen(tmp_path, exit_code=1) == (SYSTEM if serves else "python3")


@pytest.mark.parametrize("exit_code", [0, 1])
def test_the_one_that_is_named_is_taken(tmp_path: Path, exit_code: int) -> None:
    assert chosen(tmp_path, "PYTHON=python3.12", exit_code=exit_code) == "python3.12"
