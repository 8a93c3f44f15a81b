"""X, which answers look-ups and rotates refresh tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from services.publisher.platforms.base import Platform, Published
from services.publisher.platforms.errors import AlreadyThere, RateLimited, Rejected, Unauthorized
from services.publisher.platforms.x.platform import X
from shared.clocks.clock import Clock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Fault, Posted, Reply, refuses
from tests.fakes.networks.x import DUPLICATE, XFake
from tests.integration.publisher.conformance.case import BUSY_FOR, Case, Shown

TOO_MANY = {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}


def until_epoch(now: datetime) -> Fault:
    """The limit of a quarter of an hour."""
    resets_at = str(int((now + BUSY_FOR).timestamp()))
    return refuses(429, TOO_MANY, x_rate_limit_remaining="0", x_rate_limit_reset=resets_at)


def until_tomorrow(now: datetime) -> Fault:
    """The limit of a day, while that of a quarter of an hour has room."""
    resets_at = str(int((now + BUSY_FOR).timestamp()))
    headers = {"x_rate_limit_remaining": "49", "x_rate_limit_reset": "1900000000"}
    daily = {"x_user_limit_24hour_remaining": "0", "x_user_limit_24hour_reset": resets_at}
    return refuses(429, TOO_MANY, **headers, **daily)


class XCase(Case[XFake]):
    """X refuses the same text again, so that no two posts with it can be there."""

    name = "x"
    certainty = "answers look-ups"
    busy = {"epoch": until_epoch, "day": until_tomorrow}  # noqa: RUF012  (never changed)
    refusal = refuses(403, {"title": "Forbidden", "detail": "You are not permitted to do this.", "status": 403})
    refused_with = "You are not permitted to do this."
    refuses_repeats = True
    meanings = {  # noqa: RUF012  (never changed)
        "a token that ended": (
            refuses(401, {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}),
            Unauthorized,
        ),
        "an app without credit": (
            refuses(402, {"title": "CreditsDepleted", "detail": "no credits", "status": 402}),
            Rejected,
        ),
        "a cap of the plan": (
            refuses(429, {"title": "UsageCapExceeded", "detail": "Usage cap exceeded", "scope": "Product"}),
            RateLimited,
        ),
        "a text that is there": (
            Fault(lands=True, reply=Reply(403, {"detail": DUPLICATE, "title": "Forbidden", "status": 403})),
            Published,
        ),
        "a text that was there before": (
            refuses(403, {"detail": DUPLICATE, "title": "Forbidden", "status": 403}),
            AlreadyThere,
        ),
    }
    can_refresh = True
    rotates = True
    token_lasts = timedelta(hours=2)
    takes_pictures = True
    uploads_ahead = True
    shows = {  # noqa: RUF012  (never changed)
        "a text": Shown("The ball drops. #timeball @harbour", {"text": "The ball drops. #timeball @harbour"}),
        "a reply": Shown(
            "Aye.",
            {"text": "Aye.", "reply": {"in_reply_to_tweet_id": "17"}, "reply_settings": "following"},
            {"in_reply_to_tweet_id": "17", "reply_settings": "following"},
        ),
        "a quote": Shown("Look!", {"quote_tweet_id": "18"}, {"quote_tweet_id": 18}),
    }
    wrong_options = {  # noqa: RUF012  (never changed)
        "options.reply_settings": {"reply_settings": "nobody"},
        "options.quote_tweet_id": {"quote_tweet_id": "https://x.com/a/status/1"},
    }

    def network(self, clock: Clock) -> XFake:
        return XFake(clock=clock)

    def platform(self, client: httpx.AsyncClient) -> Platform:
        return X(client)

    def credentials(self, network: XFake) -> dict[str, Any]:
        return network.authority.sign_in()

    def secrets(self, network: XFake) -> Sequence[str]:
        return [network.authority.client_secret, *network.authority.issued]

    def revoke(self, network: XFake) -> None:
        network.authority.revoke()

    def expire(self, network: XFake) -> None:
        network.authority.expire()

    def refreshes(self, network: XFake) -> Sequence[str]:
        return network.authority.used

    def uploads(self, network: XFake) -> Sequence[Call]:
        return [call for call in network.calls if call.path == "/2/media/upload"]

    def alts(self, network: XFake, posted: Posted) -> Sequence[str]:
        return [network.alts[identity] for identity in posted.raw["media"]["media_ids"]]

    def url_of(self, network: XFake, posted: Posted) -> str | None:
        return f"https://x.com/i/web/status/{posted.id}"


CASE = XCase()
