"""`bluesky`: the record's key makes a repeated post the same one, and sessions rotate."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx

from services.publisher.platforms.base import Platform, Published
from services.publisher.platforms.bluesky.platform import Bluesky as Adapter
from services.publisher.platforms.errors import Unauthorized
from shared.clocks.clock import Clock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Fault, Posted, Reply, refuses
from tests.fakes.networks.bluesky import ACCESS_LASTS, HANDLE, Bluesky
from tests.integration.publisher.conformance.case import BUSY_FOR, Case, Shown

CARD = {"title": "The ball", "description": "It drops at one."}


def used_up(now: datetime) -> Fault:
    """Bluesky tells when it counts anew, and knows no `Retry-After`."""
    headers = {"ratelimit_remaining": "0", "ratelimit_reset": str(int((now + BUSY_FOR).timestamp()))}
    return refuses(429, {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}, **headers)


def facet(start: int, end: int, **feature: str) -> dict[str, Any]:
    kind, value = next(iter(feature.items()))
    name = {"link": "uri", "mention": "did", "tag": "tag"}[kind]
    features = [{"$type": f"app.bsky.richtext.facet#{kind}", name: value}]
    return {"index": {"byteStart": start, "byteEnd": end}, "features": features}


class BlueskyCase(Case[Bluesky]):
    """Bluesky's own server, or any other of its kind."""

    name = "bluesky"
    certainty = "deduplicates"
    busy = {"ratelimit-reset": used_up}  # noqa: RUF012  (never changed)
    refusal = refuses(400, {"error": "InvalidRequest", "message": "Invalid record: no balls, please"})
    refused_with = "Invalid record: no balls, please"
    meanings = {  # noqa: RUF012  (never changed)
        "a session that ended": (refuses(400, {"error": "ExpiredToken", "message": "Token has expired"}), Unauthorized),
        "an account taken down": (
            refuses(401, {"error": "AccountTakedown", "message": "Account has been taken down"}),
            Unauthorized,
        ),
        "a record that is there": (
            Fault(lands=True, reply=Reply(400, {"error": "InvalidSwap", "message": "Record was at bafyrei"})),
            Published,
        ),
    }
    can_refresh = True
    rotates = True
    token_lasts = ACCESS_LASTS
    takes_pictures = True
    uploads_ahead = True
    shows = {  # noqa: RUF012  (never changed)
        "a text": Shown("The ball drops.", {"text": "The ball drops.", "facets": None, "embed": None}),
        "a link": Shown("⚓ https://example.com/ball!", {"facets": [facet(4, 28, link="https://example.com/ball")]}),
        "a mention": Shown("Hi @alice.bsky.social", {"facets": [facet(3, 21, mention="did:plc:alice")]}),
        "a mention of nobody": Shown("Hi @nobody.example", {"facets": None}),
        "a hashtag": Shown("Grüße #timeball.", {"facets": [facet(8, 17, tag="timeball")]}),
        "languages": Shown("Moin", {"langs": ["de", "en"]}, {"langs": ["de", "en"]}),
        "a card": Shown(
            "https://example.com/ball",
            {"embed": {"$type": "app.bsky.embed.external", "external": {"uri": "https://example.com/ball", **CARD}}},
            {"card": CARD},
        ),
    }
    wrong_options = {  # noqa: RUF012  (never changed)
        "options.langs": {"langs": ["a", "b", "c", "d"]},
        "options.card": {"card": CARD},
        "options.visibility": {"visibility": "public"},
    }

    def network(self, clock: Clock) -> Bluesky:
        return Bluesky(clock=clock)

    def platform(self, client: httpx.AsyncClient) -> Platform:
        return Adapter(client)

    def credentials(self, network: Bluesky) -> dict[str, Any]:
        return {"identifier": HANDLE, "password": network.password}

    def secrets(self, network: Bluesky) -> Sequence[str]:
        return [network.password, *network.issued]

    def expire(self, network: Bluesky) -> None:
        network.end_access()

    def revoke(self, network: Bluesky) -> None:
        network.end_everything()

    def refreshes(self, network: Bluesky) -> Sequence[str]:
        return network.refreshed_with

    def uploads(self, network: Bluesky) -> Sequence[Call]:
        return [call for call in network.calls if call.path.endswith("uploadBlob")]

    def alts(self, network: Bluesky, posted: Posted) -> Sequence[str]:
        return [image["alt"] for image in posted.raw["embed"]["images"]]

    def url_of(self, network: Bluesky, posted: Posted) -> str | None:
        return f"https://bsky.app/profile/{HANDLE}/post/{posted.id.rpartition('/')[2]}"


CASE = BlueskyCase()
