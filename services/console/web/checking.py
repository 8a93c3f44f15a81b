"""What a post that is being written lacks, by the rules that the scheduler goes by. Pure."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

from shared.events.base import Id, Text
from shared.events.requests import Media
from shared.events.rules import PostRules
from shared.posting.counting import counted
from shared.posting.rules import problem

MOST_ACCOUNTS = 1000


class Written(BaseModel):
    """A post as far as it is written."""

    content: Text = ""
    media: Annotated[list[Media], Field(max_length=20)] = []
    account_ids: Annotated[list[Id], Field(max_length=MOST_ACCOUNTS)] = []


class Checked(BaseModel):
    """What an account's network says to it: how long the text is for it, and what is wrong."""

    account_id: str
    count: int | None = None
    most: int | None = None
    problem: str | None = None


def checked(written: Written, rules: Mapping[str, PostRules]) -> list[Checked]:
    """What each account's network says; an account whose rules are not known says nothing."""
    media = [item.model_dump(exclude_none=True) for item in written.media]
    return [_checked(one, written.content, media, rules.get(one)) for one in written.account_ids]


def _checked(account_id: str, text: str, media: Sequence[Mapping[str, Any]], rules: PostRules | None) -> Checked:
    if rules is None:
        return Checked(account_id=account_id)
    rule = rules.caption if media and rules.caption else rules.text
    found = problem(rules, text, media, {})
    return Checked(
        account_id=account_id,
        count=counted(text, rule) if rule else None,
        most=rule.most if rule else None,
        problem=found[1] if found else None,
    )
