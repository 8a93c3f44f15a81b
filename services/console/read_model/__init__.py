"""What the console knows: learned from events, read by pages and the HTTP API."""
