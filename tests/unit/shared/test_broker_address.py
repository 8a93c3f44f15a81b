"""What TIMEBALL_BROKER_URL may say, and what is said of it when it may not."""

import pytest

from shared.connections.broker_address import broker_address

GOOD = [
    "amqp://h",
    "amqp://user:password@h:5672/",
    "amqps://user:password@h/vhost",
    "amqp://u:a%23b%2Fc@h:5672/",
    "amqp://u:p@[::1]:5672/%2F",
    "amqp://u:p@h/?heartbeat=5",
    "AMQP://h/",
]
BAD = [
    ("amqp://u:s3cr#et@h:5672/", "%23"),
    ("amqp://u:s3cr/et@h:5672/", "%2F"),
    ("amqp://u:s3cr?et@h:5672/", "%3F"),
    ("amqp://u:s3cret@h/v#x", "%23"),
    ("127.0.0.1:5672", "no URL"),
    ("rabbitmq", "no URL"),
    ("http://u:s3cret@h/", "http://"),
    ("redis://h", "redis://"),
    ("amqp://", "no host"),
    ("amqp:///vhost", "no host"),
    ("amqp://h:port/", "port"),
    ("amqp://h:99999/", "port"),
    ("amqp://u:s3cret@h:0/", "port"),
    ("amqp://u:s3cret@[::1/", "host"),
    ("amqp://u:s3cret@one,two/", "'one,two' is no host"),
]


@pytest.mark.parametrize("given", GOOD)
def test_what_can_be_used_is_left_as_it_is(given: str) -> None:
    assert broker_address(f" {given}\n") == given


@pytest.mark.parametrize(("given", "said"), BAD)
def test_what_cannot_be_used_gets_one_line_with_the_way_out_and_no_password(given: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"write|name one") as refused:
        broker_address(given)

    message = str(refused.value)
    assert said in message
    assert "\n" not in message
    assert "s3cr" not in message
