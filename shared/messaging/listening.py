"""Bindings of the queues in which a process listens: when their exchange is deleted, nobody is told."""

from faststream.rabbit import RabbitBroker


async def bind_again(broker: RabbitBroker) -> None:
    """Bind each listening queue again as it is bound; a binding that is there stays as it is."""
    for subscriber in broker.subscribers:
        queue = getattr(subscriber, "_queue_obj", None)
        if queue is not None:
            for (exchange, key), given in tuple(queue._bindings.items()):
                await queue.bind(exchange, key, **given)
