"""Where posts say their pictures are: good ones, and what is none."""

import io
from dataclasses import dataclass
from http import HTTPStatus

from PIL import Image

from tests.fakes.http_server import Call
from tests.fakes.networks.base import Network, Reply


@dataclass
class Gallery(Network):
    """Pictures by their path: `small.png` fits everywhere, `vast.png` unpacks to more than anybody takes."""

    def publishes(self, call: Call) -> bool:
        return False

    def answer(self, call: Call) -> Reply:
        match call.path:
            case "/small.png":
                return _picture(picture(40, 30))
            case "/small.webp":
                return _picture(picture(40, 30, kind="WEBP"))
            case "/vast.png":
                return _picture(picture(9000, 9000, mode="1"))
            case "/text.png":
                return _picture(b"<html>This is no picture.</html>")
        return Reply(HTTPStatus.NOT_FOUND, b"no such picture", {"content-type": "text/plain"})


def picture(width: int, height: int, *, mode: str = "RGB", kind: str = "PNG") -> bytes:
    """A picture of this size, in one colour."""
    file = io.BytesIO()
    Image.new(mode, (width, height)).save(file, kind)
    return file.getvalue()


def _picture(data: bytes) -> Reply:
    return Reply(body=data, headers={"content-type": "image/png"})
