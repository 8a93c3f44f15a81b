"""The map of the console: what it consumes and listens to, and how it is put together."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from services.console import retention
from services.console.access.attempts import Attempts
from services.console.access.audit import Audit
from services.console.access.sessions import Sessions
from services.console.access.tokens import Tokens
from services.console.api import Console, application
from services.console.api.bulk_work import act_on_posts
from services.console.api.import_work import send_posts
from services.console.api.run_work import carry_out
from services.console.depths import Depths
from services.console.handlers import Projector
from services.console.missed_events import MissedEvents
from services.console.networks.sign_ins import NetworkSignIns
from services.console.reactions import reactions_of
from services.console.read_model.queries import Queries
from services.console.rebuilding import Rebuilding
from services.console.requests.awaited_answers import AwaitedAnswers, Gate
from services.console.requests.bulk_runs import BulkRuns
from services.console.requests.idempotency import IdempotencyKeys
from services.console.requests.import_runs import ImportRuns
from services.console.requests.required_queues import RequiredQueues
from services.console.requests.sender import RequestSender
from services.console.settings import Settings
from services.console.store import Store
from services.console.streaming.broker_watch import BrokerWatch
from services.console.streaming.journal import Journal
from services.console.streaming.stream import EventStream
from services.console.tables.audit import outbox
from services.console.web.mounting import mount_pages
from shared.clocks.clock import Clock
from shared.contract.entries import EVERY_SERVICE, KEEPERS
from shared.events import EVENTS, Event
from shared.events.keys import KeysRotateRequested
from shared.events.limits import AccountLimitsRequested
from shared.events.rebuilding import ConsoleRebuildAnswered, ConsoleRebuildRequested, StateTold
from shared.events.requests import (
    AccountConnectRequested,
    AccountDisconnectRequested,
    PublishResolveRequested,
    PublishRetryRequested,
    ScheduleBatchRequested,
    ScheduleCancelRequested,
    ScheduleRequested,
    TimerTriggerRequested,
    WorkspaceConfigured,
    WorkspaceRemoveRequested,
)
from shared.events.trials import KeywordsTryRequested
from shared.messaging.broker import Publisher
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Delivery, UnreadableEvent
from shared.messaging.rebuild_answers import queue_of as rebuild_queue
from shared.messaging.settlement import Handler
from shared.messaging.topology import Queue
from shared.outbound.client import outbound_client
from shared.process.base import Base
from shared.process.health import consuming
from shared.process.service import Service

NAME = "console"
MIGRATIONS = Path(__file__).parent / "migrations"

REQUIRED_QUEUES: Mapping[type[Event], str] = {
    ScheduleRequested: "scheduler.requests",
    ScheduleCancelRequested: "scheduler.requests",
    ScheduleBatchRequested: "scheduler.batches",
    TimerTriggerRequested: "scheduler.timers",
    PublishRetryRequested: "publisher.commands",
    PublishResolveRequested: "publisher.commands",
    AccountConnectRequested: "publisher.commands",
    AccountDisconnectRequested: "publisher.commands",
    WorkspaceConfigured: "monitor.workspaces",
    WorkspaceRemoveRequested: "monitor.workspaces",
    KeywordsTryRequested: "monitor.trials",
    KeysRotateRequested: "publisher.commands",
    AccountLimitsRequested: "publisher.commands",
    ConsoleRebuildRequested: "scheduler.telling",
}
"""The queue that must be there before a request is sent: nobody could answer it otherwise."""

PREFETCH = 200
"""Enough for full groups of single facts."""
MOST_BYTES = 2 * 1024 * 1024
"""Each message may be a batch of 500 posts: what is at work is bounded by its size too."""

EVERYTHING = Queue(NAME, "console.projector", ("#",))


def build(settings: Settings) -> Service:
    """Put the console together."""
    base = Base.of(NAME, settings, outbox)
    consumer, publisher = base.consumer, base.publisher
    events = EventStream(Journal(base.database))
    answers = AwaitedAnswers()
    store = Store(base.database, base.clock, events.wake, lambda: events.is_listened_to or answers.are_awaited)
    projector = Projector(store, base.clock)
    reactions = reactions_to_everything(projector, Rebuilding(store, reactions_of(projector), base.clock))
    subscribe(base, settings, reactions)
    answers.attach(gate_of(consumer, answers, projector))
    requests = sender_of(publisher, answers, reactions, base.clock)
    missed = missed_events(base, requests)
    watch = BrokerWatch(publisher, consuming(consumer.broker, consumer.standby))
    depths = Depths(publisher.queue_figures, base.clock)
    console = _console(settings, base, requests=requests, events=events, depths=depths, broker=watch)

    def close_listeners() -> None:
        answers.close()
        events.close()

    return replace(
        base.service(on_missing={EVERYTHING.name: missed.note}, every_service=EVERY_SERVICE),
        loops=(
            answers.close_when_unused,
            events.run,
            watch.run,
            missed.run,
            lambda: carry_out(console, console.bulk, act_on_posts),
            lambda: carry_out(console, console.imports, send_posts),
        ),
        before_stop=close_listeners,
        trusted_proxies=settings.trusted_proxies,
        make_http=lambda health: mount_pages(application(console, health)),
    )


def reactions_to_everything(projector: Projector, rebuilding: Rebuilding) -> dict[type[Event], Handler]:
    """What is learnt from each event, also while the console's database is filled anew."""
    return {
        **reactions_of(projector),
        ConsoleRebuildRequested: rebuilding.on_rebuild_requested,
        StateTold: rebuilding.on_state_told,
        ConsoleRebuildAnswered: rebuilding.on_rebuild_answered,
    }


def subscribe(base: Base, settings: Settings, reactions: Mapping[type[Event], Handler]) -> None:
    """What the console consumes: every event, and requests to delete what is old."""
    base.consumer.subscribe(
        EVERYTHING, reactions, prefetch=PREFETCH, most_bytes=MOST_BYTES, on_unreadable=is_left_to_its_taker
    )
    rules = retention.rules(audit=timedelta(days=settings.audit_days))
    base.take_purges(base.retention(rules).on_retention_purge_requested)


def missed_events(base: Base, requests: RequestSender) -> MissedEvents:
    """What is done after the console's queue was gone."""

    async def are_there() -> bool:
        return all([await base.publisher.has_queue(rebuild_queue(service).name) for service in KEEPERS])

    ask = partial(requests.send_all, [ConsoleRebuildRequested()])
    return MissedEvents(EVERYTHING.name, base.database, base.clock, are_there, ask)


def gate_of(consumer: Consumer, answers: AwaitedAnswers, projector: Projector) -> Gate:
    """Through it comes what this console hears while a request of its own waits for an answer."""
    everything = dict.fromkeys(EVENTS.values(), answers.on_event) | {StateTold: projector.on_other}
    return consumer.listen_at_times(f"console.answers.{uuid4()}", everything, binding="#")


def sender_of(
    publisher: Publisher, answers: AwaitedAnswers, reactions: Mapping[type[Event], Handler], clock: Clock
) -> RequestSender:
    """Sends requests; what answers one is learnt before whoever asked hears of it."""

    async def learn(delivery: Delivery[Any]) -> None:
        await reactions[type(delivery.event)](delivery)

    return RequestSender(publisher, RequiredQueues(REQUIRED_QUEUES, publisher.has_queue), answers, learn, clock)


def _console(
    settings: Settings, base: Base, *, requests: RequestSender, events: EventStream, depths: Depths, broker: BrokerWatch
) -> Console:
    """What the routes work with."""
    database, clock = base.database, base.clock
    tokens = Tokens(database, clock, settings.token)
    return Console(
        requests=requests,
        queries=Queries(database),
        events=events,
        idempotency_keys=IdempotencyKeys(database),
        bulk=BulkRuns(database),
        imports=ImportRuns(database),
        clock=clock,
        public_keys=settings.public_keys,
        tokens=tokens,
        audit=Audit(database, base.outbox),
        sessions=Sessions(database, clock, tokens),
        attempts=Attempts(),
        depths=depths,
        broker=broker,
        broker_ui=settings.broker_queues,
        network_sign_ins=NetworkSignIns(database, clock),
        network_client=partial(outbound_client, allow_private_addresses=settings.allow_private_addresses),
        public_url=settings.console_public_url,
    )


async def is_left_to_its_taker(error: UnreadableEvent, correlation_id: str) -> bool:
    """Whether a service is asked by it, which refuses or parks it itself."""
    return any(error.type == request.type or error.type.startswith(f"{request.type}.") for request in REQUIRED_QUEUES)
