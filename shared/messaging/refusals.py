"""Why the broker cannot be used, in words for the person who has to mend it."""

import aiormq
from yarl import URL

from shared.connections.failures import causes, why_not_reached
from shared.messaging.topology import DELAYING

NOT_CONNECTED = "not connected"
HUNG_UP = ("Read 0 bytes", "connection reset")
"""What aiormq says of a server that ends the connection at once."""
_WHEEL = "set TIMEBALL_DELAY=wheel, which needs none"
PORTS = {"amqp": 5672, "amqps": 5671}


def why_refused(error: BaseException, url: str) -> str:
    """What the broker, the network or TLS said, and where the broker was looked for."""
    return f"{where(url)}: {why_lost(error)}"


def why_lost(error: BaseException | None) -> str:
    """What the broker, the network or TLS said; by no name that a program gives to an error."""
    said = filter(None, map(_said, causes(error))) if error else iter(())
    return next(said, None) or (error and why_not_reached(error)) or "the connection broke off"


def where(url: str) -> str:
    """The broker's host and port, without name and password."""
    parts = URL(url)
    return f"{parts.host}:{parts.port or PORTS.get(parts.scheme, 0)}"


def _said(error: BaseException) -> str | None:
    match error:
        case RuntimeError() if str(error) == NOT_CONNECTED:
            return NOT_CONNECTED
        case aiormq.exceptions.ProbableAuthenticationError():
            return "login refused: check user and password in TIMEBALL_BROKER_URL"
        case aiormq.exceptions.ConnectionCommandInvalid() if DELAYING in str(error):
            return f"it has no plugin for {DELAYING!r}: enable rabbitmq_delayed_message_exchange, or {_WHEEL}"
        case aiormq.exceptions.ConnectionClosed() | aiormq.exceptions.ChannelClosed():
            return f"the broker refuses: {str(error.args[-1]).rpartition(' - ')[2]}" if error.args else None
        case aiormq.exceptions.AMQPConnectionError() if any(one in str(error) for one in HUNG_UP):
            return "it hung up before the login: still starting, no AMQP, or TLS wanted (amqps://)"
    return None
