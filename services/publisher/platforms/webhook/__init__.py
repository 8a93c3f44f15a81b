"""A generic webhook, signed as Standard Webhooks says."""

from services.publisher.platforms.webhook.platform import Webhook

__all__ = ["Webhook"]
