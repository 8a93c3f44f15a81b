"""Trying keywords on the newest posts and comments of subreddits, which Reddit still lists; nothing of it is kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.monitor.domain import KINDS, InvalidWorkspace, Item, Keyword, Mention, Workspace, check_subreddit
from services.monitor.matching import Matcher
from services.monitor.reddit import Reddit, RedditError
from services.monitor.store import Store
from services.monitor.workspaces import MOST_EXCLUSIONS, MOST_KEYWORDS
from shared.clocks.clock import loop_time
from shared.events.monitor import SubredditProblem
from shared.events.trials import KeywordMatch, KeywordsTried, KeywordsTryRequested
from shared.messaging.envelope import Delivery

MOST_SUBREDDITS = 10
MOST_MATCHES = 50
MOST_EXCERPT = 300
TRIAL_SECONDS = 25.0
"""Whoever tries keywords waits for half a minute; what Reddit has not given by then is not read any more."""
TOO_SLOW = "Reddit took too long; try it again later"

log = structlog.get_logger()


@dataclass(frozen=True)
class Trying:
    """Answers what keywords would have found."""

    store: Store
    reddit: Reddit
    seconds: float = TRIAL_SECONDS

    async def on_keywords_try_requested(self, delivery: Delivery[KeywordsTryRequested]) -> None:
        """Read the first page of each subreddit, and tell what is found there; delivered again, it is read again."""
        try:
            workspace = trial_of(delivery.event)
            matcher = await asyncio.to_thread(_matcher, workspace)
        except InvalidWorkspace as error:
            tried = KeywordsTried(subreddits=delivery.event.subreddits, rejection=str(error))
        else:
            tried = await self._try(workspace, matcher)
        async with self.store.unit() as unit:
            await unit.tell(tried, correlation_id=delivery.correlation_id)
        log.info("keywords_tried", items=tried.items, found=tried.found, rejection=tried.rejection)

    async def _try(self, workspace: Workspace, matcher: Matcher) -> KeywordsTried:
        items: list[Item] = []
        problems: list[SubredditProblem] = []
        until = loop_time() + self.seconds
        for name in workspace.subreddits:
            try:
                async with asyncio.timeout_at(until):
                    for kind in KINDS:
                        items += (await self.reddit.listing([name], kind)).items
            except RedditError as error:
                problems.append(SubredditProblem(subreddit=name, error=str(error)))
            except TimeoutError:
                problems.append(SubredditProblem(subreddit=name, error=TOO_SLOW))
        mentions = await asyncio.to_thread(_mentions, matcher, items)
        return KeywordsTried(
            subreddits=workspace.subreddits,
            items=len(items),
            found=len(mentions),
            matches=tuple(map(_match, mentions[:MOST_MATCHES])),
            problems=tuple(problems),
        )


def trial_of(event: KeywordsTryRequested) -> Workspace:
    """The keywords as a workspace would have them, on the first subreddits; InvalidWorkspace where they are none."""
    if not event.subreddits or not event.keywords:
        missing = "keywords" if event.subreddits else "subreddits"
        raise InvalidWorkspace(f"{missing}: none is named; name at least one")
    if len(event.keywords) > MOST_KEYWORDS:
        raise InvalidWorkspace(f"keywords: {len(event.keywords):,} are too many; at most {MOST_KEYWORDS:,}")
    if any(len(keyword.exclude) > MOST_EXCLUSIONS for keyword in event.keywords):
        raise InvalidWorkspace(f"keywords[].exclude: too many; at most {MOST_EXCLUSIONS}")
    names = tuple(dict.fromkeys(map(check_subreddit, event.subreddits)))[:MOST_SUBREDDITS]
    return Workspace("trial", names, tuple(Keyword(**keyword.model_dump()) for keyword in event.keywords))


def _matcher(workspace: Workspace) -> Matcher:
    matcher = Matcher([workspace])
    for reason in matcher.unusable.values():
        raise InvalidWorkspace(reason)
    return matcher


def _mentions(matcher: Matcher, items: Sequence[Item]) -> list[Mention]:
    """What is found, the newest first."""
    found = [mention for item in items for mention in matcher.mentions(item)]
    return sorted(found, key=lambda mention: (mention.item.created_at, mention.item.item_id), reverse=True)


def _match(mention: Mention) -> KeywordMatch:
    item = mention.item
    return KeywordMatch(
        subreddit=item.subreddit,
        item_id=item.item_id,
        kind=item.kind,
        title=item.title,
        excerpt=item.text[:MOST_EXCERPT],
        url=item.url,
        author=item.author,
        keywords=mention.phrases,
        created_at=item.created_at,
    )
