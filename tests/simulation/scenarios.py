"""What a run is made of: how many posts and replicas, what fails and how often, what people do. All else is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.simulation.networks import Fate

FATES: Mapping[str, Fate] = {
    fate.name: fate
    for fate in (
        Fate("ok"),
        Fate("slow", returns=8.0),
        Fate("too_slow", returns=25.0),
        Fate("reply_lost", status=0, returns=0.5),
        Fate("request_lost", takes=False, status=0, returns=0.5),
        Fate("arrives_late", travels=12.0),
        Fate("taken_500", status=500),
        Fate("taken_502", status=502),
        Fate("taken_302", status=302),
        Fate("untaken_500", takes=False, status=500),
        Fate("untaken_502", takes=False, status=502),
        Fate("busy_503", takes=False, status=503),
        Fate("limited_429", takes=False, status=429),
        Fate("refused_400", takes=False, status=400),
        Fate("no_connection", arrives=False, takes=False, status=0),
        Fate("hangs", takes=False, status=0, returns=1e6),
    )
}
"""What may become of a request."""

DOUBTS = ("slow", "too_slow", "reply_lost", "request_lost", "arrives_late", "taken_500", "taken_502", "taken_302")
REFUSALS = ("untaken_500", "untaken_502", "busy_503", "limited_429", "no_connection")


@dataclass(frozen=True)
class Scenario:
    """Odds are from 0 to 1 each time, unless they say per post."""

    name: str
    posts: int = 160
    moments: int = 10
    """Instants at which many things are asked for and many posts are due."""
    accounts: int = 8
    kinds: tuple[str, ...] = ("sandbox", "lookups", "webhook", "mastodon")
    replicas: Mapping[str, int] = field(default_factory=lambda: {"scheduler": 2, "publisher": 2, "console": 1})
    ahead: tuple[float, float] = (1.0, 60.0)
    """How long before they are due posts are scheduled."""
    trouble_seconds: float = 90.0
    """After which nothing fails any more and nobody does anything."""
    settles_within: float = 900.0
    """Seconds after the trouble within which all must have come to its end."""
    fates: Mapping[str, float] = field(default_factory=lambda: {"ok": 1.0})
    outages: int = 0
    outage_seconds: tuple[float, float] = (5.0, 60.0)
    outage: str = "no_connection"
    """What becomes of requests to a network that is away."""
    turns: int | None = None
    """Requests to one destination at once, and how many posts a publisher takes from the broker: few make lines."""
    prefetch: int | None = None
    transit: tuple[float, float] = (0.0003, 0.005)
    publish_lost: float = 0.0
    publish_unheard: float = 0.0
    acknowledgement_lost: float = 0.0
    dead_lettered_twice: float = 0.0
    broker_outages: int = 0
    statement_fails: float = 0.0
    commit_refused: float = 0.0
    commit_unheard: float = 0.0
    commit_seconds: tuple[float, float] = (0.001, 0.015)
    row_seconds: float = 0.0
    crashes: int = 0
    freezes: int = 0
    freeze_seconds: tuple[float, float] = (1.0, 75.0)
    hiccups: int = 0
    """Pauses of some milliseconds: a process that is busy with something else."""
    stalls: float = 0.0
    """Per step of a process: a slow machine, on which seconds may pass between any two."""
    clock_steps: int = 0
    restarts: int = 0
    edits: float = 0.0
    """Per post; so are cancels."""
    cancels: float = 0.0
    regrets: float = 0.0
    """Per post: it is cancelled as soon as it has been asked for."""
    meddling: float = 0.0
    """Per request that may have landed: an edit or a cancellation in the instant in which its sender learns of it."""
    retries: float = 0.5
    reconnects: int = 0
    disconnects: int = 0
    ended_tokens: int = 0
    limits: Mapping[str, int] | None = None
    grace_seconds: tuple[float, ...] = (3600.0,)
    idle_pace: float = 1.0
    """How many times more seldom idle loops look, in runs of hours."""
    waives: frozenset[str] = frozenset()
    """Invariants that this trouble makes impossible to promise."""


def _mixed(doubts: float, refusals: float, never: float = 0.0) -> dict[str, float]:
    odds = {"ok": 1.0 - doubts - refusals - never, "refused_400": never}
    odds |= {name: doubts / len(DOUBTS) for name in DOUBTS}
    return odds | {name: refusals / len(REFUSALS) for name in REFUSALS}


CALM = Scenario("calm")
WARMING_UP = replace(
    CALM,
    name="warming_up",
    posts=24,
    moments=2,
    ahead=(1.0, 8.0),
    fates=_mixed(0.2, 0.1, 0.05),
    limits={"per_second": 10},
    edits=0.3,
    cancels=0.2,
    trouble_seconds=15.0,
    settles_within=60.0,
)
"""What goes before all others, to have everything done once."""
SWARM, SMALL = "swarm", "small"
_BROKER: dict[str, Any] = {
    "publish_lost": 0.02,
    "publish_unheard": 0.02,
    "acknowledgement_lost": 0.005,
    "dead_lettered_twice": 0.02,
}
_DATABASE: dict[str, Any] = {"statement_fails": 0.003, "commit_refused": 0.01, "commit_unheard": 0.01}

SCENARIOS: Mapping[str, Scenario] = {
    one.name: one
    for one in (
        CALM,
        replace(CALM, name="broker", broker_outages=1, edits=0.15, cancels=0.1, **_BROKER),
        replace(
            CALM,
            name="hasty",
            posts=80,
            replicas={"scheduler": 3, "publisher": 1, "console": 1},
            ahead=(0.0, 6.0),
            transit=(0.002, 0.002),
            hiccups=2000,
            edits=0.2,
            regrets=0.7,
            trouble_seconds=60.0,
        ),
        replace(CALM, name="crashes", crashes=8, restarts=1, edits=0.4, cancels=0.2),
        replace(CALM, name="networks", fates=_mixed(0.3, 0.2, 0.03), retries=0.7),
        replace(CALM, name="doubt", fates=_mixed(0.3, 0.15, 0.05), edits=0.5, cancels=0.25, meddling=0.5, retries=0.7),
        replace(CALM, name="outage", outages=3, outage_seconds=(10.0, 90.0), grace_seconds=(3600.0, 20.0)),
        replace(
            CALM,
            name="hanging",
            posts=120,
            moments=2,
            accounts=1,
            kinds=("webhook",),
            ahead=(1.0, 25.0),
            replicas={"scheduler": 1, "publisher": 1, "console": 1},
            outages=2,
            outage_seconds=(300.0, 500.0),
            outage="hangs",
            turns=40,
            prefetch=16,
            grace_seconds=(7200.0,),
            trouble_seconds=600.0,
            settles_within=3600.0,
            idle_pace=5.0,
        ),
        replace(
            CALM,
            name="unheard",
            posts=60,
            moments=30,
            accounts=2,
            kinds=("webhook", "sandbox"),
            replicas={"scheduler": 1, "publisher": 1, "console": 1},
            outages=2,
            outage_seconds=(200.0, 400.0),
            outage="hangs",
            grace_seconds=(7200.0,),
            trouble_seconds=600.0,
            settles_within=3600.0,
            idle_pace=5.0,
        ),
        replace(
            CALM,
            name="retried",
            fates=_mixed(0.0, 0.0, 0.3),
            retries=1.0,
            disconnects=6,
            reconnects=4,
            kinds=("webhook",),
            accounts=4,
            settles_within=1800.0,
        ),
        replace(
            CALM,
            name="hours",
            posts=80,
            moments=30,
            outages=4,
            outage_seconds=(300.0, 5400.0),
            grace_seconds=(3600.0, 60.0),
            trouble_seconds=7200.0,
            settles_within=7200.0,
            edits=0.1,
            idle_pace=10.0,
        ),
        replace(
            CALM,
            name="backlog",
            posts=300,
            accounts=10,
            kinds=("webhook",),
            ahead=(-20.0, -10.0),
            replicas={"scheduler": 1, "publisher": 1, "console": 1},
            limits={"per_second": 1000},
            row_seconds=0.0004,
            trouble_seconds=5.0,
            settles_within=240.0,
        ),
        replace(
            CALM,
            name="limits",
            posts=80,
            accounts=3,
            limits={"per_second": 4, "per_minute": 90},
            commit_seconds=(0.001, 0.2),
            ahead=(1.0, 20.0),
            trouble_seconds=30.0,
            hiccups=100,
        ),
        replace(
            CALM,
            name="contested",
            posts=80,
            accounts=1,
            kinds=("webhook",),
            ahead=(-20.0, -10.0),
            replicas={"scheduler": 1, "publisher": 3, "console": 1},
            limits={"per_second": 2},
            commit_seconds=(0.1, 0.2),
            trouble_seconds=5.0,
            settles_within=240.0,
        ),
        replace(
            CALM,
            name="crowded",
            posts=120,
            moments=1,
            accounts=1,
            kinds=("webhook",),
            ahead=(1.0, 10.0),
            replicas={"scheduler": 1, "publisher": 1, "console": 1},
            limits={"per_second": 1},
            prefetch=16,
            trouble_seconds=15.0,
            settles_within=600.0,
            waives=frozenset({"due_order_kept"}),
        ),
        replace(
            CALM,
            name="busy",
            fates=_mixed(0.25, 0.15, 0.03),
            limits={"per_second": 5},
            waives=frozenset({"due_order_kept"}),
            edits=0.2,
            cancels=0.1,
            settles_within=1800.0,
        ),
        replace(
            CALM,
            name="slow",
            stalls=0.002,
            crashes=4,
            edits=0.4,
            cancels=0.15,
            fates=_mixed(0.1, 0.1),
            commit_seconds=(0.001, 0.5),
            waives=frozenset({"due_order_kept", "no_window_above_its_limit"}),
        ),
        replace(CALM, name="database", **_DATABASE, edits=0.1),
        replace(
            CALM,
            name="clocks",
            clock_steps=4,
            freezes=3,
            freeze_seconds=(1.0, 120.0),
            edits=0.1,
            waives=frozenset({"never_early", "late_policies_kept", "no_window_above_its_limit"}),
        ),
        replace(
            CALM,
            name="accounts",
            reconnects=6,
            disconnects=3,
            ended_tokens=3,
            retries=1.0,
            kinds=("mastodon", "x", "webhook"),
        ),
        replace(
            CALM,
            name="everything",
            fates=_mixed(0.15, 0.15, 0.02),
            outages=1,
            broker_outages=1,
            crashes=4,
            freezes=1,
            restarts=1,
            edits=0.3,
            cancels=0.15,
            reconnects=2,
            **_BROKER,
            **_DATABASE,
            settles_within=1800.0,
        ),
        Scenario(SWARM),
        Scenario(SMALL),
    )
}


def scenario_of(seed: int, name: str | None) -> Scenario:
    """The scenario by its name; without one, seeds take turns."""
    name = name or list(SCENARIOS)[seed % len(SCENARIOS)]
    if name == SMALL:
        return _small(Random(f"{SMALL}/{seed}"))
    return _swarm(Random(f"{SWARM}/{seed}")) if name == SWARM else SCENARIOS[name]


def _small(chance: Random) -> Scenario:
    """A few posts that change often, in a short time, with the troubles of the swarm; in most without a console."""
    return replace(
        _swarm(chance),
        name=SMALL,
        posts=chance.randint(3, 6),
        accounts=chance.randint(1, 2),
        moments=chance.randint(1, 2),
        ahead=chance.choice(((0.1, 8.0), (3.0, 12.0))),
        replicas={
            "scheduler": chance.choice((1, 1, 1, 2)),
            "publisher": chance.choice((1, 2, 2)),
            "console": chance.choice((0, 0, 0, 1)),
        },
        edits=chance.choice((0.3, 0.7, 1.0)),
        crashes=chance.choice((0, 0, 1, 2)),
        freezes=chance.choice((0, 0, 1)),
        hiccups=chance.choice((0, 5)),
        restarts=chance.choice((0, 0, 0, 1)),
        outages=chance.choice((0, 0, 1)),
        broker_outages=chance.choice((0, 0, 1)),
        reconnects=chance.choice((0, 0, 1)),
        disconnects=chance.choice((0, 0, 1)),
        trouble_seconds=25.0,
        idle_pace=6.0,
    )


def _swarm(chance: Random) -> Scenario:
    """A mixture of its own for each seed: some troubles and not others, since all at once hide each other."""
    drawn = replace(
        CALM,
        name=SWARM,
        posts=120,
        fates=_mixed(chance.choice((0, 0.1, 0.3)), chance.choice((0, 0.1, 0.2)), chance.choice((0, 0.03))),
        kinds=tuple(chance.sample(("sandbox", "lookups", "webhook", "mastodon", "x"), chance.randint(1, 5))),
        ahead=chance.choice(((1.0, 60.0), (0.1, 8.0), (5.0, 40.0))),
        commit_seconds=chance.choice(((0.001, 0.015), (0.001, 0.2), (0.05, 0.5))),
        limits=chance.choice((None, None, {"per_second": 3}, {"per_second": 10, "per_minute": 60})),
        grace_seconds=chance.choice(((3600.0,), (3600.0, 5.0))),
        edits=chance.choice((0, 0.3, 0.7)),
        cancels=chance.choice((0, 0.2)),
        crashes=chance.choice((0, 0, 3, 10)),
        freezes=chance.choice((0, 0, 3)),
        hiccups=chance.choice((0, 40)),
        restarts=chance.choice((0, 2)),
        outages=chance.choice((0, 0, 2)),
        broker_outages=chance.choice((0, 0, 1)),
        reconnects=chance.choice((0, 4)),
        disconnects=chance.choice((0, 0, 2)),
        settles_within=2400.0,
        waives=frozenset({"due_order_kept", "on_time_where_nothing_is_wrong"}),
    )
    for troubles in (_BROKER, _DATABASE):
        drawn = replace(drawn, **troubles) if chance.random() < 0.5 else drawn
    return replace(drawn, meddling=chance.choice((0, 0.3)) if drawn.edits else 0)
