"""A generic webhook, signed as Standard Webhooks says."""
