"""The broker's address: what TIMEBALL_BROKER_URL may say, and one line for what it may not."""

import re

from yarl import URL

from shared.connections.ports import check_port

FORM = "amqp://user:password@host:5672/ (or amqps://…)"
ENCODE = "in user, password and virtual host, write %2F for /, %3F for ?, %23 for # and %40 for @"
_PARTS = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_NOT_IN_A_HOST = re.compile(r"[\s,;@]")


def broker_address(given: str) -> str:
    """The address as it is used; ValueError says what to write instead, and never the password."""
    text = given.strip()
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise ValueError(f"this is no URL: write {FORM}")
    if (scheme := parts["scheme"].lower()) not in ("amqp", "amqps"):
        raise ValueError(f"{scheme}:// is not how RabbitMQ is spoken to: write {FORM}")
    if "@" in parts["rest"] or "#" in parts["rest"]:
        raise ValueError(ENCODE)
    _check_host(text)
    return text


def _check_host(text: str) -> None:
    try:
        check_port(text)
        host = URL(text).host
    except ValueError:
        raise ValueError(f"its host or port cannot be read: write {FORM}") from None
    if not host:
        raise ValueError(f"it names no host: write {FORM}")
    if _NOT_IN_A_HOST.search(host):
        raise ValueError(f"{host!r} is no host: name one, such as 10.0.0.5, [::1] or rabbitmq.example.org")
