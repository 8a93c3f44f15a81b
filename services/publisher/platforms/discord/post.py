"""A post as one of Discord's messages, and which of a channel's messages a post is. No I/O."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.publisher.media.picture import Picture
from services.publisher.platforms.base import Post, Published
from services.publisher.platforms.bodies import FormFile
from services.publisher.platforms.discord.options import FLAGS
from services.publisher.platforms.discord.sender import WEB, Sender
from services.publisher.platforms.exchange import unreadable
from services.publisher.platforms.options import refused
from services.publisher.platforms.recognition import Seen, words_of
from services.publisher.platforms.reply import Reply, json_or_none, object_or_empty, objects_in, text_or_none

MOST_NONCE, MOST_MARK = 25, 8
EPOCH_MS = 1_420_070_400_000
"""The first second of 2015, from which Discord's ids count milliseconds."""
_ID = re.compile(r"\d{1,20}", re.ASCII)


def message_of(post: Post, sender: Sender) -> dict[str, Any]:
    """The message without its pictures. It calls nobody by `@`, unless its options say so."""
    mentions, embeds = post.options.get("allowed_mentions", {"parse": []}), post.options.get("embeds")
    flags = sum(bit for name, bit in FLAGS.items() if post.options.get(name))
    message: dict[str, Any] = {"content": post.content, "allowed_mentions": mentions}
    message |= (
        ({"embeds": embeds} if embeds else {}) | ({"flags": flags} if flags else {}) | _thread_begun_by(post, sender)
    )
    return message | ({"nonce": nonce_of(post), "enforce_nonce": True} if sender.bot_id else {})


def _thread_begun_by(post: Post, sender: Sender) -> dict[str, Any]:
    """The thread that a message begins: in a forum's channel each does."""
    name = post.options.get("thread_name")
    if name is None:
        return {}
    if sender.bot_id:
        raise refused("thread_name", "only a webhook begins a thread; a bot writes into the one in options.thread_id")
    if "thread_id" in post.options:
        raise refused("thread_name", "a message begins a thread or stands in one; leave out this or options.thread_id")
    return {"thread_name": name}


def thread_of(post: Post, sender: Sender) -> dict[str, str]:
    """The thread in which a webhook's message stands: the post's own, else the one that the webhook's URL names."""
    if "thread_name" in post.options:
        return {}
    thread_id = post.options.get("thread_id") or sender.thread_id
    return {"thread_id": str(thread_id)} if thread_id else {}


def nonce_of(post: Post) -> str:
    """The same for every attempt at one revision of a post on one account."""
    return post.key_digest[:MOST_NONCE]


def _stem(post: Post, index: int) -> str:
    """The name of a picture's file before its ending; it tells pictures of one post from those of another."""
    return f"picture{index}-{nonce_of(post)[:MOST_MARK]}"


def attachment_of(post: Post, index: int, picture: Picture) -> dict[str, Any]:
    """What the message says of a picture that travels with it."""
    described = {"description": picture.alt} if picture.alt else {}
    return {"id": index, "filename": f"{_stem(post, index)}.{picture.ending}"} | described


def file_of(post: Post, index: int, picture: Picture) -> FormFile:
    """A picture as it travels with the message."""
    return FormFile(f"files[{index}]", f"{_stem(post, index)}.{picture.ending}", picture)


def published_in(reply: Reply, guild: str | None) -> Published | None:
    """Where the message is that a reply shows; None where it shows none."""
    return published(reply.json, guild) if text_or_none(reply.json.get("id")) else None


def published(message: Mapping[str, Any], guild: str | None) -> Published:
    """Where a message is."""
    message_id, channel = text_or_none(message.get("id")), text_or_none(message.get("channel_id"))
    return Published(message_id, f"{WEB}/channels/{guild}/{channel}/{message_id}" if guild and channel else None)


def messages_in(reply: Reply) -> Sequence[Mapping[str, Any]]:
    """The newest first, as Discord lists them."""
    listed = json_or_none(reply.body)
    if not isinstance(listed, list):
        raise unreadable("is no list of messages")
    return [one for one in objects_in(listed) if _ID.fullmatch(str(one.get("id")))]


def seen_as(message: Mapping[str, Any], post: Post, sender: Sender, guild: str | None) -> Seen:
    """A message in the channel as it may be this post."""
    is_ours = object_or_empty(message.get("author")).get("id") == sender.bot_id
    has_nonce = message.get("nonce") in (None, nonce_of(post))
    return Seen(sent_at(message), published(message, guild), is_ours and has_nonce and _looks_like(message, post))


def _looks_like(message: Mapping[str, Any], post: Post) -> bool:
    has_text = words_of(message.get("content")) == words_of(post.content)
    files = [str(one.get("filename")).rpartition(".")[0] for one in objects_in(message.get("attachments"))]
    has_pictures = files == [_stem(post, index) for index in range(len(post.media))]
    return has_text and has_pictures and _shows_embeds(message, post)


def _shows_embeds(message: Mapping[str, Any], post: Post) -> bool:
    """Whether the post's embeds are among the message's, which has previews of links as well; hidden, none can be."""
    if post.options.get("suppress_embeds"):
        return True
    shown = [_words_of(embed) for embed in objects_in(message.get("embeds"))]
    return all(_words_of(embed) in shown for embed in objects_in(post.options.get("embeds")))


def _words_of(embed: Mapping[str, Any]) -> tuple[str, str]:
    return words_of(embed.get("title")), words_of(embed.get("description"))


def sent_at(message: Mapping[str, Any]) -> datetime:
    """When a message was sent, as its id tells."""
    return datetime.fromtimestamp(((int(message["id"]) >> 22) + EPOCH_MS) / 1000, UTC)
