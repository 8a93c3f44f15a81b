"""The client of the console's HTTP API."""

import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
import typer

from shared.connections.paths import STEPS_IN_A_PATH
from shared.connections.ports import check_port

DEFAULT_URL = "http://127.0.0.1:8080"
PATIENCE_SECONDS = 30.0
FILE_PATIENCE_SECONDS = 300.0

Json = Mapping[str, Any]

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_USUAL_PORT = {"http": 80, "https": 443}


class Unreachable(Exception):
    """The console does not answer."""

    def __init__(self, reason: str, *, may_have_heard: bool = True) -> None:
        super().__init__(reason)
        self.may_have_heard = may_have_heard


class Refused(Exception):
    """The console answered no."""

    def __init__(self, status: int, answer: Json) -> None:
        super().__init__(answer.get("detail") or f"the console answered {status}")
        self.status = status
        self.code = str(answer.get("code", status))
        self.answer = answer

    @property
    def is_passing(self) -> bool:
        """Whether it may well answer the same differently in a moment, as once its database is back."""
        return self.status >= 500  # noqa: PLR2004


STATE, RESET = "state", "reset"
"""What the console says and no service: whether the broker is there, and that missed events are deleted."""


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One event of the live stream."""

    type: str
    correlation_id: str
    data: Json
    whole: Json


@dataclass
class StreamPosition:
    """How far the live stream has been read: after an interruption it goes on there."""

    last_id: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What asks for all that came after it."""
        return {"Last-Event-ID": self.last_id} if self.last_id else {}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the console is, and the token it asks for."""

    url: str
    token: str

    @classmethod
    def known(cls) -> Self:
        """From TIMEBALL_URL and TIMEBALL_API_TOKEN, else what `timeball up` left under TIMEBALL_HOME.

        The token that is kept there is an administrator's: it is sent to this machine's own console and nowhere else.
        """
        home = Path(os.environ.get("TIMEBALL_HOME", "var"))
        own_url = _left_by_up(url_file(home)) or DEFAULT_URL
        url = os.environ.get("TIMEBALL_URL") or own_url
        token = os.environ.get("TIMEBALL_API_TOKEN", "").strip()
        return cls(url.rstrip("/"), token or _own_token(home, url, own_url))

    def fault(self) -> str | None:
        """Why no console can be called with it."""
        place = _place(self.url)
        if isinstance(place, str) or place[0] not in _USUAL_PORT or not place[1]:
            return f"TIMEBALL_URL: write http://HOST:PORT, such as {DEFAULT_URL} (got {self.url!r})"
        if not (self.token.isascii() and self.token.isprintable()):
            return "TIMEBALL_API_TOKEN: it has characters that no token has, such as a line break; copy it once more"
        return None


def url_file(home: Path) -> Path:
    """Where `timeball up` says at which address the console is."""
    return home / "console.url"


def _own_token(home: Path, url: str, own_url: str) -> str:
    return _left_by_up(home / "keys" / "api_token") if _place(url) == _place(own_url) else ""


def _place(url: str) -> tuple[str, str, int | None] | str:
    """Scheme, host and port, the loopback addresses being one host; what is no URL is like nothing else."""
    try:
        check_port(url)
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme, "localhost" if host in _LOOPBACK else host, parts.port or _USUAL_PORT.get(parts.scheme)
    except ValueError:
        return url


def _left_by_up(file: Path) -> str:
    return file.read_text().strip() if file.is_file() else ""


def in_path(identity: str) -> str:
    """An id as a part of a URL's path."""
    if identity in STEPS_IN_A_PATH:
        raise typer.BadParameter(f"nothing is called {identity!r}: no address could name it")
    return quote(identity, safe="")


class Client:
    """Calls the API; Unreachable and Refused are all it raises."""

    def __init__(self, address: Address) -> None:
        self.url = address.url
        self._http = httpx.AsyncClient(
            base_url=address.url,
            headers={"User-Agent": f"timeball/{version('timeball')}"} | _authorization(address.token),
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def call(self, method: str, path: str, *, body: Any = None, **parameters: Any) -> Any:
        """The answer's JSON."""
        content = None if body is None else json.dumps(body).encode()  # what JSON cannot hold, the console refuses
        return await self._asked(method, path, parameters, content=content, headers=_JSON if content else {})

    async def look_again(self, path: str, known: Any) -> Any:
        """What is at the path now; what is known of it where the console cannot say it for the moment."""
        try:
            return await self.call("GET", path)
        except Refused as error:
            if not error.is_passing:
                raise
            return known

    async def send_file(self, path: str, content: bytes, **parameters: Any) -> Any:
        """The answer's JSON to a file, which a busy console may take long to read."""
        return await self._asked("POST", path, parameters, content=content, timeout=FILE_PATIENCE_SECONDS)

    async def _asked(self, method: str, path: str, parameters: Json, **how: Any) -> Any:
        given = {name: value for name, value in parameters.items() if value not in (None, ())}
        try:
            response = await self._http.request(method, path, params=given, **how)
        except httpx.HTTPError as error:
            may_have_heard = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise Unreachable(_why(error), may_have_heard=may_have_heard) from error
        return _answer(response)

    async def events(
        self, position: StreamPosition, *, types: Sequence[str] = (), post_id: str | None = None
    ) -> AsyncIterator[LiveEvent | None]:
        """Events after this position, which moves along, until the console ends the stream (Unreachable); the first
        item, None, means that it listens."""
        given = {"type": list(types)} | ({"post_id": post_id} if post_id else {})
        streamed = self._http.stream("GET", "/v1/events", params=given, headers=position.headers, timeout=_STREAMING)
        try:
            async with streamed as response:
                if response.is_error:
                    await response.aread()
                    _answer(response)
                async for event in _events_in(_lines_in(response.aiter_text()), position):
                    yield event
        except httpx.HTTPError as error:
            raise Unreachable(_why(error)) from error
        raise Unreachable("it ended the stream")


def _why(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError):
        return "nothing answers there"
    return "it does not answer in time" if isinstance(error, httpx.TimeoutException) else "the connection broke off"


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


_JSON = {"Content-Type": "application/json"}
_STREAMING = httpx.Timeout(PATIENCE_SECONDS, read=60)


async def _lines_in(texts: AsyncIterator[str]) -> AsyncIterator[str]:
    """Whole lines, which end with a line feed alone: httpx would end one within a text that has a U+2028, too."""
    begun = ""
    async for text in texts:
        *lines, begun = (begun + text).split("\n")
        for line in lines:
            yield line


async def _events_in(lines: AsyncIterator[str], position: StreamPosition) -> AsyncIterator[LiveEvent | None]:
    number, name = position.last_id, ""
    async for line in lines:
        if line == ": listening":
            yield None
        elif line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("id: "):
            number = line.removeprefix("id: ")
        elif line.startswith("data: "):
            position.last_id = number
            if name == RESET:
                yield LiveEvent(RESET, "", {}, {})
            elif event := json.loads(line.removeprefix("data: ")):
                yield _event(event)


def _event(told: Json) -> LiveEvent:
    """An event of the services, or what the console says of its own state."""
    if "type" not in told:
        return LiveEvent(STATE, "", told, told)
    return LiveEvent(told["type"], told["correlation_id"], told["data"], told)


def _answer(response: httpx.Response) -> Any:
    answer = _json_in(response)
    if not isinstance(answer, dict) or (response.is_error and "code" not in answer):
        detail = f"{response.url} is not a Timeball console: {response.status_code}; set TIMEBALL_URL to where it is"
        raise Refused(response.status_code, {"detail": detail})
    if response.is_error:
        raise Refused(response.status_code, answer)
    return answer


def _json_in(response: httpx.Response) -> Any:
    try:
        return response.json() if response.content else {}
    except ValueError:
        return None
