"""The private broker: what survives, what is refused, what is left behind."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from pamqp.common import FieldTable

from deploy.local.broker import PrivateBroker, running_broker
from deploy.local.broker_node import BrokerNode
from deploy.local.child import Child, NodeError, wait_until
from tests.nodes import Broker, await_registered, evaluate, fresh_vhost, private_broker
from tests.support.waiting import PATIENCE, eventually

_QUORUM: FieldTable = {"x-queue-type": "quorum"}


async def test_a_killed_node_comes_back_with_its_messages(private_node: BrokerNode, amqp_vhost_url: str) -> None:
    async with await aio_pika.connect(amqp_vhost_url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True, arguments=_QUORUM)
        message = aio_pika.Message(b"still here", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "kept")
    await asyncio.to_thread(await_registered, private_node, "kept")

    await asyncio.to_thread(private_node.kill)
    await asyncio.to_thread(private_node.start)

    assert await _taken_from(amqp_vhost_url, "kept") == b"still here"


async def test_a_node_that_was_copied_elsewhere_has_its_messages_or_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """Before RabbitMQ 4 its queues write into the folder that they were made in, and take no message."""
    with private_broker(tmp_path / "first") as node:
        async with await aio_pika.connect(node.url) as connection:
            channel = await connection.channel()
            await channel.declare_queue("kept", durable=True, arguments=_QUORUM)
            await channel.default_exchange.publish(aio_pika.Message(b"still here"), "kept")
        assert isinstance(node, BrokerNode)
        await asyncio.to_thread(await_registered, node, "kept")
        keeps_paths = evaluate(node, _VERSION).strip('"') < "4"
    await asyncio.to_thread(shutil.copytree, tmp_path / "first", tmp_path / "copy")
    copy = BrokerNode(tmp_path / "copy")

    if keeps_paths:
        with pytest.raises(NodeError, match=r"copied or moved from .*/first, .* or delete this folder"):
            await asyncio.to_thread(copy.start)
        (tmp_path / "copy").rename(tmp_path / "aside")
        (tmp_path / "first").rename(tmp_path / "copy")
        with pytest.raises(NodeError, match="copied or moved"):
            await asyncio.to_thread(copy.start)
    else:
        await asyncio.to_thread(shutil.rmtree, tmp_path / "first")
        with private_broker(tmp_path / "copy") as node:
            assert await _taken_from(node.url, "kept") == b"still here"


async def test_a_node_whose_server_alone_was_killed_comes_back_where_it_was(tmp_path: Path) -> None:
    """Everybody knows its address: on another port nobody would ever find it again."""
    told: list[str] = []
    async with running_broker(tmp_path, told.append) as broker:
        before = broker.url
        server = next(pid for pid, command in _processes_of(tmp_path).items() if "beam" in command)
        os.kill(server, signal.SIGKILL)

        await eventually(lambda: "the broker has died; starting it again" in told)
        await eventually(lambda: _can_connect(before), what="the broker answers at its address")
        assert broker.url == before


async def test_a_node_whose_queues_have_failed_is_started_again(tmp_path: Path) -> None:
    """As they do on a full disk: once it has room the node lets everybody in, and takes no message for any queue."""
    told: list[str] = []
    async with running_broker(tmp_path, told.append) as broker:
        await _declare(broker.url, "kept")
        assert isinstance(broker, PrivateBroker)
        await asyncio.to_thread(broker.node.evaluate, _FAIL_ALL_QUEUES)

        await eventually(
            lambda: "the broker's queues have failed, as they do on a full disk; starting it again" in told
        )
        await eventually(lambda: _takes_messages(broker.url, "kept"), every=0.3, what="the queue takes messages")


_VERSION = "rabbit_misc:version()."
_FAIL_ALL_QUEUES = "[{catch exit(whereis(ra_log_wal), kill), timer:sleep(10)} || _ <- lists:seq(1, 300)]."
"""Again and again, until whoever starts it again gives up."""


async def _declare(url: str, queue: str) -> None:
    async with await aio_pika.connect(url) as connection:
        await (await connection.channel()).declare_queue(queue, durable=True, arguments=_QUORUM)


async def _taken_from(url: str, queue: str) -> bytes:
    async with await aio_pika.connect(url) as connection:
        kept = await (await connection.channel()).declare_queue(queue, passive=True)
        received = await kept.get(timeout=PATIENCE)
        assert received is not None
        return received.body


async def _takes_messages(url: str, queue: str) -> bool:
    try:
        async with asyncio.timeout(2), await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            await channel.default_exchange.publish(aio_pika.Message(b"one"), queue)
    except (OSError, aio_pika.exceptions.AMQPError, TimeoutError):
        return False
    return True


@pytest.mark.parametrize("program", ["epmd", "rabbitmq-server"])
async def test_who_is_stopped_while_a_node_starts_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """Wherever the start is: also where a program is about to run that nobody could have ended yet."""
    late = LateStart(monkeypatch, program)
    entering = asyncio.create_task(running_broker(tmp_path, print).__aenter__())
    await late.is_stopped_during(entering)

    with pytest.raises(asyncio.CancelledError):
        await entering
    assert _processes_of(tmp_path) == {}


async def test_who_is_stopped_while_a_node_starts_again_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def be_stopped() -> None:
        async with running_broker(tmp_path, print):
            running.set()
            await asyncio.Event().wait()

    running = asyncio.Event()
    stopped = asyncio.create_task(be_stopped())
    await running.wait()
    late = LateStart(monkeypatch, "rabbitmq-server")
    server = next(pid for pid, command in _processes_of(tmp_path).items() if "beam" in command)
    os.kill(server, signal.SIGKILL)
    await late.is_stopped_during(stopped)

    with pytest.raises(asyncio.CancelledError):
        await stopped
    assert _processes_of(tmp_path) == {}


class LateStart:
    """A program of a node that begins only when somebody has had the time to end the start from outside."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
        self._program = program
        self._reached, self._goes_on = threading.Event(), threading.Event()
        start = Child.start

        def start_late(child: Child, *, keep_open: Sequence[int] = ()) -> None:
            if Path(child.argv[0]).name == program:
                self._reached.set()
                assert self._goes_on.wait(PATIENCE)
            start(child, keep_open=keep_open)

        monkeypatch.setattr(Child, "start", start_late)

    async def is_stopped_during(self, task: asyncio.Task[Any]) -> None:
        """Cancel the task while the start is held up, and see that it waits for the start's end."""
        await eventually(self._reached.is_set, what=f"{self._program} is about to be started")
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=0.3)
        self._goes_on.set()
        assert not done


async def test_what_expires_while_a_node_is_down_arrives_soon_after_its_start(
    private_node: BrokerNode, amqp_vhost_url: str
) -> None:
    """A starting node sends expired messages on before all their targets are up; stock RabbitMQ waits 180 s then."""
    names = [str(number) for number in range(150)]
    async with await aio_pika.connect(amqp_vhost_url) as connection:
        channel = await connection.channel()
        for name in names:
            await channel.declare_queue(f"arrives.{name}", durable=True, arguments=_QUORUM)
            resting = _resting_for(seconds=3, then=f"arrives.{name}")
            await channel.declare_queue(f"rests.{name}", durable=True, arguments=resting)
        await asyncio.to_thread(await_registered, private_node, *(f"rests.{name}" for name in names))
        for name in names:
            await channel.default_exchange.publish(aio_pika.Message(name.encode(), delivery_mode=2), f"rests.{name}")

    await asyncio.to_thread(private_node.kill)
    await asyncio.to_thread(private_node.start)

    async with asyncio.timeout(PATIENCE), await aio_pika.connect(amqp_vhost_url) as connection:
        channel = await connection.channel()
        for name in names:
            queue = await channel.declare_queue(f"arrives.{name}", passive=True)
            async with queue.iterator() as messages:
                assert (await anext(messages)).body == name.encode()


def _resting_for(*, seconds: int, then: str) -> FieldTable:
    return _QUORUM | {
        "x-message-ttl": seconds * 1000,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": then,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


async def test_each_test_has_a_virtual_host_of_its_own(broker_node: Broker) -> None:
    with fresh_vhost(broker_node) as one, fresh_vhost(broker_node) as other:
        assert one != other

        async with await aio_pika.connect(one) as first, await aio_pika.connect(other) as second:
            await (await first.channel()).declare_queue("mine")
            with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
                await (await second.channel()).declare_queue("mine", passive=True)


def test_a_second_node_on_the_same_directory_is_refused(private_node: BrokerNode) -> None:
    with pytest.raises(NodeError, match="already running"):
        BrokerNode(private_node.directory).start()


def test_a_node_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "mnesia").write_text("in the way of the data")
    node = BrokerNode(tmp_path, plugins=())

    with pytest.raises(NodeError, match="BOOT FAILED"):
        node.start()

    assert not node.running


def test_nothing_is_left_of_a_node_whose_parent_was_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "started\n"
    assert _processes_of(tmp_path)

    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()

    assert wait_until(lambda: not _processes_of(tmp_path), within=PATIENCE), _processes_of(tmp_path)


async def _can_connect(url: str) -> bool:
    try:
        async with await aio_pika.connect(url):
            return True
    except (OSError, aio_pika.exceptions.AMQPError):
        return False


_PARENT = """
import sys, threading
from pathlib import Path
from typing import Any
from deploy.local.broker_node import BrokerNode
node = BrokerNode(Path(sys.argv[1]), plugins=())
starter = threading.Thread(target=node.start)
starter.start()
starter.join()
print("started", flush=True)
threading.Event().wait()
"""


def _processes_of(directory: Path) -> dict[int, str]:
    """By pid, the command lines of the living processes whose environment names the directory."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(directory) in (process / "environ").read_text(errors="replace"):
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def test_an_expression_is_evaluated_within_the_node_or_the_reason_is_told(broker_node: Broker) -> None:
    assert evaluate(broker_node, "rabbit:is_running().").strip() == "true"
    with pytest.raises(NodeError, match=r"nobody:here\(\)\. failed: .*undef"):
        evaluate(broker_node, "nobody:here().")
