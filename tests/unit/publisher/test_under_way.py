"""Of one revision of a post, this process is at one delivery at a time."""

import asyncio

from services.publisher.sending.under_way import UnderWay
from tests.support.waiting import PATIENCE

KEY = ("post", "account")


async def test_the_end_of_a_delivery_is_told_to_those_that_wait_for_it() -> None:
    under_way = UnderWay()

    with under_way.being_at(KEY, 1):
        end = under_way.end_of(KEY, 1)
        assert end is not None
        assert not end.is_set()

    assert end.is_set()
    assert under_way.end_of(KEY, 1) is None


async def test_a_delivery_that_fails_has_ended_too() -> None:
    under_way = UnderWay()
    try:
        with under_way.being_at(KEY, 1):
            raise ValueError
    except ValueError:
        assert under_way.end_of(KEY, 1) is None


async def test_each_revision_and_each_post_is_under_way_on_its_own() -> None:
    under_way = UnderWay()

    with under_way.being_at(KEY, 1), under_way.being_at(KEY, 2):
        assert under_way.end_of(KEY, 3) is None
        assert under_way.end_of(("another", "account"), 1) is None
        assert under_way.end_of(KEY, 1) is not under_way.end_of(KEY, 2)


async def test_a_newer_revision_goes_on_when_the_one_before_ends_not_later() -> None:
    under_way = UnderWay()

    with under_way.being_at(KEY, 2):
        with under_way.being_at(KEY, 1):
            waiting = asyncio.create_task(under_way.until_another_ends(KEY, 2, seconds=60))
            await asyncio.sleep(0)
            assert not waiting.done()
        await asyncio.wait_for(waiting, PATIENCE)


async def test_without_another_revision_a_wait_ends_in_its_time() -> None:
    under_way = UnderWay()

    with under_way.being_at(KEY, 1):
        await asyncio.wait_for(under_way.until_another_ends(KEY, 1, seconds=0.01), PATIENCE)
