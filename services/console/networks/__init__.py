"""Signing in to a network through the browser."""
