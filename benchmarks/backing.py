"""What both sides run on: a durable PostgreSQL, and the sink that stands for the social network. Loopback only."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.child import Child, NodeError, free_ports, is_free, log_tail, wait_until
from deploy.local.postgres_node import PostgresNode

STOP_SECONDS = 15
_NGINX = """
worker_processes 1;
error_log stderr crit;
pid {home}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path {home}/nginx-body;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    default_type application/json;
    location / {{ return 200 '{{"id":"x1"}}'; }}
  }}
}}
"""


@dataclass(frozen=True)
class Backing:
    """A database server and the address of the sink."""

    home: Path
    postgres: PostgresNode
    sink_url: str


@asynccontextmanager
async def backing(home: Path) -> AsyncIterator[Backing]:
    """Run both in `home`, an empty directory that another user may enter."""
    postgres = PostgresNode(home / "postgres", durable=True, settings=["track_commit_timestamp=on"])
    await asyncio.to_thread(postgres.start)
    try:
        (port,) = free_ports(1)
        async with listening(_sink(home, port), os.environ, home / "sink.log", port):
            yield Backing(home, postgres, f"http://127.0.0.1:{port}")
    finally:
        await asyncio.to_thread(postgres.stop)


@asynccontextmanager
async def listening(argv: Sequence[str], env: Mapping[str, str], log: Path, port: int) -> AsyncIterator[Child]:
    """Run a program for as long as the block, which begins when the program listens on the port."""
    child = Child(argv, env, log)
    child.start()
    try:
        if not await asyncio.to_thread(wait_until, lambda: not is_free(port), within=20):
            raise NodeError(f"{argv[0]} does not listen\n{log_tail(log)}")
        yield child
    finally:
        await asyncio.to_thread(child.stop, grace=STOP_SECONDS)


def _sink(home: Path, port: int) -> list[str]:
    """nginx where it is installed, else our own; both answer `{"id":"x1"}` and keep connections alive."""
    nginx = shutil.which("nginx")
    if nginx is None:
        return [sys.executable, "-m", "benchmarks.sink", str(port)]
    configuration = home / "nginx.conf"
    configuration.write_text(_NGINX.format(home=home, port=port))
    return [nginx, "-e", "stderr", "-c", str(configuration), "-g", "daemon off;"]
