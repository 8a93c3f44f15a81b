"""The publisher refuses to start with settings that would break its promises, and says which."""

import pytest
from pydantic import ValidationError

from services.publisher.settings import Settings


def settings(**given: object) -> Settings:
    return Settings.model_validate({"broker_url": "amqp://localhost/"} | given)


def test_the_defaults_are_sound() -> None:
    assert settings().lease_seconds > settings().send_timeout_seconds


@pytest.mark.parametrize(("lease", "timeout"), [(10, 10), (5, 10), (0.1, 0.2)])
def test_a_lease_outlives_the_send_it_protects(lease: float, timeout: float) -> None:
    with pytest.raises(ValidationError, match="TIMEBALL_PUBLISHER_LEASE_SECONDS must be longer"):
        settings(lease_seconds=lease, send_timeout_seconds=timeout)


@pytest.mark.parametrize("name", ["lease_seconds", "send_timeout_seconds", "prefetch"])
@pytest.mark.parametrize("value", [0, -1, "soon"])
def test_what_makes_no_sense_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        settings(**{name: value})
