"""Alerts as people read them: a title for each code, and commands as such. Pure."""

import re
from collections.abc import Iterator, Mapping

SHOWN_OTHERWISE = frozenset(
    {
        "account_needs_reconnect",
        "dead_letters",
        "outbox_old",
        "posts_held",
        "posts_unknown",
        "queue_unconsumed",
        "service_not_ready",
        "service_silent",
    }
)
"""What the first page says by itself, of what it sees at this moment."""

SEVERITIES: Mapping[str, tuple[str, str]] = {
    "critical": ("Critical", "bad"),
    "warning": ("Warning", "wait"),
    "info": ("Notice", "calm"),
}
"""By severity: what people read, and the meaning that gives its colour."""

TITLES: Mapping[str, str] = {
    "account_access_ends": "The access of {} ends soon",
    "account_needs_reconnect": "{} must be connected again",
    "account_not_renewed": "The access of {} is not renewed",
    "dead_letters": "Messages rest in {}.dead",
    "job_failed": "The job {} failed",
    "job_overdue": "The job {} takes too long",
    "lateness_high": "Posts go out late",
    "outbox_old": "Events of the {} are not sent",
    "posts_failing": "Posts fail on {}",
    "posts_overdue": "Posts are overdue",
    "posts_held": "Posts on {} are held",
    "posts_unknown": "Posts on {} may or may not be out",
    "queue_unconsumed": "Nobody consumes {}",
    "service_not_ready": "{} is not ready",
    "service_restarts": "The {} starts and ends again and again",
    "service_silent": "The {} is silent",
}
_COMMAND = re.compile(r"`([^`]+)`")


def title(code: str, subject: str) -> str:
    """`Posts fail on mastodon`; of a code that nobody knows here, the code and the subject."""
    known = TITLES.get(code)
    return known.format(subject) if known else f"{code.replace('_', ' ').capitalize()}: {subject}"


def pieces(message: str) -> Iterator[tuple[str, bool]]:
    """The message piece by piece, each with whether it is a command, which stands in backticks."""
    for number, piece in enumerate(_COMMAND.split(message)):
        if piece:
            yield piece, number % 2 == 1
