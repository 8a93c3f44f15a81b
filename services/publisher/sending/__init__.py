"""Sending: how one post goes from its message to the fact that tells what became of it."""
