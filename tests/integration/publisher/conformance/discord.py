"""Discord: a bot, whose messages have a nonce, and a webhook, of whose lost replies nobody can tell."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx

from services.publisher.platforms.base import Platform
from services.publisher.platforms.discord.platform import Discord as Adapter
from services.publisher.platforms.errors import Rejected, Unauthorized
from shared.clocks.clock import Clock
from tests.fakes.networks.base import Fault, Posted, refuses
from tests.fakes.networks.discord import BOT_TOKEN, CHANNEL, GUILD, THREAD, WEBHOOK_TOKEN, Discord
from tests.integration.publisher.conformance.case import BUSY_FOR, Case, Certainty, Shown, wait_in_seconds

TOO_BUSY = {"message": "You are being rate limited.", "global": False}
NOBODY: dict[str, list[str]] = {"parse": []}
EMBED = {"title": "Noon"}


def wait_in_body(now: datetime) -> Fault:
    """`retry_after`, more exact than the header beside it."""
    return refuses(429, TOO_BUSY | {"retry_after": BUSY_FOR.total_seconds()}, retry_after="60")


class DiscordCase(Case[Discord]):
    """A bot in a channel."""

    name = "discord bot"
    certainty: Certainty = "deduplicates"
    busy = {"body": wait_in_body, "seconds": wait_in_seconds}  # noqa: RUF012  (never changed)
    refusal = refuses(403, {"message": "Missing Permissions", "code": 50013})
    refused_with = "Missing Permissions"
    meanings = {  # noqa: RUF012  (never changed)
        "a token that ended": (refuses(401, {"message": "401: Unauthorized", "code": 0}), Unauthorized),
        "a webhook that was deleted": (refuses(404, {"message": "Unknown Webhook", "code": 10015}), Unauthorized),
        "a channel that was deleted": (refuses(404, {"message": "Unknown Channel", "code": 10003}), Rejected),
        "fields that are wrong": (
            refuses(
                400,
                {
                    "message": "Invalid Form Body",
                    "code": 50035,
                    "errors": {"content": {"_errors": [{"message": "too long"}]}},
                },
            ),
            Rejected,
        ),
    }
    takes_pictures = True
    shows = {  # noqa: RUF012  (never changed)
        "a text that calls nobody": Shown("@everyone", {"content": "@everyone", "allowed_mentions": NOBODY}),
        "mentions": Shown("<@7>", {"allowed_mentions": {"users": ["7"]}}, {"allowed_mentions": {"users": ["7"]}}),
        "embeds": Shown("Look.", {"embeds": [EMBED]}, {"embeds": [EMBED]}),
        "silence": Shown("Hush.", {"flags": 4100}, {"suppress_embeds": True, "suppress_notifications": True}),
        "a thread": Shown("Ahoy.", {"channel_id": THREAD}, {"thread_id": THREAD}),
    }
    wrong_options = {  # noqa: RUF012  (never changed)
        "options.allowed_mentions": {"allowed_mentions": "everyone"},
        "options.embeds": {"embeds": [EMBED] * 11},
        "options.suppress_embeds": {"suppress_embeds": 7},
        "options.thread_id": {"thread_id": "general"},
    }

    def network(self, clock: Clock) -> Discord:
        return Discord(clock=clock)

    def platform(self, client: httpx.AsyncClient) -> Platform:
        return Adapter(client)

    def settings(self, network: Discord) -> dict[str, Any]:
        return {"server": network.url, "channel_id": CHANNEL}

    def credentials(self, network: Discord) -> dict[str, Any]:
        return {"bot_token": network.bot_token}

    def secrets(self, network: Discord) -> Sequence[str]:
        return [BOT_TOKEN, WEBHOOK_TOKEN, network.bot_token, network.webhook_token]

    def revoke(self, network: Discord) -> None:
        network.bot_token = BOT_TOKEN + "again"

    def alts(self, network: Discord, posted: Posted) -> Sequence[str]:
        return [one["description"] for one in posted.raw["attachments"]]

    def url_of(self, network: Discord, posted: Posted) -> str | None:
        return f"https://discord.com/channels/{GUILD}/{CHANNEL}/{posted.id}"


class WebhookCase(DiscordCase):
    """A webhook."""

    name = "discord webhook"
    certainty = "neither"

    def settings(self, network: Discord) -> dict[str, Any]:
        return {"server": network.url}

    def credentials(self, network: Discord) -> dict[str, Any]:
        return {"webhook_url": network.webhook_url}

    def revoke(self, network: Discord) -> None:
        network.webhook_token = WEBHOOK_TOKEN + "again"


CASES = (DiscordCase(), WebhookCase())
