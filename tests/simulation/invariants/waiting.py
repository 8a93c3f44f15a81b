"""When things leave, and what makes them fail."""

from collections.abc import Sequence
from itertools import groupby, pairwise

from services.publisher.limits.account_circuits import OPENS_AFTER
from services.publisher.limits.circuit_breaker import FIRST_REST
from shared.events.publisher import AccountConnected, PublishFailed, PublishRetrying, PublishSucceeded, PublishUnknown
from tests.simulation.invariants.run import MOMENT, ON_TIME, Run, Violations
from tests.simulation.networks import RETRY_AFTER, Entry
from tests.simulation.witness import Key

TAKES_AN_ATTEMPT = (
    "slow",
    "too_slow",
    "reply_lost",
    "request_lost",
    "arrives_late",
    "taken_500",
    "taken_502",
    "taken_302",
    "untaken_500",
    "untaken_502",
)
ATTEMPTS = 3
PUNCTUAL = 0.5
"""Seconds within which a post leaves that is asked for in time, where nothing is wrong."""
IN_TIME = 4.0
GIVEN_UP = 11.0
"""Seconds after which a sender waits for no answer any more."""
LIMITED = ("mastodon", "x")
"""Networks that have limits of their own, under which many posts of one instant wait for each other."""
COMMITTED_AHEAD = 1.5
"""Seconds ahead that starts are committed, and that an answer takes to be."""
AT_ONCE = 0.01
COMMITS_AHEAD = 10
"""Commits of others that an answer may have to wait for."""


def absence_uses_no_attempts(run: Run) -> Violations:
    """No post fails for good because nobody answered, or was asked to come back later."""
    for key in run.keys:
        for told in run.witness.of(key, PublishFailed):
            if told.event.error.kind == "resolved":
                continue
            before = [one for one in run.requests.get(key, ()) if one.left_at <= told.at]
            refused = [one for one in before if one.status in (400, 401, 403)]
            used = [one for one in before if one.fate in TAKES_AN_ATTEMPT]
            died = told.event.attempts - len(used) if _senders_die(run) else 0
            if not refused and len(used) + died < ATTEMPTS:
                fates = [one.fate for one in before]
                yield f"{key} failed for good at {told.at:.2f} ({told.event.error.message}); its requests: {fates}"


def silence_costs_few_attempts(run: Run) -> Violations:
    """Who has left several requests in a row unanswered gets one at a time, and seldom."""
    if not run.is_smooth or run.world.scenario.replicas["publisher"] > 1:
        return
    ledger = sorted(run.world.internet.ledger, key=lambda one: (one.account_id, one.left_at))
    for account_id, entries in groupby(ledger, key=lambda one: one.account_id):
        asked = list(entries)
        for before, entry in pairwise(asked):
            silent = len(_unanswered(asked, entry.left_at))
            if silent >= OPENS_AFTER and entry.left_at < before.left_at + FIRST_REST:
                yield f"{account_id} was asked at {entry.left_at:.2f}, after {silent} in a row without an answer"


def _unanswered(asked: Sequence[Entry], at: float) -> Sequence[Entry]:
    """Those that were given up before that moment, and left after the last answer that came before it."""
    answers = [one.answered_at for one in asked if one.answered_at is not None and one.answered_at < at]
    last = max(answers, default=0.0)
    return [one for one in asked if last < one.left_at < at - GIVEN_UP and one.fate == "hangs"]


def _senders_die(run: Run) -> bool:
    """Whether a sender may have died before it had told what came of a request, or before that left."""
    scenario = run.world.scenario
    return bool(scenario.crashes or scenario.freezes or scenario.restarts)


def a_refusal_for_good_is_final(run: Run) -> Violations:
    """What a network will never take is not sent again, unless somebody asks for it or it may be out already."""
    for key, entries in run.requests.items():
        refused = [one for one in entries if one.status == 400 and one.answered_at is not None]
        is_in_doubt = any(one.event.in_doubt for one in run.witness.of(key, PublishRetrying))
        if not refused or run.user.retried.get(key) or is_in_doubt:
            continue
        failed = [one.at for one in run.witness.of(key, PublishFailed)]
        for entry in entries:
            if _senders_die(run) and not any(at < entry.left_at for at in failed):
                continue
            if any(one.content == entry.content and one.left_at < entry.left_at for one in refused):
                yield f"{entry.content!r} left again at {entry.left_at:.2f}, after it had been refused for good"


def never_early(run: Run) -> Violations:
    """Nothing leaves before it is due."""
    for key, entries in run.requests.items():
        for entry in entries:
            due = run.wish_of(entry).due
            if entry.left_at < due - MOMENT:
                yield f"{key} left {due - entry.left_at:.3f} s before it was due"


def late_policies_kept(run: Run) -> Violations:
    """What may not be later than its grace does not leave later, unless somebody asks for it."""
    for key, entries in run.requests.items():
        for entry in entries:
            wish = run.wish_of(entry)
            earlier = [one for one in entries if one.left_at < entry.left_at and one.content == entry.content]
            may_be_out = any(one.taken or one.fate in TAKES_AN_ATTEMPT for one in earlier) or _was_in_doubt(run, key)
            late = entry.left_at - max(wish.due, wish.asked_at)
            grace = max(wish.policy.grace_seconds, ON_TIME) + 0.5
            if late > grace and not may_be_out and not run.user.retried.get(key):
                yield f"{key} left {late:.1f} s late; its policy allows {wish.policy.grace_seconds:g}"


def _was_in_doubt(run: Run, key: Key) -> bool:
    """Whether a sender died with it, so that the same request again may settle what became of it, however late."""
    told = run.witness.of(key, PublishSucceeded, PublishRetrying, PublishUnknown)
    return any(getattr(one.event, "attempts", 0) > 1 or getattr(one.event, "in_doubt", False) for one in told)


def on_time_where_nothing_is_wrong(run: Run) -> Violations:
    """A post that is asked for some seconds ahead leaves on its instant."""
    if run.world.scenario.name != "calm":
        return
    for entry in run.world.internet.ledger:
        wish, kind = run.wish_of(entry), run.world.internet.networks[entry.network].kind
        if kind in LIMITED:
            continue
        if wish.due - wish.asked_at > IN_TIME and entry.left_at - wish.due > PUNCTUAL:
            yield f"{wish.content!r} left {entry.left_at - wish.due:.2f} s late"


def a_network_is_left_alone_while_it_asks_for_it(run: Run) -> Violations:
    """After a 429 nothing of its account leaves before the network wants it, but for what others have committed.

    Unless whoever heard it died or could not write it down, or a person connected the account anew.
    """
    scenario = run.world.scenario
    if any((scenario.crashes, scenario.freezes, scenario.restarts, scenario.commit_refused)):
        return
    written_after = COMMITTED_AHEAD + COMMITS_AHEAD * scenario.commit_seconds[1]
    heard_after = written_after if scenario.hiccups or scenario.stalls else AT_ONCE
    closed: dict[str, list[tuple[float, str]]] = {}
    for entry in run.world.internet.ledger:
        if entry.status == 429 and entry.answered_at is not None:
            closed.setdefault(entry.account_id, []).append((entry.answered_at, entry.process))
    for entry in run.world.internet.ledger:
        for since, process in closed.get(entry.account_id, ()):
            known_at = since + (heard_after if entry.process == process else written_after)
            is_asked_to_wait = known_at < entry.left_at < since + RETRY_AFTER - COMMITTED_AHEAD
            if is_asked_to_wait and not _is_connected_between(run, entry.account_id, since, entry.left_at):
                yield f"{entry.content!r} left {entry.left_at - since:.1f} s after its account was asked to wait"


def _is_connected_between(run: Run, account_id: str, since: float, until: float) -> bool:
    """Whether a person may have connected the account anew in that time: more was asked for than was told of before."""
    asked = [at for at in run.user.connected.get(account_id, ()) if at <= until]
    told = [one for one in run.witness.told if isinstance(one.event, AccountConnected) and one.at <= since]
    return len(asked) > [one.event.account_id for one in told].count(account_id)
