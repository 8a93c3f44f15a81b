"""What a broker node remembers from one start to the next."""

import socket
from pathlib import Path

from deploy.local.broker_files import recall_identity, write_configuration


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
