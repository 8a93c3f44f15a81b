"""Workspaces and mentions in the read model: the latest word counts, and pages miss nothing."""

from datetime import UTC, datetime, timedelta

from services.console.api.mentions import MentionView
from services.console.api.workspaces import WorkspaceView
from services.console.read_model.workspaces import cursor_of
from shared.events.monitor import DigestSent, MentionFound, WorkspaceAccepted, WorkspaceRejected, WorkspaceRemoved
from shared.events.requests import DigestTime, Keyword, WorkspaceConfigured
from tests.integration.console.conftest import ReadModel
from tests.integration.console.test_read_model import learn

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def configured(phrase: str, at: datetime) -> WorkspaceConfigured:
    return WorkspaceConfigured(
        workspace_id="w",
        monitoring_enabled=True,
        subreddits=("sailing",),
        keywords=(Keyword(phrase=phrase, match="phrase"),),
        sealed_notify="c2VhbGVk",
        digest=DigestTime(at="09:00", zone="UTC"),
        configured_at=at,
    )


def mention(number: int, workspace_id: str = "w") -> MentionFound:
    return MentionFound(
        workspace_id=workspace_id,
        subreddit="sailing",
        item_id=f"t3_{number}",
        kind="post",
        title="Time ball",
        url="https://www.reddit.com/x",
        author="ann",
        keywords=("time ball",),
        created_at=NOON + timedelta(seconds=number // 2),
    )


async def test_the_latest_configuration_counts_and_targets_are_not_kept(read_model: ReadModel) -> None:
    await learn(read_model, configured("new", NOON))
    await learn(read_model, configured("old", NOON - timedelta(seconds=1)))

    (row,) = await read_model.queries.workspaces.known("w")

    view = WorkspaceView.of(row)
    assert view.keywords == [{"phrase": "new", "match": "phrase"}]
    assert (view.has_targets, view.notify, view.digest) == (True, "at_once", {"at": "09:00", "zone": "UTC"})
    assert "c2VhbGVk" not in str(dict(row))


async def test_a_workspace_that_keeps_its_targets_still_tells_somebody(read_model: ReadModel) -> None:
    edited = configured("new", NOON + timedelta(seconds=1)).model_copy(
        update={"sealed_notify": None, "keep_notify": True}
    )
    await learn(read_model, edited)
    await learn(read_model, configured("old", NOON))  # heard late

    (row,) = await read_model.queries.workspaces.known("w")

    assert row["has_targets"]
    await learn(read_model, edited.model_copy(update={"keep_notify": False}))
    (row,) = await read_model.queries.workspaces.known("w")
    assert not row["has_targets"]


async def test_digests_are_listed_the_latest_first(read_model: ReadModel) -> None:
    first, last = (DigestSent(workspace_id="w", day=f"2026-11-2{day}", mentions=day) for day in (1, 2))
    await learn(read_model, last, first, last, DigestSent(workspace_id="other", day="2026-11-22", mentions=9))

    listed = await read_model.queries.workspaces.digests("w", 10)

    assert [(row["day"], row["mentions"]) for row in listed] == [("2026-11-22", 2), ("2026-11-21", 1)]


async def test_a_refusal_is_shown_until_the_workspace_is_accepted(read_model: ReadModel) -> None:
    async def rejection() -> str | None:
        (row,) = await read_model.queries.workspaces.known("w")
        return WorkspaceView.of(row).rejection

    refused = WorkspaceRejected(workspace_id="w", reason="keywords: none is named", decided_at=NOON)
    accepted = WorkspaceAccepted(workspace_id="w", decided_at=NOON + timedelta(seconds=1))
    await learn(read_model, refused, configured("new", NOON))
    assert await rejection() == "keywords: none is named"

    await learn(read_model, accepted, refused)

    assert await rejection() is None


async def test_mentions_heard_twice_are_there_once_and_pages_miss_none(read_model: ReadModel) -> None:
    found = [mention(number) for number in range(5)]
    await learn(read_model, *found, *found, mention(9, "other"))
    seen: list[str] = []

    cursor = None
    while page := await read_model.queries.workspaces.mentions("w", cursor, 2):
        seen += [MentionView.of(row).item_id for row in page]
        cursor = cursor_of(page[-1])

    assert seen == ["t3_4", "t3_3", "t3_2", "t3_1", "t3_0"]


async def test_a_removed_workspace_is_gone_whatever_is_heard_late_until_it_is_made_again(read_model: ReadModel) -> None:
    later = NOON + timedelta(seconds=1)
    await learn(read_model, WorkspaceRemoved(workspace_id="w", removed_at=NOON, decided_at=later))
    await learn(read_model, configured("late", NOON - timedelta(seconds=1)))
    assert await read_model.queries.workspaces.known() == []

    await learn(read_model, configured("new", later))

    (row,) = await read_model.queries.workspaces.known("w")
    assert "new" in row["keywords"]


async def test_what_comes_from_a_clock_far_ahead_does_not_outdo_what_is_configured_since(
    read_model: ReadModel,
) -> None:
    """The monitor watches for the later one."""
    now = datetime.now(UTC)
    await learn(read_model, configured("ahead", now + timedelta(days=365)))
    await learn(read_model, configured("since", datetime.now(UTC)))

    (row,) = await read_model.queries.workspaces.known("w")

    assert WorkspaceView.of(row).keywords == [{"phrase": "since", "match": "phrase"}]
    assert row["configured_at"] <= datetime.now(UTC)
