"""Telegram's messages, addresses and refusals, and a token that shows nowhere."""

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog
from PIL import Image

from services.publisher.media.fitting import fitted
from services.publisher.platforms.base import Account, Post, Published
from services.publisher.platforms.errors import (
    NotSent,
    PlatformError,
    RateLimited,
    Rejected,
    Unconfirmed,
)
from services.publisher.platforms.judging import USUAL_WAIT
from services.publisher.platforms.reply import Reply as Answer
from services.publisher.platforms.telegram.platform import ALONE, API, Telegram, published_in
from shared.outbound.client import outbound_client
from shared.posting.rules import problem
from shared.process.logs import configure
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Fault, Network, Reply, patience_with
from tests.fakes.networks.telegram import CHANNEL, GROUP, KICKED, OLD_GROUP, PERSON, TOKEN
from tests.fakes.networks.telegram import Telegram as Fake
from tests.support.pictures import animation, encoded, noise, plain
from tests.support.publications import NOON, a_post, an_account

SECRET = TOKEN.partition(":")[2]
OFFLINE = Telegram(httpx.AsyncClient())
"""For what needs no network."""
HEAVY = encoded(noise(1000, 800), "PNG")
"""More than two million bytes."""


def on(server: str = API, *, chat_id: Any = CHANNEL["id"], token: Any = TOKEN) -> Account:
    return an_account("telegram", settings={"server": server, "chat_id": chat_id}, credentials={"bot_token": token})


def saying(content: str = "The ball drops.", *paths: str, **options: Any) -> Post:
    return replace(a_post(), content=content, media=[{"url": path} for path in paths], options=options)


class Album(Network):
    """A still picture, a moving one, one that is all length, and one that is wide and heavy."""

    def publishes(self, call: Call) -> bool:
        return False

    def answer(self, call: Call) -> Reply:
        pictures = {
            "/ball": encoded(plain(40, 30), "PNG"),
            "/moving": animation(),
            "/thread": encoded(plain(900, 30), "PNG"),
            "/heavy": HEAVY,
            "/wide": encoded(plain(3000, 2000), "PNG"),
        }
        return Reply(body=pictures[call.path])


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    """A test configures logging; others do not notice."""
    handlers, level, chatty = logging.root.handlers[:], logging.root.level, logging.getLogger("httpx").level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.getLogger("httpx").setLevel(chatty)


@asynccontextmanager
async def telegram(fake: Network | None = None) -> AsyncIterator[tuple[Telegram, Any, str]]:
    """The adapter, the network, and where pictures are."""
    fake = fake or Fake()
    async with (
        fake.serving() as network,
        Album().serving() as album,
        outbound_client(allow_private_addresses=True, timeout=patience_with(fake.faults)) as client,
    ):
        yield Telegram(client), network, album.url


async def error_of(network: Network, chat_id: Any = CHANNEL["id"]) -> PlatformError:
    async with telegram(network) as (adapter, running, _):
        ready = await adapter.prepare(saying(), on(running.url, chat_id=chat_id))
        with pytest.raises(PlatformError) as caught:
            await ready.send(NOON)
    return caught.value


@pytest.mark.parametrize("chat_id", [-1001234567890, "-1001234567890", "@harbour", 4711])
def test_a_chat_is_a_number_or_a_name(chat_id: Any) -> None:
    OFFLINE.check(on(chat_id=chat_id))


@pytest.mark.parametrize(
    ("account", "place"),
    [
        *((on(chat_id=chat_id), "settings.chat_id") for chat_id in (None, "", "harbour", True, 1.5, "@a", "1/../2")),
        *((on(token=token), "credentials.bot_token") for token in (None, "", "hunter2", f"{TOKEN}/x", 7)),
        (on("ftp://x.example"), "settings.server"),
    ],
)
def test_what_cannot_work_is_refused_without_quoting_a_secret(account: Account, place: str) -> None:
    with pytest.raises(Rejected, match=place) as caught:
        OFFLINE.check(account)

    assert "None" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("paths", "method", "mimes"),
    [
        ([], "sendMessage", []),
        (["/ball"], "sendPhoto", ["image/png"]),
        (["/moving"], "sendAnimation", ["image/gif"]),
        (["/ball"] * 10, "sendMediaGroup", ["image/png"] * 10),
    ],
)
async def test_what_a_post_holds_decides_how_it_is_sent(paths: list[str], method: str, mimes: list[str]) -> None:
    async with telegram() as (adapter, network, album):
        post = saying("The ball drops.", *(album + path for path in paths))
        told = await (await adapter.prepare(post, on(network.url))).send(NOON)

    (posted,) = network.posts
    assert (posted.raw["method"], posted.text) == (method, "The ball drops.")
    assert [picture.mime for picture in posted.raw["pictures"]] == mimes
    assert told == Published(posted.id, f"https://t.me/harbour/{posted.id}")


@pytest.mark.parametrize("paths", [["/heavy"], ["/heavy", "/ball"], ["/wide"], ["/wide", "/ball"]])
async def test_still_pictures_are_made_small_before_the_instant(paths: list[str]) -> None:
    """What is uploaded within seconds is no larger than what Telegram shows."""
    async with telegram() as (adapter, network, album):
        await (await adapter.prepare(saying("", *(album + path for path in paths)), on(network.url))).send(NOON)

    first, *_ = network.posts[0].raw["pictures"]
    assert len(first.data) <= 2_000_000
    assert max(Image.open(io.BytesIO(first.data)).size) <= 2560


async def test_a_moving_picture_may_be_heavier() -> None:
    heavy = encoded(noise(1500, 1500, mode="L"), "GIF")
    rules = await OFFLINE.rules(on())

    assert len(heavy) > 2_000_000
    assert fitted(heavy, ALONE).mime == "image/gif"
    assert problem(rules, "", [{"url": "x", "mime": "image/gif", "size": len(heavy)}], {}) is None


async def test_an_emoji_counts_once() -> None:
    """Measured: 4,096 of them are taken, which have 8,192 units in UTF-16."""
    rules = await Telegram(httpx.AsyncClient()).rules(an_account())

    assert problem(rules, "\U0001f600" * 4096, [], {}) is None
    assert problem(rules, "\U0001f600" * 4097, [], {}) is not None
    assert problem(rules, "\U0001f600" * 1024, [{"url": "https://a.example/b.png"}], {}) is None


TAGGED = "<b>" * 2 + "x" * 4096 + "</b>" * 2


@pytest.mark.parametrize(
    ("content", "options", "place"),
    [
        ("Noon.", {"message_thread_id": "7", "link_preview": False, "protect_content": True}, None),
        (TAGGED, {"parse_mode": "HTML"}, None),
        (TAGGED, {}, "content"),
        (" ", {}, "content"),
        ("Noon.", {"message_thread_id": "general"}, "options.message_thread_id"),
        ("Noon.", {"parse_mod": "HTML"}, "options.parse_mod"),
    ],
)
async def test_what_telegram_would_refuse_is_told_at_once(
    content: str, options: dict[str, Any], place: str | None
) -> None:
    found = problem(await OFFLINE.rules(on()), content, [], options)

    assert (found and found[1].partition(":")[0]) == place


@pytest.mark.parametrize(("paths", "reason"), [(["/moving", "/ball"], "still picture"), (["/thread"], "900 x 30")])
async def test_pictures_telegram_would_refuse_are_refused_before(paths: list[str], reason: str) -> None:
    async with telegram() as (adapter, network, album):
        with pytest.raises(Rejected, match=reason):
            await adapter.prepare(saying("", *(album + path for path in paths)), on(network.url))


@pytest.mark.parametrize(
    ("chat", "url"),
    [
        (CHANNEL, "https://t.me/harbour/7"),
        (GROUP, "https://t.me/c/9876543210/7"),
        (PERSON, None),
        ({"id": -4242, "type": "group"}, None),
        ({"id": 5, "type": "supergroup"}, None),
        (None, None),
        ("harbour", None),
    ],
)
def test_a_message_has_an_address_where_others_may_see_it(chat: Any, url: str | None) -> None:
    body = json.dumps({"ok": True, "result": {"message_id": 7, "chat": chat}}).encode()

    assert published_in(Answer(200, {}, body, NOON)) == Published("7", url)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"ok": true}', b'{"result": []}', b'{"result": {"message_id": "7"}}'])
def test_a_reply_without_an_id_confirms_nothing(body: bytes) -> None:
    assert published_in(Answer(200, {}, body, NOON)) is None


async def test_a_group_that_moved_says_where_it_is_now() -> None:
    error = await error_of(Fake(), OLD_GROUP)

    assert (type(error), error.detail.code) == (Rejected, "chat_moved")
    assert f"settings.chat_id {GROUP['id']}" in str(error)


@pytest.mark.parametrize(
    ("chat_id", "reason"),
    [(KICKED, "HTTP 403: Forbidden: bot was kicked"), (17, "HTTP 400: Bad Request: chat not found")],
)
async def test_a_refusal_is_told_in_telegrams_words(chat_id: int, reason: str) -> None:
    error = await error_of(Fake(), chat_id)

    assert type(error) is Rejected
    assert reason in str(error)


async def test_a_flood_is_waited_for_as_long_as_the_body_says() -> None:
    error = await error_of(Fake(most_per_minute=1, _sent_at=[NOON.replace(year=2999)]))

    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(days=1)


@pytest.mark.parametrize("wait", ["NaN", "0", "-1", "true", '"soon"', "null"])
async def test_a_wait_that_is_none_is_the_usual_one(wait: str) -> None:
    reply = Reply(429, f'{{"ok": false, "parameters": {{"retry_after": {wait}}}}}'.encode())

    error = await error_of(Fake(faults=[Fault(lands=False, reply=reply)]))

    assert isinstance(error, RateLimited)
    assert error.retry_after == USUAL_WAIT


QUOTES = f"Cannot POST /bot{TOKEN}/sendMessage, /bot{TOKEN.replace(':', '%3A')}/sendMessage".encode()
IN_UTF_16 = QUOTES.decode().encode("utf-16")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(401, QUOTES), Unconfirmed),
        (Reply(404, QUOTES), Unconfirmed),
        (Reply(400, QUOTES), Unconfirmed),
        (Reply(400, IN_UTF_16), Unconfirmed),
        (Reply(302, QUOTES, {"location": f"https://elsewhere.example/bot{TOKEN}/sendMessage"}), Unconfirmed),
        (Reply(500, QUOTES), Unconfirmed),
        (Reply(504, QUOTES), Unconfirmed),
        (Reply(429, QUOTES), RateLimited),
        (Reply(200, QUOTES), Unconfirmed),
    ],
)
async def test_a_proxy_that_quotes_the_request_does_not_give_the_token_away(
    reply: Reply, kind: type[PlatformError]
) -> None:
    error = await error_of(Fake(faults=[Fault(lands=False, reply=reply)]))

    assert type(error) is kind
    assert SECRET not in f"{error!r} {error} {error.detail!r}".replace("\x00", "").replace(r"\x00", "")


@pytest.mark.usefixtures("_logging_as_before")
@pytest.mark.parametrize("then", ["hang up", "hang", "babble"])
async def test_no_failure_of_the_network_shows_the_token_in_errors_or_logs(then: Any) -> None:
    """Not even where somebody logs the whole traceback, and every library is at its most talkative."""
    lines = io.StringIO()
    configure("publisher", format="json", level="debug", stream=lines)
    logging.getLogger("httpx").setLevel(logging.DEBUG)
    async with telegram(Fake(faults=[Fault(lands=False, then=then)])) as (adapter, network, _):
        ready = await adapter.prepare(saying(), on(network.url))
        try:
            await ready.send(NOON)
        except PlatformError as error:
            structlog.get_logger().exception("not_sent", ready=repr(ready), error=repr(error))
            assert SECRET not in f"{error!r} {error.__cause__!r} {error.detail!r} {ready!r}"

    assert "not_sent" in lines.getvalue()
    assert SECRET not in lines.getvalue()


async def test_an_unreachable_server_shows_no_token_either() -> None:
    async with telegram() as (adapter, _, _):
        ready = await adapter.prepare(saying(), on("http://127.0.0.1:9"))
        with pytest.raises(NotSent) as caught:
            await ready.send(NOON)

    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_accounts_of_one_bot_share_its_limits_by_its_public_id() -> None:
    assert OFFLINE.app_of(on()) == "110201543"
