"""Telegram: messages of a bot."""

from services.publisher.platforms.telegram.platform import Telegram

__all__ = ["Telegram"]
