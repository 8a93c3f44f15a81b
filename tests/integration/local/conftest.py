"""Fixtures for the tests of the nodes themselves."""

import pytest

from deploy.local.broker_node import BrokerNode
from tests.nodes import Broker


@pytest.fixture
def private_node(broker_node: Broker) -> BrokerNode:
    """The session's broker, where it is not a container."""
    if not isinstance(broker_node, BrokerNode):
        pytest.skip("the broker is a container")
    return broker_node
