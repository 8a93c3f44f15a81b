"""Make the keys once and hand each service its own: `python -m deploy.docker.keys`.

Every service that has secrets has a home, a volume of its own. Private keys go into their owner's home; the console,
which seals for the others, gets the public ones.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from shared.process.home import Home
from shared.secrets.sealing import SealingKey

OWNERS = ("publisher", "monitor")


def hand_out(homes: Path, given: Mapping[str, str]) -> None:
    """Keys that exist stay; a sealing key `given` as a variable wins over the one that was made."""
    publisher, console = Home(homes / "publisher"), Home(homes / "console")
    publisher.callback_secret()
    console.api_token()
    for owner in OWNERS:
        Home(homes / owner).secret_keys()
        private_key = given.get(f"TIMEBALL_{owner.upper()}_SEALING_KEY") or Home(homes / owner).sealing_key(owner)
        public_key = SealingKey.from_base64(private_key).public_key
        _replace(console.path / "keys" / f"{owner}.public_key", public_key)


def _replace(file: Path, text: str) -> None:
    """Readers see the old text or the new, nothing between."""
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(text)
    draft.replace(file)


if __name__ == "__main__":
    hand_out(Path("/var/lib/timeball"), os.environ)
