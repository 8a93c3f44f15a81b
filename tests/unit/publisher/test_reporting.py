"""What is counted of outcomes: every one from 0, so that the first one is seen as an increase."""

import pytest
from prometheus_client import REGISTRY

from services.publisher.sending.reporting import begin_at_zero


@pytest.mark.parametrize("outcome", ["published", "failed", "unknown", "held", "skipped", "retrying"])
def test_every_outcome_is_counted_from_zero(outcome: str) -> None:
    begin_at_zero(["a network"])

    labels = {"platform": "a network", "outcome": outcome}
    assert REGISTRY.get_sample_value("timeball_publications_total", labels) == 0
