"""An AMQP connection as aiormq opens it, but for three things. A service publishes on one and consumes on another.

It tells why the broker closes it while it is opened. aiormq says only that it expected something else: a virtual host
that is not there is then never named.

It outlives the end of its channels. When the broker closes one, as for a question about a queue that is not there, it
waits for a word of ours. aiormq drops that where ten frames wait to be written, and the broker ends the whole
connection when the channel's number is used again.

Nobody waits for room in it. aiormq has room for ten frames, and whoever waited when the connection was lost would wait
for ever.
"""

import asyncio
from typing import Any

import aiormq
from aiormq.connection import exception_by_code
from pamqp import commands
from pamqp.base import Frame


class AmqpConnection(aiormq.Connection):
    """aiormq's connection, whose refusals carry the broker's own words, and which has room for all of ours."""

    FRAME_BUFFER_SIZE = 0
    """Without a bound. What waits to be written is bounded all the same: by what waits for its answer, and by the
    prefetch where messages are acknowledged."""

    @staticmethod
    async def _rpc(
        request: Frame, writer: asyncio.StreamWriter, frame_receiver: Any, wait_response: bool = True
    ) -> Any:
        listening = _Listening(frame_receiver)
        try:
            return await aiormq.Connection._rpc(request, writer, listening, wait_response)  # type: ignore[arg-type]
        except aiormq.exceptions.InvalidFrameError as error:
            if isinstance(listening.heard, commands.Connection.Close):
                raise exception_by_code(listening.heard) from error
            raise


class _Listening:
    """A receiver of frames that remembers the last one."""

    def __init__(self, receiver: Any) -> None:
        self._receiver = receiver
        self.heard: Any = None

    async def get_frame(self) -> Any:
        weight, channel, self.heard = await self._receiver.get_frame()
        return weight, channel, self.heard
