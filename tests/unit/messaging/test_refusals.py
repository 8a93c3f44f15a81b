"""What the broker refuses is told with the way out."""

import aiormq
import pytest

from shared.messaging.refusals import why_lost, why_refused


def test_a_broker_without_the_plugin_for_delays_is_told_with_both_ways_out() -> None:
    error = aiormq.exceptions.ConnectionCommandInvalid("COMMAND_INVALID - unknown exchange type 'x-delayed-message'")

    assert why_refused(error, "amqp://user:s3cret@broker/") == (
        "broker:5672: it has no plugin for 'x-delayed-message': enable rabbitmq_delayed_message_exchange, "
        "or set TIMEBALL_DELAY=wheel, which needs none"
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TimeoutError(), "it does not answer"),
        (ConnectionRefusedError(111, "Connection refused"), "connection refused: nothing listens there"),
        (aiormq.exceptions.ChannelClosed(320, "CONNECTION_FORCED - node is going down"), "the broker refuses: "),
        (ConnectionError(), "the connection broke off"),
        (RuntimeError("Writer is None"), "the connection broke off"),
    ],
)
def test_what_ended_a_request_to_the_broker_is_told_in_words(error: BaseException, told: str) -> None:
    assert why_lost(error).startswith(told)
