"""Secrets: sealed on the way, encrypted at rest, kept out of logs."""
