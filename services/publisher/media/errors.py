"""What can be wrong with a picture.

MediaError
├── Unfit         it can never be published: the picture itself, or what stands at its address
└── Unreachable   its server cannot be reached now, or asks to come back
    └── Silent        it does not answer, or stops in the middle
"""


class MediaError(Exception):
    """A picture cannot be had, and why."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Unfit(MediaError):
    """It can never be published."""


class Unreachable(MediaError):
    """It cannot be fetched now."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "media_unreachable")


class Silent(Unreachable):
    """Its server does not answer."""

    def __init__(self) -> None:
        super().__init__("its server does not answer in time")
