"""What each network makes of pictures: animations where they move, its own limits, and the time that uploads take."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.publisher.media.errors import Unfit
from services.publisher.media.fitting import fitted
from services.publisher.media.limits import PictureLimits
from services.publisher.platforms import bluesky, discord, linkedin, mastodon, platforms, telegram, x
from services.publisher.platforms.base import Platform, Post, Ready
from services.publisher.platforms.mastodon.rules import PICTURES as MASTODON
from services.publisher.platforms.reddit.pictures import PICTURES as REDDIT
from shared.outbound.client import outbound_client
from shared.posting.rules import problem
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Network, Reply
from tests.fakes.networks.discord import Discord as FakeDiscord
from tests.fakes.networks.mastodon import Mastodon as FakeMastodon
from tests.fakes.networks.multipart import parts_of
from tests.fakes.networks.telegram import CHANNEL, TOKEN
from tests.fakes.networks.telegram import Telegram as FakeTelegram
from tests.fakes.running_clock import RunningClock
from tests.support.pictures import animation, encoded, noise, opened, plain
from tests.support.publications import NOON, a_post, an_account

GIF, NOTHING = ("image/gif",), ()
MOVE_ON: Mapping[str, tuple[PictureLimits, tuple[str, ...]]] = {
    "bluesky": (bluesky.platform.PICTURES, NOTHING),
    "discord": (discord.platform.PICTURES, GIF),
    "linkedin": (linkedin.platform.PICTURES, GIF),
    "mastodon": (MASTODON, GIF),
    "reddit": (REDDIT, GIF),
    "telegram, alone": (telegram.platform.ALONE, GIF),
    "telegram, in an album": (telegram.platform.STILL, NOTHING),
    "x": (x.platform.PICTURES, NOTHING),
}


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize("network", MOVE_ON)
def test_an_animation_goes_where_it_moves_and_is_refused_elsewhere(network: str, kind: str) -> None:
    limits, moving = MOVE_ON[network]

    if f"image/{kind.lower()}" in moving:
        assert fitted(animation(kind), limits).moves
    else:
        with pytest.raises(Unfit, match="would stand still here; use a still picture"):
            fitted(animation(kind), limits)


@pytest.mark.parametrize("name", ["bluesky", "discord", "linkedin", "mastodon", "reddit", "telegram", "x"])
async def test_a_photo_as_phones_make_it_is_refused_nowhere_when_it_is_scheduled(desk: "Desk", name: str) -> None:
    """It is converted when the post is prepared."""
    account = an_account(name, settings={"server": desk.album.url}, credentials={"webhook_url": "x"})

    rules = await platforms(desk.client)[name].rules(account)

    told = problem(rules, "Noon", [{"url": "https://photos.example/1", "mime": "image/heic", "alt": "A ball"}], {})
    assert told is None or "mime" not in told[1]


@dataclass
class Album(Network):
    """Pictures by their path."""

    pictures: dict[str, bytes] = field(default_factory=dict)

    def publishes(self, call: Call) -> bool:
        return False

    def answer(self, call: Call) -> Reply:
        return Reply(body=self.pictures[call.path])


@dataclass
class Desk:
    """A client, and where pictures are."""

    client: httpx.AsyncClient
    album: Album

    def post(self, **pictures: bytes) -> Post:
        """A post that shows them."""
        self.album.pictures |= {f"/{name}": data for name, data in pictures.items()}
        return replace(
            a_post(), content="", options={}, media=[{"url": f"{self.album.url}/{name}"} for name in pictures]
        )


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with Album().serving() as album, outbound_client(allow_private_addresses=True) as client:
        yield Desk(client, album)


async def test_an_album_for_discord_fits_into_one_request(desk: Desk) -> None:
    """Four pictures of 9 MB have 36 together; Discord takes 25 MiB."""
    heavy, light = encoded(noise(2800, 2300), "JPEG", quality=97), encoded(plain(40, 30), "PNG")
    assert len(heavy) > 9_000_000
    async with FakeDiscord(clock=FakeClock(NOON)).serving() as network:
        account = an_account(
            "discord", settings={"server": network.url}, credentials={"webhook_url": network.webhook_url}
        )
        post = desk.post(a=heavy, b=heavy, c=heavy, d=heavy, e=light)

        ready = await discord.platform.Discord(desk.client).prepare(post, account)
        await ready.send(NOON)

    (call,) = network.publishing_calls()
    files = [part.data for name, part in parts_of(call).items() if name.startswith("files")]
    assert 20_000_000 < len(call.body) <= 25 * 1024 * 1024
    assert [opened(data).format for data in files] == ["JPEG"] * 4 + ["PNG"]
    assert files[-1] == light
    assert ready.send_timeout is not None
    assert ready.send_timeout > timedelta(seconds=len(call.body) * 8 / 10_000_000) * 2


async def test_a_text_alone_has_the_usual_time(desk: Desk) -> None:
    async with FakeDiscord(clock=FakeClock(NOON)).serving() as network:
        account = an_account(
            "discord", settings={"server": network.url}, credentials={"webhook_url": network.webhook_url}
        )
        ready = await discord.platform.Discord(desk.client).prepare(replace(desk.post(), content="Noon"), account)

    assert ready.send_timeout is None


async def test_an_album_for_telegram_has_the_time_its_bytes_take(desk: Desk) -> None:
    async with FakeTelegram().serving() as network:
        account = an_account(
            "telegram", settings={"server": network.url, "chat_id": CHANNEL["id"]}, credentials={"bot_token": TOKEN}
        )
        heavy = encoded(noise(800, 600), "PNG")

        ready = await telegram.platform.Telegram(desk.client).prepare(desk.post(a=heavy, b=heavy), account)

    assert ready.send_timeout is not None
    assert ready.send_timeout > timedelta(seconds=10 + 2 * len(heavy) / 250_000)


async def test_a_request_with_pictures_can_be_sent_again(desk: Desk) -> None:
    """After a refusal that passes, the very same request goes out once more."""
    async with FakeDiscord(clock=FakeClock(NOON)).serving() as network:
        account = an_account(
            "discord", settings={"server": network.url}, credentials={"webhook_url": network.webhook_url}
        )
        ready = await discord.platform.Discord(desk.client).prepare(desk.post(a=encoded(plain(40, 30), "PNG")), account)
        await ready.send(NOON)
        await ready.send(NOON)

    first, second = network.publishing_calls()
    assert first.body == second.body


def a_server(**limits: Any) -> dict[str, Any]:
    return {"configuration": {"statuses": {"max_characters": 500}, "media_attachments": limits}}


async def uploaded(desk: Desk, network: FakeMastodon, post: Post) -> list[bytes]:
    account = an_account("mastodon", settings={"server": network.url}, credentials={"access_token": network.token})
    await mastodon.platform.Mastodon(desk.client).prepare(post, account)
    return [parts_of(call)["file"].data for call in network.calls if call.path.endswith("/media")]


async def test_a_server_of_mastodon_gets_pictures_as_it_takes_them(desk: Desk) -> None:
    data = encoded(noise(400, 300), "PNG")
    limits = {"image_size_limit": 60_000, "image_matrix_limit": 30_000, "supported_mime_types": ["image/jpeg"]}
    async with FakeMastodon(instance=a_server(**limits)).serving() as network:
        (picture,) = await uploaded(desk, network, desk.post(a=data))

    assert len(picture) <= 60_000
    assert (opened(picture).format, opened(picture).size) == ("JPEG", (200, 150))


async def test_a_server_of_mastodon_that_takes_more_than_usual_gets_it(desk: Desk) -> None:
    data = encoded(noise(4200, 800), "JPEG", quality=100)
    assert len(data) > 3_000_000
    async with FakeMastodon(
        instance=a_server(image_size_limit=16_777_216, image_matrix_limit=33_177_600)
    ).serving() as network:
        (picture,) = await uploaded(desk, network, desk.post(a=data))

    assert picture == data


async def test_a_server_of_mastodon_is_asked_once_what_it_takes(desk: Desk) -> None:
    async with FakeMastodon(instance=a_server()).serving() as network:
        adapter: Platform = mastodon.platform.Mastodon(desk.client, clock=(clock := RunningClock()))
        account = an_account("mastodon", settings={"server": network.url}, credentials={"access_token": network.token})
        post = desk.post(a=encoded(plain(40, 30), "PNG"))

        readies: list[Ready] = [await adapter.prepare(post, account) for _ in range(3)]
        asked = [call.path for call in network.calls if call.path.endswith("/instance")]
        clock.put_forward(timedelta(hours=1))
        await adapter.prepare(post, account)

    assert len(readies) == 3
    assert asked == ["/api/v2/instance"]
    assert [call.path for call in network.calls if call.path.endswith("/instance")] == asked * 2
