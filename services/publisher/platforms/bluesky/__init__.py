"""Bluesky, and every other server of the AT Protocol."""

from services.publisher.platforms.bluesky.platform import Bluesky

__all__ = ["Bluesky"]
