"""A console that answers what a test tells it to, over real HTTP."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FakeApi:
    """Answers by method and path (without the query); remembers what it was asked."""

    answers: Mapping[str, tuple[int, Any]]
    url: str = ""
    requests: list[tuple[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    last_event_ids: list[str | None] = field(default_factory=list)


def _read(body: bytes) -> Any:
    """What was sent, as JSON where it is some, else as text."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


@contextmanager
def fake_api(answers: Mapping[str, tuple[int, Any]]) -> Iterator[FakeApi]:
    """The fake at a port of its own."""
    api = FakeApi(answers)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            key = f"{self.command} {self.path.partition('?')[0]}"
            api.requests.append((f"{self.command} {self.path}", _read(body)))
            api.authorizations.append(self.headers.get("Authorization"))
            api.last_event_ids.append(self.headers.get("Last-Event-ID"))
            status, answer = api.answers.get(key, (404, {"code": "not_found", "detail": f"no {key}"}))
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
