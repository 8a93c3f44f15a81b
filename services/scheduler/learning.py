"""Learns how far posts have come, and decides what waited for that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.scheduler.decider import Decider, Key
from services.scheduler.domain import Accepted, Decision, Schedule
from services.scheduler.facts import facts_of
from services.scheduler.outcomes import Outcome, advanced, answered, contradicted, is_taken_back
from services.scheduler.pending import PendingRequest
from services.scheduler.store import Store, Unit
from shared.messaging.envelope import Envelope

Decided = tuple[PendingRequest, Decision]


@dataclass
class Learning:
    """What a group of facts does to the schedules they are about, in one transaction."""

    unit: Unit
    now: datetime
    crowded: int
    emitted: list[Envelope] = field(default_factory=list)

    async def learn(self, facts: Sequence[Outcome]) -> Sequence[Schedule]:
        """Note how far the posts have come; the new revisions that follow from what waited."""
        told: dict[Key, list[Outcome]] = {}
        for fact in facts:
            told.setdefault((fact.post_id, fact.account_id), []).append(fact)
        known = await self.unit.schedules(told)
        after = {key: advanced(schedule, told[key], self.now) for key, schedule in known.items()}
        answers = {
            key: answer
            for key, schedule in after.items()
            if schedule.pending and (answer := is_taken_back(schedule, told[key])) is not None
        }
        decider = await self._settle(after, answers) if answers else Decider({}, {}, self.now)
        ended = {key: answered(after[key], told[key], self.now) for key in answers}
        outcomes = [one for key, one in (after | ended).items() if one != known[key] and key not in decider.changed]
        await self.unit.save_outcomes(outcomes, self.now)
        self._take_back_answers(known, told)
        await self.unit.emit(self.emitted)
        return list(decider.changed.values())

    async def _settle(self, schedules: Mapping[Key, Schedule], answers: Mapping[Key, bool]) -> Decider:
        pending = await self.unit.pending(answers)
        accounts = await self.unit.accounts({account_id for _, account_id in answers})
        decider = Decider({key: schedules[key] for key in answers}, accounts, self.now)
        decided: list[Decided] = []
        for key, requests in pending.items():
            decisions = decider.settle(requests, is_taken_back=answers[key])
            decided += zip(requests, decisions, strict=True)
        await self.unit.save(list(decider.changed.values()))
        await self.unit.forget([request for request, _ in decided])
        await self._answer(decided)
        return decider

    async def _answer(self, decided: Sequence[Decided]) -> None:
        keys = {decision.schedule.near_keys for _, decision in decided if isinstance(decision, Accepted)}
        near = await self.unit.near_posts(keys, crowded=self.crowded)
        self.emitted += [
            Envelope.of(event, correlation_id=request.correlation_id)
            for request, decision in decided
            for event in facts_of(decision, near)
        ]

    def _take_back_answers(self, known: Mapping[Key, Schedule], told: Mapping[Key, Sequence[Outcome]]) -> None:
        for key, schedule in known.items():
            contradiction = contradicted(schedule, told[key])
            if contradiction:
                self.emitted.append(Envelope.of(contradiction, correlation_id=schedule.correlation_id))


async def learn(store: Store, facts: Sequence[Outcome], *, now: datetime, crowded: int) -> Sequence[Schedule]:
    """Learn from facts in one transaction; the new revisions that follow from what waited for them."""
    async with store.unit() as unit:
        return await Learning(unit, now, crowded).learn(facts)
