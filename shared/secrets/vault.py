"""Vault: secrets at rest, encrypted with keys that can be rotated.

Keys are Fernet keys, comma separated; the first encrypts, each of them decrypts. To rotate, put a new key in front,
`rotate` what is stored (`timeball keys rotate`), and drop the old key.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class UnreadableSecret(Exception):
    """The stored secret was encrypted with none of the vault's keys, or is damaged."""


class Vault:
    """Encrypts JSON objects for storing."""

    def __init__(self, fernet: MultiFernet) -> None:
        self._fernet = fernet

    @classmethod
    def from_keys(cls, keys: str) -> Self:
        """A vault over comma-separated Fernet keys; ValueError when there is none or one is malformed."""
        fernets = list(_fernets(keys))
        if not fernets:
            raise ValueError("no secret key given")
        return cls(MultiFernet(fernets))

    def encrypt(self, secret: Mapping[str, Any]) -> str:
        """`secret` as text that only the holder of the keys can read."""
        return self._fernet.encrypt(json.dumps(dict(secret)).encode()).decode()

    def decrypt(self, stored: str) -> dict[str, Any]:
        """What was encrypted, or UnreadableSecret."""
        try:
            plain = self._fernet.decrypt(stored)
        except InvalidToken as error:
            raise UnreadableSecret("encrypted with an unknown key, or damaged") from error
        secret: dict[str, Any] = json.loads(plain)
        return secret

    def rotate(self, stored: str) -> str:
        """The same secret encrypted with the first key, or UnreadableSecret."""
        try:
            return self._fernet.rotate(stored).decode()
        except InvalidToken as error:
            raise UnreadableSecret("encrypted with an unknown key, or damaged") from error


def _fernets(keys: str) -> Iterator[Fernet]:
    named = (key.strip() for key in keys.split(","))
    for position, key in enumerate(filter(None, named), start=1):
        try:
            yield Fernet(key)
        except ValueError as error:
            raise ValueError(
                f"secret key {position} is not a Fernet key, 32 bytes in URL-safe base64: copy it whole"
            ) from error
