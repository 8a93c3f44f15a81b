"""A stand-in for a social network, for demonstrations and tests."""

from services.publisher.platforms.sandbox.platform import Sandbox

__all__ = ["Sandbox"]
