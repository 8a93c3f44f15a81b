"""Ports as they stand in addresses."""

import re

LAST_PORT = 65535
NO_PORT = f"its port is none: give a number from 1 to {LAST_PORT}, or leave it out"

_PORT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#]*@)?+(?:\[[^\]/?#]*\]|[^/?#:\[]*):([^/?#]*)")
_DIGITS = re.compile(r"[0-9]{1,9}")


def is_port(number: int) -> bool:
    """Whether a server can be called at a port of this number."""
    return 0 < number <= LAST_PORT


def check_port(address: str) -> None:
    """ValueError where the address names a port that there is not; one that is left blank is not named."""
    found = _PORT.match(address)
    named = found[1] if found else ""
    if named and not (_DIGITS.fullmatch(named) and is_port(int(named))):
        raise ValueError(NO_PORT)
