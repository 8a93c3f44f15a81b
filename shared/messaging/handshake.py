"""An AMQP connection that tells why the broker closes it while it is opened.

aiormq says only that it expected something else: a virtual host that is not there is then never named.
"""

import asyncio
from typing import Any

import aiormq
from aiormq.connection import exception_by_code
from pamqp import commands
from pamqp.base import Frame


class ToldConnection(aiormq.Connection):
    """aiormq's connection, whose refusals carry the broker's own words."""

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
