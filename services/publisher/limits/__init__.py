"""Limits: when a post may be sent, given its account's limits, its app's, and how its destination is doing."""
