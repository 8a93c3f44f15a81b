"""The posts the benchmarks schedule: 400 bytes each, spread over 100 accounts, encoded without a JSON library."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

ACCOUNTS = tuple(f"a{number}" for number in range(100))
LENGTH = 400
BATCH = 500
FAR = timedelta(days=30)


def post(prefix: str, number: int, due: datetime, accounts: Sequence[str] = ACCOUNTS) -> str:
    """One body of `schedule.requested`; the posts go to the accounts in turn."""
    content = f"{prefix}{number} ".ljust(LENGTH, "x")
    return (
        f'{{"post_id":"{prefix}{number}","content":"{content}","publish_at":"{due.isoformat()}",'
        f'"targets":[{{"account_id":"{accounts[number % len(accounts)]}"}}]}}'
    )


def singles(prefix: str, dues: Sequence[datetime]) -> Iterator[bytes]:
    """One body of `schedule.requested` for each due instant."""
    return (post(prefix, number, due).encode() for number, due in enumerate(dues))


def batches(prefix: str, dues: Sequence[datetime], accounts: Sequence[str] = ACCOUNTS) -> Iterator[bytes]:
    """Bodies of `schedule.batch_requested`, 500 posts each, one post for each due instant."""
    for start in range(0, len(dues), BATCH):
        part = dues[start : start + BATCH]
        posts = ",".join(post(prefix, number, due, accounts) for number, due in enumerate(part, start))
        yield f'{{"batch_id":"{prefix}{start}","posts":[{posts}]}}'.encode()


def spread(count: int, start: datetime, span: timedelta) -> list[datetime]:
    """Random instants in a span, in order."""
    return sorted(start + span * random.random() for _ in range(count))


def far_future(count: int) -> list[datetime]:
    """Instants a month away and later: posts that stay pending."""
    return spread(count, datetime.now(UTC) + FAR, FAR)
