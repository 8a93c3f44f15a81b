"""`timeball demo`: two accounts on the sandbox platform and three posts a few seconds ahead."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import typer

from services.console.cli.calling import called
from services.console.cli.client import Client, LiveEvent, in_path
from services.console.cli.exit_codes import REFUSED
from services.console.cli.screen import complain, say
from services.console.cli.watching import Following, followed

SANDBOX_URL = "http://127.0.0.1:8090"
ACCOUNTS = ("demo-one", "demo-two")
_PLAN = (
    (timedelta(seconds=4), "A time ball falls: this post left at its instant.", ("demo-one",)),
    (timedelta(seconds=6), "Two seconds later, on another account.", ("demo-two",)),
    (timedelta(seconds=8), "And one post on both at once.", ACCOUNTS),
)
_PATIENCE_SECONDS = 60
_OUTCOMES = {"publish.succeeded", "publish.failed", "publish.unknown", "publish.skipped", "publish.held"}


def demo(
    sandbox: Annotated[str, typer.Option(help="Where the sandbox platform is.")] = SANDBOX_URL,
) -> None:
    """Connect two demo accounts, schedule three posts and show every event until they are published.

    timeball demo

    timeball demo --sandbox http://127.0.0.1:8090
    """
    if not called(lambda client: _alone(client, sandbox)):
        raise typer.Exit(REFUSED)


def demo_at(sandbox: str) -> str:
    """The command that runs the demo with this sandbox platform."""
    return "timeball demo" if sandbox == SANDBOX_URL else f"timeball demo --sandbox {sandbox}"


async def _alone(client: Client, sandbox: str) -> bool:
    if not await _answers(sandbox):
        complain(f"no sandbox platform at {sandbox}; start it with `python -m deploy.local.sandbox`")
        return False
    await client.call("GET", "/v1/stats")
    async with followed(client) as following:
        return await run_demo(client, following, sandbox)


async def _answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            return not (await http.get(url)).is_server_error
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


@dataclass
class _Outcomes:
    """The posts of this run, as their outcomes come in."""

    missing: set[tuple[str, str]]
    came: list[LiveEvent] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def on_event(self, event: LiveEvent) -> None:
        key = (event.data.get("post_id", ""), event.data.get("account_id", ""))
        if event.type not in _OUTCOMES or key not in self.missing:
            return
        self.missing.discard(key)
        self.came.append(event)
        if not self.missing:
            self.complete.set()


async def run_demo(client: Client, following: Following, sandbox: str) -> bool:
    """Whether every post of the demo was published; the events are shown by whoever follows."""
    for account_id in ACCOUNTS:
        body = {"platform": "sandbox", "settings": {"url": f"{sandbox}/{account_id}/posts", "answers_lookups": True}}
        await client.call("PUT", f"/v1/accounts/{in_path(account_id)}", body=body)
    posts = list(_posts(datetime.now(UTC)))
    outcomes = _Outcomes({(post["post_id"], target["account_id"]) for post in posts for target in post["targets"]})
    with _listening(following, outcomes):
        for post in posts:
            await client.call("POST", "/v1/posts", body=post)
        with suppress(TimeoutError):
            await asyncio.wait_for(outcomes.complete.wait(), _PATIENCE_SECONDS)
    return _summarised(outcomes)


@contextmanager
def _listening(following: Following, outcomes: _Outcomes) -> Iterator[None]:
    following.listeners.append(outcomes.on_event)
    try:
        yield
    finally:
        following.listeners.remove(outcomes.on_event)


def _posts(now: datetime) -> Iterator[dict[str, Any]]:
    run = f"{now.astimezone():%Y%m%d-%H%M%S}"
    for number, (ahead, content, account_ids) in enumerate(_PLAN, start=1):
        yield {
            "post_id": f"demo-{run}-{number}",
            "content": content,
            "publish_at": (now + ahead).replace(microsecond=0).isoformat(),
            "targets": [{"account_id": account_id} for account_id in account_ids],
        }


def _summarised(outcomes: _Outcomes) -> bool:
    published = [event.data["lateness_ms"] for event in outcomes.came if event.type == "publish.succeeded"]
    expected = len(outcomes.came) + len(outcomes.missing)
    if len(published) < expected:
        complain(f"only {len(published)} of {expected} posts were published within {_PATIENCE_SECONDS} s")
        return False
    say(f"{expected} of {expected} published, the latest {max(published):.1f} ms after its instant", "bold green")
    return True
