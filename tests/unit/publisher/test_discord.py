"""Discord's two forms of accounts, what a bot finds in its channel, and secrets that show nowhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.publisher.platforms.base import NEVER, Account, Post, Published
from services.publisher.platforms.discord.platform import NONCE_LASTS, Discord
from services.publisher.platforms.discord.post import message_of, nonce_of
from services.publisher.platforms.discord.sender import WEB, sender_of
from services.publisher.platforms.errors import (
    PlatformError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unconfirmed,
)
from services.publisher.platforms.judging import USUAL_WAIT
from shared.outbound.client import outbound_client
from shared.posting.rules import problem
from tests.fakes.clock import FakeClock
from tests.fakes.networks.base import Fault, Reply, patience_with
from tests.fakes.networks.discord import BOT_TOKEN, CHANNEL, GUILD, THREAD, WEBHOOK, WEBHOOK_TOKEN
from tests.fakes.networks.discord import Discord as Fake
from tests.fakes.networks.gallery import Gallery
from tests.support.publications import NOON, SECOND, a_post, an_account
from tests.support.waiting import PATIENCE

HOOK = f"https://discord.com/api/webhooks/{WEBHOOK}/{WEBHOOK_TOKEN}"
OFFLINE = Discord(httpx.AsyncClient())
"""For what needs no network."""


def a_bot(server: str = WEB, *, channel_id: Any = CHANNEL, token: Any = BOT_TOKEN) -> Account:
    return an_account(
        "discord", settings={"server": server, "channel_id": channel_id}, credentials={"bot_token": token}
    )


def a_hook(url: Any = HOOK, **settings: Any) -> Account:
    return an_account("discord", settings=settings, credentials={"webhook_url": url})


def saying(content: str = "The ball drops.", post_id: str = "post", **options: Any) -> Post:
    return replace(a_post(post_id), content=content, media=[], options=options)


@asynccontextmanager
async def discord(*, patience: float = PATIENCE, **more: Any) -> AsyncIterator[tuple[Discord, Fake]]:
    """The adapter, and the network at noon."""
    fake = Fake(clock=FakeClock(NOON), **more)
    async with fake.serving(), outbound_client(allow_private_addresses=True, timeout=patience) as client:
        yield Discord(client), fake


async def sent(adapter: Discord, post: Post, account: Account) -> Published:
    return await (await adapter.prepare(post, account)).send(NOON)


@pytest.mark.parametrize(
    "account",
    [
        a_bot(),
        a_bot(channel_id=int(CHANNEL)),
        a_hook(),
        a_hook(HOOK.replace("/api/", "/api/v10/")),
        a_hook(HOOK.replace("discord.com", "discordapp.com") + "/"),
        a_hook(HOOK.replace("https://discord.com", "http://127.0.0.1:8080"), server="http://127.0.0.1:8080"),
    ],
)
def test_a_bot_with_a_channel_or_a_webhook_will_do(account: Account) -> None:
    OFFLINE.check(account)


@pytest.mark.parametrize(
    ("account", "place"),
    [
        *(
            (a_hook(url), "credentials.webhook_url")
            for url in (None, "", 7, "https://hunter2.example", f"{HOOK}/slack", f"{HOOK}?thread_id=hunter2")
        ),
        (a_hook(HOOK.replace("discord.com", "evil.example")), "credentials.webhook_url"),
        *((a_bot(token=token), "credentials.bot_token") for token in (None, "", "hunter2", "a.b.c", f"{BOT_TOKEN}\n")),
        *((a_bot(channel_id=channel), "settings.channel_id") for channel in (None, "", "general", "1/2")),
        (an_account("discord"), "credentials"),
        (an_account("discord", credentials={"webhook_url": HOOK, "bot_token": BOT_TOKEN}), "credentials"),
    ],
)
def test_what_cannot_work_is_refused_without_quoting_a_secret(account: Account, place: str) -> None:
    with pytest.raises(Rejected, match=place) as caught:
        OFFLINE.check(account)

    assert "None" not in str(caught.value)
    assert not any(secret in str(caught.value) for secret in ("hunter2", WEBHOOK_TOKEN, BOT_TOKEN))


def test_only_a_bot_deduplicates_and_can_look_up() -> None:
    assert (OFFLINE.deduplicates_for(a_bot()), OFFLINE.answers_look_ups(a_bot())) == (NONCE_LASTS, True)
    assert (OFFLINE.deduplicates_for(a_hook()), OFFLINE.answers_look_ups(a_hook())) == (NEVER, False)
    assert (OFFLINE.app_of(a_bot()), OFFLINE.app_of(a_hook())) == ("1234", None)


def test_a_nonce_is_the_posts_own_and_short_enough() -> None:
    posts = [a_post(), a_post(revision=2), a_post("other"), a_post(account_id="other")]

    assert len({nonce_of(post) for post in posts}) == len(posts)
    assert {len(nonce_of(post)) for post in posts} == {25}
    assert "nonce" not in message_of(a_post(), sender_of(a_hook()))


async def test_a_repeated_request_makes_one_message_while_discord_remembers() -> None:
    async with discord() as (adapter, network):
        clock = network.clock
        assert isinstance(clock, FakeClock)
        first = await sent(adapter, saying(), a_bot(network.url))
        clock.advance(NONCE_LASTS)
        again = await sent(adapter, saying(), a_bot(network.url))
        clock.advance(timedelta(minutes=10))
        much_later = await sent(adapter, saying(), a_bot(network.url))

    assert first == again != much_later
    assert len(network.posts) == 2


async def test_the_server_is_asked_for_once() -> None:
    async with discord() as (adapter, network):
        told = [
            await sent(adapter, saying(post_id=f"post {number}"), a_hook(network.webhook_url, server=network.url))
            for number in range(3)
        ]

    assert [one.url for one in told] == [f"{WEB}/channels/{GUILD}/{CHANNEL}/{posted.id}" for posted in network.posts]
    assert [call.method for call in network.calls] == ["GET", "POST", "POST", "POST"]


async def test_a_reply_that_does_not_tell_the_server_is_not_believed() -> None:
    async with discord() as (adapter, network):
        network.about_channel = b"<html>Welcome to our proxy.</html>"
        first = await sent(adapter, saying(), a_bot(network.url))
        network.about_channel = None
        second = await sent(adapter, saying(post_id="second"), a_bot(network.url))

    assert first.url is None
    assert second.url == f"{WEB}/channels/{GUILD}/{CHANNEL}/{network.posts[1].id}"


async def test_a_webhook_writes_into_a_thread() -> None:
    async with discord() as (adapter, network):
        told = await sent(adapter, saying(thread_id=int(THREAD)), a_hook(network.webhook_url, server=network.url))

    assert told.url == f"{WEB}/channels/{GUILD}/{THREAD}/{network.posts[0].id}"


async def test_the_headers_of_a_reply_tell_what_remains() -> None:
    async with discord(remaining=0) as (adapter, network):
        told = await sent(adapter, saying(), a_bot(network.url))

    assert told.allowance is not None
    assert told.allowance.is_used_up
    assert told.allowance.resets_at == NOON + 1.5 * SECOND


async def test_a_bot_finds_its_own_message_and_no_other() -> None:
    async with discord() as (adapter, network):
        account = a_bot(network.url)
        told = await sent(adapter, saying(" Noon. "), account)
        await sent(adapter, saying("Noon.", "of the webhook"), a_hook(network.webhook_url, server=network.url))

        assert await adapter.look_up(saying("Noon."), account) == replace(told, allowance=None)
        assert await adapter.look_up(saying("Midnight."), account) is None
        late = replace(saying("Noon."), publish_at=NOON + timedelta(minutes=1))
        assert await adapter.look_up(late, account) is None


async def test_a_bot_tells_its_pictures_from_those_of_another_post() -> None:
    async with discord() as (adapter, network), Gallery().serving() as gallery:
        first, other = (replace(saying("", name), media=[{"url": f"{gallery.url}/small.png"}]) for name in "ab")
        told = await sent(adapter, first, a_bot(network.url))

        assert await adapter.look_up(first, a_bot(network.url)) == replace(told, allowance=None)
        assert await adapter.look_up(other, a_bot(network.url)) is None


@pytest.mark.parametrize("other", [{"title": "Midnight"}, {"title": "Noon", "description": "In Greenwich."}])
async def test_a_bot_tells_its_embeds_from_those_of_another_post(other: dict[str, str]) -> None:
    preview = {"type": "link", "title": "Royal Observatory"}
    async with discord() as (adapter, network):
        post = saying("", embeds=[{"title": " Noon "}])
        told = await sent(adapter, post, a_bot(network.url))
        network.messages[0]["embeds"] = [preview, {"type": "rich", "title": "Noon"}]

        assert await adapter.look_up(post, a_bot(network.url)) == replace(told, allowance=None)
        assert await adapter.look_up(saying("", embeds=[other]), a_bot(network.url)) is None


async def test_embeds_that_are_hidden_are_not_looked_for() -> None:
    async with discord() as (adapter, network):
        post = saying(embeds=[{"title": "Noon"}], suppress_embeds=True)
        await sent(adapter, post, a_bot(network.url))
        network.messages[0]["embeds"] = []

        assert await adapter.look_up(post, a_bot(network.url)) is not None


@pytest.mark.parametrize("identity", ["\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT TWO}", "9" * 5000, "x", None])
async def test_what_has_no_id_is_no_message(identity: str | None) -> None:
    async with discord() as (adapter, network):
        told = await sent(adapter, saying(), a_bot(network.url))
        network.messages.append(network.messages[0] | {"id": identity})

        assert await adapter.look_up(saying(), a_bot(network.url)) == replace(told, allowance=None)


async def test_a_bot_that_cannot_see_does_not_say_that_nothing_is_there() -> None:
    async with discord(shows_history=False) as (adapter, network):
        await sent(adapter, saying(), a_bot(network.url))

        with pytest.raises(Rejected, match="Read Message History"):
            await adapter.look_up(saying(), a_bot(network.url))


async def test_a_crowded_channel_does_not_say_that_nothing_is_there() -> None:
    async with discord() as (adapter, network):
        for number in range(101):
            await sent(adapter, saying(f"Wave {number}", f"post {number}"), a_bot(network.url))

        with pytest.raises(Rejected, match="not among the latest 100 posts"):
            await adapter.look_up(saying("Wave 0"), a_bot(network.url))


async def error_of(account_of: Any, fault: Fault | None = None, content: str = "Noon.") -> PlatformError:
    faults = [fault] if fault else []
    async with discord(patience=patience_with(faults)) as (adapter, network):
        ready = await adapter.prepare(saying(content), account_of(network))
        network.faults += faults
        with pytest.raises(PlatformError) as caught:
            await ready.send(NOON)
        assert not any(secret in repr(ready) for secret in (WEBHOOK_TOKEN, BOT_TOKEN))
    return caught.value


def bot_on(network: Fake) -> Account:
    return a_bot(network.url)


def hook_on(network: Fake) -> Account:
    return a_hook(network.webhook_url, server=network.url)


@pytest.mark.parametrize(
    ("query", "options", "thread"),
    [
        (f"?wait=true&thread_id={THREAD}", {}, THREAD),
        (f"?thread_id={THREAD}", {"thread_id": 701}, "701"),
        (f"?thread_id={THREAD}", {"thread_name": "The ball"}, None),
        ("?wait=false", {}, None),
    ],
)
async def test_a_webhooks_url_may_name_a_thread(query: str, options: dict[str, Any], thread: str | None) -> None:
    async with discord() as (adapter, network):
        await sent(adapter, saying(**options), a_hook(network.webhook_url + query, server=network.url))

    (call,) = network.publishing_calls()
    assert (call.query.get("thread_id"), call.query["wait"]) == (thread, "true")


async def test_in_a_forum_a_webhook_begins_a_thread() -> None:
    async with discord() as (adapter, network):
        network.is_forum = True
        with pytest.raises(Rejected, match="must have a thread_name or thread_id"):
            await sent(adapter, saying(), hook_on(network))

        told = await sent(adapter, saying(thread_name="The ball"), hook_on(network))

    (posted,) = network.posts
    assert network.calls[-1].json["thread_name"] == "The ball"
    assert told.url == f"{WEB}/channels/{GUILD}/{posted.raw['channel_id']}/{posted.id}"


@pytest.mark.parametrize(
    ("account", "options", "reason"),
    [
        (a_hook(), {"thread_name": "x" * 101}, "options.thread_name: .* at most 100 characters"),
        (
            a_hook(),
            {"thread_name": "The ball", "thread_id": THREAD},
            "options.thread_name: a message begins a thread or",
        ),
        (a_bot(), {"thread_name": "The ball"}, "options.thread_name: only a webhook begins a thread"),
    ],
)
async def test_a_thread_that_cannot_be_begun_is_refused(account: Account, options: Any, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        await OFFLINE.prepare(saying(**options), account)


async def test_a_wrong_field_is_named_in_discords_words() -> None:
    error = await error_of(bot_on, content="x" * 2001)

    assert type(error) is Rejected
    assert str(error) == "HTTP 400: Invalid Form Body; content: Must be 2000 or fewer in length."


async def test_a_text_is_counted_by_its_code_points() -> None:
    async with discord() as (adapter, network):
        await sent(adapter, saying("\N{GRINNING FACE}" * 2000), a_bot(network.url))
        rules = await adapter.rules(a_bot())

    assert len(network.posts) == 1
    assert rules.text is not None
    assert (rules.text.most, rules.text.counted_in) == (2000, "characters")


async def test_a_webhook_that_was_deleted_needs_a_new_one() -> None:
    async with discord() as (adapter, network):
        network.webhook_token = "another"
        with pytest.raises(Unauthorized, match="the webhook was deleted"):
            await adapter.prepare(saying(), a_hook(HOOK, server=network.url))


async def test_a_wait_is_as_long_as_the_body_says() -> None:
    busy = Reply(429, {"message": "You are being rate limited.", "retry_after": 64.57}, {"retry-after": "65"})

    error = await error_of(bot_on, Fault(lands=False, reply=busy))

    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(seconds=64.57)
    assert not error.whole_app


@pytest.mark.parametrize("wait", ["NaN", "0", "-1", "true", '"soon"', "null"])
async def test_a_wait_that_is_none_is_the_usual_one(wait: str) -> None:
    busy = Reply(429, f'{{"message": "You are being rate limited.", "retry_after": {wait}}}'.encode())

    error = await error_of(bot_on, Fault(lands=False, reply=busy))

    assert isinstance(error, RateLimited)
    assert error.retry_after == USUAL_WAIT


@pytest.mark.parametrize(
    ("told", "headers"), [({"global": True}, {}), ({"global": False}, {"x-ratelimit-scope": "global"})]
)
async def test_a_global_limit_is_the_whole_bots(told: dict[str, bool], headers: dict[str, str]) -> None:
    busy = Reply(429, {"message": "You are being rate limited.", "retry_after": 2} | told, headers)

    error = await error_of(bot_on, Fault(lands=False, reply=busy))

    assert isinstance(error, RateLimited)
    assert error.whole_app


@pytest.mark.parametrize(
    ("content", "options", "place"),
    [
        ("Noon.", {"thread_id": THREAD, "suppress_embeds": True, "allowed_mentions": {"parse": []}}, None),
        ("", {"embeds": [{"title": "Noon"}]}, None),
        (" ", {}, "content"),
        ("Noon.", {"thread_id": "general"}, "options.thread_id"),
        ("Noon.", {"embed": {}}, "options.embed"),
    ],
)
async def test_what_discord_would_refuse_is_told_at_once(
    content: str, options: dict[str, Any], place: str | None
) -> None:
    found = problem(await OFFLINE.rules(a_bot()), content, [], options)

    assert (found and found[1].partition(":")[0]) == place


QUOTES = f"Cannot POST /api/v10/webhooks/{WEBHOOK}/{WEBHOOK_TOKEN} as Bot {BOT_TOKEN}".encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("account_of", [bot_on, hook_on])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Unconfirmed),
        (403, Unconfirmed),
        (404, Unconfirmed),
        (302, Unconfirmed),
        (500, Unconfirmed),
        (504, Unconfirmed),
        (200, Unconfirmed),
    ],
)
async def test_a_proxy_that_quotes_the_request_does_not_give_the_secret_away(
    account_of: Any, status: int, kind: type[PlatformError], encoding: str
) -> None:
    error = await error_of(account_of, Fault(lands=False, reply=Reply(status, QUOTES.decode().encode(encoding))))

    secret = BOT_TOKEN if account_of is bot_on else WEBHOOK_TOKEN
    assert type(error) is kind
    assert secret not in f"{error!r} {error.detail!r} {error.__cause__!r}".replace(r"\x00", "")


@pytest.mark.parametrize("account_of", [bot_on, hook_on])
@pytest.mark.parametrize("then", ["hang up", "hang", "babble"])
async def test_no_failure_of_the_network_shows_the_secret(account_of: Any, then: Any) -> None:
    error = await error_of(account_of, Fault(lands=False, then=then))

    assert type(error) is Unconfirmed
    assert not any(secret in f"{error!r} {error.__cause__!r}" for secret in (BOT_TOKEN, WEBHOOK_TOKEN, WEBHOOK))
