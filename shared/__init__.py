"""Mechanisms that every service uses: typed events, messaging, databases. Never business rules."""
