"""How long a network may take for its answer."""

import pytest

from services.publisher.accounts.credentials import LEASE
from services.publisher.accounts.tokens import LONGEST_RENEWAL
from services.publisher.app import network_client
from services.publisher.settings import Settings


@pytest.mark.parametrize("send_timeout", [1.5, 10, 60])
def test_no_answer_is_given_up_before_its_own_limit(send_timeout: float) -> None:
    """Neither that to a post, whatever the settings allow it, nor that to a renewal, which may lose an account."""
    settings = Settings(broker_url="amqp://nobody", send_timeout_seconds=send_timeout, lease_seconds=90)

    waits = network_client(settings).timeout.read

    assert waits is not None
    assert waits >= max(send_timeout, LONGEST_RENEWAL.total_seconds())


def test_a_renewal_is_over_before_others_may_begin_one() -> None:
    assert LONGEST_RENEWAL < LEASE
