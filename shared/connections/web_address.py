"""Addresses of the web that people give, to be called later."""

from urllib.parse import urlsplit

from shared.connections.ports import check_port


def check_web_address(address: str) -> str:
    """The address, where a host and a port can be read in it: one that nobody can call would be tried for a day."""
    try:
        check_port(address)
        host = urlsplit(address).hostname
    except ValueError as error:
        raise ValueError(f"nobody can call this address: {error}") from error
    if not host:
        raise ValueError("the address names no host")
    return address
