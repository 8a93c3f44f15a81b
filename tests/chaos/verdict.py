"""What must be true of every post in the end, whatever has happened."""

from collections.abc import Sequence
from dataclasses import dataclass

PUBLISHED = "publish.succeeded"
UNKNOWN = "publish.unknown"


@dataclass(frozen=True)
class Ending:
    """What the network shows of a post, and what Timeball has told of it last."""

    post_id: str
    account_id: str
    told: str | None
    appearances: int


def faults(endings: Sequence[Ending], *, deduplicating: Sequence[str]) -> list[str]:
    """What is wrong, in a line each; unknown is honest where the network neither deduplicates nor answers look-ups."""
    return [
        f"{one.post_id} on {one.account_id}: {fault}"
        for one in endings
        if (fault := _fault(one, may_be_unknown=one.account_id not in deduplicating))
    ]


def _fault(ending: Ending, *, may_be_unknown: bool) -> str | None:
    if ending.appearances > 1:
        return f"appears {ending.appearances} times"
    if ending.told is None:
        return "its outcome was not told"
    if ending.told == UNKNOWN and may_be_unknown:
        return None
    if ending.told != PUBLISHED:
        return f"told as {ending.told}, and appears {ending.appearances} times"
    return None if ending.appearances else "told as published, and does not appear"
