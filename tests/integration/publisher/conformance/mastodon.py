"""`mastodon`: a key for each status that the server keeps for an hour, and tokens that last."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx

from services.publisher.platforms.base import Platform, Published
from services.publisher.platforms.errors import Rejected, Unauthorized, Unavailable, Unconfirmed
from services.publisher.platforms.mastodon.platform import Mastodon as Adapter
from shared.clocks.clock import Clock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Fault, Posted, Reply, refuses
from tests.fakes.networks.mastodon import Mastodon
from tests.integration.publisher.conformance.case import BUSY_FOR, Case, Shown

HASHTAG = '<a href="x" class="mention hashtag" rel="tag">#<span>timeball</span></a>'
MENTION = '<span class="h-card"><a href="x">@<span>alice</span></a></span>'


def used_up(reset: str) -> Fault:
    headers = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": reset}
    return refuses(429, {"error": "Too many requests"}, **headers)


def until_iso(now: datetime) -> Fault:
    return used_up((now + BUSY_FOR).isoformat(timespec="microseconds").replace("+00:00", "Z"))


def until_epoch(now: datetime) -> Fault:
    return used_up(str(int((now + BUSY_FOR).timestamp())))


class MastodonCase(Case[Mastodon]):
    """A server with Mastodon's API."""

    name = "mastodon"
    certainty = "deduplicates"
    busy = {"iso": until_iso, "epoch": until_epoch}  # noqa: RUF012  (never changed)
    refusal = refuses(422, {"error": "Validation failed: Text character limit of 500 exceeded"})
    refused_with = "Validation failed: Text character limit of 500 exceeded"
    meanings = {  # noqa: RUF012  (never changed)
        "a token without the scope": (
            refuses(403, {"error": "This action is outside the authorized scopes"}),
            Unauthorized,
        ),
        "a token that ended": (refuses(401, {"error": "The access token was revoked"}), Unauthorized),
        "Pixelfed's token that ended": (refuses(401, {"message": "Unauthenticated."}), Unauthorized),
        "Pixelfed's login page": (refuses(302, b"", location="https://pixelfed.example/login"), Unauthorized),
        "another page": (refuses(302, b"", location="https://www.mastodon.example/api/v1/statuses"), Unconfirmed),
        "Pixelfed's key that is known": (Fault(lands=True, reply=Reply(400, {"error": "duplicate"})), Published),
        "Pixelfed's key whose request came to nothing": (
            refuses(400, {"message": "Duplicate idempotency key."}),
            Unavailable,
        ),
        "Pixelfed's post without a picture": (refuses(403, {"message": "Empty statuses are not allowed"}), Rejected),
        "Pixelfed's token without the scope": (refuses(403, {"message": ""}), Unauthorized),
        "a status that is wrong": (refuses(400, {"error": "bad request"}), Rejected),
        "a status being worked on": (refuses(409, {"error": "Conflict"}), Unconfirmed),
        "Pleroma's fields": (refuses(422, {"errors": {"status": ["is too long"]}}), Rejected),
    }
    takes_pictures = True
    uploads_ahead = True
    shows = {  # noqa: RUF012  (never changed)
        "a text": Shown("Tea & cake", {"content": "<p>Tea &amp; cake</p>", "visibility": "public"}),
        "a hashtag": Shown("#timeball", {"content": f"<p>{HASHTAG}</p>"}),
        "a mention": Shown("@alice@other.example hi", {"content": f"<p>{MENTION} hi</p>"}),
        "who sees it": Shown("Hi", {"visibility": "unlisted"}, {"visibility": "unlisted"}),
        "a warning": Shown(
            "The end is near.",
            {"spoiler_text": "spoiler", "sensitive": True},
            {"spoiler_text": "spoiler", "sensitive": True},
        ),
        "its language": Shown("Moin", {"language": "de"}, {"language": "de"}),
    }
    wrong_options = {  # noqa: RUF012  (never changed)
        "options.visibility": {"visibility": "everybody"},
        "options.sensitive": {"sensitive": "very"},
        "options.language": {"language": 7},
        "options.langs": {"langs": ["de"]},
    }

    def network(self, clock: Clock) -> Mastodon:
        return Mastodon(clock=clock)

    def platform(self, client: httpx.AsyncClient) -> Platform:
        return Adapter(client)

    def credentials(self, network: Mastodon) -> dict[str, Any]:
        return {"access_token": network.token}

    def secrets(self, network: Mastodon) -> Sequence[str]:
        return network.tokens

    def revoke(self, network: Mastodon) -> None:
        network.revoke()

    def uploads(self, network: Mastodon) -> Sequence[Call]:
        return [call for call in network.calls if call.path == "/api/v2/media"]

    def alts(self, network: Mastodon, posted: Posted) -> Sequence[str]:
        return [attachment["description"] for attachment in posted.raw["media_attachments"]]

    def url_of(self, network: Mastodon, posted: Posted) -> str | None:
        return f"{network.url}/@harbour/{posted.id}"


CASE = MastodonCase()
