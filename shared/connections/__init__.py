"""Connections to broker and database: how their addresses are written, and why one cannot be had."""
