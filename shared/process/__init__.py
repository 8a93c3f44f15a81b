"""A service as a process: its settings, its life, its health, its logs."""
