"""Requests that anyone may emit."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, StringConstraints, Tag, model_validator

from shared.events.base import (
    Count,
    Event,
    Id,
    Instant,
    Name,
    NewId,
    NewWebUrl,
    Options,
    Text,
    Value,
    VisibleId,
    WebUrl,
)
from shared.events.patterns import LOCAL_TIME, MIME_TYPE, TIME_OF_DAY

MAX_TARGETS = 1000
MAX_POSTS_IN_A_BATCH = 500
MAX_CHARACTERS_IN_ALL = 20_000_000
"""Of the texts of one request, counted once for each account: they are written in one transaction."""
MAX_CHARACTERS_OF_MEDIA = 1_000_000
"""Of their addresses and descriptions: the messages that carry them are longer than the request, and must be read."""


class LocalTime(Value):
    """A wall-clock time in an IANA zone, e.g. `2027-03-28T02:30` in `Europe/Berlin`."""

    local: Annotated[str, StringConstraints(pattern=LOCAL_TIME)]
    zone: Annotated[str, StringConstraints(min_length=1, max_length=100)]


def _kind_of_time(value: object) -> str:
    return "local_time" if isinstance(value, dict | LocalTime) else "instant"


PublishAt = Annotated[
    Annotated[Instant, Tag("instant")] | Annotated[LocalTime, Tag("local_time")],
    Discriminator(_kind_of_time),
]


class Media(Value):
    """A picture by its address; `size` in bytes lets it be refused at once where it is too large."""

    url: WebUrl
    alt: Text | None = None
    size: Annotated[int, Field(ge=0)] | None = None
    mime: Annotated[str, StringConstraints(max_length=100, pattern=MIME_TYPE)] | None = None


class NewMedia(Media):
    """A picture at an address that can be called."""

    url: NewWebUrl


class LatePolicy(Value):
    """What becomes of a post found overdue by more than the grace; `publish` then holds it for a person."""

    mode: Literal["publish", "skip", "hold"] = "publish"
    grace_seconds: Annotated[float, Field(ge=0, le=366 * 86400)] = 3600


class RetryPolicy(Value):
    """How often a post is tried in all, and how long is waited between: from the first delay on, each twice as long."""

    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    first_delay_seconds: Annotated[float, Field(gt=0, le=86400)] = 5
    longest_delay_seconds: Annotated[float, Field(gt=0, le=86400)] = 3600

    @model_validator(mode="after")
    def _first_is_not_the_longest(self) -> Self:
        if self.first_delay_seconds > self.longest_delay_seconds:
            raise ValueError("first_delay_seconds is more than longest_delay_seconds; raise the longest")
        return self


class Target(Value):
    """One account the post goes to; its own time, content and options win over the post's."""

    account_id: NewId
    publish_at: PublishAt | None = None
    content: Text | None = None
    options: Options | None = None


class ScheduleRequested(Event, type="schedule.requested"):
    """`expected_revision` is the one the requester believes to be current; 0 means that there is none yet."""

    post_id: NewId
    content: Text
    media: tuple[NewMedia, ...] = Field(default=(), max_length=20)
    publish_at: PublishAt | None = None
    targets: tuple[Target, ...] = Field(min_length=1, max_length=MAX_TARGETS)
    late_policy: LatePolicy = LatePolicy()
    retry: RetryPolicy = RetryPolicy()
    expected_revision: Count | None = None
    callback_url: NewWebUrl | None = None

    @model_validator(mode="after")
    def _targets_are_distinct(self) -> Self:
        seen: set[str] = set()
        for index, target in enumerate(self.targets):
            if target.account_id in seen:
                raise ValueError(f"targets[{index}].account_id: {target.account_id!r} is listed twice; name it once")
            seen.add(target.account_id)
        return self

    @property
    def _characters_of_media(self) -> int:
        return sum(len(item.url) + len(item.alt or "") for item in self.media)

    @model_validator(mode="after")
    def _fits_into_the_messages_that_follow(self) -> Self:
        if self._characters_of_media > MAX_CHARACTERS_OF_MEDIA:
            given, most = f"{self._characters_of_media:,}", f"{MAX_CHARACTERS_OF_MEDIA:,}"
            raise ValueError(
                f"media: {given} characters of addresses and descriptions are more than {most}; shorten them"
            )
        return self

    @model_validator(mode="after")
    def _can_be_written_at_once(self) -> Self:
        media = self._characters_of_media
        in_all = sum(media + len(self.content if one.content is None else one.content) for one in self.targets)
        if in_all > MAX_CHARACTERS_IN_ALL:
            most = f"{MAX_CHARACTERS_IN_ALL:,}"
            raise ValueError(f"targets: {in_all:,} characters for all accounts are more than {most}; send it in parts")
        return self


class ScheduleBatchRequested(Event, type="schedule.batch_requested"):
    """Many posts in one message; each is read on its own, so that one bad post does not refuse the others."""

    batch_id: VisibleId
    posts: tuple[JsonValue, ...] = Field(
        min_length=1,
        max_length=MAX_POSTS_IN_A_BATCH,
        json_schema_extra={"items": {"type": "object", "description": "the body of a schedule.requested"}},
    )


class ScheduleCancelRequested(Event, type="schedule.cancel_requested"):
    """To cancel a post on these accounts, or on all; where it is at another revision than expected, it stays."""

    post_id: Id
    account_ids: tuple[Id, ...] | None = Field(default=None, min_length=1, max_length=MAX_TARGETS)
    expected_revision: Count | None = None


class PublishRetryRequested(Event, type="publish.retry_requested"):
    post_id: Id
    account_id: Id


class PublishResolveRequested(Event, type="publish.resolve_requested"):
    post_id: Id
    account_id: Id
    outcome: Literal["published", "not_published", "ask_network"]
    platform_post_id: Text | None = None


class AccountLimits(Value):
    per_second: Annotated[int, Field(ge=1)] | None = None
    per_minute: Annotated[int, Field(ge=1)] | None = None
    per_day: Annotated[int, Field(ge=1)] | None = None


class AccountConnectRequested(Event, type="account.connect_requested"):
    """Of two requests the later one counts, whichever is carried out first: by `requested_at`, else by when sent."""

    account_id: NewId
    platform: Name
    settings: Options = Field(default_factory=dict)
    sealed_credentials: Text | None = None
    limits: AccountLimits | None = None
    requested_at: Instant | None = None


class AccountDisconnectRequested(Event, type="account.disconnect_requested"):
    """As with connecting: of two requests the later one counts, by `requested_at`, else by when they were sent."""

    account_id: Id
    requested_at: Instant | None = None


class Keyword(Value):
    """`word` is the text as it is, between word boundaries; `phrase` its words, whatever stands between them."""

    phrase: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    match: Literal["word", "phrase", "substring", "regex"] = "word"
    exclude: tuple[Text, ...] = ()
    case_sensitive: bool = False


class DigestTime(Value):
    at: Annotated[str, StringConstraints(pattern=TIME_OF_DAY)]
    zone: Annotated[str, StringConstraints(min_length=1, max_length=100)]


def _without_prefix(name: object) -> object:
    if isinstance(name, str) and name.lstrip("/").casefold().startswith("r/"):
        raise ValueError("write the subreddit's name without `r/`")
    return name


Subreddit = Annotated[Name, BeforeValidator(_without_prefix)]


class WorkspaceConfigured(Event, type="workspace.configured"):
    """The whole workspace as it shall be. What was configured later stays, where both say when (`configured_at`).

    `notify` says whether mentions are told at once (and again in the digest, where there is one) or in the digest only.
    With `keep_notify` the targets stay those that there are: nobody who edits a workspace is shown them.
    """

    workspace_id: NewId
    monitoring_enabled: bool
    subreddits: tuple[Subreddit, ...]
    keywords: tuple[Keyword, ...]
    sealed_notify: Text | None = None
    keep_notify: bool = False
    notify: Literal["at_once", "digest"] = "at_once"
    digest: DigestTime | None = None
    configured_at: Instant | None = None


class WorkspaceRemoveRequested(Event, type="workspace.remove_requested"):
    """To watch for a workspace no more, and forget whom it tells; what was configured after `requested_at` stays."""

    workspace_id: Id
    requested_at: Instant | None = None


class TimerTriggerRequested(Event, type="timer.trigger_requested"):
    timer: Name


class DeadLetterReplayRequested(Event, type="dead_letter.replay_requested"):
    """To handle dead letters of a service again: those that are named, else all; none that was parked after `as_of`."""

    service: Name
    message_ids: tuple[Id, ...] | None = None
    as_of: Instant | None = None


class DeadLetterDropRequested(Event, type="dead_letter.drop_requested"):
    """To give dead letters of a service up for good; chosen as for a replay."""

    service: Name
    message_ids: tuple[Id, ...] | None = None
    as_of: Instant | None = None
