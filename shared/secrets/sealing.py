"""Sealing: values only one service can read, in libsodium sealed boxes.

Whoever knows a service's public key can seal a value for it; only the holder of the private key can open it. Sealed
values travel through the broker as base64 text.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, Self

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

KEY_BYTES = PrivateKey.SIZE


class UnreadableSeal(Exception):
    """The sealed value cannot be read; the reason never tells what was in it."""


class SealingKey:
    """A service's private key: opens what was sealed for its public key."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> Self:
        """A new random key."""
        return cls(PrivateKey.generate())

    @classmethod
    def from_base64(cls, text: str) -> Self:
        """The key that `private_key` gave; ValueError when `text` is none."""
        return cls(PrivateKey(_key_bytes(text, "private")))

    @property
    def private_key(self) -> str:
        """The key itself, base64, to be kept secret."""
        return base64.b64encode(bytes(self._key)).decode()

    @property
    def public_key(self) -> str:
        """What others seal with, base64."""
        return base64.b64encode(bytes(self._key.public_key)).decode()

    def open(self, sealed: str) -> dict[str, Any]:
        """The sealed JSON object, or UnreadableSeal."""
        value = _parsed(self._decrypted(sealed))
        if not isinstance(value, dict):
            raise UnreadableSeal("the sealed value is not a JSON object")
        return value

    def open_list(self, sealed: str) -> list[Any]:
        """The sealed JSON list, or UnreadableSeal."""
        value = _parsed(self._decrypted(sealed))
        if not isinstance(value, list):
            raise UnreadableSeal("the sealed value is not a JSON list")
        return value

    def _decrypted(self, sealed: str) -> bytes:
        try:
            box = base64.b64decode(sealed, validate=True)
        except ValueError as error:
            raise UnreadableSeal("the sealed value is not base64") from error
        try:
            return bytes(SealedBox(self._key).decrypt(box))
        except (CryptoError, ValueError, TypeError) as error:
            raise UnreadableSeal("the value was sealed for another key, or damaged") from error


def seal(value: Mapping[str, Any] | list[Any], public_key: str) -> str:
    """`value` as JSON, readable only by the holder of the private key; base64."""
    plain = json.dumps(value if isinstance(value, list) else dict(value)).encode()
    box = SealedBox(PublicKey(_key_bytes(public_key, "public")))
    return base64.b64encode(box.encrypt(plain)).decode()


def require_public_key(text: str) -> None:
    """ValueError when nothing can be sealed with it."""
    PublicKey(_key_bytes(text, "public"))


def _key_bytes(text: str, kind: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"the {kind} sealing key is not {KEY_BYTES} bytes in base64: copy it whole")
    return key


def _parsed(plain: bytes) -> Any:
    """The JSON value, or None; the parser's own errors quote what they read, so they must not be chained."""
    try:
        return json.loads(plain)
    except (ValueError, RecursionError):
        return None
