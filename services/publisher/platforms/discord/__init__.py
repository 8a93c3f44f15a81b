"""Discord: messages of a webhook, or of a bot."""
