"""Removed workspaces: not watched, not known, and not confused with another one of their name."""

import asyncio
from datetime import datetime, timedelta

import pytest

from services.monitor.domain import State
from shared.events.requests import WorkspaceRemoveRequested
from shared.messaging.envelope import Delivery
from tests.fakes.mail import Mailbox
from tests.support.monitoring import NOON, Monitor


async def removed(monitor: Monitor, workspace_id: str = "w", *, seconds: int = 0) -> None:
    """Its removal is asked for, so many seconds after noon."""
    request = WorkspaceRemoveRequested(workspace_id=workspace_id, requested_at=NOON + timedelta(seconds=seconds))
    await monitor.removing.on_workspace_remove_requested(Delivery(request, f"remove-{seconds}", "c"))


async def test_a_removed_workspace_is_not_watched_and_its_targets_are_forgotten(monitor: Monitor) -> None:
    await monitor.configure(targets=["json://example.org/x"], configured_at=NOON.isoformat())
    await monitor.configure("other")

    await removed(monitor, seconds=1)

    assert [row["workspace_id"] for row in await monitor.store.enabled()] == ["other"]
    assert await monitor.store.targets("w") is None
    (fact,) = await monitor.told("workspace.removed")
    assert fact["workspace_id"] == "w"


async def test_what_was_found_for_it_is_in_no_digest_of_another_one(light_monitor: Monitor) -> None:
    await light_monitor.configure()
    await light_monitor.begun()
    item = light_monitor.network.post("sailing", "The time ball drops")
    await light_monitor.check()
    assert await light_monitor.store.mention("w", item)

    await removed(light_monitor)

    assert await light_monitor.store.mention("w", item) is None


async def test_what_was_configured_since_stays(light_monitor: Monitor) -> None:
    await light_monitor.configure(configured_at=(NOON + timedelta(seconds=2)).isoformat())

    await removed(light_monitor, seconds=1)

    assert len(await light_monitor.store.enabled()) == 1
    (rejected,) = await light_monitor.told("workspace.rejected")
    assert "configured anew" in rejected["reason"]


async def test_what_was_asked_for_before_the_removal_and_comes_after_it_changes_nothing(monitor: Monitor) -> None:
    await monitor.configure(configured_at=NOON.isoformat())
    await removed(monitor, seconds=2)

    await monitor.configure(configured_at=(NOON + timedelta(seconds=1)).isoformat())

    assert await monitor.store.enabled() == []
    (rejected,) = await monitor.told("workspace.rejected")
    assert "removed since" in rejected["reason"]


async def test_what_is_configured_after_the_removal_is_watched(monitor: Monitor) -> None:
    await monitor.configure(configured_at=NOON.isoformat())
    await removed(monitor, seconds=1)

    await monitor.configure(configured_at=(NOON + timedelta(seconds=2)).isoformat())

    assert len(await monitor.store.enabled()) == 1


async def test_a_removal_that_comes_first_counts(monitor: Monitor) -> None:
    await removed(monitor, seconds=1)

    await monitor.configure(configured_at=NOON.isoformat())

    assert await monitor.store.enabled() == []


@pytest.mark.parametrize("later", [0, 1])
async def test_of_requests_that_replicas_take_at_once_the_later_one_counts(monitor: Monitor, later: int) -> None:
    async def set_to(number: int) -> None:
        at = NOON + timedelta(milliseconds=number == later)
        await monitor.configure(subreddits=[f"sub{number}"], configured_at=at.isoformat())

    await asyncio.gather(set_to(0), set_to(1))

    assert [row["subreddits"] for row in await monitor.store.enabled()] == [f'["sub{later}"]']


async def test_a_workspace_that_is_made_anew_gets_its_digest_on_the_same_day(light_monitor: Monitor) -> None:
    """As whoever tries it out does: the first one had its digest of the day."""
    async with Mailbox().serving() as mailbox:
        for number, at in enumerate(("12:10", "12:50")):
            await light_monitor.configure(targets=[mailbox.url], notify="digest", digest={"at": at, "zone": "UTC"})
            await light_monitor.check()
            light_monitor.network.post("sailing", f"The time ball drops {number}")
            await light_monitor.check()
            await light_monitor.digest(at=NOON + timedelta(minutes=20 + 35 * number))
            (order, *_) = reversed(await light_monitor.told("notification.requested"))
            await light_monitor.send(order["delivery_id"])
            await removed(light_monitor, seconds=3600)

    assert len(mailbox.mails) == 2


async def test_a_mention_of_a_removed_workspace_is_no_dead_letter(light_monitor: Monitor) -> None:
    async with Mailbox().serving() as mailbox:
        await light_monitor.configure(targets=[mailbox.url])
        await light_monitor.begun()
        light_monitor.network.post("sailing", "The time ball drops")
        await light_monitor.check()
        await removed(light_monitor)

        await light_monitor.notify()

    (order,) = await light_monitor.told("notification.requested")
    async with light_monitor.store.unit() as unit:
        ended = await unit.notification(order["delivery_id"])
    assert ended is not None
    assert (ended.state, ended.error) == (State.FAILED, "the workspace was removed")
    assert mailbox.mails == []


async def test_a_removal_from_a_clock_that_was_ahead_does_not_outdo_what_is_configured_since(
    light_monitor: Monitor,
) -> None:
    """The console does not show a workspace that was configured before it was removed."""
    await light_monitor.configure(configured_at=NOON.isoformat())

    await removed(light_monitor, seconds=365 * 86_400)

    (fact,) = await light_monitor.told("workspace.removed")
    assert datetime.fromisoformat(fact["removed_at"]) == light_monitor.clock.now()


async def test_a_digest_that_was_under_way_keeps_no_later_one_of_the_day_from_another_workspace_of_its_name(
    light_monitor: Monitor,
) -> None:
    async with Mailbox().serving() as mailbox:
        await light_monitor.configure(targets=[mailbox.url], notify="digest", digest={"at": "12:10", "zone": "UTC"})
        await light_monitor.check()
        light_monitor.network.post("sailing", "The time ball drops once")
        await light_monitor.check()
        await light_monitor.digest(at=NOON + timedelta(minutes=20))
        (order,) = await light_monitor.told("notification.requested")
        await removed(light_monitor, seconds=3600)
        await light_monitor.send(order["delivery_id"])

        await light_monitor.configure(targets=[mailbox.url], notify="digest", digest={"at": "12:50", "zone": "UTC"})
        light_monitor.network.post("sailing", "The time ball drops twice")
        await light_monitor.check()
        await light_monitor.digest(at=NOON + timedelta(minutes=55))
        (again, *_) = reversed(await light_monitor.told("notification.requested"))
        await light_monitor.send(again["delivery_id"])

    assert len(await light_monitor.told("notification.requested")) == 2
    assert len(mailbox.mails) == 1
