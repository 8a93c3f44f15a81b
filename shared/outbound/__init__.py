"""Calls to other people's servers: one guarded HTTP client, and notifications to people."""
