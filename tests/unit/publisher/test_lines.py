"""Lines: when a post that waits for its turn is looked at."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from services.publisher.limits.line import AHEAD, Line, Place

NOW = datetime(2027, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("milliseconds", [0, 1, 49, 50, 99, 100, 101, 999])
async def test_a_line_that_is_looked_at_has_somebody_to_open(milliseconds: int) -> None:
    """Nobody is looked at for nothing: the loop would look again, without a pause, until the post may go."""
    publication = SimpleNamespace(not_before=NOW + timedelta(milliseconds=milliseconds), publish_at=NOW)
    case: Any = SimpleNamespace(publication=publication)
    place = Place(case, 1, asyncio.get_running_loop().create_future())

    line = Line("account", {}, "network", places=[place])

    assert line.ready(line.look_at) == [place]
    assert line.look_at <= place.not_before - AHEAD
