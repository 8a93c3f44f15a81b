"""Keys of the local mode are made once, for their owner only."""

import errno
import os
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from shared.process.home import Home
from shared.process.unusable_home import HomeUnusable
from shared.secrets.sealing import SealingKey

KEYS: dict[str, Callable[[Home], str]] = {
    "secret_keys": Home.secret_keys,
    "api_token": Home.api_token,
    "sealing_key": lambda home: home.sealing_key("publisher"),
}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def read_secret_keys(path: Path) -> str:
    return Home(path).secret_keys()


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_made_once(tmp_path: Path, name: str) -> None:
    first = KEYS[name](Home(tmp_path / "home"))

    assert first
    assert KEYS[name](Home(tmp_path / "home")) == first
    assert KEYS[name](Home(tmp_path / "another")) != first


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_readable_by_its_owner_only(tmp_path: Path, name: str) -> None:
    KEYS[name](Home(tmp_path / "home"))

    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert [mode(path) for path in files] == [0o600]
    assert mode(files[0].parent) == 0o700
    assert mode(tmp_path / "home") == 0o700


def test_a_home_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    """As it was left by a release, or by a person with another umask."""
    home = Home(tmp_path / "home")
    home.api_token()
    home.database_url("console")
    (home.path / "console.db-wal").touch()
    open_to_all = [home.path, *home.path.rglob("*")]
    for path in open_to_all:
        path.chmod(0o755 if path.is_dir() else 0o644)

    home.api_token()
    home.database_url("console")

    assert {path.name: mode(path) for path in open_to_all} == {
        "home": 0o700,
        "keys": 0o700,
        "api_token": 0o600,
        "console.db": 0o600,
        "console.db-wal": 0o600,
    }


def test_a_folder_that_all_share_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)

    Home(tmp_path / "tmp").api_token()

    assert stat.S_IMODE((tmp_path / "tmp").stat().st_mode) == 0o1777


def test_a_full_disk_leaves_no_half_of_a_key_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(HomeUnusable, match=r"\(No space left on device\)$"):
        Home(tmp_path).api_token()

    assert list((tmp_path / "keys").iterdir()) == []


def test_processes_starting_at_once_share_one_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        keys = set(processes.map(read_secret_keys, [tmp_path / "home"] * 16))

    assert len(keys) == 1
    assert len(list((tmp_path / "home" / "keys").iterdir())) == 1


def test_the_loser_of_the_race_reads_the_winners_key(tmp_path: Path) -> None:
    def race() -> str:
        winners.append(Home(tmp_path).api_token())
        return "the loser's"

    winners: list[str] = []
    loser = Home(tmp_path)._once("api_token", race)

    assert [loser] == winners


def test_each_service_has_its_own_sealing_key(tmp_path: Path) -> None:
    home = Home(tmp_path)

    publisher, monitor = (SealingKey.from_base64(home.sealing_key(name)) for name in ("publisher", "monitor"))

    assert publisher.public_key != monitor.public_key


def test_the_secret_key_is_a_fernet_key(tmp_path: Path) -> None:
    Fernet(Home(tmp_path).secret_keys())


def test_each_service_has_its_own_database_file(tmp_path: Path) -> None:
    url = make_url(Home(tmp_path / "home").database_url("scheduler"))

    assert url.drivername == "sqlite+aiosqlite"
    assert url.database == str(tmp_path / "home" / "scheduler.db")
    assert (tmp_path / "home").is_dir()


def test_a_database_in_a_folder_that_everyone_may_read_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    (tmp_path / "scheduler.db").touch(mode=0o644)
    tmp_path.chmod(0o755)

    for service in ("scheduler", "publisher"):
        url = make_url(Home(tmp_path).database_url(service))
        with closing(sqlite3.connect(str(url.database))) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE secrets (secret TEXT)")
            database.commit()
            modes = {path.name: mode(path) for path in tmp_path.iterdir() if path.name.startswith(service)}

    assert len(modes) == 3
    assert set(modes.values()) == {0o600}
    assert mode(tmp_path / "scheduler.db") == 0o600


def test_a_folder_of_keys_that_everyone_may_read_is_closed(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir(mode=0o755)

    Home(tmp_path).api_token()

    assert mode(tmp_path / "keys") == 0o700


def test_home_stays_where_it_was_when_the_working_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert Home("var").path == tmp_path / "var"


def test_a_home_is_taken_once_at_a_time(tmp_path: Path) -> None:
    """Whoever came second would end by removing what leads the command line to the first."""
    home = Home(tmp_path / "home")
    with (
        home.taken(),
        pytest.raises(HomeUnusable, match=r"`timeball up` already runs in .*/home: stop it"),
        Home(tmp_path / "home").taken(),
    ):
        pass

    with home.taken():
        pass
