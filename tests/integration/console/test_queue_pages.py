"""The pages of queues without a broker: what is known is shown, and where RabbitMQ shows the rest."""

import re
from datetime import timedelta
from html import unescape
from types import SimpleNamespace
from typing import cast
from urllib.parse import quote

import httpx
import pytest

from services.console.settings import Settings
from services.console.web.pages.queues import ON_A_PAGE
from shared.events.dead_letters import DeadLetterParked
from shared.events.maintenance import ServiceReported
from tests.integration.console.consoles import ADMIN_TOKEN, NOW, Replica

UI = "http://127.0.0.1:15672/"


def shows(replica: Replica, broker_url: str, ui: str | None) -> None:
    """Have the console's pages link to RabbitMQ's, as its settings say."""
    settings = Settings(broker_url=broker_url, console_broker_ui=ui)
    cast(SimpleNamespace, replica.console).broker_ui = settings.broker_queues


async def page(replica: Replica, path: str) -> str:
    """The page as somebody sees it who is signed in."""
    async with replica.client() as browser:
        await browser.post("/sign-in", data={"token": ADMIN_TOKEN})
        answer = await browser.get(path)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.text


@pytest.mark.parametrize(
    ("broker_url", "virtual_host"),
    [("amqp://guest@broker", "/"), ("amqp://guest@broker/news%2Froom", "news/room")],
)
async def test_each_queue_leads_to_itself_in_rabbitmqs_own_page(
    replica: Replica, broker_url: str, virtual_host: str
) -> None:
    reported = ServiceReported(service="publisher", instance="a", queues=("publisher.commands",))
    await replica.console.queries.service_reports.learn(reported, NOW)
    shows(replica, broker_url, UI)
    place = f"{UI}#/queues/{quote(virtual_host, safe='')}/"

    safe = 'rel="noreferrer" target="_blank"'
    assert f'<a href="{place}publisher.commands" {safe}>' in await page(replica, "/queues")
    assert f'<a href="{place}publisher.dead" {safe}>In RabbitMQ</a>' in await page(replica, "/queues/publisher.dead")


async def test_without_such_a_page_nothing_leads_there(replica: Replica) -> None:
    reported = ServiceReported(service="publisher", instance="a", queues=("publisher.commands",))
    await replica.console.queries.service_reports.learn(reported, NOW)
    shows(replica, "amqp://guest@broker", None)

    for path in ("/queues", "/queues/publisher.dead"):
        text = await page(replica, path)
        assert "noreferrer" not in text
        assert "#/queues" not in text
    assert "The broker does not answer" in await page(replica, "/queues")


@pytest.mark.parametrize("path", ["/queues/publisher.dead", "/queues"])
async def test_dead_letters_that_are_too_many_for_one_page_are_on_the_next(replica: Replica, path: str) -> None:
    for number in range(ON_A_PAGE + 1):
        letter = DeadLetterParked(
            service="publisher", queue="publisher.commands", message_id=f"letter-{number:03}", message_type="x",
            reason="no such field", payload="{}", size=2, replays=0, parked_at=NOW + timedelta(seconds=number),
        )  # fmt: skip
        await replica.console.queries.dead_letters.parked(letter, NOW)
    shows(replica, "amqp://guest@broker", None)

    first = await page(replica, path)
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    second = await page(replica, unescape(following[1]))

    assert "letter-000" not in first
    assert "letter-000" in second
    assert f'href="{path}">First page' in second
