"""Bluesky, and every other server of the AT Protocol.

A post is put under a key that is made from the post itself, and only where nothing stands there yet: whatever became of
an earlier attempt, the next one cannot make a second post. https://atproto.com/specs/record-key
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from pydantic_core import to_json

from services.publisher.media.limits import READABLE_TYPES, PictureLimits
from services.publisher.media.picture import Picture
from services.publisher.platforms.account_fields import require_texts, server_of
from services.publisher.platforms.base import FOR_EVER, Account, Limits, Platform, Post, Published, Renewed
from services.publisher.platforms.bluesky.options import OPTIONS
from services.publisher.platforms.bluesky.post import COLLECTION, Image, check_card, record_key, record_of
from services.publisher.platforms.bluesky.replies import DIALECT, is_there_already
from services.publisher.platforms.bluesky.session import (
    OFFICIAL,
    Session,
    renewed_session,
    session_ends_at,
    session_of,
)
from services.publisher.platforms.bluesky.text import handles_in
from services.publisher.platforms.bodies import body_of, request_with
from services.publisher.platforms.errors import PlatformError, Rejected, Unauthorized
from services.publisher.platforms.exchange import blaming, exchange, needed, unreadable
from services.publisher.platforms.pictures import fetch_pictures
from services.publisher.platforms.ready import ReadyOnce, ReadyRequest
from services.publisher.platforms.reply import Reply, text_or_none
from shared.clocks.clock import Clock, SystemClock
from shared.events.rules import MediaRule, PostRules, TextRule
from shared.posting.rules import problem

PICTURES = PictureLimits(most_bytes=2_000_000, most_side=2000)
RESOLVES_WITHIN = timedelta(seconds=2)
RULES = PostRules(
    text=TextRule(most=300, counted_in="graphemes", most_bytes=3000),
    media=MediaRule(most=4, types=READABLE_TYPES, most_bytes=PICTURES.most_bytes),
    options=OPTIONS.rules,
    other_options=False,
)


@dataclass(frozen=True)
class Bluesky(Platform):
    """The `bluesky` platform."""

    client: httpx.AsyncClient
    clock: Clock = field(default_factory=SystemClock)
    resolves_within: timedelta = RESOLVES_WITHIN
    name = "bluesky"
    handles = ("identifier",)
    limits = Limits(account={"per_minute": 40, "per_day": 17_500})

    def check(self, account: Account) -> None:
        """Raise Rejected unless there is a server, and somebody to log in as."""
        server_of(account, OFFICIAL)
        require_texts(account, "identifier", "password")

    async def verify(self, account: Account) -> None:
        """Ask for the session; where there is none yet, log in."""
        with blaming("credentials.identifier, credentials.password"):
            if not account.credentials.get("access_jwt"):
                await self.refresh(account, self.clock.now())
                return
            session = session_of(account)
            url = f"{session.pds}/xrpc/com.atproto.server.getSession"
            request = self.client.build_request("GET", url, headers=session.bearer)
            reply = await exchange(self.client, request, self.clock.now(), DIALECT)
            needed(reply.json.get("did"), "tells of no session")
            if reply.json.get("active") is False:
                raise Unauthorized(f"the account is {reply.json.get('status') or 'not active'}", code="not_active")

    async def prepare(self, post: Post, account: Account) -> ReadyOnce:
        """Upload the pictures, and resolve who is mentioned."""
        post = OPTIONS.checked(post)
        if wrong := problem(RULES, post.content, post.media, post.options):
            raise Rejected(wrong[1], code=wrong[0])
        check_card(post)
        session = session_of(account)
        pictures = await fetch_pictures(self.client, post.media, PICTURES)
        images = [await self._upload(picture, session) for picture in pictures]
        dids = await self._resolve(handles_in(post.content), session)
        return self._ready(session, record_key(post), record_of(post, images, dids))

    async def rules(self, account: Account) -> PostRules:
        """The same on every server."""
        return RULES

    def deduplicates_for(self, account: Account) -> timedelta:
        """By the record's key."""
        return FOR_EVER

    def can_refresh(self, account: Account) -> bool:
        """Every session ends."""
        return True

    def token_expires_at(self, account: Account) -> datetime | None:
        """When the session ends."""
        return session_ends_at(account)

    async def refresh(self, account: Account, now: datetime) -> Renewed:
        """A new session."""
        return await renewed_session(self.client, account, now)

    def _ready(self, session: Session, key: str, record: Mapping[str, Any]) -> ReadyOnce:
        """Put it where nothing stands yet; where something does, it is this post, put there by an earlier attempt."""
        body = {"repo": session.did, "collection": COLLECTION, "rkey": key, "record": record, "swapRecord": None}
        url, headers = f"{session.pds}/xrpc/com.atproto.repo.putRecord", {"content-type": "application/json"}
        request = self.client.build_request("POST", url, content=to_json(body), headers=session.bearer | headers)
        its_url = f"https://bsky.app/profile/{session.name}/post/{key}"
        published = Published(f"at://{session.did}/{COLLECTION}/{key}", its_url)

        def published_in(reply: Reply) -> Published | None:
            return published if text_or_none(reply.json.get("uri")) else None

        async def look_up() -> Published:
            return published

        return ReadyOnce(ReadyRequest(self.client, request, DIALECT, published_in), is_there_already, look_up)

    async def _upload(self, picture: Picture, session: Session) -> Image:
        url = f"{session.pds}/xrpc/com.atproto.repo.uploadBlob"
        request = request_with(self.client, "POST", url, body_of(picture), session.bearer)
        blob = (await exchange(self.client, request, self.clock.now(), DIALECT)).json.get("blob")
        if not isinstance(blob, Mapping):
            raise unreadable("to an upload holds no blob")
        return Image(blob, picture.alt, picture.width, picture.height)

    async def _resolve(self, handles: set[str], session: Session) -> dict[str, str]:
        ordered = sorted(handles)
        dids = await asyncio.gather(*(self._did_of(handle, session) for handle in ordered))
        return {handle: did for handle, did in zip(ordered, dids, strict=True) if did}

    async def _did_of(self, handle: str, session: Session) -> str | None:
        """Whom a handle belongs to; a post on time is worth more than a mention that its server cannot resolve."""
        url = f"{session.pds}/xrpc/com.atproto.identity.resolveHandle"
        request = self.client.build_request("GET", url, params={"handle": handle})
        try:
            async with asyncio.timeout(self.resolves_within.total_seconds()):
                reply = await exchange(self.client, request, self.clock.now(), DIALECT)
        except (PlatformError, TimeoutError):
            return None
        return text_or_none(reply.json.get("did"))
