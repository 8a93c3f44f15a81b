"""Notifications and digests, at a real mail server and a real HTTP server: once, or said to be unknown."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.monitor.domain import State
from services.monitor.tables import deliveries
from shared.messaging.verdict import Park, TryAgain
from tests.fakes.http_server import Call
from tests.fakes.mail import Mailbox
from tests.fakes.networks.base import Fault, Network, Reply, refuses
from tests.support.monitoring import Monitor

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
DIGEST = {"at": "09:00", "zone": "UTC"}


class Hook(Network):
    """Takes notifications as JSON."""

    def publishes(self, call: Call) -> bool:
        return True

    def answer(self, call: Call) -> Reply:
        return Reply()

    @property
    def target(self) -> str:
        return self.url.replace("http://", "json://") + "/hook/s3cret"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with Mailbox().serving() as mailbox:
        yield mailbox


async def states(monitor: Monitor) -> list[tuple[str, int]]:
    async with monitor.store.unit() as unit:
        rows = await unit.connection.execute(select(deliveries.c.state, deliveries.c.attempts))
        return sorted((row.state, row.attempts) for row in rows)


async def a_mention(monitor: Monitor, *targets: str, **more: Any) -> str:
    """A mention is found in a workspace with these targets; the id of its first notification, if any."""
    await monitor.configure(targets=targets, **more)
    await monitor.begun()
    monitor.network.post("sailing", "The <b>time ball</b> & more", "drops")
    await monitor.check()
    orders = await monitor.told("notification.requested")
    return orders[0]["delivery_id"] if orders else ""


async def test_a_mention_is_mailed_once_to_each_target(monitor: Monitor, mailbox: Mailbox) -> None:
    async with Hook().serving() as hook:
        await a_mention(monitor, mailbox.url, hook.target)

        await monitor.notify()
        await monitor.notify()

    (mail,) = mailbox.mails
    assert mail["subject"] == "time ball in r/sailing"
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert "The &lt;b&gt;time ball&lt;/b&gt; &amp; more" in html.get_content()
    assert "The <b>time ball</b> & more" in text.get_content()
    (call,) = hook.calls
    assert call.json["title"] == "time ball in r/sailing"
    assert "https://www.reddit.com/r/sailing/comments/" in call.json["message"]
    assert await states(monitor) == [("sent", 1), ("sent", 1)]


async def test_no_message_and_no_row_tells_a_target(monitor: Monitor) -> None:
    await a_mention(monitor, "json://127.0.0.1/hook/s3cret")

    assert "s3cret" not in str(await monitor.told("notification.requested"))
    async with monitor.store.unit() as unit:
        assert "s3cret" not in str(await unit.workspace("w"))


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_refusal_that_passes_is_tried_again(light_monitor: Monitor, status: int) -> None:
    async with Hook().serving() as hook:
        order = await a_mention(light_monitor, hook.target)
        hook.faults.append(refuses(status))

        with pytest.raises(TryAgain) as raised:
            await light_monitor.send(order)
        await light_monitor.send(order)

    assert raised.value.delay == timedelta(seconds=5)
    assert await states(light_monitor) == [("sent", 2)]


async def test_a_refusal_for_good_is_parked_without_the_url(light_monitor: Monitor) -> None:
    async with Hook().serving() as hook:
        order = await a_mention(light_monitor, hook.target)
        hook.faults.append(refuses(404))

        with pytest.raises(Park, match="404") as raised:
            await light_monitor.send(order)

    assert "s3cret" not in raised.value.reason
    assert await states(light_monitor) == [("failed", 1)]


async def test_a_target_that_is_away_is_given_up_after_the_last_attempt(light_monitor: Monitor) -> None:
    order = await a_mention(light_monitor, "json://127.0.0.1:9/hook")

    for _ in range(8):
        with pytest.raises(TryAgain):
            await light_monitor.send(order)
    with pytest.raises(Park, match="not told after 9 attempts: no connection"):
        await light_monitor.send(order)


@pytest.mark.parametrize("kind", ["hang up", "babble"])
async def test_a_lost_answer_is_unknown_and_never_sent_again(light_monitor: Monitor, kind: Any) -> None:
    async with Hook().serving() as hook:
        order = await a_mention(light_monitor, hook.target)
        hook.faults.append(Fault(lands=True, then=kind))

        for _ in range(2):
            with pytest.raises(Park, match="may have arrived"):
                await light_monitor.send(order)

    assert len(hook.calls) == 1
    assert await states(light_monitor) == [("unknown", 1)]


async def test_mail_that_may_have_been_taken_is_not_sent_again(light_monitor: Monitor, mailbox: Mailbox) -> None:
    order = await a_mention(light_monitor, mailbox.url)
    mailbox.hangs_up = 1

    for _ in range(2):
        with pytest.raises(Park, match="may have arrived"):
            await light_monitor.send(order)

    assert len(mailbox.mails) == 1


async def test_mail_refused_for_now_is_sent_again_and_mail_refused_for_good_is_not(
    light_monitor: Monitor, mailbox: Mailbox
) -> None:
    order = await a_mention(light_monitor, mailbox.url)
    mailbox.replies = ["451 busy", "550 no such user"]

    with pytest.raises(TryAgain):
        await light_monitor.send(order)
    with pytest.raises(Park, match="550"):
        await light_monitor.send(order)

    assert mailbox.mails == []


async def test_a_send_whose_process_died_is_unknown(monitor: Monitor, mailbox: Mailbox) -> None:
    order = await a_mention(monitor, mailbox.url)
    assert await monitor.notifying._claim(order)

    with pytest.raises(TryAgain):
        await monitor.send(order)
    monitor.clock.advance(timedelta(minutes=2))
    with pytest.raises(Park, match="may have arrived"):
        await monitor.send(order)

    assert mailbox.mails == []
    assert await states(monitor) == [(State.UNKNOWN, 1)]


async def test_a_send_whose_process_died_under_a_clock_that_was_ahead_is_unknown_at_once(
    light_monitor: Monitor, mailbox: Mailbox
) -> None:
    order = await a_mention(light_monitor, mailbox.url)
    assert await light_monitor.notifying._claim(order)
    light_monitor.clock.advance(-timedelta(hours=1))

    with pytest.raises(Park, match="may have arrived"):
        await light_monitor.send(order)


async def test_a_target_that_was_taken_out_is_not_told(light_monitor: Monitor, mailbox: Mailbox) -> None:
    order = await a_mention(light_monitor, mailbox.url)
    await light_monitor.configure(targets=["json://127.0.0.1:9/other"])

    with pytest.raises(Park, match="no longer"):
        await light_monitor.send(order)

    assert mailbox.mails == []


@pytest.mark.parametrize(
    "target",
    [
        "json://127.0.0.1:{port}/x",
        "json://localhost:{port}/x",
        "json://0x7f000001:{port}/x",
        "mailto://127.0.0.1:{port}/?to=a@example.org&from=b@example.org",
        "mailto://example.org/?smtp=127.0.0.1&to=a@example.org&from=b@example.org",
        "json://169.254.169.254/latest",
    ],
)
async def test_private_addresses_are_not_told_unless_allowed(sqlite_url: str, target: str) -> None:
    async with Hook().serving() as hook, Monitor.at(sqlite_url, allow_private=False) as monitor:
        order = await a_mention(monitor, target.format(port=hook.url.rpartition(":")[2]))

        with pytest.raises(Park, match="not public"):
            await monitor.send(order)

    assert hook.calls == []


async def test_a_digest_is_sent_once_a_day_grouped_by_keyword(monitor: Monitor, mailbox: Mailbox) -> None:
    keywords = [{"phrase": "time ball"}, {"phrase": "drops"}]
    await a_mention(monitor, mailbox.url, notify="digest", digest=DIGEST, keywords=keywords)

    await monitor.digest(at=NINE - timedelta(minutes=15))
    await monitor.digest(at=NINE)
    await monitor.digest(at=NINE + timedelta(minutes=15))
    await monitor.notify()

    assert await monitor.told("digest.sent") == [{"workspace_id": "w", "day": "2026-11-23", "mentions": 1}]
    (mail,) = mailbox.mails
    assert mail["subject"] == "1 mention up to 2026-11-23: drops, time ball"
    html = mail.get_body(("html",))
    assert html is not None
    assert "<h3>drops (1)</h3>" in html.get_content()
    assert "<h3>time ball (1)</h3>" in html.get_content()


async def test_days_missed_are_one_digest_and_empty_days_none(monitor: Monitor, mailbox: Mailbox) -> None:
    await a_mention(monitor, mailbox.url, notify="digest", digest=DIGEST)

    await monitor.digest(at=NINE + timedelta(days=3))
    await monitor.digest(at=NINE + timedelta(days=4))

    assert [one["day"] for one in await monitor.told("digest.sent")] == ["2026-11-26"]


async def test_what_was_told_at_once_is_in_the_digest_again(light_monitor: Monitor, mailbox: Mailbox) -> None:
    await a_mention(light_monitor, mailbox.url, digest=DIGEST)

    await light_monitor.digest(at=NINE)
    await light_monitor.notify()

    assert sorted(mail["subject"] for mail in mailbox.mails) == [
        "1 mention up to 2026-11-23: time ball",
        "time ball in r/sailing",
    ]


async def test_one_workspace_whose_digest_fails_does_not_stop_the_others(light_monitor: Monitor) -> None:
    await light_monitor.configure("broken", digest=DIGEST)
    await a_mention(light_monitor, "json://127.0.0.1:9/x", digest=DIGEST)
    async with light_monitor.store.unit() as unit:
        row = await unit.workspace("broken")
        assert row is not None
        await unit.save_workspace({**row, "digest": "{"})

    with pytest.raises(Exception, match="'broken'"):
        await light_monitor.digest(at=NINE)

    assert [one["workspace_id"] for one in await light_monitor.told("digest.sent")] == ["w"]
