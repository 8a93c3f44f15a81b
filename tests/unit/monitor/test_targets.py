"""What became of telling a target, as Apprise's log tells it; and what is kept from happening on the way."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from services.monitor.domain import InvalidWorkspace
from services.monitor.guard import Forbidden, Watch, guarded
from services.monitor.targets import Refused, Targets, Unconfirmed, outcome_of

CONNECTED = 1


@pytest.mark.parametrize(
    ("log", "outcome"),
    [
        (["Failed to send JSON POST notification: error=503."], Refused("the target answered 503")),
        (["Failed to send: error=429."], Refused("the target answered 429")),
        (["Failed to send: error=404."], Refused("the target answered 404", for_good=True)),
        (["Socket Exception: (451, b'busy')"], Refused("the target answered 451")),
        (["Socket Exception: (550, b'no such user')"], Refused("the target answered 550", for_good=True)),
        (["SMTP recipient a@b.c was refused: 550 b'no'"], Refused("the target answered 550", for_good=True)),
        (["Socket Exception: [Errno 111] Connection refused"], Refused("no connection to the target")),
        (["Socket Exception: … (Caused by NameResolutionError(…))"], Refused("no connection to the target")),
        (["Failed: ok=false"], Refused("the target did not take it")),
        (["Socket Exception: Read timed out."], Unconfirmed("the connection to the target broke before it answered")),
        (["Socket Exception: Connection unexpectedly closed"], None),
        (["Sent Email to a@b.c", "Failed to send: error=500."], None),
    ],
)
def test_what_may_have_arrived_is_told_from_what_did_not(log: list[str], outcome: Refused | None) -> None:
    told = outcome_of(log, Watch(allow_private_addresses=True, connects=CONNECTED))

    assert told == outcome if outcome else isinstance(told, Unconfirmed)


def test_without_a_connection_nothing_was_sent() -> None:
    assert isinstance(outcome_of(["Socket Exception: odd"], Watch(allow_private_addresses=True)), Refused)


@pytest.mark.parametrize("url", ["syslog://", "dbus://", "nothing://x", "json", "", "json://" + "x" * 3000])
def test_what_is_no_target_is_refused(url: str) -> None:
    with pytest.raises(InvalidWorkspace):
        Targets(allow_private_addresses=True).check(url)


@pytest.mark.parametrize("allow", [True, False])
def test_under_the_guard_no_file_is_read_and_no_program_started(tmp_path: Path, allow: bool) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    watch = Watch(allow_private_addresses=allow)

    with guarded(watch):
        with pytest.raises(Forbidden):
            secret.read_text()
        with pytest.raises(Forbidden):
            subprocess.run([sys.executable, "-c", ""], check=False)

    assert len(watch.refusals) == 2
    assert secret.read_text() == "s3cret"


def test_under_the_guard_private_addresses_are_reached_only_where_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with guarded(Watch(allow_private_addresses=True)), socket.create_connection(address):
            pass
        with guarded(Watch(allow_private_addresses=False)), pytest.raises(Forbidden):
            socket.create_connection(address)
        with socket.create_connection(address):
            pass
