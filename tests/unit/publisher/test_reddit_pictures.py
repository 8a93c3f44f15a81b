"""One picture is an image post, several are a gallery, and both are found again although Reddit moves pictures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from services.publisher.platforms.errors import Rejected, Unconfirmed
from services.publisher.platforms.reddit.platform import LOOKS_AFTER
from services.publisher.platforms.reddit.post import submission_of
from services.publisher.settings import Settings
from shared.posting.rules import problem
from tests.fakes.networks.base import Fault, Reply, refuses
from tests.fakes.networks.gallery import picture
from tests.fakes.networks.reddit import RedditFake, told
from tests.support.redditors import SOON, pictured, reddit, reddit_and_pictures, redditor, submit

SMALL = picture(40, 30)


async def test_one_picture_is_uploaded_and_shown_with_the_text() -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        await submit(platform, account, pictured(address, "A red ball", nsfw=True, flair_id="f1"))

    (posted,) = network.posts
    assert posted.raw["pictures"] == [SMALL]
    shown = {name: posted.raw[name] for name in ("kind", "title", "text", "nsfw", "flair_id")}
    assert shown == {"kind": "image", "title": "The ball drops.", "text": "At one.", "nsfw": "true", "flair_id": "f1"}


async def test_several_pictures_are_a_gallery_with_their_texts_as_captions() -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        post = pictured(address, "A red ball", "", "x" * 181, spoiler=True, flair_id="f1")
        ready = await platform.prepare(post, account)
        published = await ready.send(datetime.now(UTC))

    (posted,) = network.posts
    assert (published.platform_post_id, published.url) == (posted.id, posted.raw["listed"]["url"])
    assert posted.raw["pictures"] == [SMALL] * 3
    assert [item["caption"] for item in posted.raw["items"]] == ["A red ball", "", "x" * 180]
    flags = {name: posted.raw[name] for name in ("nsfw", "spoiler", "sendreplies")}
    assert flags == {"nsfw": False, "spoiler": True, "sendreplies": True}
    assert (posted.raw["title"], posted.raw["text"], posted.raw["flair_id"]) == ("The ball drops.", "At one.", "f1")


def test_a_picture_may_be_posted_as_a_link_to_it() -> None:
    post = pictured("https://p.example", "")

    form = submission_of(replace(post, options={"kind": "link"}), redditor())

    assert (form["kind"], form["url"], form["title"]) == ("link", "https://p.example/small.png", "The ball drops.")


@pytest.mark.parametrize(
    ("count", "options", "reason"),
    [
        (1, {"kind": "self"}, "a post that shows pictures has no room for it"),
        (2, {"url": "https://ball.example/"}, "a post that shows pictures has no room for it"),
        (2, {"kind": "link"}, "a link post links to one picture"),
    ],
)
def test_options_that_leave_no_room_for_pictures_are_refused(count: int, options: Any, reason: str) -> None:
    post = pictured("https://p.example", *[""] * count, **options)

    with pytest.raises(Rejected, match=reason):
        submission_of(post, redditor())


async def test_what_reddit_cannot_show_is_known_when_a_post_is_scheduled() -> None:
    async with reddit() as (platform, _, account):
        rules = await platform.rules(account)

    plain, described = {"url": "https://p.example/1.png"}, {"url": "https://p.example/1.png", "alt": "x" * 181}
    _, reason = problem(rules, "Text", [plain] * 21, {}) or ("", "")
    assert "there are 21, and at most 20" in reason
    _, reason = problem(rules, "Text", [plain, described], {}) or ("", "")
    assert "media[1].alt: the description has 181 characters, and at most 180" in reason
    assert problem(rules, "Text", [described], {}) is None
    large = plain | {"mime": "image/gif", "size": 30_000_000}
    assert "at most 20,971,520 are possible" in (problem(rules, "Text", [large], {}) or ("", ""))[1]


async def test_a_picture_whose_post_appears_late_is_waited_for() -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        network.lists_without_the_newest = 2
        assert await submit(platform, account, pictured(address, "")) == "t3_1"

    assert len(network.publishing_calls()) == 1


async def test_a_picture_whose_post_does_not_appear_is_left_open() -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        network.lists_without_the_newest = len(SOON)
        post = pictured(address, "")
        with pytest.raises(Unconfirmed, match="not to be seen"):
            await submit(platform, account, post)

        found = await platform.look_up(post, account)

    assert found and found.platform_post_id == "t3_1"


class Overloaded(RedditFake):
    """Takes posts, and lists none."""

    def _list(self, limit: int) -> Reply:
        return Reply(HTTPStatus.SERVICE_UNAVAILABLE, b"try again later")


async def test_a_look_that_fails_does_not_say_that_the_picture_may_be_sent_again() -> None:
    async with reddit_and_pictures(Overloaded) as (platform, network, account, address):
        with pytest.raises(Unconfirmed, match="does not tell its post: HTTP 503"):
            await submit(platform, account, pictured(address, ""))

    assert len(network.posts) == 1


async def test_a_picture_whose_post_is_named_at_once_is_not_looked_for() -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        named = told([], {"url": "https://www.reddit.com/r/harbours/comments/9z/x/", "id": "9z", "name": "t3_9z"})
        network.faults.append(Fault(lands=True, reply=named))
        assert await submit(platform, account, pictured(address, "")) == "t3_9z"

    assert not [call for call in network.calls if call.path.endswith("/submitted")]


def test_the_looks_end_well_before_a_send_does() -> None:
    assert sum(LOOKS_AFTER, timedelta()) <= timedelta(seconds=Settings.model_fields["send_timeout_seconds"].default) / 2


LEFT_OUT: dict[str, Any] = {"selftext": ""}


@pytest.mark.parametrize(
    ("alts", "changes", "is_found"),
    [
        (("",), {}, True),
        (("",), LEFT_OUT, True),
        (("",), {"selftext": "[removed]", "post_hint": None}, True),
        (("",), {"domain": None}, True),
        (("",), {"selftext": "Another text"}, False),
        (("",), {"title": "The ball"}, False),
        (("",), {"created_utc": 1.0}, False),
        (("",), {"subreddit": "ports"}, False),
        (("",), {"is_self": True}, False),
        (("",), {"is_gallery": True}, False),
        (("",), {"post_hint": "link", "domain": "ball.example"}, False),
        (("", ""), {}, True),
        (("", ""), LEFT_OUT, True),
        (("", ""), {"is_gallery": None}, False),
        (("", ""), {"selftext": "Another text"}, False),
    ],
)
async def test_a_look_up_finds_these_pictures_and_no_others(
    alts: tuple[str, ...], changes: dict[str, Any], is_found: bool
) -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        post = pictured(address, *alts)
        await submit(platform, account, post)
        network.posts[0].raw["listed"].update(changes)

        found = await platform.find(post, account)

    assert (found is not None) is is_found


async def test_a_gateway_that_gave_up_leaves_it_open_whether_the_gallery_is_there() -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        network.faults.append(refuses(504, b"<html>"))
        with pytest.raises(Unconfirmed):
            await submit(platform, account, pictured(address, "", ""))
