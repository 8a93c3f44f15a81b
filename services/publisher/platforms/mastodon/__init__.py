"""Mastodon, and the other servers that speak its API."""

from services.publisher.platforms.mastodon.platform import Mastodon

__all__ = ["Mastodon"]
