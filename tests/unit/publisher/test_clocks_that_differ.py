"""What a network tells is of its own time: a clock that differs from ours hides no post and makes nobody wait."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from pydantic_core import to_json

from services.publisher.platforms.base import Account, Platform
from services.publisher.platforms.bluesky.session import expiry_of
from services.publisher.platforms.discord.platform import Discord
from services.publisher.platforms.errors import RateLimited
from services.publisher.platforms.judging import judged, usual_allowance
from services.publisher.platforms.mastodon.platform import Mastodon
from services.publisher.platforms.reddit.platform import Reddit
from services.publisher.platforms.reply import Reply as Answer
from services.publisher.platforms.reply import http_date
from services.publisher.platforms.x.platform import X
from services.publisher.platforms.x.replies import DIALECT as X_DIALECT
from shared.clocks.clock import SystemClock
from tests.fakes.networks.base import Network
from tests.fakes.networks.discord import CHANNEL
from tests.fakes.networks.discord import Discord as DiscordFake
from tests.fakes.networks.mastodon import Mastodon as MastodonFake
from tests.fakes.networks.reddit import RedditFake
from tests.fakes.networks.x import XFake
from tests.support.publications import NOON, SECOND, a_post, an_account

BEHIND = timedelta(minutes=20)


class LateClock(SystemClock):
    """Behind the machine's own."""

    def now(self) -> datetime:
        return super().now() - BEHIND


@dataclass(frozen=True)
class Place:
    """A network whose clock is late, and an account there."""

    adapter: Callable[[httpx.AsyncClient], Platform]
    network: Callable[[], Network]
    settings: Callable[[Any], dict[str, Any]]
    credentials: Callable[[Any], dict[str, Any]]

    def account(self, network: Network) -> Account:
        return an_account(
            settings={"server": network.url, **self.settings(network)}, credentials=self.credentials(network)
        )


PLACES = {
    "discord": Place(
        Discord,
        lambda: DiscordFake(clock=LateClock()),
        lambda _: {"channel_id": CHANNEL},
        lambda network: {"bot_token": network.bot_token},
    ),
    "mastodon": Place(
        Mastodon,
        lambda: MastodonFake(clock=LateClock()),
        lambda _: {},
        lambda network: {"access_token": network.token},
    ),
    "reddit": Place(
        Reddit,
        lambda: RedditFake(clock=LateClock()),
        lambda _: {"subreddit": "harbours"},
        lambda network: network.authority.sign_in(),
    ),
    "x": Place(
        X,
        lambda: XFake(clock=LateClock()),
        lambda _: {},
        lambda network: network.authority.sign_in(),
    ),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
async def test_a_post_is_found_on_a_network_whose_clock_is_late(place: Place) -> None:
    async with place.network().serving() as network, httpx.AsyncClient() as client:
        platform, account = place.adapter(client), place.account(network)
        post = replace(a_post(), media=[], options={}, publish_at=datetime.now(UTC))
        sent = await (await platform.prepare(post, account)).send(datetime.now(UTC))

        found = await platform.look_up(post, account)

    assert found is not None
    assert found.platform_post_id == sent.platform_post_id


@pytest.mark.parametrize(
    ("date", "behind"),
    [
        ("Sun, 28 Mar 2027 11:59:30 GMT", timedelta(seconds=30)),
        ("Sun, 28 Mar 2027 12:00:30 GMT", timedelta(0)),
        ("28 Mar 2027 11:00:00 -0000", timedelta(hours=1)),
        ("yesterday", timedelta(0)),
        ("", timedelta(0)),
    ],
)
def test_a_reply_tells_how_late_its_servers_clock_is(date: str, behind: timedelta) -> None:
    assert Answer(200, {"date": date}, b"", NOON).clock_is_behind == behind


def test_an_instant_without_a_zone_is_one_of_utc() -> None:
    assert http_date("Sun, 28 Mar 2027 12:00:00 -0000") == NOON


AHEAD = timedelta(minutes=20)
THEIRS = {"date": format_datetime(NOON + AHEAD, usegmt=True)}
RESET = str(int((NOON + AHEAD).timestamp()) + 90)


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": format_datetime(NOON + AHEAD + 90 * SECOND, usegmt=True)},
        {"retry-after": "90"},
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": RESET},
        {"x-user-limit-24hour-remaining": "0", "x-user-limit-24hour-reset": RESET},
    ],
    ids=["a date", "seconds", "a reset", "a day's reset"],
)
def test_an_instant_until_which_to_wait_is_one_of_the_networks_clock(headers: dict[str, str]) -> None:
    error = judged(Answer(429, THEIRS | headers, b'{"detail": "Too Many Requests"}', NOON), X_DIALECT, publishes=True)

    assert isinstance(error, RateLimited)
    assert error.retry_after == 90 * SECOND


def test_what_remains_is_told_by_our_clock() -> None:
    told = usual_allowance(Answer(200, THEIRS | {"x-ratelimit-remaining": "0", "x-ratelimit-reset": RESET}, b"", NOON))

    assert told is not None
    assert told.resets_at == NOON + 90 * SECOND


def test_a_reply_that_took_some_seconds_is_of_the_same_clock() -> None:
    assert Answer(200, {"date": "Sun, 28 Mar 2027 12:00:10 GMT"}, b"", NOON).server_time == NOON


def test_a_session_lasts_as_long_as_it_says_whatever_the_servers_clock_shows() -> None:
    issued = int((NOON - AHEAD).timestamp())

    assert expiry_of(jwt(exp=issued + 7200, iat=issued), NOON) == NOON + timedelta(hours=2)
    assert expiry_of(jwt(exp=issued + 7200), NOON) == NOON - AHEAD + timedelta(hours=2)
    assert expiry_of(jwt(exp=10**30, iat=0), NOON) is None


def jwt(**claims: int) -> str:
    return f"head.{urlsafe_b64encode(to_json(claims)).decode()}.signature"
