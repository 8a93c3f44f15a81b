"""The platforms, one folder each behind the Protocol in `base`."""

from collections.abc import Mapping

import httpx

from services.publisher.platforms.base import Platform
from services.publisher.platforms.bluesky import Bluesky
from services.publisher.platforms.discord import Discord
from services.publisher.platforms.linkedin import LinkedIn
from services.publisher.platforms.mastodon import Mastodon
from services.publisher.platforms.reddit import Reddit
from services.publisher.platforms.sandbox import Sandbox
from services.publisher.platforms.telegram import Telegram
from services.publisher.platforms.webhook import Webhook
from services.publisher.platforms.x import X

Platforms = Mapping[str, Platform]

__all__ = ["Platform", "Platforms", "platforms"]


def platforms(client: httpx.AsyncClient) -> Platforms:
    """Every platform by its name."""
    known: tuple[Platform, ...] = (
        Sandbox(client),
        Webhook(client),
        Bluesky(client),
        Mastodon(client),
        Reddit(client),
        X(client),
        LinkedIn(client),
        Telegram(client),
        Discord(client),
    )
    return {platform.name: platform for platform in known}
