"""Ports that are given to programs which begin to listen a little later."""

from deploy.local.child import free_ports


def test_no_port_is_given_to_two_programs() -> None:
    given = [port for _ in range(60) for port in free_ports(20)]

    assert len(set(given)) == len(given)
