"""The broker over TLS: what trusts its certificate publishes and consumes, what does not says so."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from yarl import URL

from deploy.local.child import free_ports
from shared.clocks.clock import SystemClock
from shared.events.requests import ScheduleCancelRequested
from shared.messaging import transport
from shared.messaging.broker import Outgoing, Publisher
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.topology import Queue, Topology
from shared.process.service import rabbit_broker
from tests.nodes import Broker, evaluate
from tests.support.waiting import PATIENCE, eventually

QUEUE = Queue("shop", "shop.orders", (ScheduleCancelRequested.type,))
A_DAY = timedelta(days=1)


def _write_certificate(folder: Path) -> None:
    """A certificate for the loopback address that vouches for itself, as `certificate.pem` and `key.pem`."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a broker of tests")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - A_DAY)
        .not_valid_after(now + A_DAY)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(private)


@pytest.fixture
def tls_port(broker_node: Broker, tmp_path: Path) -> Iterator[int]:
    """A port of the broker on which it speaks TLS."""
    (port,) = free_ports(1)
    _write_certificate(tmp_path)
    files = f'{{certfile, "{tmp_path}/certificate.pem"}}, {{keyfile, "{tmp_path}/key.pem"}}'
    evaluate(
        broker_node,
        "application:ensure_all_started(ssl), "
        f'rabbit_networking:start_ssl_listener({{"127.0.0.1", {port}, inet}}, [{files}], 1).',
    )
    yield port
    evaluate(
        broker_node, f"[ranch:stop_listener(Ref) || Ref <- maps:keys(ranch:info()), ranch:get_port(Ref) =:= {port}]."
    )


@pytest.fixture
def amqps_url(amqp_vhost_url: str, tls_port: int) -> URL:
    return URL(amqp_vhost_url).with_scheme("amqps").with_port(tls_port)


async def test_a_service_publishes_and_consumes_over_tls(amqps_url: URL, tmp_path: Path) -> None:
    heard: list[str] = []

    async def hear(delivery: Delivery[Any]) -> None:
        heard.append(delivery.event.post_id)

    url = str(amqps_url.update_query(cafile=str(tmp_path / "certificate.pem")))
    publisher, broker = Publisher(url, app_id="shop", clock=SystemClock()), rabbit_broker(url, "shop")
    await publisher.connect(Topology("shop", (QUEUE,)))
    Consumer("shop", broker, publisher, SystemClock()).subscribe(QUEUE, {ScheduleCancelRequested: hear}, prefetch=1)
    await broker.start()

    await publisher.publish(Outgoing(Envelope.of(ScheduleCancelRequested(post_id="post-1"))))

    await eventually(lambda: heard == ["post-1"])
    await broker.stop()
    await publisher.close()


async def test_of_several_addresses_the_certificate_is_that_of_the_name(
    amqps_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def addresses_of(_: URL) -> list[str]:
        return ["localhost", "localhost"]  # for which the certificate is not

    monkeypatch.setattr(transport, "addresses_of", addresses_of)
    url = str(amqps_url.update_query(cafile=str(tmp_path / "certificate.pem")))
    publisher = Publisher(url, app_id="shop", clock=SystemClock())

    await asyncio.wait_for(publisher.connect(Topology("shop")), PATIENCE)

    await publisher.close()


async def test_a_certificate_that_is_not_trusted_is_told(amqps_url: URL) -> None:
    publisher = Publisher(str(amqps_url), app_id="shop", clock=SystemClock())
    trying = asyncio.create_task(publisher.connect(Topology("shop")))

    await eventually(lambda: "TLS: its certificate is not trusted: self-signed" in str(publisher.trouble))

    trying.cancel()
    await publisher.close()


async def test_tls_that_is_wanted_and_not_spoken_is_told(amqps_url: URL) -> None:
    publisher = Publisher(str(amqps_url.with_scheme("amqp")), app_id="shop", clock=SystemClock())
    trying = asyncio.create_task(publisher.connect(Topology("shop")))

    await eventually(lambda: "it hung up before the login: still starting, no AMQP, or TLS" in str(publisher.trouble))

    trying.cancel()
    await publisher.close()
