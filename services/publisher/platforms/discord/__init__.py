"""Discord: messages of a webhook, or of a bot."""

from services.publisher.platforms.discord.platform import Discord

__all__ = ["Discord"]
