"""The HTTP API: the only part of the console that knows FastAPI."""

from services.console.api.application import application
from services.console.api.console import Console

__all__ = ["Console", "application"]
