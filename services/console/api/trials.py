"""Trying keywords: what would they have found in what is there already?"""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends

from services.console.api.access import WRITE
from services.console.api.bodies import body_of, documented
from services.console.api.console import TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from services.console.requests.sender import any_of
from shared.events.trials import KeywordsTried, KeywordsTryRequested

PATIENCE = timedelta(seconds=30)
"""Ten subreddits are twenty requests to Reddit, one after the other."""

router = APIRouter(tags=["workspaces"], responses={400: {"model": ErrorAnswer}, 504: {"model": ErrorAnswer}})


@router.post("/v1/keywords:try", dependencies=[WRITE], openapi_extra=documented(KeywordsTryRequested))
async def try_keywords(
    console: TheConsole, trial: Annotated[KeywordsTryRequested, Depends(body_of(KeywordsTryRequested))]
) -> KeywordsTried:
    """Look for keywords in the newest 100 posts and 100 comments of up to ten subreddits; nothing is changed."""
    answers = await console.requests.send_and_wait(trial, any_of(KeywordsTried), patience=PATIENCE)
    for tried in answers.of_type(KeywordsTried):
        return _unless_rejected(tried)
    reason = f"the monitor has not answered within {PATIENCE.seconds} s; nothing was changed, so try it again later"
    raise Refusal(504, "not_answered", reason)


def _unless_rejected(tried: KeywordsTried) -> KeywordsTried:
    if tried.rejection:
        raise Refusal(400, "invalid", tried.rejection, field=tried.rejection.partition(":")[0])
    return tried
