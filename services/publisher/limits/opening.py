"""Opening: starts are given under the limits and attempts committed, for many posts in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.publisher.limits.bucket import Bucket
from services.publisher.limits.gates import Gates
from services.publisher.limits.grants import Replicas, Start, given
from services.publisher.limits.pace import Pace
from services.publisher.sending.case import Case, longest_send
from services.publisher.sending.evidence import Attempt, Evidence
from services.publisher.store import Store, Unit


@dataclass(frozen=True, slots=True)
class Candidate:
    """The first posts of one account's line, as far as there are turns for them."""

    account_id: str
    gates: Gates
    cases: Sequence[Case]
    in_line: int = 1
    """How many wait in the line, those without a turn included."""


@dataclass(frozen=True, slots=True)
class Result:
    """For each case of a candidate: its attempt, None where it has changed; those left over ask again at `next_at`."""

    attempts: tuple[Attempt | None, ...]
    next_at: datetime
    starts: tuple[Start, ...] = ()
    """Under limits: at least one for each attempt."""
    buckets: Sequence[Bucket] = ()


@dataclass(frozen=True, slots=True)
class _Granted:
    """The cases of a candidate that are opened, each with when it may start, and the starts of the account."""

    wanted: tuple[tuple[Case, Start], ...]
    next_at: datetime
    starts: tuple[Start, ...] = ()


@dataclass(frozen=True)
class Opening:
    """Opens attempts for this replica; a send takes at most `send_timeout`, and its sender has it for `lease`."""

    store: Store
    pace: Pace
    replica: str
    send_timeout: timedelta
    lease: timedelta

    async def open(self, candidates: Sequence[Candidate], now: datetime) -> list[Result]:
        """Give starts and commit attempts; all or nothing."""
        async with self.store.unit() as unit:
            kept = await _reservations(unit, candidates)
            results = [self._given(candidate, kept, now) for candidate in candidates]
            wanted = [pair for one in results for pair in one.wanted]
            begun = await unit.begin([case.publication for case, _ in wanted], now)
            opened = {
                case.delivered.token: self._attempt(case, start)
                for case, start in wanted
                if case.delivered.token in begun
            }
            known = [one for case, _ in wanted if case.delivered.token in begun for one in case.changed_attempts]
            await unit.save_attempts(_latest([*known, *opened.values()]))
            if kept:
                await unit.save_reservations(kept)
        return [_result(candidate, one, opened, kept, now) for candidate, one in zip(candidates, results, strict=True)]

    def _given(self, candidate: Candidate, kept: dict[str, Any], now: datetime) -> _Granted:
        """Starts for one candidate; what is kept of its buckets changes with it."""
        if not candidate.gates:
            first = [max(case.publication.not_before, now) for case in candidate.cases]
            starts = [Start(start_at, start_at + self._window) for start_at in first]
            return _Granted(tuple(zip(candidate.cases, starts, strict=True)), now)
        buckets = _buckets(candidate, kept, now)
        replicas = Replicas.of(kept[candidate.account_id].get("replicas", {}), ours=self.replica, now=now)
        waiting = [case.publication.not_before for case in candidate.cases]
        one = given(waiting, list(buckets.values()), replicas, self.pace, now)
        kept.update({name: bucket.kept() for name, bucket in buckets.items()})
        kept[candidate.account_id]["replicas"] = one.replicas.kept()
        usable = [Start(start.start_at, start.latest_at + self._window) for start in one.starts]
        return _Granted(tuple(zip(candidate.cases, usable, strict=False)), one.next_at, one.starts)

    @property
    def _window(self) -> timedelta:
        """For how long after its start an attempt may be used: under limits it may be given a later one."""
        return max(self.lease - self.send_timeout, timedelta(0))

    def _attempt(self, case: Case, start: Start) -> Attempt:
        """The next attempt. Its number is never used again: whoever still writes of an earlier one does not mean it."""
        number = 1 + max((one.number for one in case.attempts), default=0)
        return Attempt(
            post_id=case.publication.post_id,
            account_id=case.publication.account_id,
            number=number,
            revision=case.publication.revision,
            evidence=Evidence.OPEN,
            start_at=start.start_at,
            latest_at=start.latest_at,
            lease_until=max(start.latest_at + longest_send(case.ready, self.send_timeout), start.start_at + self.lease),
            place=case.place,
        )


async def _reservations(unit: Unit, candidates: Iterable[Candidate]) -> dict[str, Any]:
    names = {name for candidate in candidates for name in candidate.gates}
    return await unit.reservations(names) if names else {}


def _buckets(candidate: Candidate, kept: Mapping[str, Any], now: datetime) -> dict[str, Bucket]:
    gates = candidate.gates.items()
    return {name: Bucket.of(windows, kept[name], now, waiting=candidate.in_line) for name, windows in gates}


def _latest(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Of one attempt that is named twice, the later state."""
    return list({(one.key, one.number): one for one in attempts}.values())


def _result(
    candidate: Candidate, one: _Granted, opened: Mapping[str, Attempt], kept: Mapping[str, Any], now: datetime
) -> Result:
    attempts = tuple(opened.get(case.delivered.token) for case, _ in one.wanted)
    return Result(attempts, one.next_at, one.starts, list(_buckets(candidate, kept, now).values()))
