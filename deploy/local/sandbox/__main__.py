"""Run the sandbox platform: `python -m deploy.local.sandbox --port 8090`."""

import argparse
import asyncio
import socket

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from deploy.local.sandbox.app import make_app


class Protocol(H11Protocol):
    """HTTP whose connection a request can close."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.sandbox", description="The sandbox platform.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one")
    parser.add_argument("--url", help="where browsers find it (http://127.0.0.1:PORT)")
    parser.add_argument("--slow-seconds", type=float, default=30, help="how late a slow reply is")
    return parser.parse_args()


def main() -> None:
    """Serve until stopped."""
    given = options()
    listener = socket.create_server((given.host, given.port), backlog=1024)
    url = given.url or f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        make_app(url, slow_seconds=given.slow_seconds),
        http=Protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    print(f"sandbox platform at {url}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
