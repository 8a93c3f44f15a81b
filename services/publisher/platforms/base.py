"""What the publisher asks of a platform. Subclass `Platform`, and override what the network does differently."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from services.publisher.platforms.allowance import Allowance
from services.publisher.platforms.cleaning import cleaned
from services.publisher.platforms.errors import Rejected
from shared.events.rules import PostRules

Fields = Mapping[str, Any]
NEVER = timedelta(0)
FOR_EVER = timedelta(days=365_000)


@dataclass(frozen=True, slots=True)
class Post:
    """What is to appear on the platform."""

    post_id: str
    account_id: str
    revision: int
    publish_at: datetime
    content: str
    media: Sequence[Mapping[str, Any]]
    options: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The same for every attempt at this revision on this account, and for nothing else."""
        return f"{self.post_id}:{self.account_id}:{self.revision}"

    @property
    def key_digest(self) -> str:
        """What stands for the key where it must be short, or go into a header, whatever the post's id contains."""
        return hashlib.sha256(self.key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Account:
    """Where a post goes, and as whom. `credentials` are secret."""

    account_id: str
    platform: str
    settings: Mapping[str, Any]
    credentials: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Account({self.account_id!r}, {self.platform!r})"


@dataclass(frozen=True, slots=True)
class Published:
    """Where the post can be found, and what the reply's headers say of the network's limits (`allowance_of`)."""

    platform_post_id: str | None = None
    url: str | None = None
    allowance: Allowance | None = None


class Ready(Protocol):
    """A post prepared for its instant: all that is left is to send it.

    One whose request carries pictures has `send_timeout: timedelta | None` as well: how long that may take, where it is
    longer than usual. The lease of an attempt outlives it. One that has `send_afresh` is asked by that where nothing
    that was sent before may have landed: it may send another request in place of one that the network takes no more.
    """

    async def send(self, now: datetime) -> Published:
        """Send it, or raise a PlatformError."""
        ...


@dataclass(frozen=True, slots=True)
class Renewed:
    """Credentials that replace their namesakes, e.g. a new `access_token`, and until when they are good."""

    credentials: Mapping[str, Any]
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    """When no refresh can help any more, and a person must connect the account again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most sends a network allows, as `{"per_second": 1, "per_minute": 20, "per_day": 300}`.

    `account` holds for each account, `app` for all accounts that share an `app_of`.
    """

    account: Mapping[str, int] = field(default_factory=dict)
    app: Mapping[str, int] = field(default_factory=dict)


class Platform(Protocol):
    """A network that posts are sent to.

    What has an implementation here is what most simple networks do: tokens that last, no look-ups, no limits.
    """

    name: str
    limits: Limits = Limits()
    look_up_lag: timedelta = timedelta(0)
    """How long after it has landed a post may still be hidden from `look_up`: only then is absence proved."""
    handles: ClassVar[tuple[str, ...]] = ()
    """The settings and credentials that are handles, which people write with an `@`."""

    def cleaned(self, settings: Fields, credentials: Fields) -> tuple[dict[str, Any], dict[str, Any]]:
        """Settings and credentials as they are plainly meant: without what stands around them by mistake."""
        return cleaned(settings, self.handles), cleaned(credentials, self.handles)

    def check(self, account: Account) -> None:
        """Raise Rejected where settings or credentials cannot work. No I/O."""
        ...

    async def verify(self, account: Account) -> None:
        """Try the credentials, where the network can be asked; renew a token that has ended first.

        Raises Unauthorized or Rejected, naming the credential or setting that is no good, or another PlatformError
        where the network cannot be asked now.
        """
        return

    async def prepare(self, post: Post, account: Account) -> Ready:
        """Do everything that can be done before the instant, media uploads included."""
        ...

    async def rules(self, account: Account) -> PostRules:
        """What a post must satisfy to be accepted by the network; may ask the account's server, and never raises."""
        return PostRules()

    def deduplicates_for(self, account: Account) -> timedelta:
        """How long after the first request a repeated one may leave that the platform takes for the same post.

        That is less than it remembers: the request still has to get there.
        """
        return NEVER

    def answers_look_ups(self, account: Account) -> bool:
        """Whether `look_up` can tell if a post has landed."""
        return False

    async def look_up(self, post: Post, account: Account) -> Published | None:
        """The post as it is found on the platform, or None where it is not there."""
        raise Rejected(f"{self.name} answers no look-ups", code="no_look_ups")

    def app_of(self, account: Account) -> str | None:
        """What the accounts have in common that share the app's limits, e.g. a client id; not secret."""
        return None

    def can_refresh(self, account: Account) -> bool:
        """Whether the account has tokens that `refresh` renews."""
        return False

    def token_expires_at(self, account: Account) -> datetime | None:
        """When the account's token ends, as far as its credentials tell: at once where it still has none."""
        return None

    def refresh_expires_at(self, account: Account) -> datetime | None:
        """When no refresh can help any more, as far as the account's credentials tell."""
        return None

    async def refresh(self, account: Account, now: datetime) -> Renewed:
        """New tokens, or Unauthorized where the platform will give none any more."""
        raise Rejected(f"{self.name} has no tokens to refresh", code="no_tokens")
