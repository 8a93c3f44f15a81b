"""A console with services behind it, and a browser that is signed in; every message of the browser's console counts."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    StorageState,
    async_playwright,
    expect,
)

from tests.integration.console.world import World, a_world
from tests.nodes import Broker
from tests.support.waiting import PATIENCE

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), None)
"""Chromium without its windows where there is one: with them, a page costs three times the processor time."""
SWITCHES = ["--no-sandbox", "--in-process-gpu"]
"""What is drawn is drawn where it is wanted: to pass it to another process costs a seventh of the processor time."""
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "laptop": (1440, 900)}
PATIENCE_MS = PATIENCE * 1000
OVERTAKEN = "the server responded with a status of 412"
"""What the browser says when a page was behind: the page then compares, and shows or repeats what was wanted."""
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
"""What Chromium says of what it loads when a network interface comes or goes, as with the containers of other tests."""


@dataclass
class Visitor:
    """Somebody at a browser, and what the browser complained of."""

    base: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    is_interrupted: bool = False

    def watch(self, page: Page) -> None:
        """Remember every error of a page: scripts, console, policy."""
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self._hear(said) if said.type in ("error", "warning") else None)

    def _hear(self, said: ConsoleMessage) -> None:
        if NETWORK_CHANGED in said.text:
            self.is_interrupted = True
        elif OVERTAKEN not in said.text:
            self.complaints.append(said.text)

    async def open(self, path: str) -> None:
        """Go to a page, again where the machine's network changed meanwhile."""
        self.is_interrupted = False
        try:
            await self.page.goto(self.base + path)
        except Error as error:
            if NETWORK_CHANGED not in str(error):
                raise
            self.is_interrupted = True
        if self.is_interrupted:
            await self.open(path)

    async def sign_in(self, token: str) -> None:
        """Sign in as a person does."""
        await self.open("/sign-in")
        await self.page.get_by_label("Token").fill(token)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url(f"{self.base}/")

    async def schedule_too_late(self) -> None:
        """Write a post for a time that is past, and try to schedule it."""
        await self.open("/compose")
        await self.page.get_by_label("Text", exact=True).fill("Too late")
        await self.page.get_by_role("checkbox", name="plain").check()
        await self.page.get_by_label("Date and time").fill("2020-01-01T10:00")
        await self.page.get_by_role("button", name="Schedule").click()

    async def resize(self, size: str) -> None:
        """Look at the page on another machine."""
        width, height = SIZES[size]
        await self.page.set_viewport_size({"width": width, "height": height})

    async def barriers(self, **of: Any) -> list[str]:
        """What axe finds on the page; `runOnly` limits it to some of its rules."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE_SCRIPT)
        found = await self.page.evaluate("(of) => axe.run({resultTypes: ['violations'], ...of})", of)
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]

    async def is_wider_than_the_screen(self) -> bool:
        """Whether one has to scroll sideways."""
        return bool(await self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Scheduler, publisher and console, with an account on the sink."""
    async with a_world(tmp_path_factory.mktemp("page"), broker_node) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium as the system has it, started once: each visitor has a context of their own."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: `make packages` installs it, or your package manager")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        await browser.close()


@asynccontextmanager
async def a_stranger(world: World, browser: Browser, session: StorageState | None = None) -> AsyncIterator[Visitor]:
    """Somebody with a browser of their own, which may remember a session."""
    context = await browser.new_context(
        timezone_id="Europe/Berlin",
        storage_state=session,
        reduced_motion="reduce",  # colours are judged as they stay, not in the midst of a fading
    )
    context.set_default_timeout(PATIENCE_MS)
    visitor = Visitor(f"http://127.0.0.1:{world.console.port}", context, await context.new_page())
    visitor.watch(visitor.page)
    yield visitor
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(world: World, browser: Browser) -> AsyncIterator[Visitor]:
    """Somebody who is not signed in."""
    async with a_stranger(world, browser) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def another(world: World, browser: Browser) -> AsyncIterator[Visitor]:
    """Somebody else, with a browser of their own."""
    async with a_stranger(world, browser) as one:
        yield one


async def sign_in_by_link(world: World, one: Visitor) -> None:
    """Sign in as `timeball sign-in` does, and wait until the browser has told its zone."""
    link = await world.api.call("POST", "/sign-in-links")
    await one.open(link["path"])
    await expect(one.page.get_by_role("contentinfo")).to_contain_text("Europe/Berlin")


@pytest_asyncio.fixture(loop_scope="session")
async def newcomer(world: World, stranger: Visitor) -> AsyncIterator[Visitor]:
    """Somebody who has just signed in and may sign out again, and whose browser never complains."""
    await sign_in_by_link(world, stranger)
    yield stranger
    assert stranger.complaints == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session(world: World, browser: Browser) -> StorageState:
    """What the browser of somebody who is signed in keeps."""
    async with a_stranger(world, browser) as one:
        await sign_in_by_link(world, one)
        assert one.complaints == []
        return await one.context.storage_state()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(world: World, browser: Browser, session: StorageState) -> AsyncIterator[Visitor]:
    """Somebody who has been signed in for a while, and whose browser never complains."""
    async with a_stranger(world, browser, session) as one:
        yield one
        assert one.complaints == []
