"""Reddit, which answers look-ups, tells of waits in words, and names no picture's post in its reply."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from services.publisher.platforms.base import Platform
from services.publisher.platforms.errors import RateLimited, Rejected, Unauthorized, Unconfirmed
from services.publisher.platforms.reddit.platform import Reddit
from shared.clocks.clock import Clock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Fault, Posted, refuses
from tests.fakes.networks.reddit import RedditFake
from tests.integration.publisher.conformance.case import BUSY_FOR, Case, Shown

SOON = (timedelta(seconds=0.05),) * 3
SECONDS = f"{BUSY_FOR.total_seconds():g}"


def in_words(now: datetime) -> Fault:
    """An error in a reply that is none."""
    words = f"Looks like you've been doing that a lot. Take a break for {SECONDS} seconds before trying again."
    return refuses(200, {"json": {"errors": [["RATELIMIT", words, "ratelimit"]]}})


def in_fractions(now: datetime) -> Fault:
    """The limit of the client id."""
    told = {"message": "Too Many Requests", "error": 429}
    return refuses(429, told, x_ratelimit_remaining="0.0", x_ratelimit_used="100", x_ratelimit_reset=SECONDS)


class RedditCase(Case[RedditFake]):
    """A text post is one that Reddit takes any number of times."""

    name = "reddit"
    certainty = "answers look-ups"
    busy = {"in words": in_words, "fractions": in_fractions}  # noqa: RUF012  (never changed)
    refusal = refuses(200, {"json": {"errors": [["NO_SELFS", "This community only allows links.", "sr"]]}})
    refused_with = "This community only allows links."
    meanings = {  # noqa: RUF012  (never changed)
        "a token that ended": (refuses(401, {"message": "Unauthorized", "error": 401}), Unauthorized),
        "a subreddit that is closed": (
            refuses(403, {"reason": "private", "message": "Forbidden", "error": 403}),
            Rejected,
        ),
        "errors beside a refusal": (
            refuses(400, {"json": {"errors": [["BAD_SR_NAME", "This community does not exist.", "sr"]]}}),
            Rejected,
        ),
        "a break without a length": (
            refuses(200, {"json": {"errors": [["RATELIMIT", "Take a break.", "ratelimit"]]}}),
            RateLimited,
        ),
        "its edge that blocks": (refuses(403, b"<html>whoa there, pardner!</html>"), Unconfirmed),
    }
    can_refresh = True
    token_lasts = timedelta(hours=1)
    takes_pictures = True
    shows_a_picture_late = True
    uploads_ahead = True
    shows = {  # noqa: RUF012  (never changed)
        "a text with a title of its own": Shown(
            "The ball drops.\nAt one o'clock.",
            {"kind": "self", "title": "The ball drops.", "text": "At one o'clock.", "sr": "harbours"},
        ),
        "a link": Shown(
            "The ball drops.",
            {"kind": "link", "title": "Seen", "url": "https://ball.example/", "text": "The ball drops."},
            {"url": "https://ball.example/", "title": "Seen"},
        ),
        "flair and flags": Shown(
            "The ball drops.",
            {"flair_id": "f1", "nsfw": "true", "spoiler": "false", "sendreplies": "false"},
            {"flair_id": "f1", "nsfw": True, "sendreplies": False},
        ),
    }
    wrong_options = {  # noqa: RUF012  (never changed)
        "options.kind": {"kind": "poll"},
        "options.url": {"url": "not a link"},
        "options.title": {"title": "x" * 301},
        "options.nsfw": {"nsfw": "yes"},
    }

    def network(self, clock: Clock) -> RedditFake:
        return RedditFake(clock=clock)

    def platform(self, client: httpx.AsyncClient) -> Platform:
        return Reddit(client, looks_after=SOON)

    def settings(self, network: RedditFake) -> dict[str, Any]:
        return {"server": network.url, "subreddit": "harbours"}

    def credentials(self, network: RedditFake) -> dict[str, Any]:
        given = network.authority.sign_in()
        return {name: given[name] for name in ("client_id", "client_secret", "refresh_token")}

    def secrets(self, network: RedditFake) -> Sequence[str]:
        lent = [place["x-amz-security-token"] for place in network.store.places.values()]
        return [network.authority.client_secret, *network.authority.issued, *lent]

    def revoke(self, network: RedditFake) -> None:
        network.authority.revoke()

    def expire(self, network: RedditFake) -> None:
        network.authority.expire()

    def refreshes(self, network: RedditFake) -> Sequence[str]:
        return network.authority.used

    def uploads(self, network: RedditFake) -> Sequence[Call]:
        return [call for call in network.calls if call.path == network.store.path]

    def alts(self, network: RedditFake, posted: Posted) -> Sequence[str]:
        return [item["caption"] for item in posted.raw["items"]]

    def url_of(self, network: RedditFake, posted: Posted) -> str | None:
        return f"https://www.reddit.com/r/harbours/comments/{posted.id.removeprefix('t3_')}/a_title/"


CASE = RedditCase()
