"""Removed workspaces: not watched, not known, and not confused with another one of their name."""

from datetime import timedelta

from shared.events.requests import WorkspaceRemoveRequested
from shared.messaging.envelope import Delivery
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
