"""A compressed body is decoded whole and a part at a time, whatever its server makes of it."""

import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Sequence

import httpx
import pytest

from shared.outbound.decoding import MOST_AT_ONCE, decoded


class Chunks(httpx.AsyncByteStream):
    """A body as it comes from a connection."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


def raw_deflate(body: bytes) -> bytes:
    compressing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressing.compress(body) + compressing.flush()


ENCODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "as it is": ("identity", bytes),
    "as S3 got it": ("aws-chunked", bytes),
    "gzip": ("gzip", gzip.compress),
    "gzip by its old name": ("x-gzip", gzip.compress),
    "gzip as S3 got it": ("aws-chunked,gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate without zlib's frame": ("deflate", raw_deflate),
}


async def parts_of(encoding: str, chunks: Sequence[bytes]) -> list[bytes]:
    reply = httpx.Response(
        200,
        headers={"content-encoding": encoding},
        stream=Chunks(chunks),
        request=httpx.Request("GET", "http://peer.example"),
    )
    return [part async for part in decoded(reply)]


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("size", [0, 1, MOST_AT_ONCE - 1, MOST_AT_ONCE, MOST_AT_ONCE + 1, 5 * MOST_AT_ONCE])
@pytest.mark.parametrize("step", [1000, 10_000_000])
async def test_a_body_is_decoded_whole(name: str, size: int, step: int) -> None:
    encoding, encode = ENCODINGS[name]
    body = b"x" * size
    encoded = encode(body)

    parts = await parts_of(encoding, [encoded[at : at + step] for at in range(0, len(encoded), step)])

    assert b"".join(parts) == body


@pytest.mark.parametrize("name", ["gzip", "deflate", "deflate without zlib's frame"])
async def test_no_chunk_becomes_more_at_once_than_a_part(name: str) -> None:
    """256 KiB, which one read of a connection may bring, would become as many megabytes."""
    encoding, encode = ENCODINGS[name]

    parts = await parts_of(encoding, [encode(b"x" * 100 * MOST_AT_ONCE)])

    assert max(map(len, parts)) <= MOST_AT_ONCE


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd"])
async def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(httpx.DecodingError):
        await parts_of(encoding, [b"ok"])


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_what_is_not_in_the_encoding_that_it_says_is_refused(encoding: str) -> None:
    with pytest.raises(httpx.DecodingError):
        await parts_of(encoding, [b"\xffno such thing"])
