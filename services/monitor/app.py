"""The map of the monitor: what it consumes, and how it is put together."""

import asyncio
from importlib.metadata import version
from pathlib import Path

import httpx

from services.monitor import retention
from services.monitor.checking import Checking
from services.monitor.digesting import Digesting
from services.monitor.handlers import Handlers
from services.monitor.notifying import Notifying
from services.monitor.reddit import Access, Reddit
from services.monitor.removing import Removing
from services.monitor.secret_keys import SecretKeys
from services.monitor.settings import Settings
from services.monitor.store import Store
from services.monitor.tables import job_runs, outbox
from services.monitor.telling import Kept
from services.monitor.trying import Trying
from shared.clocks.clock import Clock, SystemClock
from shared.database.engine import Database
from shared.database.purging import Purge
from shared.events.keys import KeysRotateRequested
from shared.events.maintenance import RetentionPurgeRequested
from shared.events.monitor import NotificationRequested
from shared.events.rebuilding import ConsoleRebuildRequested
from shared.events.requests import WorkspaceConfigured, WorkspaceRemoveRequested
from shared.events.scheduler import TimerFired
from shared.events.trials import KeywordsTryRequested
from shared.jobs import Jobs
from shared.jobs.retention import Retention, queue_of
from shared.messaging.broker import Publisher
from shared.messaging.consumer import Consumer
from shared.messaging.dead_letters.attending import attended
from shared.messaging.outbox import Outbox
from shared.messaging.telling import Telling
from shared.messaging.telling import queue_of as telling_queue
from shared.messaging.topology import RETRY_TIERS, Queue, Topology
from shared.outbound.client import outbound_client
from shared.outbound.targets import AT_ONCE, Targets
from shared.process.service import Service, rabbit_broker
from shared.secrets.sealing import SealingKey
from shared.secrets.vault import Vault

NAME = "monitor"
MIGRATIONS = Path(__file__).parent / "migrations"
USER_AGENT = f"server:timeball.monitor:{version('timeball')} (keyword mentions)"
"""As Reddit wants it: platform, app, version."""

WORKSPACES = Queue(
    NAME, "monitor.workspaces", ("workspace.configured", "workspace.remove_requested", "keys.rotate_requested")
)
TIMERS = Queue(NAME, "monitor.timers", ("timer.fired",))
NOTIFICATIONS = Queue(NAME, "monitor.notifications", ())
"""The monitor writes to it itself: one message for each mention or digest and target."""

TRIALS = Queue(NAME, "monitor.trials", ("keywords.try_requested",))
RETENTION = queue_of(NAME)
TELLING = telling_queue(NAME)


def build(settings: Settings) -> Service:
    """Put the monitor together."""
    clock, stopping = SystemClock(), asyncio.Event()
    database = Database(settings.database(settings.database_url, NAME))
    publisher = Publisher(settings.broker_url, app_id=NAME, clock=clock)
    relay = Outbox(outbox, database, publisher, clock)
    store = Store(database, relay)
    vault = Vault.from_keys(settings.encryption_keys)
    client = outbound_client(allow_private_addresses=settings.allow_private_addresses)
    targets = Targets(allow_private_addresses=settings.allow_private_addresses)
    network = reddit(settings, client, clock)
    checking = Checking(store, network, clock, NOTIFICATIONS.name)
    digesting = Digesting(store, clock, NOTIFICATIONS.name)
    handlers = Handlers(
        store=store,
        vault=vault,
        sealing_key=SealingKey.from_base64(settings.private_key),
        check_target=targets.form_of,
        clock=clock,
        jobs=Jobs(NAME, database, job_runs, relay, clock, stopping=stopping),
        work={"monitor.check": checking.check, "digest.send": digesting.send_due},
    )
    broker = rabbit_broker(settings.broker_url, NAME)
    consumer = Consumer(NAME, broker, publisher, clock)
    notifying = Notifying(store, targets, vault, clock, NOTIFICATIONS.name)
    subscribe(consumer, handlers, notifying, Removing(store, clock), SecretKeys(store, vault, clock, NAME))
    trying = Trying(store, network)
    consumer.subscribe(TRIALS, {KeywordsTryRequested: trying.on_keywords_try_requested}, prefetch=1)
    old = Retention(NAME, Purge(database, clock, stopping), retention.RULES, publisher)
    telling = Telling(NAME, Kept(NAME, database).parts, publisher, stopping)
    consumer.subscribe(TELLING, {ConsoleRebuildRequested: telling.on_console_rebuild_requested}, prefetch=1)
    consumer.subscribe(RETENTION, {RetentionPurgeRequested: old.on_retention_purge_requested}, prefetch=1)
    return Service(
        name=NAME,
        database=database,
        publisher=publisher,
        broker=broker,
        topology=attended(
            consumer,
            Topology(NAME, (WORKSPACES, TIMERS, NOTIFICATIONS, TRIALS, RETENTION, TELLING), retry_tiers=RETRY_TIERS),
        ),
        outbox=relay,
        closing=(targets.close, client.aclose),
        http=(settings.http_host, settings.http_port),
        stopping=stopping,
    )


def reddit(settings: Settings, client: httpx.AsyncClient, clock: Clock) -> Reddit:
    """Reddit as the settings have it, or one that says what is missing. Another server serves everything itself."""
    secret = settings.reddit_client_secret.get_secret_value()
    access = Access(settings.reddit_client_id, secret) if settings.reddit_client_id and secret else None
    if access and settings.reddit_server:
        server = settings.reddit_server.rstrip("/")
        access = Access(settings.reddit_client_id, secret, sign_in_at=server, listings_at=server)
    return Reddit(client, access, clock, USER_AGENT)


def subscribe(
    consumer: Consumer, handlers: Handlers, notifying: Notifying, removing: Removing, secret_keys: SecretKeys
) -> None:
    """Every event the monitor takes; workspaces one at a time, so that they keep their order."""
    consumer.subscribe(
        WORKSPACES,
        {
            WorkspaceConfigured: handlers.on_workspace_configured,
            WorkspaceRemoveRequested: removing.on_workspace_remove_requested,
            KeysRotateRequested: secret_keys.on_keys_rotate_requested,
        },
        prefetch=1,
        on_unreadable=handlers.on_unreadable,
    )
    consumer.subscribe(TIMERS, {TimerFired: handlers.on_timer_fired}, prefetch=8)
    consumer.subscribe(NOTIFICATIONS, {NotificationRequested: notifying.on_notification_requested}, prefetch=AT_ONCE)
