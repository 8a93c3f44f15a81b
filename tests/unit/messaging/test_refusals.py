"""What the broker refuses is told with the way out."""

import aiormq

from shared.messaging.refusals import why_refused


def test_a_broker_without_the_plugin_for_delays_is_told_with_both_ways_out() -> None:
    error = aiormq.exceptions.ConnectionCommandInvalid("COMMAND_INVALID - unknown exchange type 'x-delayed-message'")

    assert why_refused(error, "amqp://user:s3cret@broker/") == (
        "broker:5672: it has no plugin for 'x-delayed-message': enable rabbitmq_delayed_message_exchange, "
        "or set TIMEBALL_DELAY=wheel, which needs none"
    )
