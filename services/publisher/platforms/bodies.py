"""Bodies of requests that carry pictures: read from their files a little at a time, and sent again as often as need be.

No request holds its pictures in memory, and no part is so large that the event loop stands still.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex

import httpx

from services.publisher.media.keeping import CHUNK, File
from services.publisher.media.picture import Picture
from services.publisher.platforms.network_time import about_to_upload

_THREES = CHUNK // 3 * 3
"""Bytes whose base64 can be put together without anything between."""


@dataclass(frozen=True, slots=True)
class Base64:
    """A file that stands in a text."""

    file: File

    @property
    def size(self) -> int:
        """Characters."""
        return (self.file.size + 2) // 3 * 4

    def chunks(self) -> Iterator[bytes]:
        """The characters, some at a time; blocks while it reads."""
        return map(base64.b64encode, self.file.chunks(_THREES))


class Body(httpx.AsyncByteStream):
    """What is written, part after part."""

    def __init__(self, parts: Sequence[bytes | File | Base64], content_type: str) -> None:
        self._parts = parts
        self.content_type = content_type
        self.size = sum(len(part) if isinstance(part, bytes) else part.size for part in parts)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        about_to_upload(self.size)
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
                continue
            chunks = part.chunks()
            while chunk := await asyncio.to_thread(next, chunks, b""):
                yield chunk


@dataclass(frozen=True, slots=True)
class FormFile:
    """A picture in a form: its field, its file's name."""

    field: str
    name: str
    picture: Picture


def form_of(fields: Mapping[str, str], files: Sequence[FormFile]) -> Body:
    """`multipart/form-data` (RFC 7578)."""
    boundary = token_hex(16)
    parts: list[bytes | File | Base64] = []
    for name, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n'
        parts.append(f"{head}{value}\r\n".encode())
    for one in files:
        disposition = f'Content-Disposition: form-data; name="{one.field}"; filename="{one.name}"'
        head = f"--{boundary}\r\n{disposition}\r\nContent-Type: {one.picture.mime}\r\n\r\n"
        parts += [head.encode(), one.picture.file, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return Body(parts, f"multipart/form-data; boundary={boundary}")


def body_of(picture: Picture) -> Body:
    """The picture alone."""
    return Body([picture.file], picture.mime)


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def request_with(
    client: httpx.AsyncClient, method: str, url: str, body: Body, headers: Mapping[str, str]
) -> httpx.Request:
    """A request with this body."""
    told = {**headers, "content-type": body.content_type, "content-length": str(body.size)}
    return client.build_request(method, url, content=body, headers=told)
