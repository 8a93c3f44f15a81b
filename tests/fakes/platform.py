"""A platform in the same process: it keeps what it was sent and fails as a test asks."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.publisher.platforms.base import FOR_EVER, NEVER, Account, Platform, Post, Published
from services.publisher.platforms.errors import PlatformError


@dataclass
class FakePlatform(Platform):
    """Takes every post, unless `refusals` has an error left for it."""

    name: str = "fake"
    deduplicates: bool = False
    refusals: list[PlatformError] = field(default_factory=list)
    unprepared: list[PlatformError] = field(default_factory=list)
    sent: list[tuple[str, datetime]] = field(default_factory=list)

    def check(self, account: Account) -> None:
        """Any account will do."""

    async def prepare(self, post: Post, account: Account) -> "FakeReady":
        """Nothing to do, unless it goes wrong."""
        if self.unprepared:
            raise self.unprepared.pop(0)
        return FakeReady(self, post)

    def deduplicates_for(self, account: Account) -> timedelta:
        """As the test says."""
        return FOR_EVER if self.deduplicates else NEVER

    def answers_look_ups(self, account: Account) -> bool:
        """Where the account says so."""
        return account.settings.get("answers_lookups") is True

    async def look_up(self, post: Post, account: Account) -> Published | None:
        """The post as it was sent."""
        return Published(post.post_id) if post.post_id in dict(self.sent) else None


@dataclass(frozen=True)
class FakeReady:
    """A post ready to be sent."""

    platform: FakePlatform
    post: Post

    async def send(self, now: datetime) -> Published:
        """Take it, or fail."""
        if self.platform.refusals:
            raise self.platform.refusals.pop(0)
        self.platform.sent.append((self.post.post_id, now))
        return Published(self.post.post_id)
