"""Attending to dead letters: one line in each service's `app.py`."""

from collections.abc import Collection
from dataclasses import replace

from shared.events.rebuilding import ConsoleRebuildRequested
from shared.events.requests import DeadLetterDropRequested, DeadLetterReplayRequested
from shared.messaging.consumer import Consumer
from shared.messaging.dead_letters.notices import Notices
from shared.messaging.dead_letters.settling import Settling
from shared.messaging.topology import Queue, Topology, notices_queue

NOTICES_AT_ONCE = 20


def queue_of(service: str) -> Queue:
    """Where a service is asked to replay, drop or tell of its dead letters; one request at a time, by one process.

    What one process holds in hand, another would not find.
    """
    requests = (DeadLetterReplayRequested.type, DeadLetterDropRequested.type, ConsoleRebuildRequested.type)
    return Queue(service, f"{service}.dead_letter_requests", requests, single=True)


def attended(consumer: Consumer, topology: Topology, every_service: Collection[str] = ()) -> Topology:
    """Have the service tell of its dead letters, and settle them when asked; the topology with what that needs.

    The one that is told of `every_service` parks requests that name none of them.
    """
    service, requests = topology.service, queue_of(topology.service)
    queues = (*topology.queues, requests)
    names = {queue.name for queue in queues}
    settling = Settling(service, names, consumer.broker, consumer.publisher, consumer.clock, every_service)
    consumer.subscribe(
        requests,
        {
            DeadLetterReplayRequested: settling.on_dead_letter_replay_requested,
            DeadLetterDropRequested: settling.on_dead_letter_drop_requested,
            ConsoleRebuildRequested: settling.on_console_rebuild_requested,
        },
        prefetch=1,
    )
    notices = Notices(service, consumer.publisher, consumer.acknowledgements)
    consumer.take(notices_queue(service), notices.settle, prefetch=NOTICES_AT_ONCE)
    return replace(topology, queues=queues, notices=True)
