"""The broker that `timeball up` is told to use."""

from pathlib import Path

import pytest

from deploy.local.broker import NoBroker, running_broker


async def test_an_address_that_cannot_be_used_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://u:s3cr#et@h:5672/")

    with pytest.raises(NoBroker, match=r"^TIMEBALL_BROKER_URL: in user, password") as refused:
        async with running_broker(tmp_path, print):
            pass

    assert "s3cr" not in str(refused.value)


async def test_an_address_is_used_without_the_space_around_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", " amqp://h:5672/\n")

    async with running_broker(tmp_path, print) as broker:
        assert broker.url == "amqp://h:5672/"
