"""Returns: a message that must reach a queue comes back where none takes it, before it is confirmed like all others.

aiormq knows by its id alone which one that was. Producers need not give one, and may give the same to two messages:
what could be the one that came back counts as refused, and is sent again.
"""

from asyncio import Future
from collections import defaultdict
from typing import Any

from aiormq import Channel
from aiormq.channel import Returning
from aiormq.exceptions import PublishError
from pamqp.commands import Basic
from pamqp.header import ContentHeader

Confirm = Future[Any]
Looks = tuple[str, str, str, int]
"""What a message and its return have in common: its id, exchange, routing key and length."""


class Returns:
    """The messages on their way over one channel that may come back."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._expected: defaultdict[Looks, dict[int, Confirm]] = defaultdict(dict)
        channel._on_return_frame = self._on_return  # type: ignore[method-assign]

    def expect(self, looks: Looks, tag: int, confirm: Confirm) -> None:
        """Refuse the confirm of this message if it comes back."""
        self._expected[looks][tag] = confirm
        confirm.add_done_callback(lambda _: self._forget(looks, tag))

    async def _on_return(self, frame: Basic.Return) -> None:
        header = await self._channel._get_frame()
        assert isinstance(header, ContentHeader), "a message follows"
        message = await self._channel._read_content(frame, header)
        message_id = header.properties.message_id or ""
        looks = message_id, frame.exchange or "", frame.routing_key or "", len(message.body)
        for tag, confirm in self._expected.pop(looks, {}).items():
            if not confirm.done():
                self._channel.confirmations[tag] = returned = Returning()
                returned.add_done_callback(Returning.exception)  # nobody waits for it
                confirm.set_exception(PublishError(message, frame))

    def _forget(self, looks: Looks, tag: int) -> None:
        left = self._expected.get(looks)
        if left is not None:
            left.pop(tag, None)
            if not left:
                del self._expected[looks]
