"""Mastodon beyond what every platform does: servers forget keys after an hour, and then statuses are looked through."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.publisher.app import MIGRATIONS
from services.publisher.platforms.base import Account, Post
from services.publisher.platforms.errors import Rejected, Unauthorized, Unavailable, Unconfirmed
from services.publisher.platforms.mastodon.platform import POLLS_AFTER
from services.publisher.platforms.mastodon.platform import Mastodon as Adapter
from shared.clocks.clock import SystemClock
from shared.events.progress import State
from shared.outbound.client import outbound_client
from tests.fakes.networks.base import NEVER_ARRIVED, REPLY_LOST, Fault, Reply, refuses
from tests.fakes.networks.gallery import Gallery
from tests.fakes.networks.mastodon import Mastodon
from tests.fakes.running_clock import RunningClock
from tests.integration.publisher.conformance.bench import Bench, a_bench
from tests.integration.publisher.conformance.mastodon import CASE
from tests.support.migrated import migrated
from tests.support.publications import a_post

HOURS = timedelta(hours=3)
PATIENT = {"mode": "publish", "grace_seconds": 86400.0}
RICH = "Ahoy @bob@other.example!\n\n#timeball https://example.com/a/long/way/to/the/ball?at=noon"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A publisher with an account on a server."""
    url = f"sqlite+aiosqlite:///{tmp_path}/publisher.db"
    await migrated(url, MIGRATIONS)
    async with a_bench(CASE, url, send_timeout=10) as bench:
        yield bench


@pytest.mark.parametrize("fault", [REPLY_LOST, NEVER_ARRIVED], ids=["landed", "not landed"])
async def test_after_an_hour_a_status_is_looked_for_before_it_is_sent_again(bench: Bench, fault: Fault) -> None:
    bench.network.faults.append(fault)
    event = bench.post(RICH, late_policy=PATIENT)
    await bench.deliver(event)
    bench.clock.put_forward(HOURS)

    await bench.publish(event)

    (posted,) = bench.network.posts
    assert (await bench.kept(event)).state == State.PUBLISHED
    assert (await bench.fact("publish.succeeded"))["platform_post_id"] == posted.id
    assert len(bench.network.publishing_calls()) == (1 if fault.lands else 2)


async def test_what_cannot_be_told_from_another_status_is_not_sent_again(bench: Bench) -> None:
    """An hour later the key is forgotten, and a picture without words may be this post's or another's."""
    pictures = (bench.picture(alt=""),)
    silent, other = (bench.post("", media=pictures, late_policy=PATIENT) for _ in range(2))
    bench.network.faults.append(NEVER_ARRIVED)
    await bench.deliver(silent)
    await bench.publish(other)
    bench.clock.put_forward(HOURS)

    await bench.publish(silent)

    assert (await bench.kept(silent)).state == State.UNKNOWN
    assert len(bench.network.posts) == 1


@dataclass
class Desk:
    """An account on a server of its own."""

    network: Mastodon
    clock: RunningClock
    adapter: Adapter

    @property
    def account(self) -> Account:
        return Account("harbour", "mastodon", {"server": self.network.url}, {"access_token": self.network.token})

    def post(self, content: str, number: int = 0) -> Post:
        """A post that is due now."""
        due = self.clock.now()
        return replace(a_post(f"post-{number}"), content=content, media=[], options={}, publish_at=due)

    async def publish(self, post: Post) -> str | None:
        ready = await self.adapter.prepare(post, self.account)
        return (await ready.send(self.clock.now())).platform_post_id


@asynccontextmanager
async def a_desk() -> AsyncIterator[Desk]:
    clock = RunningClock()
    async with Mastodon(clock=clock).serving() as network, outbound_client(allow_private_addresses=True) as client:
        yield Desk(network, clock, Adapter(client))


async def test_a_status_is_found_behind_many_later_ones() -> None:
    async with a_desk() as desk:
        wanted = desk.post("The one")
        status_id = await desk.publish(wanted)
        for number in range(60):
            await desk.publish(desk.post(f"Later {number}", number + 1))

        found = await desk.adapter.look_up(wanted, desk.account)

    assert found is not None
    assert found.platform_post_id == status_id


async def test_an_older_status_with_the_same_text_is_another_one() -> None:
    async with a_desk() as desk:
        await desk.publish(desk.post("Good morning!"))
        desk.clock.put_forward(timedelta(minutes=5))

        assert await desk.adapter.look_up(desk.post("Good morning!", 1), desk.account) is None


async def test_what_was_not_read_is_not_known_to_be_missing() -> None:
    """More statuses than are looked through say nothing about those behind them."""
    async with a_desk() as desk:
        wanted = desk.post("Never sent", 999)
        for number in range(201):
            await desk.publish(desk.post(f"Later {number}", number))

        with pytest.raises(Rejected, match="and there are more"):
            await desk.adapter.look_up(wanted, desk.account)


async def test_the_rules_are_those_of_the_server() -> None:
    async with a_desk() as desk:
        desk.network.instance = {"configuration": {"statuses": {"max_characters": 5000}}}
        told = await desk.adapter.rules(desk.account)

    assert told.text is not None
    assert told.text.most == 5000


async def test_a_server_that_is_away_refuses_no_text() -> None:
    async with a_desk() as desk:
        account = Account("harbour", "mastodon", {"server": "http://127.0.0.1:9"}, {"access_token": "token"})

        rules = await desk.adapter.rules(account)

    assert rules.text is None


async def test_a_gateway_without_an_answer_leaves_it_open() -> None:
    async with a_desk() as desk:
        desk.network.faults.append(replace(refuses(504, {}), lands=True))

        with pytest.raises(Unconfirmed):
            await desk.publish(desk.post("Hi"))


class HastyClock(SystemClock):
    """Waits for nothing."""

    async def sleep(self, span: timedelta) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize(("is_forgotten", "uploads"), [(False, 2), (True, 4)], ids=["known", "forgotten"])
async def test_a_picture_that_takes_long_is_waited_for_by_the_next_attempt(is_forgotten: bool, uploads: int) -> None:
    """A server makes films of animations, in a queue that may be long: another upload would stand behind the first."""
    async with (
        a_desk() as desk,
        Gallery().serving() as gallery,
        outbound_client(allow_private_addresses=True) as client,
    ):
        adapter, desk.network.polls_until_ready = Adapter(client, HastyClock()), len(POLLS_AFTER) + 3
        post = replace(desk.post("Look!"), media=[{"url": f"{gallery.url}/small.png"}] * 2)
        for _ in post.media:
            with pytest.raises(Unavailable, match="still working"):
                await adapter.prepare(post, desk.account)
        if is_forgotten:
            desk.network.pictures.clear()
            desk.network.polls_until_ready = 1

        ready = await adapter.prepare(post, desk.account)
        await ready.send(desk.clock.now())

    assert len(desk.network.posts) == 1
    assert len([call for call in desk.network.calls if call.path == "/api/v2/media"]) == uploads
    assert adapter.unfinished == {}


def refuses_for_ever(bench: Bench) -> None:
    """The server answers the key of the first request with a refusal from now on."""
    assert isinstance(bench.network, Mastodon)
    bench.network.refused.add(bench.network.publishing_calls()[0].headers["idempotency-key"])


async def test_a_limit_that_is_over_is_not_met_for_ever_under_the_same_key(bench: Bench) -> None:
    """Pleroma answers a key for six hours what it answered first."""
    bench.network.faults.append(refuses(429, {"error": "Throttled"}))
    event = bench.post()
    await bench.deliver(event)
    refuses_for_ever(bench)
    bench.clock.put_forward(timedelta(minutes=1))

    await bench.publish(event)

    assert (await bench.kept(event)).state == State.PUBLISHED
    assert len(bench.network.posts) == 1


async def test_a_refusal_that_is_repeated_in_doubt_makes_no_second_post(bench: Bench) -> None:
    """The first request may be the one that landed, though a later one under its key was refused."""
    assert isinstance(bench.network, Mastodon)
    bench.network.faults.append(REPLY_LOST)
    event = bench.post()
    await bench.deliver(event)
    refuses_for_ever(bench)
    bench.network.hides_latest = True
    bench.clock.put_forward(timedelta(seconds=6))
    wait = await bench.deliver(event)
    assert wait is not None, "it may be out"
    bench.network.hides_latest = False
    bench.rest(wait)

    await bench.publish(event)

    assert (await bench.kept(event)).state == State.PUBLISHED
    assert len(bench.network.posts) == 1


async def test_a_refusal_that_is_repeated_closes_no_account(bench: Bench) -> None:
    said, replayed = {"error": "Insufficient permissions: write:statuses."}, {"idempotent-replayed": "true"}
    bench.network.faults.append(Fault(lands=False, reply=Reply(403, said, replayed)))

    await bench.publish(bench.post())

    assert await bench.told("account.refresh_failed") == []
    assert len(bench.network.posts) == 1


@pytest.mark.parametrize(("options", "is_hidden"), [({}, None), ({"sensitive": False}, False)])
async def test_a_warning_hides_what_it_warns_of(options: dict[str, Any], is_hidden: bool | None) -> None:
    """Pixelfed shows no warning of what is not sensitive; Mastodon takes the one for the other."""
    async with a_desk() as desk:
        await desk.publish(replace(desk.post("Hi"), options={"spoiler_text": "Noon"} | options))

        (call,) = desk.network.publishing_calls()

    assert call.json["sensitive"] is (True if is_hidden is None else is_hidden)


async def test_a_status_without_words_is_nobodys() -> None:
    async with a_desk() as desk:
        wanted = desk.post("")
        made = desk.network._make({"status": "Later"}, desk.clock.now())
        made.raw.update(content="", media_attachments=[{"description": None}])
        desk.network.posts.append(made)

        with pytest.raises(Rejected, match="may be another"):
            await desk.adapter.look_up(replace(wanted, media=[{"url": "https://a.example/b.png"}]), desk.account)


async def test_a_token_that_may_not_write_holds_its_posts() -> None:
    async with a_desk() as desk:
        desk.network.faults.append(refuses(403, {"error": "This action is outside the authorized scopes"}))

        with pytest.raises(Unauthorized, match="outside the authorized scopes"):
            await desk.publish(desk.post("Hi"))


async def test_a_long_reply_is_read_to_its_end() -> None:
    async with a_desk() as desk:
        reply = Reply(body={"content": "a" * 100_000, "id": "7"})
        desk.network.faults.append(Fault(lands=True, reply=reply))

        assert await desk.publish(desk.post("Hi")) == "7"


async def test_the_older_address_tells_what_the_newer_one_does_not() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"max_toot_chars": 3000} if "/v1/" in request.url.path else {"title": "A"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as outbound:
        rules = await Adapter(outbound).rules(Account("harbour", "mastodon", {}, {"access_token": "token"}))

    assert rules.text is not None
    assert rules.text.most == 3000
