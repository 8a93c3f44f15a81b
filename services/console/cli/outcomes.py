"""Waiting for what becomes of a post that was asked for again, and saying it."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from services.console.cli.client import Client, in_path
from services.console.cli.exit_codes import NOT_YET, REFUSED
from services.console.cli.screen import complain, say
from services.console.cli.sentences import lateness

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
UNDER_WAY = frozenset({"scheduled", "dispatched", "sending", "retrying"})

Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait up to a minute for the outcome, which the exit code tells.")
]
Post = dict[str, Any]


async def outcomes(client: Client, post_id: str, accounts: Sequence[str], *, but_for: frozenset[str]) -> list[Post]:
    """The post on these accounts once it is in none of these states on any of them, or as it is after a minute."""
    loop = asyncio.get_running_loop()
    deadline, details = loop.time() + PATIENCE_SECONDS, None
    while True:
        details = await client.look_again(f"/v1/posts/{in_path(post_id)}", details)
        is_late = loop.time() > deadline
        posts = [post for post in details["accounts"] if post["account_id"] in accounts] if details else None
        if posts is not None and (is_late or all(post["state"] not in but_for for post in posts)):
            return posts
        if is_late:
            complain(
                f"it was asked for; what came of it, the console cannot say: `timeball status {post_id}` tells later"
            )
            raise typer.Exit(NOT_YET)
        await asyncio.sleep(LOOK_SECONDS)


def show_outcomes(posts: Sequence[Post]) -> None:
    """A line for each, on stderr what went wrong."""
    for post in posts:
        where = f"{post['post_id']} on {post['account_id']}"
        if post["state"] == "published":
            late = f", {lateness(post['lateness_ms'])}" if post["lateness_ms"] is not None else ""
            say(f"{where} is published{late}{': ' + post['url'] if post['url'] else ''}", "green")
        elif post["state"] in UNDER_WAY:
            say(
                f"{where} is not decided yet{_because(post)}; `timeball status {post['post_id']}` tells later", "yellow"
            )
        else:
            complain(f"{where} is {post['state']}{_because(post)}")


def end_unless_published(posts: Sequence[Post]) -> None:
    """End the program unless every post is published."""
    states = {post["state"] for post in posts}
    if states - UNDER_WAY - {"published"}:
        raise typer.Exit(REFUSED)
    if states & UNDER_WAY:
        raise typer.Exit(NOT_YET)


def _because(post: Post) -> str:
    error = post["error"] or {}
    reason = error.get("message") or post["reason"]
    return f" ({post['state']}: {reason})" if reason and post["state"] in UNDER_WAY else f": {reason}" if reason else ""
