"""Posts as they are sent: what the sandbox accepts."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

Name = Annotated[str, Field(min_length=1, max_length=500)]
Key = tuple[str, str]


class Fault(BaseModel):
    """What shall go wrong, and for how many attempts."""

    fail: Literal["transient", "permanent", "rate_limited", "lost_reply", "slow"]
    times: int = Field(default=1, ge=0)


class Options(BaseModel):
    """Of a post's options, those meant for the sandbox."""

    sandbox: Fault | None = None


class Post(BaseModel):
    """One post on one account."""

    post_id: Name
    account_id: Name
    content: str = ""
    media: list[Any] = []
    options: dict[str, Any] = {}
    publish_at: AwareDatetime | None = None

    @property
    def key(self) -> Key:
        """What posts are told apart by."""
        return self.post_id, self.account_id

    @property
    def fault(self) -> Fault | None:
        """The fault the post asks for, or ValidationError."""
        return Options.model_validate(self.options).sandbox


class Delivery(BaseModel):
    """The body of a request."""

    type: Literal["post"]
    data: Post
