"""X: posts with up to four pictures."""

from services.publisher.platforms.x.platform import X

__all__ = ["X"]
