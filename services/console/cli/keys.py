"""`timeball keys`: what to seal secrets with."""

import os
from collections.abc import Mapping

from services.console.cli.calling import JsonFlag, called
from services.console.cli.screen import show_json, show_table
from shared.home import Home
from shared.sealing import SealingKey

SERVICES = ("publisher", "monitor")


def keys(as_json: JsonFlag = False) -> None:
    """Show each service's public key: what is sealed with it, only that service can open.

    timeball keys

    timeball keys --json | jq -r .publisher

    Asks the console where TIMEBALL_URL is set, else reads (or makes) the keys of this machine.
    """
    public_keys: Mapping[str, str] = called(lambda client: client.call("GET", "/v1/keys")) if _is_remote() else _local()
    show_json(dict(public_keys)) if as_json else show_table("Public keys", ("service", "key"), public_keys.items())


def _is_remote() -> bool:
    return bool(os.environ.get("TIMEBALL_URL"))


def _local() -> dict[str, str]:
    home = Home(os.environ.get("TIMEBALL_HOME", "var"))
    return {service: _public_key(service, home) for service in SERVICES}


def _public_key(service: str, home: Home) -> str:
    name = service.upper()
    if public_key := os.environ.get(f"TIMEBALL_{name}_PUBLIC_KEY"):
        return public_key
    if private_key := os.environ.get(f"TIMEBALL_{name}_SEALING_KEY"):
        return SealingKey.from_base64(private_key).public_key
    return home.public_key(service)
