"""Checks, at a fake Reddit: what is new is seen once, whatever goes wrong on the way."""

from datetime import timedelta

import pytest

from services.monitor.reddit import AccessDenied, NotConfigured, RedditError
from tests.fakes.networks.base import GARBAGE, HANGS, Fault, refuses
from tests.support.monitoring import Monitor


async def test_what_was_there_before_the_first_check_is_not_new(monitor: Monitor) -> None:
    monitor.network.post("sailing", "An old time ball")
    await monitor.configure()

    await monitor.check()

    assert await monitor.found() == []


async def test_posts_and_comments_are_found_once(monitor: Monitor) -> None:
    await monitor.configure()
    await monitor.begun()
    post = monitor.network.post("sailing", "The time ball", "drops")
    comment = monitor.network.comment("sailing", "a TIME BALL, really")
    monitor.network.post("sailing", "nothing of the kind")

    completed = await monitor.check()
    await monitor.check()

    assert await monitor.found() == [("w", comment), ("w", post)]
    assert (completed["checked"], completed["found"]) == (1, 2)
    mention = next(one for one in await monitor.told("mention.found") if one["item_id"] == post)
    assert (mention["kind"], mention["author"], mention["keywords"]) == ("post", "ann", ["time ball"])


async def test_subreddits_of_all_workspaces_are_fetched_together_and_once(monitor: Monitor) -> None:
    await monitor.configure("one", subreddits=["Sailing", "clocks"])
    await monitor.configure("two", subreddits=["sailing"])
    await monitor.begun()

    await monitor.check()

    assert {path for path, _ in monitor.network.listings()} == {
        "/r/clocks+sailing/new",
        "/r/clocks+sailing/comments",
    }


async def test_a_workspace_hears_of_its_own_subreddits_only(light_monitor: Monitor) -> None:
    await light_monitor.configure("one", subreddits=["sailing"])
    await light_monitor.configure("two", subreddits=["clocks"])
    await light_monitor.begun()
    item = light_monitor.network.post("Clocks", "time ball")

    await light_monitor.check()

    assert await light_monitor.found() == [("two", item)]


async def test_a_check_asks_once_for_what_fits_on_a_page(light_monitor: Monitor) -> None:
    light_monitor.network.post("sailing", "the last one")
    await light_monitor.configure()
    await light_monitor.begun()
    light_monitor.network.calls.clear()

    light_monitor.network.post("sailing", "time ball")
    await light_monitor.check()

    assert [path for path, _ in light_monitor.network.listings()] == ["/r/sailing/new", "/r/sailing/comments"]


async def test_a_check_goes_on_from_the_last_item_it_saw(light_monitor: Monitor) -> None:
    last = light_monitor.network.post("sailing", "the last one")
    await light_monitor.configure()
    await light_monitor.begun()
    light_monitor.network.calls.clear()

    for number in range(101):
        light_monitor.network.post("sailing", f"time ball {number}")
    await light_monitor.check()

    assert light_monitor.network.listings()[1][1]["before"] == last
    assert len(await light_monitor.found()) == 101


async def test_a_removed_item_does_not_stop_its_group(monitor: Monitor) -> None:
    """Reddit answers nothing at all for a place that is gone."""
    monitor.network.post("sailing", "stays")
    last = monitor.network.post("sailing", "goes")
    await monitor.configure()
    await monitor.begun()
    monitor.network.remove(last)
    item = monitor.network.post("sailing", "time ball")

    await monitor.check()
    next_item = monitor.network.post("sailing", "time ball again")
    await monitor.check()

    assert await monitor.found() == [("w", item), ("w", next_item)]


async def test_a_gap_is_caught_up_page_by_page(light_monitor: Monitor) -> None:
    light_monitor.network.post("sailing", "the last one")
    await light_monitor.configure()
    await light_monitor.begun()
    items = [light_monitor.network.post("sailing", f"time ball {n}") for n in range(250)]

    completed = await light_monitor.check()

    assert len(await light_monitor.found()) == len(items)
    assert completed["problems"] == []


async def test_a_gap_after_the_place_is_gone_is_caught_up_as_well(light_monitor: Monitor) -> None:
    last = light_monitor.network.post("sailing", "the last one")
    await light_monitor.configure()
    await light_monitor.begun()
    light_monitor.network.remove(last)
    items = [light_monitor.network.post("sailing", f"time ball {n}") for n in range(250)]

    await light_monitor.check()

    assert len(await light_monitor.found()) == len(items)


async def test_a_gap_too_long_for_one_check_is_said_and_caught_up_by_the_next(light_monitor: Monitor) -> None:
    light_monitor.network.post("sailing", "the last one")
    await light_monitor.configure()
    await light_monitor.begun()
    for _ in range(9):
        light_monitor.network.post("sailing", "nothing")
    for number in range(991):
        light_monitor.network.post("sailing", f"time ball {number}")
    light_monitor.network.things = light_monitor.network.things[-1001:]

    completed = await light_monitor.check()
    light_monitor.network.post("sailing", "time ball 991")
    await light_monitor.check()

    assert "more than 1,000" in completed["problems"][0]["error"]
    assert len(await light_monitor.found()) == 992


@pytest.mark.parametrize(("status", "reason"), [(403, "private"), (404, "banned"), (302, "none")])
async def test_a_closed_subreddit_does_not_stop_the_others(monitor: Monitor, status: int, reason: str) -> None:
    await monitor.configure("one", subreddits=["a1", "b2", "c3", "d4", "secret"])
    await monitor.configure("two", subreddits=["d4"])
    await monitor.begun()
    monitor.network.close("secret", status, reason)
    items = [monitor.network.post(name, "time ball") for name in ("a1", "b2", "c3", "d4")]

    completed = await monitor.check()

    assert [item for _, item in await monitor.found() if _ == "one"] == items
    assert [one["subreddit"] for one in completed["problems"]] == ["secret"]
    ((workspace_id, error),) = [(one["workspace_id"], one["error"]) for one in completed["failed"]]
    assert workspace_id == "one"
    assert "r/secret" in error
    assert str(status) in error


async def test_a_closed_subreddit_is_asked_for_once_a_check(light_monitor: Monitor) -> None:
    await light_monitor.configure(subreddits=["sailing", "secret"])
    await light_monitor.begun()
    light_monitor.network.close("secret")
    await light_monitor.check()
    light_monitor.network.calls.clear()

    await light_monitor.check()

    assert [path for path, _ in light_monitor.network.listings()] == [
        "/r/sailing/new", "/r/secret/new", "/r/sailing/comments",
    ]  # fmt: skip


async def test_a_subreddit_that_opens_again_is_read_on_from_where_it_was(light_monitor: Monitor) -> None:
    await light_monitor.configure(subreddits=["sailing", "clocks"])
    light_monitor.network.post("clocks", "the last one")
    await light_monitor.begun()
    light_monitor.network.close("clocks")
    item = light_monitor.network.post("clocks", "time ball")
    await light_monitor.check()
    light_monitor.network.closed.clear()

    await light_monitor.check()
    light_monitor.network.calls.clear()
    await light_monitor.check()

    assert await light_monitor.found() == [("w", item)]
    assert light_monitor.network.listings()[0][0] == "/r/clocks+sailing/new"


@pytest.mark.parametrize("fault", [refuses(500), refuses(503), refuses(429, retry_after="3"), GARBAGE, refuses(401)])
async def test_what_passes_is_asked_for_again(light_monitor: Monitor, fault: Fault) -> None:
    await light_monitor.configure()
    await light_monitor.begun()
    item = light_monitor.network.post("sailing", "time ball")
    light_monitor.network.faults.append(fault)

    completed = await light_monitor.check()

    assert await light_monitor.found() == [("w", item)]
    assert completed["failed"] == []


ODD = {"id": "a b", "subreddit": "sailing", "created_utc": 0}


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"children": [{"kind": "t3", "data": ODD}] * 11}},
        {"data": {"children": [{"kind": "t3", "data": {}}] * 11}},
        [],
        {"data": None},
    ],
)
async def test_an_answer_that_is_no_listing_fails_its_group_and_nothing_is_missed(
    light_monitor: Monitor, body: object
) -> None:
    await light_monitor.configure()
    await light_monitor.begun()
    item = light_monitor.network.post("sailing", "time ball")
    light_monitor.network.faults.append(refuses(200, body))

    completed = await light_monitor.check()
    await light_monitor.check()

    assert "no listing" in completed["failed"][0]["error"]
    assert await light_monitor.found() == [("w", item)]


async def test_a_reddit_that_is_down_fails_the_job_and_loses_nothing(light_monitor: Monitor) -> None:
    await light_monitor.configure()
    await light_monitor.begun()
    item = light_monitor.network.post("sailing", "time ball")
    light_monitor.network.faults.extend([refuses(500)] * 6)

    with pytest.raises(RedditError, match="nothing could be read"):
        await light_monitor.check()
    await light_monitor.check()

    assert await light_monitor.found() == [("w", item)]


async def test_an_exhausted_window_is_waited_for(light_monitor: Monitor) -> None:
    await light_monitor.configure()
    light_monitor.network.left, light_monitor.network.window_seconds = 1.0, 42

    await light_monitor.check()

    assert timedelta(seconds=42) in light_monitor.clock.naps


async def test_no_more_than_a_hundred_requests_leave_in_a_minute(light_monitor: Monitor) -> None:
    await light_monitor.configure()
    light_monitor.network.left = 1e6

    for _ in range(60):
        await light_monitor.checking.check("c")

    assert len(light_monitor.network.calls) == 1 + 2 + 59 * 2
    assert sum(light_monitor.clock.naps, timedelta(0)) >= timedelta(seconds=60)


async def test_without_access_a_check_says_which_variables_to_set(sqlite_url: str) -> None:
    async with Monitor.at(sqlite_url, secret=None) as monitor:
        await monitor.check()
        await monitor.configure()

        with pytest.raises(NotConfigured, match="TIMEBALL_REDDIT_CLIENT_ID"):
            await monitor.check()


async def test_a_wrong_secret_is_said(sqlite_url: str) -> None:
    async with Monitor.at(sqlite_url, secret="wrong") as monitor:
        await monitor.configure()

        with pytest.raises(AccessDenied, match="TIMEBALL_REDDIT_CLIENT_SECRET"):
            await monitor.check()


async def test_a_slow_reddit_is_not_waited_for_for_ever(light_monitor: Monitor) -> None:
    await light_monitor.configure()
    await light_monitor.begun()
    light_monitor.network.faults.append(HANGS)
    item = light_monitor.network.post("sailing", "time ball")

    await light_monitor.check()

    assert await light_monitor.found() == [("w", item)]


async def test_a_workspace_that_cannot_be_read_does_not_stop_the_others(monitor: Monitor) -> None:
    await monitor.configure("broken")
    await monitor.configure("whole")
    await monitor.begun()
    async with monitor.store.unit() as unit:
        row = await unit.workspace("broken")
        assert row is not None
        await unit.save_workspace({**row, "keywords": "{"})
    item = monitor.network.post("sailing", "time ball")

    completed = await monitor.check()

    assert await monitor.found() == [("whole", item)]
    assert [one["workspace_id"] for one in completed["failed"]] == ["broken"]
