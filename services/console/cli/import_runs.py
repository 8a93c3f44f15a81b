"""Importing in the background: the console keeps the file and sends its posts, whatever becomes of this terminal."""

from typing import Any

from services.console.cli.client import Client, in_path
from services.console.cli.screen import say


async def hand_over(
    client: Client, content: bytes, *, name: str, zone: str | None, encoding: str | None, wanted: dict[str, bool]
) -> dict[str, Any]:
    """The import as the console has it once it is started; `wanted` is what was seen in the file, and is meant."""
    run = await client.call("POST", "/v1/imports", body=content, name=name, zone=zone, encoding=encoding)
    start = wanted | {"encoding_is_right": encoding is not None}
    started: dict[str, Any] = await client.call("POST", f"/v1/imports/{in_path(run['id'])}:start", body=start)
    return started | {"page": f"{client.url}/import/{in_path(run['id'])}"}


def show_started(run: dict[str, Any]) -> None:
    """Where it can be followed."""
    posts = f"{run['total']:,} {'post' if run['total'] == 1 else 'posts'}"
    say(f"the console imports {posts}, and goes on without this terminal; follow or stop it at {run['page']}", "green")
