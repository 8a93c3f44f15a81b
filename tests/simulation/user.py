"""The people: they connect accounts, schedule, edit, cancel, retry, resolve and connect again, at bad moments."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from shared.events import Event
from shared.events.publisher import PublishFailed, PublishHeld, PublishUnknown
from shared.events.requests import (
    AccountDisconnectRequested,
    LatePolicy,
    PublishResolveRequested,
    PublishRetryRequested,
    ScheduleBatchRequested,
    ScheduleCancelRequested,
    ScheduleRequested,
    Target,
)
from tests.simulation.holdings import connection, token
from tests.simulation.networks import Entry, Internet, instant
from tests.simulation.scenarios import DOUBTS, Scenario
from tests.simulation.servers import Network
from tests.simulation.virtual_time import VirtualLoop
from tests.simulation.witness import Key, Told

LONGEST_ON_ITS_WAY = 40.0
"""Seconds after which no request can still arrive: who looks later sees the truth."""
PER_BATCH = 10
CALLBACKS = "callbacks.example"
CALLED_BACK = 6
"""One post in so many has a callback."""
ASKED_OF_NETWORK = 3
"""Of one post in so many the network is asked, before somebody looks."""
ON_A_MOMENT = 0.7
AROUND = (-8.0, 45.0)
"""When things are changed, from the due instant."""
GIVES_UP_AFTER = 10.0
"""Seconds after which the sender of a request waits no longer."""
REGRETS_WITHIN = 0.03
AT_ITS_END = (-0.005, 0.025)
"""When it is meddled with a post, from the end of a request: what a sender has just learned, not all have heard."""


class Outside(Protocol):
    """What the people reach the system by."""

    loop: VirtualLoop
    internet: Internet

    def send(self, event: Event, message_id: str, *, twice: bool = False) -> None:
        """Publish an event as an outside producer does."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What was once asked for: the text of one version of a post, and when it was to appear."""

    post_id: str
    account_id: str
    version: int
    content: str
    due: float
    asked_at: float
    policy: LatePolicy
    message_id: str

    @property
    def key(self) -> Key:
        return self.post_id, self.account_id


@dataclass(eq=False)
class User:
    """Everybody outside."""

    world: Outside
    scenario: Scenario
    chance: Random
    starts_at: float = 2.0
    accounts: dict[str, Network] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    wishes: dict[str, Wish] = field(default_factory=dict)
    """By the message that asked for them, and by their texts."""
    connected: dict[str, list[float]] = field(default_factory=dict)
    """When accounts were asked to be connected, by their names."""
    cancelled: dict[Key, list[float]] = field(default_factory=dict)
    retried: dict[Key, list[float]] = field(default_factory=dict)
    resolved: dict[Key, list[tuple[float, str]]] = field(default_factory=dict)
    asked_of_network: set[Key] = field(default_factory=set)
    moments: list[float] = field(default_factory=list)
    """When many things are asked for, and many posts are due."""
    pending: int = 0
    _versions: dict[str, int] = field(default_factory=dict)
    _sent: int = 0

    # accounts

    def begin(self) -> None:
        """Connect the accounts, then do all the rest."""
        self.world.internet.add("callbacks", CALLBACKS)
        hosts: dict[str, Network] = {}
        for number in range(self.scenario.accounts):
            kind = self.scenario.kinds[number % len(self.scenario.kinds)]
            host = f"{kind}{number // len(self.scenario.kinds) % 2}.example"
            hosts.setdefault(host, self.world.internet.networks.get(host) or self.world.internet.add(kind, host))
            self.accounts[f"a{number}"] = hosts[host]
            self._connect(f"a{number}")
        self._plan_posts()
        self._plan_accounts()

    def _connect(self, account_id: str) -> None:
        network = self.accounts[account_id]
        generation = self.generations[account_id] = self.generations.get(account_id, 0) + 1
        self.connected.setdefault(account_id, []).append(self._now)
        self._send(connection(account_id, network, generation, self.scenario.limits, self._now))

    def _plan_accounts(self) -> None:
        names, end = sorted(self.accounts), self.scenario.trouble_seconds
        for _ in range(self.scenario.reconnects):
            self._at(self.chance.uniform(self.starts_at, end), self._connect, self.chance.choice(names))
        for _ in range(self.scenario.disconnects):
            when, name = self.chance.uniform(self.starts_at, end - 10), self.chance.choice(names)
            self._at(when, self._disconnect, name)
            self._at(when + self.chance.uniform(0.1, 20.0), self._connect, name)
        for _ in range(self.scenario.ended_tokens):
            self._at(self.chance.uniform(self.starts_at, end), self._end_token, self.chance.choice(names))

    def _disconnect(self, account_id: str) -> None:
        self._send(AccountDisconnectRequested(account_id=account_id))

    def _end_token(self, account_id: str) -> None:
        network, generation = self.accounts[account_id], self.generations[account_id]
        if network.kind == "mastodon":
            network.refused_tokens.add(f"Bearer {token(account_id, generation)}")

    # posts

    def _plan_posts(self) -> None:
        """Half of them alone and half in batches; most are due at popular moments."""
        scenario, chance = self.scenario, self.chance
        latest = max(self.starts_at + 1, scenario.trouble_seconds - 10)
        self.moments = [chance.uniform(self.starts_at, latest) for _ in range(scenario.moments)]
        batch: list[tuple[str, str, float, LatePolicy]] = []
        for number in range(scenario.posts):
            post_id, account_id = f"p{number}", f"a{chance.randrange(scenario.accounts)}"
            ahead, asked_at = chance.uniform(*scenario.ahead), chance.choice(self.moments)
            due = asked_at + ahead
            if ahead > 0 and chance.random() < ON_A_MOMENT:
                due = next((moment for moment in sorted(self.moments) if moment > due), due)
            policy = LatePolicy(
                mode=chance.choice(("publish", "skip", "hold")), grace_seconds=chance.choice(scenario.grace_seconds)
            )
            if ahead < 0 or number % 2:
                batch.append((post_id, account_id, due, policy))
            else:
                self._at(asked_at, self._schedule, post_id, account_id, due, policy)
            if len(batch) == PER_BATCH or (batch and number == scenario.posts - 1):
                earliest = min(due for _, _, due, _ in batch) - max(ahead, 0)
                self._at(self.starts_at if ahead < 0 else max(self.starts_at, earliest), self._schedule_batch, batch)
                batch = []
            self._plan_changes(post_id, account_id, due, policy)

    def _plan_changes(self, post_id: str, account_id: str, due: float, policy: LatePolicy) -> None:
        """Edits and cancels shortly before and after it is due, and while it is in doubt."""
        if self.chance.random() < self.scenario.edits:
            for _ in range(self.chance.randint(1, 2)):
                self._at(due + self.chance.uniform(*AROUND), self._edit, post_id, account_id, policy)
        if self.chance.random() < self.scenario.cancels:
            self._at(due + self.chance.uniform(*AROUND), self._cancel, post_id, account_id)

    def _schedule(self, post_id: str, account_id: str, due: float, policy: LatePolicy) -> None:
        self._send(self._wish(post_id, account_id, due, policy))
        self._regret(post_id, account_id)

    def _schedule_batch(self, posts: Sequence[tuple[str, str, float, LatePolicy]]) -> None:
        bodies = tuple(json.loads(self._wish(*post).body()) for post in posts)
        self._send(ScheduleBatchRequested(batch_id=f"b{self._sent}", posts=bodies))
        for post_id, account_id, *_ in posts:
            self._regret(post_id, account_id)

    def _regret(self, post_id: str, account_id: str) -> None:
        """Cancel what has just been asked for: the post, or this account of it."""
        if self._versions[post_id] == 1 and self._happens(self.scenario.regrets):
            account_ids = self.chance.choice((None, (account_id,)))
            self._at(
                self._now + self.chance.uniform(0.0, REGRETS_WITHIN), self._cancel, post_id, account_id, account_ids
            )

    def _edit(self, post_id: str, account_id: str, policy: LatePolicy) -> None:
        self._schedule(post_id, account_id, self._now + self.chance.choice((0.5, 3.0, 20.0)), policy)

    def _cancel(self, post_id: str, account_id: str, account_ids: tuple[str, ...] | None = None) -> None:
        self.cancelled.setdefault((post_id, account_id), []).append(self._now)
        self._send(ScheduleCancelRequested(post_id=post_id, account_ids=account_ids))

    def _wish(self, post_id: str, account_id: str, due: float, policy: LatePolicy) -> ScheduleRequested:
        version = self._versions[post_id] = self._versions.get(post_id, 0) + 1
        content = f"{post_id} v{version} for {account_id}"
        wish = Wish(post_id, account_id, version, content, due, self._now, policy, f"m{self._sent}")
        self.wishes[content] = self.wishes[wish.message_id] = wish
        return ScheduleRequested(
            post_id=post_id,
            content=content,
            publish_at=instant(due),
            targets=(Target(account_id=account_id),),
            late_policy=policy,
            callback_url=f"https://{CALLBACKS}/" if int(post_id[1:]) % CALLED_BACK == 0 else None,
        )

    # answers to what happens, and to what is told

    def on_request(self, entry: Entry) -> None:
        """Change a post in the very moment in which it comes to be in doubt."""
        if entry.fate not in DOUBTS or not self._happens(self.scenario.meddling):
            return
        ends_at = min(entry.answers_at, entry.left_at + GIVES_UP_AFTER) + self.chance.uniform(*AT_ITS_END)
        wish = self.wishes[entry.content]
        if self.chance.random() < 0.5:
            self._at(ends_at, self._edit, *wish.key, wish.policy)
        else:
            self._at(ends_at, self._cancel, *wish.key)

    def _happens(self, odds: float) -> bool:
        return bool(odds) and self._now < self.scenario.trouble_seconds and self.chance.random() < odds

    def on_told(self, told: Told) -> None:
        """React to some of what is told."""
        event = told.event
        if isinstance(event, PublishUnknown):
            self._settle(_key(event), self.chance.uniform(0, 60))
        elif isinstance(event, PublishFailed | PublishHeld) and self._still_cares():
            wait = self.chance.uniform(0.5, 40)
            if isinstance(event, PublishHeld):
                self._at(self._now + wait, self._connect, event.account_id)
            self._at(self._now + wait + 3.0, self._retry, _key(event))

    def _still_cares(self) -> bool:
        return self._now < self.scenario.trouble_seconds and self.chance.random() < self.scenario.retries

    def _retry(self, key: Key) -> None:
        self.retried.setdefault(key, []).append(self._now)
        self._send(PublishRetryRequested(post_id=key[0], account_id=key[1]))

    def _settle(self, key: Key, wait: float) -> None:
        """Have the network asked, once and as early as it comes, or look there when nothing is on its way any more."""
        if int(key[0][1:]) % ASKED_OF_NETWORK or key in self.asked_of_network:
            self._at(self._now + LONGEST_ON_ITS_WAY + wait, self._resolve, key)
        else:
            self.asked_of_network.add(key)
            self._at(self._now + wait, self._ask_network, key)

    def _ask_network(self, key: Key) -> None:
        self._send(PublishResolveRequested(post_id=key[0], account_id=key[1], outcome="ask_network"))

    def _resolve(self, key: Key) -> None:
        """Say how it is: whoever looks at the network sees whether the post is there."""
        texts = {wish.content for wish in self.wishes.values() if wish.key == key}
        found = next((one for one in self.accounts[key[1]].posts if one.content in texts), None)
        outcome = "published" if found else "not_published"
        self.resolved.setdefault(key, []).append((self._now, outcome))
        identity = found.identity if found else None
        self._send(
            PublishResolveRequested.model_validate(
                {"post_id": key[0], "account_id": key[1], "outcome": outcome, "platform_post_id": identity}
            )
        )

    # the way to the system

    @property
    def _now(self) -> float:
        return self.world.loop.time()

    def _send(self, event: Event) -> None:
        message_id = f"m{self._sent}"
        self._sent += 1
        self.world.send(event, message_id, twice=self.chance.random() < 0.05)

    def _at(self, when: float, action: Any, *args: Any) -> None:
        self.pending += 1
        self.world.loop.later(max(0.0, when - self._now), self._do, action, args)

    def _do(self, action: Any, args: tuple[Any, ...]) -> None:
        self.pending -= 1
        action(*args)


def _key(event: Any) -> Key:
    return event.post_id, event.account_id
