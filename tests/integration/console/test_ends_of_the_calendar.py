"""Times at the ends of the calendar: `9999-12-31` stands for "never" in many a file, and is no reason for an error."""

from datetime import UTC, datetime

import pytest

from services.console.domain.posts import Plan, Post, Standing
from services.console.read_model.counting import Counts
from services.console.read_model.rows import row_of_post
from services.console.tables.core import posts
from shared.database import bulk
from shared.events.progress import Progress, State
from tests.integration.console.consoles import ADMIN_TOKEN, NOW, Replica

NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


async def learn_of_posts_that_never_go_out(replica: Replica) -> None:
    database = replica.console.queries.database
    states = {"never": State.SCHEDULED, "held": State.HELD}
    rows = [
        row_of_post(Post(name, "team", Standing(Progress(state, 1)), Plan(1, True, NEVER, "r")), NOW, 1)
        for name, state in states.items()
    ]
    async with database.transaction() as connection:
        await connection.execute(bulk.insert(posts, list(posts.columns), database.dialect), bulk.encode(rows))
        await Counts(database).keep_up(connection, [(None, row) for row in rows])


async def status_of(replica: Replica, path: str) -> int:
    async with replica.client() as http:
        assert (await http.post("/sign-in", data={"token": ADMIN_TOKEN})).status_code == 303
        return (await http.get(path)).status_code


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("path", ["/", "/posts", "/posts/never", "/calendar"])
async def test_a_post_that_never_goes_out_keeps_no_page_from_being_shown(
    replica: Replica, path: str, zone: str
) -> None:
    await learn_of_posts_that_never_go_out(replica)

    assert await status_of(replica, f"{path}?zone={zone}") == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/posts?zone=Asia/Tokyo&from=9999-12-31T23:59:59Z", 200),
        ("/posts?zone=America/New_York&from=0001-01-01T00:00:00Z", 200),
        ("/posts?from=0001-01-01T00:00:00%2B14:00", 404),
        ("/posts?from=2027-03-28T09:00:00", 404),
        ("/posts?from=2027-03-28T09:00:00%2B02:00", 200),
        ("/calendar/move?post_id=never&account_id=team&zone=Asia/Tokyo&to=9999-12-31T23:59:59", 200),
        ("/calendar/move?post_id=never&account_id=team&zone=America/New_York&to=9999-12-31T23:59:59", 400),
        ("/calendar/move?post_id=never&account_id=team&zone=Asia/Tokyo&to=0001-01-01T00:00:00", 400),
    ],
)
async def test_what_is_asked_for_at_the_ends_of_the_calendar_is_shown_or_refused(
    replica: Replica, path: str, status: int
) -> None:
    await learn_of_posts_that_never_go_out(replica)

    assert await status_of(replica, path) == status
