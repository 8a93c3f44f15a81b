"""Events on the first page in a browser: from the moment each is emitted to that at which the page shows it."""

import asyncio
import json
import secrets
import shutil
import time
from bisect import bisect_left
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from playwright.async_api import Page, async_playwright

from benchmarks.broker import Broker, IncompleteError
from benchmarks.figure import percentile
from benchmarks.system import ROOT, service
from benchmarks.usage import cpu_seconds, spent
from deploy.local.broker_node import BrokerNode
from deploy.local.child import clean_environment, free_ports

PER_S, SECONDS, WARM_S, LAST_S = 500, 10, 3, 300
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
_OBSERVE = """() => {
  window.shown = [];  // what the page's newest post said of itself when the page was changed, and when that was
  const look = () => {
    const newest = document.querySelector('[data-region="out"] time')?.dateTime;
    const before = shown.at(-1)?.[0];
    if (newest && newest !== before) shown.push([newest, performance.timeOrigin + performance.now()]);
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""


async def events_on_the_page(url: str, home: Path) -> dict[str, Any]:
    """500 events a second, through the broker, the console and its database, to the first page in Chromium."""
    await asyncio.to_thread(home.mkdir, exist_ok=True)
    token = secrets.token_urlsafe(24)
    node = BrokerNode(home / "broker")
    await asyncio.to_thread(node.start)
    try:
        (port,) = free_ports(1)
        environment = clean_environment("TIMEBALL_") | {
            "TIMEBALL_HOME": str(home / "timeball"),
            "TIMEBALL_BROKER_URL": node.url,
            "TIMEBALL_CONSOLE_DATABASE_URL": url,
            "TIMEBALL_API_TOKEN": token,
            "TIMEBALL_LOG_LEVEL": "warning",
            "PYTHONPATH": str(ROOT),
        }
        async with service("console", 0, home, environment, port), _first_page(port, token) as page:
            broker = await Broker.connect(node.url)
            try:
                return await _measure(broker, page)
            finally:
                broker.close()
    finally:
        await asyncio.to_thread(node.stop)


@asynccontextmanager
async def _first_page(port: int, token: str) -> AsyncIterator[Page]:
    """The first page, signed in, live and observed."""
    base, program = f"http://127.0.0.1:{port}", next(filter(None, map(shutil.which, PROGRAMS)))
    async with httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {token}"}) as http:
        link = (await http.post("/sign-in-links")).json()["path"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(base + link)
        await page.goto(base)
        await page.get_by_role("button", name="Live").wait_for()
        await page.evaluate(_OBSERVE)
        yield page
        await browser.close()


async def _measure(broker: Broker, page: Page) -> dict[str, Any]:
    await _emit(broker, WARM_S)
    before = cpu_seconds()
    emitted = await _emit(broker, SECONDS)
    shown = await _shown(page, emitted[-1])
    used = spent(before, cpu_seconds())
    late = sorted(shown[bisect_left(shown, (at, 0.0))][1] - at for at in emitted)
    drawn = sum(1 for newest, _ in shown if newest >= emitted[0])
    browser = next(name for name in used if name.endswith("node"))
    return {
        "page_p50_ms": percentile(late, 0.5),
        "page_p99_ms": percentile(late, 0.99),
        "page_draws": drawn,
        "page_server_cpu_ms_an_event": round(used["console"] / len(emitted) * 1000, 3),
        "page_browser_cpu_ms_an_event": round(used[browser] / len(emitted) * 1000, 3),
    }


async def _emit(broker: Broker, seconds: int) -> list[float]:
    """When each event was emitted, in milliseconds since the epoch; that is also what it says."""
    emitted, began = [], time.monotonic()
    for position in range(seconds * PER_S):
        await asyncio.sleep(max(0.0, began + position / PER_S - time.monotonic()))
        now = datetime.now(UTC)
        told = {"post_id": str(uuid4()), "account_id": "a-1", "revision": 1, "attempts": 1, "platform": "sandbox"}
        told |= {"platform_post_id": "x1", "published_at": now.isoformat(), "lateness_ms": 0.5}
        await broker.emit("publish.succeeded", json.dumps(told).encode())
        emitted.append(now.timestamp() * 1000)
    return emitted


async def _shown(page: Page, last: float) -> list[tuple[float, float]]:
    """What the newest post on the page said, and when the page showed it, both in milliseconds; up to the last one."""
    deadline = time.monotonic() + LAST_S
    while time.monotonic() < deadline:
        told = await page.evaluate("shown")
        shown = [(datetime.fromisoformat(newest).timestamp() * 1000, at) for newest, at in told]
        if shown and shown[-1][0] >= last:
            return shown
        await asyncio.sleep(1)
    raise IncompleteError(f"the page does not show the last event {LAST_S} s later")
