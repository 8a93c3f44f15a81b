"""Requests that carry pictures: whole, as often as they are sent, and never at the cost of the event loop."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import httpx
import pytest

from services.publisher.media.keeping import File
from services.publisher.media.picture import Picture
from services.publisher.platforms.bodies import Body, FormFile, body_of, form_of, request_with
from services.publisher.platforms.network_time import network_time, publish_timeout
from services.publisher.platforms.x.platform import upload_of
from shared.outbound.client import outbound_client
from tests.fakes.http_server import Call
from tests.fakes.networks.multipart import Part, parts_of
from tests.support.lag import longest_callback

MIB = 1024 * 1024


def a_picture(path: Path, size: int) -> Picture:
    path.write_bytes(Random(size).randbytes(size))
    return Picture(File(path, size, str(size)), "image/png", 1, 1, moves=False)


async def written(body: Body) -> bytes:
    return b"".join([chunk async for chunk in body])


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000, MIB + 1])
async def test_a_form_holds_its_fields_and_its_files(tmp_path: Path, size: int) -> None:
    picture = a_picture(tmp_path / "picture", size)
    form = form_of({"text": "The ball \N{SNOWMAN}\r\n", 'a "name"': ""}, [FormFile("file", "picture0.png", picture)])

    whole = await written(form)
    parts = parts_of(Call("POST", "/", {}, {"content-type": form.content_type}, whole))

    assert len(whole) == form.size
    assert parts["text"].text == "The ball \N{SNOWMAN}\r\n"
    assert parts["a %22name%22"].text == ""
    assert parts["file"] == Part("file", picture.file.path.read_bytes(), "picture0.png", "image/png")


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000, MIB + 1])
async def test_x_gets_the_picture_in_a_json_text(tmp_path: Path, size: int) -> None:
    picture = a_picture(tmp_path / "picture", size)
    body = upload_of(picture)

    whole = await written(body)
    told = Call("POST", "/", {}, {}, whole).json

    assert len(whole) == body.size
    assert base64.b64decode(told["media"], validate=True) == picture.file.path.read_bytes()
    assert (told["media_category"], told["media_type"]) == ("tweet_image", "image/png")


async def test_a_body_can_be_sent_again(tmp_path: Path) -> None:
    body = form_of({"text": "again"}, [FormFile("file", "picture0.png", a_picture(tmp_path / "picture", MIB))])

    assert await written(body) == await written(body)


@dataclass
class Sink:
    """Takes requests a little at a time; `most_per_second` is how fast."""

    url: str = ""
    pause_seconds: float = 0.0
    heads: list[bytes] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    taking: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taking.add(asyncio.create_task(self.take(reader, writer)))

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self.answer(reader, writer)
        finally:
            writer.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        digest = hashlib.sha256()
        while left:
            part = await reader.read(min(left, 65536))
            digest.update(part)
            left -= len(part)
            await asyncio.sleep(self.pause_seconds)
        self.heads.append(head)
        self.digests.append(digest.hexdigest())
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}")


@asynccontextmanager
async def serving(sink: Sink) -> AsyncIterator[Sink]:
    server = await asyncio.start_server(sink.accept, "127.0.0.1", 0)
    async with server:
        sink.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        yield sink
        for task in sink.taking:
            task.cancel()
        await asyncio.gather(*sink.taking, return_exceptions=True)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with outbound_client(allow_private_addresses=True) as client:
        yield client


async def test_no_upload_keeps_the_event_loop(tmp_path: Path, client: httpx.AsyncClient) -> None:
    """The largest picture there is, in a JSON text and in a form."""
    picture = a_picture(tmp_path / "picture", 20 * MIB)
    bodies = [upload_of(picture), form_of({}, [FormFile("file", "picture.png", picture)])]
    async with serving(Sink()) as sink:
        await client.send(request_with(client, "POST", sink.url, body_of(a_picture(tmp_path / "first", 1)), {}))
        with longest_callback() as longest:
            for body in bodies:
                await client.send(request_with(client, "POST", sink.url, body, {}))

    assert sink.digests[1:] == [hashlib.sha256(await written(body)).hexdigest() for body in bodies]
    assert all(b"transfer-encoding" not in head.lower() for head in sink.heads)
    assert longest.lasted < timedelta(milliseconds=10), longest.what


async def test_an_upload_may_take_as_long_as_its_bytes_take(tmp_path: Path, client: httpx.AsyncClient) -> None:
    """A MiB has four seconds more than the twentieth of one that a network has for its answer here."""
    body = body_of(a_picture(tmp_path / "picture", MIB))
    counted_from: list[float | None] = []
    async with serving(Sink(pause_seconds=0.01)) as sink:
        began = asyncio.get_running_loop().time()
        async with network_time(timedelta(seconds=0.05), counted_from.append):
            await client.send(request_with(client, "POST", sink.url, body, {}))

    assert asyncio.get_running_loop().time() - began > 0.05
    (instant,) = counted_from
    assert instant is not None
    assert instant > began + 4


async def test_an_upload_that_hangs_is_given_up_all_the_same(tmp_path: Path, client: httpx.AsyncClient) -> None:
    async with serving(Sink(pause_seconds=60)) as sink:
        with pytest.raises(TimeoutError):
            async with network_time(timedelta(seconds=0.05), lambda _: None):
                body = body_of(a_picture(tmp_path / "picture", 1000))
                await client.send(request_with(client, "POST", sink.url, body, {}))


def test_a_heavy_request_may_take_longer_than_a_light_one() -> None:
    """19 MB at 10 Mbit/s take 15 s."""
    assert publish_timeout(0) == timedelta(seconds=10)
    assert publish_timeout(19_000_000) > timedelta(seconds=60)
