"""The map of the monitor: what it consumes, and how it is put together."""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import httpx

from services.monitor import retention
from services.monitor.checking import Checking
from services.monitor.digesting import Digesting
from services.monitor.handlers import Handlers
from services.monitor.notifying import Notifying
from services.monitor.own_state import OwnState
from services.monitor.reddit import Access, Reddit
from services.monitor.removing import Removing
from services.monitor.secret_keys import SecretKeys
from services.monitor.settings import Settings
from services.monitor.store import Store
from services.monitor.tables import job_runs, outbox
from services.monitor.trying import Trying
from shared.clocks.clock import Clock
from shared.events.keys import KeysRotateRequested
from shared.events.monitor import NotificationRequested
from shared.events.requests import WorkspaceConfigured, WorkspaceRemoveRequested
from shared.events.scheduler import TimerFired
from shared.events.trials import KeywordsTryRequested
from shared.jobs import Jobs
from shared.messaging.consumer import Consumer
from shared.messaging.topology import Queue
from shared.outbound.client import outbound_client
from shared.outbound.targets import AT_ONCE, Targets
from shared.process.base import Base
from shared.process.service import Service
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


def build(settings: Settings) -> Service:
    """Put the monitor together."""
    base = Base.of(NAME, settings, outbox)
    clock, store = base.clock, Store(base.database, base.outbox)
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
        jobs=Jobs(NAME, base.database, job_runs, base.outbox, clock, stopping=base.stopping),
        work={"monitor.check": checking.check, "digest.send": digesting.send_due},
    )
    notifying = Notifying(store, targets, vault, clock, NOTIFICATIONS.name)
    removing, secret_keys = Removing(store, clock), SecretKeys(store, vault, clock, NAME)
    subscribe(base.consumer, handlers, notifying, removing, secret_keys)
    trying = Trying(store, network)
    base.consumer.subscribe(TRIALS, {KeywordsTryRequested: trying.on_keywords_try_requested}, prefetch=1)
    base.take_purges(base.retention(retention.RULES).on_retention_purge_requested)
    base.answer_rebuilds(OwnState(NAME, base.database).parts)
    return replace(base.service(), closing=(targets.close, client.aclose))


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
