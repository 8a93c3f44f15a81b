"""Every page, in both schemes, on every size of screen: nothing complains, nothing is out of reach.

Of page, size and scheme every two are seen together; all three would take twice the time.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import cycle
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, StorageState

from shared.events.maintenance import AlertRaised
from shared.events.monitor import DigestSent, MentionFound
from shared.events.requests import Keyword, WorkspaceConfigured
from tests.browser.conftest import SIZES, Visitor, a_stranger
from tests.integration.console.world import World, a_name, a_post
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

PAGES = (
    "/",
    "/calendar",
    "/calendar?view=week",
    "/calendar?view=day",
    "/posts",
    "/posts/{post}",
    "/bulk",
    "/compose",
    "/import",
    "/timers",
    "/accounts",
    "/accounts/plain",
    "/connect/linkedin?account={post}",
    "/connect/sandbox?account=plain",
    "/statistics",
    "/workspaces",
    "/workspaces/{post}",
    "/queues",
    "/queues/scheduler.dead",
    "/alerts",
    "/tokens",
    "/audit",
    "/no-such-page",
)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[tuple[Scheme, ...], ...] = (("light", "dark", "light"), ("dark", "light", "dark"))
"""What each size of screen shows a page in; pages take turns."""
MOST_BYTES = 60_000
SEVERAL = 5
LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 8


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def name(world: World) -> str:
    """The name of a post and of a workspace of long words, one of several."""
    names = [a_name() for _ in range(SEVERAL)]
    for one in names:
        await world.api.call("POST", "/v1/posts", a_post(one, content=f"{LONG} שלום, كرة <script>alert(1)</script>"))
        await watched(world, one)
        await warned(world, one)
    return names[0]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visitor(world: World, browser: Browser, session: StorageState) -> AsyncIterator[Visitor]:
    """Somebody who looks at one page after the other."""
    async with a_stranger(world, browser, session) as one:
        yield one


@pytest.mark.parametrize(("path", "schemes"), [*zip(PAGES, cycle(SCHEMES))], ids=PAGES)
async def test_a_page_is_within_everyones_reach(
    visitor: Visitor, name: str, path: str, schemes: tuple[Scheme, ...]
) -> None:
    visitor.complaints.clear()

    response = await visitor.page.goto(visitor.base + path.format(post=name))
    assert response
    assert len(await response.body()) <= MOST_BYTES
    for size, scheme in zip(SIZES, schemes, strict=True):
        await visitor.resize(size)
        await visitor.page.emulate_media(color_scheme=scheme)
        assert not await visitor.is_wider_than_the_screen(), size
        assert await visitor.barriers() == [], (size, scheme)
    assert len(visitor.complaints) == (path == "/no-such-page"), visitor.complaints  # that the page is not there


async def watched(world: World, name: str) -> None:
    """A workspace of this name with a mention, both of long words and in several directions."""
    keywords = (Keyword(phrase=LONG[:400]), Keyword(phrase="כדור הזמן"))
    configured = WorkspaceConfigured(
        workspace_id=name, monitoring_enabled=True, subreddits=("sailing", "a" * 21), keywords=keywords
    )
    found = MentionFound(
        workspace_id=name,
        subreddit="sailing",
        item_id="t3_1",
        kind="post",
        title=f"{LONG} כדור <b>",
        url="https://www.reddit.com/x",
        author="שלום",
        keywords=("כדור הזמן", LONG),
        created_at=datetime.now(UTC),
    )
    for event in (configured, found, DigestSent(workspace_id=name, day="2027-03-27", mentions=1)):
        await world.system.bus.emit(event)
    await eventually(lambda: _is_known(world, name), what="the workspace and what was found are known")


async def warned(world: World, name: str) -> None:
    """An alert of long words that is open, and one that is over."""
    for subject, state in ((f"{name} {LONG}", "raised"), (f"over {name}", "resolved")):
        message = f"{LONG} <b>: `timeball status {LONG}`, כדור הזמן"
        told = {"severity": "critical", "code": "posts_failing", "subject": subject, "state": state}
        await world.system.bus.emit(AlertRaised.model_validate(told | {"message": message, "since": datetime.now(UTC)}))
    await eventually(lambda: _is_told(world, name), what="both alerts are known")


async def _is_told(world: World, name: str) -> bool:
    alerts = (await world.api.call("GET", "/v1/alerts"))["alerts"]
    return sum(name in one["subject"] for one in alerts) == 2


async def _is_known(world: World, name: str) -> bool:
    listed = (await world.api.call("GET", "/v1/mentions", workspace_id=name))["mentions"]
    return bool(listed) and name in str(await world.api.call("GET", "/v1/workspaces"))
