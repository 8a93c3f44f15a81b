"""The platforms, one folder each behind the Protocol in `base`."""

from collections.abc import Mapping

import httpx

from services.publisher.platforms.base import Platform
from services.publisher.platforms.bluesky.platform import Bluesky
from services.publisher.platforms.discord.platform import Discord
from services.publisher.platforms.linkedin.platform import LinkedIn
from services.publisher.platforms.mastodon.platform import Mastodon
from services.publisher.platforms.reddit.platform import Reddit
from services.publisher.platforms.sandbox.platform import Sandbox
from services.publisher.platforms.telegram.platform import Telegram
from services.publisher.platforms.webhook.platform import Webhook
from services.publisher.platforms.x.platform import X


def platforms(client: httpx.AsyncClient) -> Mapping[str, Platform]:
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
