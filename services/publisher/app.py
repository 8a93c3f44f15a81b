"""The map of the publisher: what it consumes, and how it is put together."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx

from services.publisher.accounts.at_rest import AtRest
from services.publisher.accounts.connecting import Connecting
from services.publisher.accounts.secret_keys import SecretKeys
from services.publisher.accounts.tokens import LONGEST_RENEWAL, Tokens
from services.publisher.callbacks import telling
from services.publisher.callbacks.calling import CallingBack
from services.publisher.figures import tell_figures
from services.publisher.handlers import Handlers
from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.limits.lines import Lines
from services.publisher.limits.opening import Opening
from services.publisher.limits.overflow import Overflow
from services.publisher.limits.pace import Pace
from services.publisher.limits.told import LimitsTold
from services.publisher.own_state import OwnState
from services.publisher.platforms import platforms
from services.publisher.platforms.base import Limits, Platform
from services.publisher.retention import RULES, KeyRetention
from services.publisher.sending.claiming import Claims
from services.publisher.sending.long_waits import LongWaits
from services.publisher.sending.look_up import LookUps
from services.publisher.sending.loop import Sending
from services.publisher.sending.preparation import Preparation
from services.publisher.sending.recording import Recording
from services.publisher.sending.reporting import begin_at_zero
from services.publisher.settings import Settings
from services.publisher.store import Store
from services.publisher.tables import outbox
from shared.clocks.clock import Clock
from shared.events.callbacks import CallbackRequested
from shared.events.keys import KeysRotateRequested
from shared.events.limits import AccountLimitsRequested
from shared.events.publisher import AccountRefreshRequested
from shared.events.requests import (
    AccountConnectRequested,
    AccountDisconnectRequested,
    PublishResolveRequested,
    PublishRetryRequested,
)
from shared.events.scheduler import PublishRequested, PublishWithdrawRequested, ScheduleCancelled
from shared.messaging.consumer import Consumer
from shared.messaging.topology import Queue
from shared.outbound.client import outbound_client
from shared.process.base import Base
from shared.process.service import COLLECT_AFTER, Service
from shared.secrets.sealing import SealingKey
from shared.secrets.vault import Vault

NAME = "publisher"
MIGRATIONS = Path(__file__).parent / "migrations"
MOST_AT_ONCE = 100
"""Sends in flight to one destination from one process."""
MOST_PREPARING = 50
MOST_CALLING_BACK = 10
CALLBACKS_AT_HAND = 1000
"""Those of a slow receiver wait in memory for their turns: beyond this number all others wait behind them."""
MOST_COMMANDS = 500
"""At work at one time: some wait for seconds, while a network is asked whether it takes an account's credentials."""
CALL_BACK_WITHIN = timedelta(seconds=15)
OBJECTS_PER_POST = 400
"""More than what the garbage collector sees of a post that waits in memory, which is some 200."""
MOST_CONNECTIONS = 1000
"""No send waits for a connection, so that its timeout is the platform's alone."""

REQUESTS = Queue(NAME, "publisher.requests", ("publish.requested",))
CANCELLATIONS = Queue(NAME, "publisher.cancellations", ("publish.withdraw_requested", "schedule.cancelled"))
COMMANDS = Queue(
    NAME,
    "publisher.commands",
    (
        "account.connect_requested",
        "account.disconnect_requested",
        "account.refresh_requested",
        "publish.retry_requested",
        "publish.resolve_requested",
        "keys.rotate_requested",
        "account.limits_requested",
    ),
)
CALLBACKS = Queue(NAME, telling.QUEUE, ())


def build(settings: Settings) -> Service:
    """Put the publisher together."""
    breakers = CircuitBreakers(MOST_AT_ONCE)
    base = Base.of(NAME, settings, outbox)
    clock, store = base.clock, Store(base.database, base.outbox)
    client = network_client(settings)
    known, vault = platforms(client), Vault.from_keys(settings.encryption_keys)
    at_rest = AtRest(store)
    tokens = Tokens(at_rest, known, vault, clock)
    sending = sending_of(settings, store, clock=clock, breakers=breakers, known=known, vault=vault, tokens=tokens)
    base.outbox.is_crowded = sending.lines.is_crowded
    tell_figures(sending.lines, breakers)
    begin_at_zero(known)
    connecting = Connecting(store, tokens, vault, SealingKey.from_base64(settings.private_key), clock)
    handlers = Handlers(store, clock, sending, REQUESTS.name)
    waits = LongWaits(store, clock, sending.lines.waiting_since)
    share, room = max(settings.prefetch // 2, 1), max(settings.prefetch // 4, 1)
    overflow = Overflow(sending, waits, sending.destinations, share, room)
    secret_keys = SecretKeys(at_rest, vault, clock, NAME)
    limits_told = LimitsTold(store, network_limits(known), clock)
    calling = calling_back(settings, clock)
    subscribe(
        base.consumer, overflow, connecting, handlers, secret_keys, limits=limits_told, prefetch=settings.prefetch
    )
    base.consumer.subscribe(CALLBACKS, {CallbackRequested: calling.on_callback_requested}, prefetch=CALLBACKS_AT_HAND)
    base.take_purges(KeyRetention(base.database, base.retention(RULES)).on_retention_purge_requested)
    base.answer_rebuilds(OwnState(NAME, store, base.database).parts)
    return replace(
        base.service(),
        loops=(sending.lines.run, waits.run, secret_keys.run),
        checks={"credentials": secret_keys.problem},
        before_stop=sending.stop,
        finishing=base.consumer.finish,
        closing=(tokens.finish, client.aclose, calling.client.aclose),
        collect_after=COLLECT_AFTER + OBJECTS_PER_POST * settings.prefetch,
    )


def sending_of(
    settings: Settings,
    store: Store,
    *,
    clock: Clock,
    breakers: CircuitBreakers,
    known: Mapping[str, Platform],
    vault: Vault,
    tokens: Tokens,
) -> Sending:
    """Put the sending room together."""
    pace, send_timeout = Pace(), settings.send_timeout
    opening = Opening(store, pace, uuid4().hex, send_timeout, timedelta(seconds=settings.lease_seconds))
    prepare_within = timedelta(seconds=settings.prepare_timeout_seconds)
    return Sending(
        claims=Claims(store, clock, known, vault),
        preparation=Preparation(known, vault, tokens, CircuitBreakers(MOST_PREPARING), prepare_within),
        lines=Lines(opening, clock, breakers, network_limits(known)),
        look_ups=LookUps(store, known, vault, tokens, clock, send_timeout),
        recording=Recording(store, clock),
        tokens=tokens,
        clock=clock,
        pace=pace,
        send_timeout=send_timeout,
    )


def network_client(settings: Settings) -> httpx.AsyncClient:
    """The client for networks; it waits for an answer as long as any call may take, and each call ends by itself."""
    return outbound_client(
        allow_private_addresses=settings.allow_private_addresses,
        max_connections=MOST_CONNECTIONS,
        timeout=max(settings.send_timeout, LONGEST_RENEWAL).total_seconds(),
    )


def calling_back(settings: Settings, clock: Clock) -> CallingBack:
    """Callbacks, with a client of their own."""
    client = outbound_client(allow_private_addresses=settings.allow_private_addresses, max_connections=MOST_CONNECTIONS)
    return CallingBack(client, settings.callback_keys, CircuitBreakers(MOST_CALLING_BACK), clock, CALL_BACK_WITHIN)


def network_limits(known: Mapping[str, Platform]) -> Mapping[str, Limits]:
    """The limits of each network."""
    return {platform.name: platform.limits for platform in known.values()}


def subscribe(
    consumer: Consumer,
    overflow: Overflow,
    connecting: Connecting,
    handlers: Handlers,
    secret_keys: SecretKeys,
    *,
    limits: LimitsTold,
    prefetch: int,
) -> None:
    """Every event the publisher takes."""
    consumer.subscribe(REQUESTS, {PublishRequested: overflow.on_publish_requested}, prefetch=prefetch)
    consumer.subscribe(REQUESTS, {PublishRequested: overflow.on_overflow}, prefetch=overflow.room, surplus=True)
    consumer.subscribe(
        CANCELLATIONS,
        {
            PublishWithdrawRequested: handlers.on_publish_withdraw_requested,
            ScheduleCancelled: handlers.on_schedule_cancelled,
        },
        prefetch=200,
    )
    consumer.subscribe(
        COMMANDS,
        {
            AccountConnectRequested: connecting.on_account_connect_requested,
            AccountDisconnectRequested: connecting.on_account_disconnect_requested,
            AccountRefreshRequested: connecting.on_account_refresh_requested,
            PublishRetryRequested: handlers.on_publish_retry_requested,
            PublishResolveRequested: handlers.on_publish_resolve_requested,
            KeysRotateRequested: secret_keys.on_keys_rotate_requested,
            AccountLimitsRequested: limits.on_account_limits_requested,
        },
        prefetch=MOST_COMMANDS,
        on_unreadable=handlers.on_unreadable,
    )
    consumer.listen(
        f"publisher.live.{uuid4().hex}",
        {PublishWithdrawRequested: handlers.on_live_withdraw_requested},
        binding=PublishWithdrawRequested.type,
    )
