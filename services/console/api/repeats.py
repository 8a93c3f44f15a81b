"""Repeating posts: one that is wanted again and again becomes single posts, each with an id and a time of its own."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, model_validator

from services.console.api.access import WRITE
from services.console.api.bodies import body_of, documented
from services.console.api.console import TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from services.console.api.posts import all_rejected, settle_batch
from services.console.api.views import BatchSettled
from services.console.requests.repeating import Occurrence, Repeat, id_of, occurrences
from shared.events.base import MOST_OF_AN_ID, Id, Instant, Value
from shared.events.requests import LocalTime, ScheduleBatchRequested, ScheduleRequested, Target

router = APIRouter(tags=["posts"], responses={400: {"model": ErrorAnswer}})


_LENGTH_OF_A_TIME = len(".20270322T090000")


class Repeated(Value):
    """A post with the time at which it is wanted first, and how it repeats."""

    post: ScheduleRequested
    repeat: Repeat

    @model_validator(mode="after")
    def _has_a_local_time(self) -> Self:
        if not isinstance(self.post.publish_at, LocalTime):
            raise ValueError(
                "post.publish_at: what repeats goes by the clock of a zone; write "
                '{"local": "2027-03-29T09:00", "zone": "Europe/Berlin"}'
            )
        if len(self.post.post_id) > MOST_OF_AN_ID - _LENGTH_OF_A_TIME:
            raise ValueError(
                f"post.post_id: each post has its time in its id, for which {_LENGTH_OF_A_TIME} characters are needed; "
                f"choose one of at most {MOST_OF_AN_ID - _LENGTH_OF_A_TIME}"
            )
        if any(target.publish_at for target in self.post.targets):
            raise ValueError("post.targets: what repeats has one time for all accounts; leave their own publish_at out")
        return self

    @property
    def post_id(self) -> str:
        """What the ids of the posts begin with."""
        return self.post.post_id

    @property
    def targets(self) -> Sequence[Target]:
        """Where each of them goes."""
        return self.post.targets

    @property
    def first(self) -> LocalTime:
        """The first time, by the clock."""
        assert isinstance(self.post.publish_at, LocalTime)
        return self.post.publish_at

    def single_posts(self) -> list[tuple[Occurrence, ScheduleRequested]]:
        """A post for each time."""
        return [(one, self._at(one)) for one in occurrences(self.first, self.repeat)]

    def _at(self, one: Occurrence) -> ScheduleRequested:
        at = LocalTime(local=one.local.isoformat(), zone=self.first.zone)
        return self.post.model_copy(update={"post_id": id_of(self.post.post_id, one.local), "publish_at": at})


class RepeatedPost(BaseModel):
    """One of the posts: by the clock, and the instant that it means."""

    post_id: Id
    local: str
    publish_at: Instant
    clocks: Literal["once", "skipped", "twice"]


class RepeatSettled(BatchSettled):
    """What became of the posts, as for a batch of them."""

    posts: list[RepeatedPost]


@router.post("/v1/posts:repeat", status_code=202, openapi_extra=documented(Repeated), dependencies=[WRITE])
async def repeat_post(console: TheConsole, repeated: Annotated[Repeated, Depends(body_of(Repeated))]) -> RepeatSettled:
    """Schedule a post that repeats. The same request again changes nothing: each post has its time in its id."""
    posts = _posts_of(repeated)
    bodies = tuple(post.model_dump(mode="json", exclude_none=True) for _, post in posts)
    settled = await settle_batch(console, ScheduleBatchRequested(batch_id=repeated.post_id, posts=bodies))
    if settled.rejected and not settled.accepted and not settled.waiting and not settled.pending:
        raise all_rejected(settled.rejected, {})
    told = [
        RepeatedPost(post_id=post.post_id, local=one.local.isoformat(), publish_at=one.instant, clocks=one.reading)
        for one, post in posts
    ]
    return RepeatSettled(**dict(settled), posts=told)


def _posts_of(repeated: Repeated) -> list[tuple[Occurrence, ScheduleRequested]]:
    try:
        return repeated.single_posts()
    except OverflowError as error:
        reason = "post.publish_at: it would be repeated beyond the year 9999; repeat it less often"
        raise Refusal(400, "invalid", reason, field="post.publish_at") from error
    except ValueError as error:
        raise Refusal(400, "invalid", f"post.publish_at: {error}", field="post.publish_at") from error
