"""Connections to broker, database and console: how their addresses are written, and why one cannot be had."""
