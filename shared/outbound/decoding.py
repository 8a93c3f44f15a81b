"""Decoding: compressed bodies a part at a time. Decompressed at once, what one read of a connection brings, 256 KiB,
would become as many megabytes."""

import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import httpx

MOST_AT_ONCE = 65536
"""Bytes of a decoded part."""
_NO_ENCODING = ("", "identity", "aws-chunked")
"""`aws-chunked` told a store of S3's kind how a file was sent to it; many keep that with the file, and say it again."""
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
"""What is called deflate is zlib's format, but some servers send it without its frame."""


async def decoded(response: httpx.Response) -> AsyncIterator[bytes]:
    """The parts of a streamed body. DecodingError for an encoding that was not asked for: of stacked ones each layer
    could multiply the size a thousandfold."""
    encoding = _encoding_of(response)
    if encoding not in _DECODERS:
        raise httpx.DecodingError("the reply is in an encoding that was not asked for", request=response.request)
    assert isinstance(response.stream, httpx.AsyncByteStream), "an asynchronous client's reply"
    parts_of = _DECODERS[encoding]()
    async for chunk in response.stream:
        try:
            for part in parts_of(chunk):
                yield part
        except zlib.error as error:
            raise httpx.DecodingError(str(error), request=response.request) from error


def _encoding_of(response: httpx.Response) -> str:
    """What the body is encoded in, without what changes nothing."""
    named = [one.strip().lower() for one in response.headers.get("content-encoding", "").split(",")]
    return ",".join(one for one in named if one not in _NO_ENCODING)


class _Decompressing:
    """Decompresses one chunk after another."""

    def __init__(self, format: int) -> None:
        self._format = format
        self._decompressor = zlib.decompressobj(format)
        self._has_begun = False

    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        """What the chunk becomes, in parts; after a full one there may be more, though all of the chunk is taken in."""
        rest, is_full = chunk, False
        while (rest or is_full) and not self._decompressor.eof:
            part = self._part(rest)
            yield part
            rest, is_full = self._decompressor.unconsumed_tail, len(part) == MOST_AT_ONCE

    def _part(self, data: bytes) -> bytes:
        try:
            return self._decompressor.decompress(data, MOST_AT_ONCE)
        except zlib.error:
            if self._has_begun or self._format != _ZLIB:
                raise
            self._decompressor = zlib.decompressobj(_RAW)
            return self._decompressor.decompress(data, MOST_AT_ONCE)
        finally:
            self._has_begun = True


def _as_it_is(chunk: bytes) -> Iterator[bytes]:
    yield chunk


_DECODERS: Mapping[str, Callable[[], Callable[[bytes], Iterator[bytes]]]] = {
    "": lambda: _as_it_is,
    "gzip": lambda: _Decompressing(_GZIP),
    "x-gzip": lambda: _Decompressing(_GZIP),
    "deflate": lambda: _Decompressing(_ZLIB),
}
