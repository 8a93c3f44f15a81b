"""Timeline: the posts received, each once, and the attempts made; the oldest are forgotten."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from secrets import token_hex
from typing import Any

from deploy.local.sandbox.posts import Key, Post

REMEMBERED = 10_000


@dataclass
class Received:
    """A post as it was received the first time."""

    id: str
    url: str
    post_id: str
    account_id: str
    content: str
    media: list[Any]
    options: dict[str, Any]
    publish_at: datetime | None
    received_at: datetime
    repeats: int = 0

    @property
    def lateness_ms(self) -> float | None:
        """How long after its moment the post came."""
        if self.publish_at is None:
            return None
        return round((self.received_at - self.publish_at).total_seconds() * 1000, 3)


@dataclass
class Timeline:
    """What the sandbox remembers, and how often it was sent something again."""

    url: str
    size: int = REMEMBERED
    total: int = 0
    repeats: int = 0
    _posts: OrderedDict[Key, Received] = field(default_factory=OrderedDict)
    _by_id: dict[str, Received] = field(default_factory=dict)
    _attempts: OrderedDict[Key, int] = field(default_factory=OrderedDict)

    def attempt(self, post: Post) -> int:
        """Count one more attempt at the post: 1 for the first."""
        count = self._attempts[post.key] = self._attempts.pop(post.key, 0) + 1
        if len(self._attempts) > self.size:
            self._attempts.popitem(last=False)
        return count

    def accept(self, post: Post, received_at: datetime) -> Received:
        """The post as received, now or before."""
        if known := self._posts.get(post.key):
            known.repeats += 1
            self.repeats += 1
            return known
        return self._remember(post, received_at)

    def find(self, post_id: str, account_id: str) -> Received | None:
        """The post with that key."""
        return self._posts.get((post_id, account_id))

    def by_id(self, received_id: str) -> Received | None:
        """The post that was given that id."""
        return self._by_id.get(received_id)

    def __iter__(self) -> Iterator[Received]:
        """Every post, in the order they came."""
        return iter(self._posts.values())

    def newest(self, count: int) -> Iterator[Received]:
        """The latest posts, the last one first."""
        return islice(reversed(self._posts.values()), count)

    def _remember(self, post: Post, received_at: datetime) -> Received:
        new_id = f"sb-{token_hex(8)}"
        new = Received(new_id, f"{self.url}/p/{new_id}", received_at=received_at, **dict(post))
        self._posts[post.key] = self._by_id[new_id] = new
        self.total += 1
        if len(self._posts) > self.size:
            _, oldest = self._posts.popitem(last=False)
            del self._by_id[oldest.id]
        return new
