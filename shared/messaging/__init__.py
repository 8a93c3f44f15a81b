"""Events over RabbitMQ: topology, delay, outbox, inbox, dead letters, and explicit acknowledgement."""
