"""Give each service a user of its own on the broker: `python -m deploy.docker.broker_users`.

It runs at every `up`, as the broker's administrator: a password changed in `.env` is changed on the broker. A user may
declare, bind and read its own service's queues, and publish to Timeball's exchanges; none may read or delete the queues
of another. What stays open is the default exchange, through which a queue is reached by its name: a retry queue returns
messages by it.
"""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx

SERVICES = ("scheduler", "publisher", "monitor", "maintenance", "console")
EXCHANGES = r"timeball\.(events|retry|dead)"
WHEEL = r"timeball\.delay(ed(\.plugin)?|\.\d\d)"
DEFAULT_EXCHANGE = r"amq\.default"
PATIENCE_SECONDS = 60.0
AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Rights:
    """Patterns of the names that a user may declare, write to and read from."""

    configure: str
    write: str
    read: str


def rights_of(service: str) -> Rights:
    """What a service needs; the scheduler has the wheel beside."""
    own = [EXCHANGES, rf"{service}\..+"] + ([WHEEL] if service == "scheduler" else [])
    return Rights(_any_of(own), _any_of([*own, DEFAULT_EXCHANGE]), _any_of(own))


def give_users(management: httpx.Client, passwords: Mapping[str, str], vhost: str) -> None:
    """Make the users, or give those there are their passwords and rights."""
    for service, password in passwords.items():
        _put(management, f"/api/users/{service}", {"password": password, "tags": ""})
        rights = rights_of(service)
        given = {"configure": rights.configure, "write": rights.write, "read": rights.read}
        _put(management, f"/api/permissions/{quote(vhost, safe='')}/{service}", given)


def _any_of(patterns: list[str]) -> str:
    return f"^({'|'.join(patterns)})$"


def _put(management: httpx.Client, path: str, body: Mapping[str, str]) -> None:
    """RabbitMQ's management answers some seconds after its port does."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            management.put(path, json=body).raise_for_status()
            return
        except httpx.HTTPStatusError as error:
            sys.exit(f"{path}: the broker refuses ({error.response.status_code}): is RABBITMQ_PASSWORD the one it has?")
        except httpx.TransportError as error:
            if time.monotonic() > give_up_at:
                sys.exit(f"the broker's management does not answer: {type(error).__name__}")
            time.sleep(AGAIN_SECONDS)


if __name__ == "__main__":
    login = (os.environ["RABBITMQ_ADMIN"], os.environ["RABBITMQ_PASSWORD"])
    given = {service: os.environ[f"{service.upper()}_BROKER_PASSWORD"] for service in SERVICES}
    with httpx.Client(base_url=os.environ["RABBITMQ_MANAGEMENT_URL"], auth=login, trust_env=False) as client:
        give_users(client, given, vhost="/")
