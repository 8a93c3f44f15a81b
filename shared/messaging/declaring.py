"""Makes what the topology describes; to make it again changes nothing.

RabbitMQ refuses to declare a queue that is there with other arguments, and arguments cannot be changed. Such a queue
was made by another release. It is used as it is, with its messages, and a line in the log names it, once for each
connection: whoever wants the new arguments deletes it when it is empty, and it is made again.

Bindings come last. A cluster that waits for a node to answer or to be given up, for a minute or so, answers none, not
even one that is there; in queues whose leaders are well it takes messages all the while.
"""

from collections.abc import Iterable

import aiormq
import structlog
from aiormq.abc import AbstractChannel, AbstractConnection
from pamqp import commands

from shared.messaging.answers import Answers
from shared.messaging.topology import (
    EVENTS_EXCHANGE,
    PLUGIN_DELAYED_EXCHANGE,
    DeclaredQueue,
    Topology,
    exchanges,
)

log = structlog.get_logger()


WAY_OUT = "they work as they are; under 'Queues of an older release' docs/containers.md says how to have them made anew"


async def declare(
    connection: AbstractConnection,
    topology: Topology,
    queues: Iterable[DeclaredQueue],
    answers: Answers,
    foreign: set[str],
) -> None:
    """Make the exchanges of a service and these queues; `foreign` is given those of another release."""
    channel = await connection.channel(publisher_confirms=False)
    refused: dict[str, str] = {}
    try:
        await _declare_exchanges(channel, topology)
        for queue in queues:
            if (on_missing := topology.on_missing.get(queue.name)) and not await is_there(connection, queue.name):
                on_missing()
            if queue.name not in foreign or not await is_there(connection, queue.name):
                channel = await _declare_queue(connection, channel, queue, refused)
            answers.note()
    finally:
        _tell_of(refused, foreign)
        if not channel.is_closed:
            await channel.close()


async def bind(
    connection: AbstractConnection, topology: Topology, queues: Iterable[DeclaredQueue], answers: Answers
) -> None:
    """Bind these queues, and what delays to what they are bound to."""
    channel = await connection.channel(publisher_confirms=False)
    try:
        if topology.delay == "plugin":
            await channel.exchange_bind(EVENTS_EXCHANGE, source=PLUGIN_DELAYED_EXCHANGE, routing_key="#")
        for queue in queues:
            for exchange, key, arguments in queue.bindings:
                await channel.queue_bind(queue.name, exchange, routing_key=key, arguments=dict(arguments) or None)
                answers.note()
    finally:
        if not channel.is_closed:
            await channel.close()


def _tell_of(refused: dict[str, str], foreign: set[str]) -> None:
    if refused:
        foreign.update(refused)
        reason = next(iter(refused.values()))
        log.warning("queues_of_another_release", queues=sorted(refused), reason=reason, way_out=WAY_OUT)


async def is_there(connection: AbstractConnection, queue: str) -> bool:
    """Whether the broker has the queue."""
    return await figures_of(connection, queue) is not None


async def figures_of(connection: AbstractConnection, queue: str) -> commands.Queue.DeclareOk | None:
    """What the broker says of a queue, None where there is none."""
    channel = await connection.channel(publisher_confirms=False)
    try:
        return await channel.queue_declare(queue, passive=True)
    except aiormq.exceptions.ChannelNotFoundEntity:
        return None
    finally:
        if not channel.is_closed:
            await channel.close()


async def _declare_exchanges(channel: AbstractChannel, topology: Topology) -> None:
    for one in exchanges(topology):
        arguments = dict(one.arguments) or None
        await channel.exchange_declare(one.name, exchange_type=one.type, durable=True, arguments=arguments)


async def _declare_queue(
    connection: AbstractConnection, channel: AbstractChannel, queue: DeclaredQueue, refused: dict[str, str]
) -> AbstractChannel:
    """Declare the queue; the channel to go on with, because a refusal costs the channel."""
    try:
        await channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
    except aiormq.exceptions.ChannelPreconditionFailed as error:
        if not await is_there(connection, queue.name):  # the virtual host has as many queues as it may have
            raise
        refused[queue.name] = str(error)
        return await connection.channel(publisher_confirms=False)
    return channel
