"""The map of the publisher: what it consumes, and how it is put together."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from services.publisher import callbacks, retention
from services.publisher.accounts.connecting import Connecting
from services.publisher.accounts.renewals import Renewals
from services.publisher.accounts.tokens import LONGEST_RENEWAL, Tokens
from services.publisher.bulkheads import Bulkheads
from services.publisher.calling_back import CallingBack
from services.publisher.claims import Claims
from services.publisher.doubt import Doubts
from services.publisher.handlers import Handlers
from services.publisher.lanes import Lanes
from services.publisher.marks import Marks
from services.publisher.platforms import platforms
from services.publisher.preparation import Preparation
from services.publisher.publishing import Publishing
from services.publisher.revoked import Revoked
from services.publisher.settings import Settings
from services.publisher.settling import Settling
from services.publisher.store import Store
from services.publisher.tables import outbox
from shared.clock import SystemClock
from shared.db import Database
from shared.events.callbacks import CallbackRequested
from shared.events.maintenance import RetentionPurgeRequested
from shared.events.publisher import AccountRefreshRequested
from shared.events.requests import (
    AccountConnectRequested,
    AccountDisconnectRequested,
    PublishResolveRequested,
    PublishRetryRequested,
)
from shared.events.scheduler import PublishRequested, ScheduleCancelled
from shared.messaging.broker import Publisher
from shared.messaging.consumer import Consumer
from shared.messaging.outbox import Outbox
from shared.messaging.topology import RETRY_TIERS, Queue, Topology
from shared.outbound import outbound_client
from shared.retention import Purge, Retention, queue_of
from shared.sealing import SealingKey
from shared.service import COLLECT_AFTER, Service, rabbit_broker
from shared.vault import Vault

NAME = "publisher"
MIGRATIONS = Path(__file__).parent / "migrations"
MOST_AT_ONCE = 100
"""Sends in flight to one destination from one process."""
MOST_PREPARING = 50
MOST_CALLING_BACK = 10
CALL_BACK_WITHIN = timedelta(seconds=15)
OBJECTS_PER_POST = 400
"""More than what the garbage collector sees of a post that waits in memory, which is some 200."""
MOST_CONNECTIONS = 1000
"""No send waits for a connection, so that its timeout is the platform's alone."""

REQUESTS = Queue(NAME, "publisher.requests", ("publish.requested",))
CANCELLATIONS = Queue(NAME, "publisher.cancellations", ("schedule.cancelled",))
COMMANDS = Queue(
    NAME,
    "publisher.commands",
    (
        "account.connect_requested",
        "account.disconnect_requested",
        "account.refresh_requested",
        "publish.retry_requested",
        "publish.resolve_requested",
    ),
)
CALLBACKS = Queue(NAME, callbacks.QUEUE, ())
RETENTION = queue_of(NAME)


def build(settings: Settings) -> Service:
    """Put the publisher together."""
    clock = SystemClock()
    database = Database(settings.database(settings.database_url, NAME))
    publisher = Publisher(settings.broker_url, app_id=NAME, clock=clock)
    sends = Bulkheads(MOST_AT_ONCE)
    relay = Outbox(outbox, database, publisher, clock, is_crowded=sends.is_crowded)
    store = Store(database, relay)
    client = outbound_client(allow_private_addresses=settings.allow_private_addresses, max_connections=MOST_CONNECTIONS)
    known = platforms(client)
    vault, revoked = Vault.from_keys(settings.encryption_keys), Revoked()
    send_timeout = timedelta(seconds=settings.send_timeout_seconds)
    tokens = Tokens(Renewals(store), known, vault, clock, timeout=min(send_timeout, LONGEST_RENEWAL))
    limits = {platform.name: platform.limits for platform in known.values()}
    prepare_timeout = timedelta(seconds=settings.prepare_timeout_seconds)
    publishing = Publishing(
        claims=Claims(store, clock, lease=timedelta(seconds=settings.lease_seconds), limits=limits),
        settling=Settling(store, clock),
        clock=clock,
        revoked=revoked,
        send_timeout=send_timeout,
        sends=sends,
        preparation=Preparation(known, vault, tokens, Bulkheads(MOST_PREPARING), prepare_timeout),
        doubts=Doubts(known, vault, clock, tokens, look_up_timeout=send_timeout),
        tokens=tokens,
    )
    connecting = Connecting(store, tokens, vault, SealingKey.from_base64(settings.private_key), clock)
    handlers = Handlers(store, clock, revoked, REQUESTS.name)
    broker = rabbit_broker(settings.broker_url, NAME)
    consumer = Consumer(NAME, broker, publisher, clock)
    lanes = Lanes(publishing, publishing.destinations, share=max(settings.prefetch // 2, 1))
    subscribe(consumer, lanes, connecting, handlers, prefetch=settings.prefetch)
    calling_client = outbound_client(
        allow_private_addresses=settings.allow_private_addresses, max_connections=MOST_CONNECTIONS
    )
    calling = CallingBack(calling_client, settings.callback_keys, Bulkheads(MOST_CALLING_BACK), clock, CALL_BACK_WITHIN)
    consumer.subscribe(CALLBACKS, {CallbackRequested: calling.on_callback_requested}, prefetch=200)
    stopping = asyncio.Event()
    old = Retention(NAME, Purge(database, clock, stopping), retention.RULES, publisher)
    keys = retention.KeyRetention(Marks(database), old)
    consumer.subscribe(RETENTION, {RetentionPurgeRequested: keys.on_retention_purge_requested}, prefetch=1)
    return Service(
        name=NAME,
        database=database,
        publisher=publisher,
        broker=broker,
        topology=Topology(NAME, (REQUESTS, CANCELLATIONS, COMMANDS, CALLBACKS, RETENTION), retry_tiers=RETRY_TIERS),
        outbox=relay,
        before_stop=publishing.stop,
        finishing=consumer.finish,
        closing=(client.aclose, calling_client.aclose),
        http=(settings.http_host, settings.http_port),
        stopping=stopping,
        collect_after=COLLECT_AFTER + OBJECTS_PER_POST * settings.prefetch,
    )


def subscribe(consumer: Consumer, lanes: Lanes, connecting: Connecting, handlers: Handlers, *, prefetch: int) -> None:
    """Every event the publisher takes."""
    consumer.subscribe(REQUESTS, {PublishRequested: lanes.on_publish_requested}, prefetch=prefetch)
    consumer.subscribe(REQUESTS, {PublishRequested: lanes.on_surplus}, prefetch=max(prefetch // 4, 1), surplus=True)
    consumer.subscribe(CANCELLATIONS, {ScheduleCancelled: handlers.on_schedule_cancelled}, prefetch=200)
    consumer.subscribe(
        COMMANDS,
        {
            AccountConnectRequested: connecting.on_account_connect_requested,
            AccountDisconnectRequested: connecting.on_account_disconnect_requested,
            AccountRefreshRequested: connecting.on_account_refresh_requested,
            PublishRetryRequested: handlers.on_publish_retry_requested,
            PublishResolveRequested: handlers.on_publish_resolve_requested,
        },
        prefetch=50,
    )
    consumer.listen(
        f"publisher.hears.{uuid4().hex}",
        {ScheduleCancelled: handlers.hear_schedule_cancelled},
        binding=ScheduleCancelled.type,
    )
