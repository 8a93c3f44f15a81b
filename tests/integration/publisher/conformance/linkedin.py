"""LinkedIn, of which nobody can find out what became of a lost reply."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx

from services.publisher.platforms.base import Platform
from services.publisher.platforms.errors import AlreadyThere, RateLimited, Rejected, Unauthorized
from services.publisher.platforms.linkedin.platform import LinkedIn
from shared.clocks.clock import Clock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Posted, refuses
from tests.fakes.networks.linkedin import LinkedInFake, pictures_of
from tests.integration.publisher.conformance.case import Case, Shown, wait_in_seconds

DUPLICATE = "Content is a duplicate of urn:li:share:7141138937766391808"


class LinkedInCase(Case[LinkedInFake]):
    """A member with a refresh token."""

    name = "linkedin"
    certainty = "neither"
    busy = {"seconds": wait_in_seconds}  # noqa: RUF012  (never changed)
    refusal = refuses(422, {"message": DUPLICATE, "status": 422})
    refused_with = DUPLICATE
    refuses_repeats = True
    meanings = {  # noqa: RUF012  (never changed)
        "a token that ended": (
            refuses(
                401, {"serviceErrorCode": 65601, "code": "REVOKED_ACCESS_TOKEN", "message": "revoked", "status": 401}
            ),
            Unauthorized,
        ),
        "a scope that is missing": (
            refuses(
                403,
                {"serviceErrorCode": 100, "code": "ACCESS_DENIED", "message": "Not enough permissions", "status": 403},
            ),
            Rejected,
        ),
        "a text that is there": (
            refuses(422, {"code": "DUPLICATE_POST", "message": DUPLICATE, "status": 422}),
            AlreadyThere,
        ),
        "the day's limit": (
            refuses(429, {"serviceErrorCode": 101, "message": "throttle limit is reached", "status": 429}),
            RateLimited,
        ),
    }
    can_refresh = True
    token_lasts = timedelta(days=60)
    takes_pictures = True
    uploads_ahead = True
    shows = {  # noqa: RUF012  (never changed)
        "a hashtag": Shown("Drop! #time_ball", {"commentary": r"Drop! {hashtag|#|time\_ball}"}),
        "a mention": Shown(
            "Thanks @[The Harbour](urn:li:organization:17).",
            {"commentary": "Thanks @[The Harbour](urn:li:organization:17)."},
        ),
        "a link": Shown(
            "Seen.",
            {"content": {"article": {"source": "https://ball.example/", "title": "Ball"}}, "visibility": "CONNECTIONS"},
            {"url": "https://ball.example/", "title": "Ball", "visibility": "CONNECTIONS"},
        ),
    }
    wrong_options = {  # noqa: RUF012  (never changed)
        "options.visibility": {"visibility": "EVERYBODY"},
        "options.url": {"url": "ball.example", "title": "Ball"},
        "options.title": {"url": "https://ball.example/"},
    }

    def network(self, clock: Clock) -> LinkedInFake:
        return LinkedInFake(clock=clock)

    def platform(self, client: httpx.AsyncClient) -> Platform:
        return LinkedIn(client)

    def settings(self, network: LinkedInFake) -> dict[str, Any]:
        return {"server": network.url, "author": "urn:li:person:h4rb-our"}

    def credentials(self, network: LinkedInFake) -> dict[str, Any]:
        return network.authority.sign_in()

    def secrets(self, network: LinkedInFake) -> Sequence[str]:
        return [network.authority.client_secret, *network.authority.issued]

    def revoke(self, network: LinkedInFake) -> None:
        network.authority.revoke()

    def expire(self, network: LinkedInFake) -> None:
        network.authority.expire()

    def refreshes(self, network: LinkedInFake) -> Sequence[str]:
        return network.authority.used

    def uploads(self, network: LinkedInFake) -> Sequence[Call]:
        return [call for call in network.calls if call.path.startswith("/upload/")]

    def alts(self, network: LinkedInFake, posted: Posted) -> Sequence[str]:
        return [picture.get("altText", "") for picture in pictures_of(posted.raw)]

    def url_of(self, network: LinkedInFake, posted: Posted) -> str | None:
        return f"https://www.linkedin.com/feed/update/{posted.id}"


CASE = LinkedInCase()
