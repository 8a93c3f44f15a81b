"""A server with photos of 12 million pixels and a network of the AT Protocol that takes them, both in the loader."""

import asyncio
import io
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from PIL import Image, ImageChops, ImageFilter

PHOTOS = "/photos/"
_SESSION = b'{"accessJwt":"access","refreshJwt":"refresh","did":"did:plc:bench","handle":"bench.example"}'
_BLOB = b'{"blob":{"$type":"blob","ref":{"$link":"bafkreibench"},"mimeType":"image/jpeg","size":1}}'
_PUT = b'{"uri":"at://did:plc:bench/app.bsky.feed.post/3bench","cid":"bafyreibench"}'


@dataclass
class PictureServer:
    """Answers `/photos/…` with a photo that no other address has, and all else as a network does."""

    photo: bytes = field(repr=False)
    url: str = ""
    fetched: int = 0
    uploaded: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                path = head.split(" ", 2)[1]
                await _skip_body(reader, head)
                self._write(writer, path)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _write(self, writer: asyncio.StreamWriter, path: str) -> None:
        if path.startswith(PHOTOS):
            self.fetched += 1
            comment = b"\xff\xfe" + (len(path) + 2).to_bytes(2, "big") + path.encode()
            writer.write(_head(len(self.photo) + len(comment)))
            writer.writelines([self.photo[:2], comment, memoryview(self.photo)[2:]])
            return
        self.uploaded += path.endswith("uploadBlob")
        body = _BLOB if path.endswith("uploadBlob") else _PUT if path.endswith("putRecord") else _SESSION
        writer.write(_head(len(body)) + body)


@asynccontextmanager
async def picture_server() -> AsyncIterator[PictureServer]:
    """Serve on loopback until the block ends."""
    pictures = PictureServer(await asyncio.to_thread(photo))
    server = await asyncio.start_server(pictures.answer, "127.0.0.1", 0, backlog=1024)
    async with server:
        pictures.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield pictures


def photo(width: int = 4000, height: int = 3000) -> bytes:
    """A JPEG of some 4 MB, with the shapes and the grain of a photo; the same every time."""
    chance = random.Random(12)
    coarse = Image.frombytes("RGB", (width // 8, height // 8), chance.randbytes(width // 8 * (height // 8) * 3))
    shapes = coarse.filter(ImageFilter.GaussianBlur(1.2)).resize((width, height), Image.Resampling.BICUBIC)
    tile = Image.frombytes("L", (512, 512), bytes(128 + int(chance.gauss(0, 6)) for _ in range(512 * 512)))
    grain = Image.new("L", (width, height))
    for left in range(0, width, 512):
        for top in range(0, height, 512):
            grain.paste(tile, (left, top))
    file = io.BytesIO()
    ImageChops.add(shapes, Image.merge("RGB", (grain,) * 3), offset=-128).save(file, "JPEG", quality=92)
    return file.getvalue()


async def _skip_body(reader: asyncio.StreamReader, head: str) -> None:
    _, _, told = head.lower().partition("content-length: ")
    left = int(told.split("\r\n")[0]) if told else 0
    while left:
        left -= len(await reader.read(min(left, 262_144)))


def _head(length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n".encode()
