"""A request without a reply: the post is found, repeated as one and the same, or left to a person; never sent twice."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from services.publisher.limits.line import Answer
from services.publisher.limits.lines import Lines
from services.publisher.sending.case import Case as Doubt
from shared.events.progress import State
from tests.fakes.networks.base import (
    GARBAGE,
    HANGS,
    HANGS_AFTER_LANDING,
    NEVER_ARRIVED,
    REPLY_LOST,
    Fault,
    Reply,
)
from tests.fakes.networks.mastodon import KEYS_KEPT_FOR
from tests.fakes.running_clock import RunningClock
from tests.integration.publisher.conformance.bench import Bench
from tests.integration.publisher.conformance.cases import over

NOT_JSON = Fault(
    lands=True, reply=Reply(body=b"<html>Welcome to our proxy.</html>", headers={"content-type": "text/html"})
)
EMPTY = Fault(lands=True, reply=Reply(body={}))
SILENT = {
    "reply lost": REPLY_LOST,
    "never arrived": NEVER_ARRIVED,
    "hangs": HANGS,
    "hangs after landing": HANGS_AFTER_LANDING,
    "garbage": GARBAGE,
    "fails after landing": Fault(lands=True, reply=Reply(500, {"message": "oops", "error": "oops"})),
    "fails": Fault(lands=False, reply=Reply(502, b"<html>Bad Gateway</html>")),
    "leads elsewhere": Fault(lands=True, reply=Reply(302, b"", {"location": "https://elsewhere.example/"})),
}
PROXY = Reply(403, b"<html>Forbidden</html>", {"content-type": "text/html"})


@dataclass
class SlowLines(Lines):
    """Lines in which every post has to wait."""

    lines: Lines
    clock: RunningClock
    wait: timedelta

    async def join(self, case: Doubt) -> Answer:
        self.clock.put_forward(self.wait)
        return await self.lines.join(case)

    def leave(self, case: Doubt) -> None:
        self.lines.leave(case)


async def is_resolved(bench: Bench, state: str, fault: Fault) -> None:
    """The post is there once and known to be; or, where nobody can tell, it is unknown and not sent again."""
    if bench.case.certainty == "neither":
        assert state == State.UNKNOWN
        assert len(bench.network.posts) == fault.lands
        assert len(bench.network.publishing_calls()) == 1
        assert (await bench.fact("publish.unknown"))["error"]["class"] == "unconfirmed"
        return
    assert state == State.PUBLISHED
    (posted,) = bench.network.posts
    told = await bench.fact("publish.succeeded")
    assert (told["platform_post_id"], told["url"]) == (posted.id, bench.case.url_of(bench.network, posted))


@pytest.mark.parametrize("fault", SILENT.values(), ids=SILENT)
async def test_a_request_without_a_reply_makes_one_post(bench: Bench, fault: Fault) -> None:
    bench.hurry(3 if fault in (HANGS, HANGS_AFTER_LANDING) else 10)
    bench.network.faults.append(fault)
    event = bench.post()

    wait = await bench.deliver(event)
    assert not bench.network.faults, "the request has not arrived in time"
    bench.hurry(10)
    if wait is not None:
        bench.rest(wait)
        await bench.publish(event)

    await is_resolved(bench, (await bench.kept(event)).state, fault)


@pytest.mark.parametrize("lands", [True, False], ids=["landed", "not landed"])
@over(lambda case: case.has_error_form)
async def test_the_page_of_a_proxy_costs_neither_the_post_nor_the_account(bench: Bench, lands: bool) -> None:
    fault = Fault(lands=lands, reply=PROXY)
    bench.network.faults.append(fault)
    event = bench.post()

    await bench.publish(event)

    await is_resolved(bench, (await bench.kept(event)).state, fault)
    assert await bench.told("account.refresh_failed") == []
    assert not (await bench.stored_account()).needs_reconnect


@pytest.mark.parametrize("count", [1, 2], ids=["one", "several"])
@pytest.mark.parametrize("fault", [REPLY_LOST, NEVER_ARRIVED], ids=["reply lost", "never arrived"])
@over(lambda case: case.takes_pictures and case.certainty == "answers look-ups")
async def test_pictures_without_a_reply_make_one_post(bench: Bench, fault: Fault, count: int) -> None:
    """A look-up finds a post by what the network makes of its pictures."""
    if count == 1 and not fault.lands and bench.case.shows_a_picture_late:
        await is_left_to_a_person(bench, fault)
        return
    bench.network.faults.append(fault)
    event = bench.post(media=(bench.picture(),) * count)

    await bench.publish(event)

    await is_resolved(bench, (await bench.kept(event)).state, fault)


async def is_left_to_a_person(bench: Bench, fault: Fault) -> None:
    """What the network may still be working on is looked for during an hour, and never sent again."""
    bench.network.faults.append(fault)
    event = bench.post(media=(bench.picture(),))

    for _ in range(5):
        wait = await bench.deliver(event)
        assert wait is not None
        bench.rest(wait)
    bench.clock.put_forward(timedelta(hours=1))
    await bench.publish(event)

    assert (await bench.kept(event)).state == State.UNKNOWN
    assert len(bench.network.publishing_calls()) == 1
    assert await bench.fact("publish.unknown")


@pytest.mark.parametrize("fault", [NOT_JSON, EMPTY], ids=["no JSON", "no id"])
@over(lambda case: case.replies_tell)
async def test_a_reply_that_tells_nothing_is_no_confirmation(bench: Bench, fault: Fault) -> None:
    bench.network.faults.append(fault)
    event = bench.post()

    await bench.publish(event)

    await is_resolved(bench, (await bench.kept(event)).state, fault)


@pytest.mark.parametrize("fault", [HANGS, HANGS_AFTER_LANDING], ids=["not landed", "landed"])
async def test_what_a_killed_publisher_left_is_resolved(bench: Bench, fault: Fault) -> None:
    bench.network.faults.append(fault)
    event = bench.post()
    await bench.kill_while_sending(event)
    assert (await bench.kept(event)).state == State.SENDING

    await bench.publish(event, redelivered=True)

    await is_resolved(bench, (await bench.kept(event)).state, fault)


@over(lambda case: case.name == "mastodon")
async def test_what_a_network_forgets_while_its_repeat_waits_in_line_is_looked_up(bench: Bench) -> None:
    bench.network.faults.append(REPLY_LOST)
    event = bench.post()
    await bench.deliver(event)
    sending = bench.replica.sending
    sending.lines = SlowLines(sending.lines, bench.clock, wait=timedelta(minutes=2))

    bench.clock.put_forward(KEYS_KEPT_FOR - timedelta(minutes=2))
    await bench.publish(event)

    await is_resolved(bench, (await bench.kept(event)).state, REPLY_LOST)
    assert len(bench.network.publishing_calls()) == 1


@over(lambda case: case.can_refresh and case.certainty == "answers look-ups")
async def test_a_look_up_renews_a_token_that_is_refused(bench: Bench) -> None:
    bench.network.faults.append(HANGS_AFTER_LANDING)
    event = bench.post()
    await bench.kill_while_sending(event)
    bench.case.expire(bench.network)

    await bench.publish(event, redelivered=True)

    await is_resolved(bench, (await bench.kept(event)).state, HANGS_AFTER_LANDING)


@over(lambda case: case.certainty != "neither" and not case.refuses_repeats)
async def test_the_same_text_in_another_post_is_another_post(bench: Bench) -> None:
    """What tells a repeated request from a new one is the post, not its text."""
    bench.network.faults.append(REPLY_LOST)
    first, second = bench.post("Good morning!"), bench.post("Good morning!", due_in=1)

    await bench.publish(first)
    await bench.publish(second)

    assert len(bench.network.posts) == 2
    ids = [body["platform_post_id"] for _, body in await bench.told("publish.succeeded")]
    assert ids == [posted.id for posted in bench.network.posts]


@over(lambda case: case.certainty == "answers look-ups" and not case.refuses_repeats)
async def test_another_post_with_the_same_text_is_not_taken_for_one_that_never_arrived(bench: Bench) -> None:
    first, second = bench.post("Good morning!"), bench.post("Good morning!", due_in=1)
    await bench.publish(first)
    bench.network.faults.append(NEVER_ARRIVED)

    await bench.publish(second)

    told = [body["platform_post_id"] for _, body in await bench.told("publish.succeeded")]
    assert told == [posted.id for posted in bench.network.posts]
