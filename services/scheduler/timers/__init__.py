"""Timers: when they tick, what of that is due, and how they fire."""
