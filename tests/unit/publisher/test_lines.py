"""Lines: who is opened when, what those are told that wait, and that nobody keeps a turn that is not used."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import OperationalError

from services.publisher.figures import tell_figures
from services.publisher.limits.bucket import Bucket
from services.publisher.limits.circuit_breaker import OPENS_AFTER, REJECTED_AT_ONCE
from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.limits.gates import Gates
from services.publisher.limits.grants import Start
from services.publisher.limits.line import AHEAD, AHEAD_OF_LIMITS, Entry, Line
from services.publisher.limits.lines import OPEN_AGAIN_IN, Lines
from services.publisher.limits.opening import Candidate, Result
from services.publisher.limits.pace import Pace
from services.publisher.limits.starts import Starts
from services.publisher.limits.windows import windows_of
from services.publisher.sending.case import WAITS_FOR_ITS_TURN, Case
from shared.messaging.verdict import HandBack
from tests.fakes.clock import FakeClock
from tests.support.publications import NOON, SECOND, a_case, a_stored_account, an_attempt, requested
from tests.support.waiting import eventually

NOW = datetime(2027, 3, 1, 12, 0, 0, tzinfo=UTC)
TURNS = 3
DESTINATION = "fake"


def a_line(gates: Gates | None = None, entries: Sequence[Entry] = ()) -> Line:
    starts = Starts(FakeClock(NOW), Pace())
    return Line("account", gates or {}, "network", starts, entries=list(entries))


@pytest.mark.parametrize("milliseconds", [0, 1, 49, 50, 99, 100, 101, 999])
async def test_a_line_that_is_looked_at_has_somebody_to_open(milliseconds: int) -> None:
    """Nobody is looked at for nothing: the loop would look again, without a pause, until the post may go."""
    publication = SimpleNamespace(not_before=NOW + timedelta(milliseconds=milliseconds), publish_at=NOW)
    case: Any = SimpleNamespace(publication=publication)
    entry = Entry(case, 1, asyncio.get_running_loop().create_future())

    line = a_line(entries=[entry])

    pace = Pace()
    assert line.ready(line.look_at(pace), pace, TURNS) == [entry]
    assert line.look_at(pace) <= entry.not_before - AHEAD


@dataclass
class FakeOpening:
    """Opens the first `most` of each candidate, when it may; `answers` is what becomes of single posts instead."""

    pace: Pace = field(default_factory=Pace)
    most: int = 100
    may_go: asyncio.Event = field(default_factory=asyncio.Event)
    errors: list[Exception] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    buckets: Sequence[Bucket] = ()
    asked: list[list[str]] = field(default_factory=list)
    next_at: datetime = NOON - SECOND

    async def open(self, candidates: Sequence[Candidate], now: datetime) -> list[Result]:
        self.asked += [[case.publication.post_id for case in one.cases] for one in candidates]
        await self.may_go.wait()
        if self.errors:
            raise self.errors.pop(0)
        return [
            Result(
                tuple(map(self._attempt, one.cases[: self.most])),
                max(self.next_at, now),
                (Start(now, now + 60 * SECOND),) * len(one.cases),
                self.buckets,
            )
            for one in candidates
        ]

    def _attempt(self, case: Case) -> Any:
        name = case.publication.post_id
        return None if name in self.changed else an_attempt(post_id=name)


def case_of(name: str, *, due_in: float = 0.0, account_id: str = "account") -> Case:
    """A post on an account with a limit."""
    event = requested(name, account_id=account_id, publish_at=NOON + due_in * SECOND)
    account = a_stored_account(account_id=account_id, limits='{"per_second": 1}')
    return a_case(event=event, publication={"post_id": name, "account_id": account_id}, account=account)


@dataclass
class World:
    """Lines that are served, a second before noon."""

    opening: FakeOpening
    clock: FakeClock
    breakers: CircuitBreakers
    lines: Lines

    def join(self, name: str, *, due_in: float = 0.0, account_id: str = "account") -> "asyncio.Task[Any]":
        return asyncio.create_task(self.lines.join(case_of(name, due_in=due_in, account_id=account_id)))

    async def until_asked(self, count: int = 1) -> None:
        await eventually(lambda: len(self.opening.asked) >= count, what="posts are opened", every=0.001)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    opening, clock, breakers = FakeOpening(), FakeClock(NOON - SECOND), CircuitBreakers(TURNS)
    opening.may_go.set()
    lines = Lines(opening, clock, breakers, {})  # type: ignore[arg-type]
    running = asyncio.create_task(lines.run())
    yield World(opening, clock, breakers, lines)
    assert not running.done() or running.exception() is None
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_post_is_opened_a_moment_before_it_is_due(world: World) -> None:
    joined = world.join("post", due_in=1)
    await world.clock.until_awaited(NOON + SECOND - AHEAD_OF_LIMITS)

    assert world.opening.asked == []
    world.clock.advance(2 * SECOND - AHEAD_OF_LIMITS)

    answer = await joined
    assert answer.opened.post_id == "post"


async def test_a_post_is_opened_earlier_where_commits_take_long() -> None:
    pace = Pace()
    pace.committed_in(SECOND)

    assert a_line().ahead(pace) == pace.lead > AHEAD


async def test_under_limits_all_replicas_look_at_the_same_moment_however_fast_they_are() -> None:
    slow, gates = Pace(), {"account": windows_of({"per_second": 1})}
    slow.committed_in(SECOND)

    assert a_line(gates).ahead(slow) == a_line(gates).ahead(Pace())


async def test_posts_of_an_account_are_opened_in_due_order_and_as_many_as_there_are_turns(world: World) -> None:
    joined = [world.join(f"post {number}", due_in=-2 - number) for number in range(5)]

    await world.until_asked()
    answers = await asyncio.gather(*joined[2:])

    assert world.opening.asked[0] == ["post 4", "post 3", "post 2"]
    assert all(answer.opened for answer in answers)
    for answer in answers:
        answer.turn.end()
    await asyncio.gather(*joined)
    assert world.opening.asked[1:] == [["post 1", "post 0"]]


async def test_a_line_that_came_while_another_was_being_opened_is_served(world: World) -> None:
    first = await world.join("first", due_in=-2)
    assert first.opened
    first.turn.end()
    world.lines.leave(first)

    assert (await world.join("second", due_in=-1)).opened


async def test_who_is_left_over_stays_in_line_and_gives_its_turn_back(world: World) -> None:
    world.opening.most, world.opening.next_at = 1, NOON + 60 * SECOND
    first, second = world.join("first", due_in=-3), world.join("second", due_in=-2)

    await first

    assert world.breakers.at(DESTINATION).free == TURNS - 1
    assert not second.done()
    world.clock.advance(62 * SECOND)
    assert (await second).opened


async def test_a_post_that_has_changed_is_claimed_again_and_gives_its_turn_back(world: World) -> None:
    world.opening.changed = {"post"}

    assert await world.join("post", due_in=-2) is None
    assert world.breakers.at(DESTINATION).free == TURNS


async def test_who_is_called_is_claimed_again_at_once(world: World) -> None:
    joined = world.join("post", due_in=60)
    await asyncio.sleep(0)

    world.lines.call(("post", "account"))
    world.lines.call(("nobody", "account"))

    assert await joined is None


async def test_who_is_being_opened_is_not_called_away(world: World) -> None:
    world.opening.may_go.clear()
    joined = world.join("post", due_in=-2)
    await world.until_asked()

    world.lines.call(("post", "account"))
    world.opening.may_go.set()

    assert (await joined).opened


async def test_what_waits_is_handed_back_when_the_service_stops_and_what_is_being_opened_is_sent(world: World) -> None:
    world.opening.may_go.clear()
    due, waits = world.join("due", due_in=-2), world.join("waits", due_in=60)
    await world.until_asked()

    world.lines.stop()
    world.opening.may_go.set()

    assert (await due).opened
    for late in (waits, world.join("comes later")):
        with pytest.raises(HandBack):
            await late


async def test_two_deliveries_of_one_post_are_both_handed_back(world: World) -> None:
    """An older revision that waits, and the newer one that has taken its place."""
    joined = [world.join("post", due_in=60) for _ in range(2)]
    await asyncio.sleep(0)

    world.lines.stop()

    for one in joined:
        with pytest.raises(HandBack):
            await one


async def test_a_destination_that_does_not_answer_rejects_those_in_line(world: World) -> None:
    for _ in range(TURNS):
        world.breakers.at(DESTINATION).take().count_from(asyncio.get_running_loop().time() - OPENS_AFTER - 1)

    answers = await asyncio.gather(*(world.join(f"post {number}", due_in=-2) for number in range(REJECTED_AT_ONCE)))

    assert {answer.blocked.reason.code for answer in answers} == {"circuit_open"}
    assert world.opening.asked == []


async def test_metrics_say_how_many_wait_and_what_does_not_answer(world: World) -> None:
    tell_figures(world.lines, world.breakers)
    for _ in range(TURNS):
        world.breakers.at(DESTINATION).take().count_from(asyncio.get_running_loop().time() - OPENS_AFTER - 1)
    for name in ("one", "two"):
        world.join(name, due_in=60, account_id="patient")
    await asyncio.wait([world.join("due", due_in=-2)])

    told = [
        REGISTRY.get_sample_value(f"timeball_{name}")
        for name in ("posts_in_line", "turns_taken", "destinations_silent")
    ]

    assert told == [2, TURNS, 1]


async def test_lines_are_crowded_while_a_post_that_is_due_waits_only_for_its_turn(world: World) -> None:
    turns = [world.breakers.at(DESTINATION).take() for _ in range(TURNS)]
    due = world.join("due", due_in=-2)
    await eventually(world.lines.is_crowded, what="the post is in line", every=0.001)

    turns[0].end()
    await due

    assert not world.lines.is_crowded()


async def test_lines_are_not_crowded_by_posts_that_wait_for_their_instant_or_their_limit(world: World) -> None:
    world.opening.most, world.opening.next_at = 0, NOON + SECOND
    world.join("limited", due_in=-2, account_id="limited")
    world.join("early", due_in=5, account_id="early")
    await world.until_asked()
    await eventually(lambda: not world.lines.is_crowded(), what="the limit is known", every=0.001)


async def test_lines_are_not_crowded_at_a_destination_that_does_not_answer(world: World) -> None:
    for _ in range(TURNS):
        world.breakers.at(DESTINATION).take().count_from(asyncio.get_running_loop().time() - OPENS_AFTER - 1)
    joined = [world.join(f"post {number}", due_in=-2) for number in range(REJECTED_AT_ONCE + 1)]
    await asyncio.wait(joined, return_when=asyncio.FIRST_COMPLETED)

    assert not all(one.done() for one in joined)
    world.clock.advance(SECOND)
    assert not world.lines.is_crowded()


async def test_who_would_be_in_line_for_long_rests_until_then(world: World) -> None:
    world.opening.most, world.opening.next_at = 1, NOON + 600 * SECOND
    world.opening.buckets = [Bucket(windows_of({"per_minute": 2}))]
    joined = [world.join(f"post {number}", due_in=number / 10 - 10) for number in range(10)]

    answers = await asyncio.gather(joined[0], *joined[4:])

    assert answers[0].opened
    assert [answer.blocked.reason for answer in answers[1:]] == [WAITS_FOR_ITS_TURN] * 6
    later = [answer.blocked.until for answer in answers[1:]]
    assert later == sorted(later)
    assert later[0] > world.clock.now() + 60 * SECOND


async def test_who_joins_while_the_loop_is_about_to_wake_up_is_in_line(world: World) -> None:
    """On a slow machine, a moment may pass between the end of a sleep and what follows."""
    alarm = world.lines._alarm
    await eventually(lambda: alarm._sleep is not None, what="the loop sleeps", every=0.001)
    assert alarm._sleep is not None

    alarm._sleep.reschedule(0)
    joined = world.join("post", due_in=-2)

    assert (await joined).opened


async def test_while_the_database_is_away_everybody_stays_in_line(world: World) -> None:
    world.opening.errors.append(OperationalError("COMMIT", {}, ConnectionRefusedError()))
    joined = world.join("post", due_in=-2)
    await world.until_asked()
    await world.clock.until_awaited(world.clock.now() + OPEN_AGAIN_IN)

    assert world.breakers.at(DESTINATION).free == TURNS
    world.clock.advance(OPEN_AGAIN_IN)

    assert (await joined).opened


@pytest.mark.parametrize("why", ["its destination does not answer", "no start was left", "the line is long"])
async def test_who_leaves_after_a_commit_that_nobody_heard_of_claims_its_post_again(world: World, why: str) -> None:
    """Its attempt may be open: a message that rested with it would come back to a post that is in doubt."""
    world.opening.errors.append(OperationalError("COMMIT", {}, TimeoutError()))
    joined = world.join("post", due_in=-2)
    await world.until_asked()
    if why == "its destination does not answer":
        for _ in range(TURNS):
            world.breakers.at(DESTINATION).take().count_from(asyncio.get_running_loop().time() - OPENS_AFTER - 1)
    elif why == "no start was left":
        world.opening.most, world.opening.next_at = 0, NOON + 60 * SECOND
    else:
        world.opening.most, world.opening.next_at = 1, NOON + 600 * SECOND
        world.opening.buckets = [Bucket(windows_of({"per_day": 1}))]
        world.join("before it", due_in=-3)
    await world.clock.until_awaited(world.clock.now() + OPEN_AGAIN_IN)
    world.clock.advance(OPEN_AGAIN_IN)

    assert await joined is None


async def test_an_error_that_does_not_pass_is_told_to_those_whom_it_concerns(world: World) -> None:
    world.opening.errors.append(ValueError("broken"))
    waits = world.join("waits", due_in=60)

    with pytest.raises(ValueError, match="broken"):
        await world.join("post", due_in=-2)

    assert world.breakers.at(DESTINATION).free == TURNS
    assert not waits.done()
    waits.cancel()


async def test_who_is_tried_to_be_opened_again_and_again_has_been_in_line_for_long(world: World) -> None:
    """Where commits are slow somebody is being opened most of the time, and gets no start."""
    world.opening.may_go.clear()
    waiting = world.join("post", due_in=-2)
    await world.until_asked()

    assert [one.event.post_id for one in world.lines.waiting_since(NOON + SECOND)] == ["post"]
    world.opening.may_go.set()
    await waiting


@pytest.mark.parametrize("is_open", [False, True], ids=["waiting", "being opened"])
async def test_a_delivery_that_is_cancelled_takes_no_turn_along_and_stops_nobody(world: World, is_open: bool) -> None:
    world.opening.may_go.clear()
    quitter = world.join("quitter", due_in=-2 if is_open else 60)
    await (world.until_asked() if is_open else asyncio.sleep(0))

    quitter.cancel()
    await asyncio.gather(quitter, return_exceptions=True)
    world.opening.may_go.set()
    stayer = await world.join("stayer", due_in=-2)

    assert stayer.opened
    assert world.breakers.at(DESTINATION).free == TURNS - 1


@pytest.mark.parametrize("is_away", [False, True], ids=["no start was left", "the database was away"])
async def test_who_quits_while_it_is_tried_in_vain_is_not_opened_later(world: World, is_away: bool) -> None:
    """An attempt that is open with nobody to send it would be in doubt once its lease is over."""
    wakes_at = world.clock.now() + OPEN_AGAIN_IN
    world.opening.next_at, world.opening.most = wakes_at, 0
    world.opening.errors = [OperationalError("COMMIT", {}, ConnectionRefusedError())] if is_away else []
    world.opening.may_go.clear()
    quitter = world.join("quitter", due_in=-2)
    await world.until_asked()
    quitter.cancel()
    await asyncio.gather(quitter, return_exceptions=True)
    stayer = world.join("stayer", due_in=-2)
    world.opening.may_go.set()
    await world.clock.until_awaited(wakes_at)

    world.opening.most = 100
    world.clock.advance(OPEN_AGAIN_IN)

    assert (await stayer).opened
    assert world.opening.asked == [["quitter"], ["stayer"]]


async def test_lines_of_many_accounts_are_opened_together(world: World) -> None:
    world.opening.may_go.clear()
    first = world.join("first", due_in=-2)
    await world.until_asked()
    others = [world.join(name, due_in=-2, account_id=name) for name in ("one", "two")]
    await asyncio.sleep(0)
    world.opening.may_go.set()

    await asyncio.gather(first, *others)

    assert world.opening.asked == [["first"], ["one"], ["two"]]


async def test_who_has_been_in_line_for_long_is_known_and_who_is_not_due_yet_is_left_out(world: World) -> None:
    world.opening.may_go.clear()
    for name, due_in in (("first", 0.0), ("later", 60.0)):
        world.join(name, due_in=due_in, account_id=name)
    await asyncio.sleep(0)

    waiting = [one.event.post_id for one in world.lines.waiting_since(NOON + SECOND)]

    assert waiting == ["first"]
