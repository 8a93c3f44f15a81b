"""Durations as people read them, on the page and on the command line. Pure."""

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
"""In seconds, the longest first."""


def duration(milliseconds: float | None) -> str:
    """`0.4 ms`, `1.2 s`"""
    if milliseconds is None:
        return ""
    if milliseconds < 10:  # noqa: PLR2004  (a digit more where it says something)
        return f"{milliseconds:.1f} ms"
    if milliseconds < 1_000:  # noqa: PLR2004
        return f"{milliseconds:.0f} ms"
    return _span(milliseconds / 1_000)


def _span(seconds: float) -> str:
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    return next(f"{seconds / length:.1f} {unit}" for length, unit in UNITS if seconds >= length)
