"""What became of telling a target, as Apprise's log tells it; and what is kept from happening on the way."""

import socket
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from shared.outbound.guard import Forbidden, Watch, guarded
from shared.outbound.targets import (
    AT_ONCE,
    Message,
    NoTarget,
    Refused,
    Targets,
    Unconfirmed,
    check,
    outcome_of,
    urls_in,
)

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
    with pytest.raises(NoTarget):
        check(url)
    with pytest.raises(NoTarget):
        Targets(allow_private_addresses=True).form_of(url)


@pytest.mark.parametrize(
    "url", ["json://s3cret@h:0", "ntfy://h:99999/s3cret", "xml://h:-1", "mailto://u:p@h.org:65536"]
)
def test_a_port_that_there_is_not_is_refused_with_the_way_out(url: str) -> None:
    with pytest.raises(NoTarget, match="its port is none: give a number from 1 to 65535") as refused:
        check(url)

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("url", ["tgram://123456789:99999/1", "json://h", "json://h:65535", "mailto://u:p@h.org"])
def test_what_looks_like_a_port_and_is_none_is_left_alone(url: str) -> None:
    check(url)


def test_targets_are_separated_by_spaces_or_commas() -> None:
    urls = ["json://a:b@host/x?to=1,2", "jsons://second/", "xml://third/"]

    assert urls_in(f"{urls[0]}, {urls[1]}\n{urls[2]}") == urls


@pytest.mark.parametrize(
    ("url", "is_html"),
    [
        ("mailto://u:p@example.org", True),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", False),
        ("tgram://123456789:AbCdEf_1234567890abcdefghijklmnopqrs/42", False),
        ("json://example.org", False),
    ],
)
def test_a_message_that_fits_the_form_is_one_message_and_a_longer_one_is_not_cut(url: str, is_html: bool) -> None:
    targets = Targets(allow_private_addresses=True)
    form, plugin = targets.form_of(url), targets._plugin(url)
    text = "word & <tag>. " * (form.most // 14 - 10)

    def sent(body: str) -> list[str]:
        return [part["body"] for part in plugin._apply_overflow(body, title="A title", body_format="text")]

    assert form.is_html is is_html
    assert len(sent(text)) == 1
    assert "".join("".join(sent(text * 3)).split()).count("word&<tag>.") == (text * 3).count("word")


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


async def test_what_waits_for_targets_that_hang_was_not_sent_and_is_told_later() -> None:
    targets, is_over = Targets(allow_private_addresses=True, send_seconds=0.05), Event()
    for _ in range(AT_ONCE):
        targets._threads.submit(is_over.wait)

    outcome = await targets.tell("json://127.0.0.1:9/hook", Message("A title", "A body"))
    is_over.set()

    assert isinstance(outcome, Refused)
    assert not outcome.for_good
    await targets.close()
