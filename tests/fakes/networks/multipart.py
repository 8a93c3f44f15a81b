"""The parts of a multipart form, as RFC 7578 has them."""

import re
from dataclasses import dataclass

from tests.fakes.http_server import Call


@dataclass(frozen=True)
class Part:
    """One field or file."""

    name: str
    data: bytes
    filename: str = ""
    mime: str = ""

    @property
    def text(self) -> str:
        """A field's value."""
        return self.data.decode()


def parts_of(call: Call) -> dict[str, Part]:
    """The parts of a request by their names; none where it is no such form."""
    kind = call.headers.get("content-type", "")
    boundary = re.search(r"boundary=\"?([^\";]+)", kind)
    if not kind.startswith("multipart/form-data") or boundary is None:
        return {}
    first, *parts, last = (b"\r\n" + call.body).split(b"\r\n--" + boundary[1].encode())
    assert (first, last.strip()) == (b"", b"--"), "the form is not whole"
    return {part.name: part for part in map(_part, parts)}


def _part(raw: bytes) -> Part:
    head, _, data = raw.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    told = {name.lower(): value for name, value in headers.items()}
    names = dict(re.findall(r'(\w+)="([^"]*)"', told["content-disposition"]))
    return Part(names["name"], data, names.get("filename", ""), told.get("content-type", ""))
