"""LinkedIn: posts of a member or an organisation."""

from services.publisher.platforms.linkedin.platform import LinkedIn

__all__ = ["LinkedIn"]
