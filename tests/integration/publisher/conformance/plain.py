"""`sandbox`, with and without look-ups, and `webhook`: the smallest networks there are."""

from typing import Any

import httpx

from services.publisher.platforms.base import Platform
from services.publisher.platforms.errors import Rejected, Transient, Unauthorized
from services.publisher.platforms.sandbox.platform import Sandbox
from services.publisher.platforms.webhook.platform import Webhook
from shared.clocks.clock import Clock
from tests.fakes.networks.base import Posted, refuses
from tests.fakes.networks.plain import Plain
from tests.integration.publisher.conformance.case import Case, Certainty, Shown, wait_in_seconds, wait_until_date
from tests.support.system import SECRET


class PlainCase(Case[Plain]):
    """What the three have in common."""

    busy = {"seconds": wait_in_seconds, "date": wait_until_date}  # noqa: RUF012  (never changed)
    refusal = refuses(422, {"message": "No posts about time balls."})
    refused_with = "No posts about time balls."
    replies_tell = False
    has_error_form = False
    can_be_asked = False
    meanings = {  # noqa: RUF012  (never changed)
        "one that waited in vain": (refuses(408, b""), Transient),
        "one that is gone": (refuses(410, b""), Rejected),
    }
    shows = {  # noqa: RUF012  (never changed)
        "a text": Shown("The ball drops.", {"content": "The ball drops."}),
        "options": Shown("The ball drops.", {"options": {"mood": "festive"}}, {"mood": "festive"}),
    }

    def network(self, clock: Clock) -> Plain:
        return Plain()

    def settings(self, network: Plain) -> dict[str, Any]:
        return {"url": f"{network.url}/posts"}

    def credentials(self, network: Plain) -> dict[str, Any]:
        return {}

    def url_of(self, network: Plain, posted: Posted) -> str | None:
        return f"https://plain.example/{posted.id}"


class SandboxCase(PlainCase):
    """Nobody can tell what became of a lost reply."""

    name = "sandbox"
    certainty: Certainty = "neither"

    def platform(self, client: httpx.AsyncClient) -> Platform:
        return Sandbox(client)


class AnsweringSandboxCase(SandboxCase):
    """The sandbox as it answers look-ups."""

    name = "sandbox with look-ups"
    certainty = "answers look-ups"

    def settings(self, network: Plain) -> dict[str, Any]:
        return super().settings(network) | {"answers_lookups": True}


class WebhookCase(PlainCase):
    """The receiver deduplicates by `webhook-id`."""

    name = "webhook"
    certainty = "deduplicates"
    meanings = {**PlainCase.meanings, "one that is gone": (refuses(410, b""), Unauthorized)}  # noqa: RUF012

    def platform(self, client: httpx.AsyncClient) -> Platform:
        return Webhook(client)

    def credentials(self, network: Plain) -> dict[str, Any]:
        return {"secret": SECRET}


CASES = (SandboxCase(), AnsweringSandboxCase(), WebhookCase())
