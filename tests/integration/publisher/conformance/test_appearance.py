"""How a post looks on its network: texts, links, mentions, hashtags, options, pictures."""

import asyncio
from datetime import timedelta

import pytest

from tests.integration.publisher.conformance.bench import Bench
from tests.integration.publisher.conformance.cases import over, over_each
from tests.support.waiting import eventually


@over_each("shown", lambda case: case.shows)
async def test_a_post_is_stored_as_the_network_represents_it(bench: Bench, shown: str) -> None:
    wanted = bench.case.shows[shown]

    await bench.publish(bench.post(wanted.content, options=wanted.options))

    (posted,) = bench.network.posts
    assert {name: posted.raw.get(name) for name in wanted.raw} == wanted.raw


@over(lambda case: case.takes_pictures)
async def test_pictures_are_made_ready_before_the_instant_and_carry_their_alternative_text(bench: Bench) -> None:
    event = bench.post(due_in=8, media=(bench.picture(alt="A red ball"), bench.picture(alt="A mast")))
    expected = 2 if bench.case.uploads_ahead else 0
    publishing = asyncio.create_task(bench.publish(event))

    async def are_ready() -> bool:
        return len(bench.gallery.calls) == 1 and len(bench.case.uploads(bench.network)) == expected

    await eventually(are_ready, what="the pictures are ready")
    assert bench.clock.now() < event.publish_at
    assert bench.network.publishing_calls() == []
    bench.clock.put_forward(timedelta(seconds=8))
    await publishing

    (posted,) = bench.network.posts
    assert list(bench.case.alts(bench.network, posted)) == ["A red ball", "A mast"]
    assert bench.case.text_of(posted) == event.content


@over(lambda case: case.takes_pictures)
async def test_a_single_picture_is_published_with_its_id_and_address(bench: Bench) -> None:
    event = bench.post(media=(bench.picture(),))

    await bench.publish(event)

    (posted,) = bench.network.posts
    assert bench.case.text_of(posted) == event.content
    told = await bench.fact("publish.succeeded")
    assert (told["platform_post_id"], told["url"]) == (posted.id, bench.case.url_of(bench.network, posted))
    assert told["attempts"] == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [("missing.png", "media_unreachable"), ("text.png", "media_unreadable"), ("vast.png", "media_too_large")],
)
@over(lambda case: case.takes_pictures)
async def test_a_picture_that_cannot_be_shown_is_refused_before_the_instant(bench: Bench, path: str, code: str) -> None:
    event = bench.post(due_in=8, media=(bench.picture(path),))

    await bench.publish(event)

    told = await bench.fact("publish.failed")
    assert told["error"]["code"] == code
    assert path in told["error"]["message"]
    assert bench.clock.now() < event.publish_at
    assert bench.network.publishing_calls() == []
