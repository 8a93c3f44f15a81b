"""Whatever a server answers means something: a surprise would leave a post in doubt that was refused, or is out."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import to_json

from services.publisher.callbacks.calling import RECEIVER
from services.publisher.platforms import posting
from services.publisher.platforms.base import Account, Published
from services.publisher.platforms.bluesky import replies as bluesky
from services.publisher.platforms.discord import post as discord_post
from services.publisher.platforms.discord import replies as discord
from services.publisher.platforms.errors import PlatformError
from services.publisher.platforms.judging import ANY, Dialect, judged
from services.publisher.platforms.linkedin import platform as linkedin_post
from services.publisher.platforms.linkedin import replies as linkedin
from services.publisher.platforms.mastodon import post as mastodon_post
from services.publisher.platforms.mastodon import replies as mastodon
from services.publisher.platforms.mastodon.text import plain_text
from services.publisher.platforms.oauth import TOKENS
from services.publisher.platforms.reddit import post as reddit_post
from services.publisher.platforms.reddit import replies as reddit
from services.publisher.platforms.reply import Reply, objects_in
from services.publisher.platforms.telegram import platform as telegram_post
from services.publisher.platforms.telegram import replies as telegram
from services.publisher.platforms.webhook.platform import ENDPOINT
from services.publisher.platforms.x import post as x_post
from services.publisher.platforms.x import replies as x
from tests.support.publications import NOON, a_post

NAMES = [
    "id",
    "uri",
    "url",
    "data",
    "ok",
    "result",
    "description",
    "parameters",
    "migrate_to_chat_id",
    "retry_after",
    "message_id",
    "chat",
    "type",
    "username",
    "message",
    "code",
    "global",
    "error",
    "errors",
    "error_description",
    "detail",
    "title",
    "scope",
    "explanation",
    "json",
    "name",
    "kind",
    "meta",
    "status",
    "content",
    "spoiler_text",
    "media_attachments",
    "visibility",
    "text",
    "entities",
    "urls",
    "note_tweet",
    "expanded_url",
    "created_utc",
    "subreddit",
    "selftext",
]
SCALARS: list[Any] = [
    None,
    True,
    0,
    -1,
    429,
    2**70,
    0.5,
    "",
    "x",
    "9" * 30,
    "take a break for 999999 hours",
    "t3_1",
    "a\0b",
]
JSON = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3)
STATUSES = st.sampled_from([200, 202, 204, 302, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503])
ACCOUNT = Account("account", "x", {}, {})

NETWORKS: dict[str, tuple[Dialect, Callable[[Reply], Published | None]]] = {
    "anybody": (ANY, posting.published_in),
    "webhook": (ENDPOINT, posting.published_in),
    "callback": (RECEIVER, posting.published_in),
    "tokens": (TOKENS, posting.published_in),
    "bluesky": (bluesky.DIALECT, posting.published_in),
    "discord": (discord.DIALECT, partial(discord_post.published_in, guild=None)),
    "linkedin": (linkedin.DIALECT, linkedin_post.published_in),
    "mastodon": (mastodon.DIALECT, mastodon_post.published_in),
    "reddit": (reddit.DIALECT, partial(reddit_post.published_in, is_picture=True)),
    "telegram": (telegram.DIALECT, telegram_post.published_in),
    "x": (x.DIALECT, partial(x_post.published_in, account=ACCOUNT)),
}


@pytest.mark.parametrize("network", NETWORKS)
@example(status=422, told={"errors": []}, publishes=True)
@example(status=400, told={"errors": [{"message": "a\0b"}], "error": "a\0b"}, publishes=True)
@example(status=422, told={"errors": "a\0b", "message": "a\0b"}, publishes=True)
@example(status=200, told={"json": {"errors": [["A\0B", "a\0b"]]}}, publishes=True)
@given(status=STATUSES, told=OBJECTS | JSON, publishes=st.booleans())
def test_every_reply_means_something(network: str, status: int, told: Any, publishes: bool) -> None:
    dialect, published_in = NETWORKS[network]
    reply = Reply(status, {}, to_json(told), NOON)

    error = judged(reply, dialect, publishes=publishes)

    assert isinstance(error, PlatformError) or (error is None and reply.is_success)
    if error is not None:
        assert "\0" not in error.detail.message + error.detail.code, "no database stores it"
    else:
        published_in(reply)
        dialect.allowance_in(reply)


@example(told={"note_tweet": [None]})
@example(told={"entities": {"urls": 1}})
@given(told=OBJECTS)
def test_whatever_stands_in_a_list_is_another_post_or_none(told: dict[str, Any]) -> None:
    made_at, post = {"created_at": NOON.isoformat(), "created_utc": NOON.timestamp()}, a_post()
    (one,) = objects_in([told | made_at])

    x_post.seen_as(one, post, ACCOUNT)
    mastodon_post.seen_as(one, post)
    reddit_post.seen_as(one, {"sr": "a", "title": "b", "kind": "self", "text": "c"})


@given(st.text(st.sampled_from(["<", ">", "!", "[", "]", "a", "/", "&", "#", "-"]), max_size=9))
def test_no_markup_is_too_odd_to_be_read(html: str) -> None:
    plain_text(html)
    plain_text(f"<![{html}")
