"""What a broker node remembers from one start to the next."""

import socket
from pathlib import Path

import pytest

from deploy.local.broker_files import recall_identity, write_configuration
from deploy.local.child import NodeError
from deploy.local.docker_broker import DockerBroker


def test_the_ports_and_the_password_stay_the_same(tmp_path: Path) -> None:
    first = recall_identity(tmp_path)

    assert recall_identity(tmp_path) == first


def test_a_taken_port_moves_the_node_but_keeps_its_password(tmp_path: Path) -> None:
    first = recall_identity(tmp_path)

    with socket.create_server(("127.0.0.1", first.amqp_port)):
        second = recall_identity(tmp_path)

    assert first.amqp_port not in second.ports
    assert second.password == first.password


def test_only_the_owner_can_read_the_password(tmp_path: Path) -> None:
    identity = recall_identity(tmp_path)
    write_configuration(tmp_path, identity, ())

    holders = [file for file in tmp_path.iterdir() if identity.password in file.read_text()]
    assert {file.name for file in holders} == {"node.json", "rabbitmq.conf"}
    assert all(file.stat().st_mode & 0o077 == 0 for file in holders)


@pytest.mark.parametrize("kept", ["", "{}", "[]", '{"password": "p"}', "\x00" * 8])
def test_a_file_that_a_power_cut_has_spoilt_is_told_with_the_way_out(tmp_path: Path, kept: str) -> None:
    (tmp_path / "node.json").write_text(kept)

    with pytest.raises(NodeError, match=r"node\.json cannot be read .*delete the folder"):
        recall_identity(tmp_path)


def test_a_password_that_was_being_written_when_the_process_was_killed_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "broker_password").touch()

    first, again = DockerBroker(tmp_path).url, DockerBroker(tmp_path).url

    assert "timeball:@" not in first
    assert first.partition("@")[0] == again.partition("@")[0]
