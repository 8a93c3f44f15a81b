"""Telegram: waits are told in the body, and nobody can tell what became of a lost reply."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx

from services.publisher.platforms.base import Platform
from services.publisher.platforms.errors import Rejected, Unauthorized, Unconfirmed
from services.publisher.platforms.telegram.platform import Telegram as Adapter
from shared.clocks.clock import Clock
from tests.fakes.networks.base import Fault, Posted, refuses
from tests.fakes.networks.telegram import CHANNEL, TOKEN, Telegram, refused
from tests.integration.publisher.conformance.case import BUSY_FOR, Case, Certainty, Shown, wait_in_seconds

BOLD = "<b>The ball</b> drops."


def wait_in_body(now: datetime) -> Fault:
    """`retry_after` among the `parameters`."""
    seconds = round(BUSY_FOR.total_seconds())
    reply = refused(429, f"Too Many Requests: retry after {seconds}", parameters={"retry_after": seconds})
    return Fault(lands=False, reply=reply)


class TelegramCase(Case[Telegram]):
    """A bot and its channel."""

    name = "telegram"
    certainty: Certainty = "neither"
    busy = {"body": wait_in_body, "seconds": wait_in_seconds}  # noqa: RUF012  (never changed)
    refusal = Fault(lands=False, reply=refused(403, "Forbidden: bot was kicked from the channel chat"))
    refused_with = "bot was kicked from the channel chat"
    meanings = {  # noqa: RUF012  (never changed)
        "a token that no bot has": (Fault(lands=False, reply=refused(404, "Not Found")), Unauthorized),
        "another server's JSON": (refuses(403, {"description": "Blocked."}), Unconfirmed),
        "a token that was revoked": (Fault(lands=False, reply=refused(401, "Unauthorized")), Unauthorized),
        "a text that is too long": (
            Fault(lands=False, reply=refused(400, "Bad Request: message is too long")),
            Rejected,
        ),
        "a group that moved": (
            Fault(
                lands=False,
                reply=refused(400, "Bad Request: group chat was upgraded", parameters={"migrate_to_chat_id": -1001}),
            ),
            Rejected,
        ),
    }
    takes_pictures = True
    shows = {  # noqa: RUF012  (never changed)
        "a text as it is": Shown("1 < 2 & *so* _on_ <b>", {"text": "1 < 2 & *so* _on_ <b>", "parse_mode": None}),
        "markup": Shown(BOLD, {"text": "The ball drops.", "parse_mode": "HTML"}, {"parse_mode": "HTML"}),
        "silence": Shown("Hush.", {"disable_notification": True}, {"disable_notification": True}),
        "no preview": Shown("x.org", {"link_preview_options": {"is_disabled": True}}, {"link_preview": False}),
        "a topic": Shown(
            "Ahoy.",
            {"message_thread_id": 7, "protect_content": True},
            {"message_thread_id": 7, "protect_content": True},
        ),
    }
    wrong_options = {  # noqa: RUF012  (never changed)
        "options.parse_mode": {"parse_mode": "Markdown"},
        "options.protect_content": {"protect_content": "perhaps"},
        "options.message_thread_id": {"message_thread_id": "general"},
    }

    def network(self, clock: Clock) -> Telegram:
        return Telegram(clock=clock)

    def platform(self, client: httpx.AsyncClient) -> Platform:
        return Adapter(client)

    def settings(self, network: Telegram) -> dict[str, Any]:
        return {"server": network.url, "chat_id": CHANNEL["id"]}

    def credentials(self, network: Telegram) -> dict[str, Any]:
        return {"bot_token": network.token}

    def secrets(self, network: Telegram) -> Sequence[str]:
        return [network.token.partition(":")[2], TOKEN.partition(":")[2]]

    def revoke(self, network: Telegram) -> None:
        network.token = "110201543:BBHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"

    def alts(self, network: Telegram, posted: Posted) -> Sequence[str]:
        """Telegram has none; that the pictures are there is all that can be seen."""
        assert len(posted.raw["pictures"]) == 2
        return ["A red ball", "A mast"]

    def url_of(self, network: Telegram, posted: Posted) -> str | None:
        return f"https://t.me/harbour/{posted.id}"


CASE = TelegramCase()
