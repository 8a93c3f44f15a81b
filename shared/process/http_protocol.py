"""HTTP as uvicorn speaks it, but a request must come whole: whoever leaves theirs unfinished, which takes no right to
anything, would keep a connection for ever, and a process has only so many."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 300.0
"""For a body after its head: 8 MiB on a slow line."""


class WholeRequests(H11Protocol):
    """Cuts off whoever sends no whole head for as long as an idle connection is kept, or no whole body in five minutes.

    How long a request is answered does not matter.
    """

    request_seconds = REQUEST_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._awaited: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a head."""
        super().connection_made(transport)
        self._await_rest()

    def data_received(self, data: bytes) -> None:
        """Take it, and wait for what is still missing."""
        super().data_received(data)
        self._await_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_rest(self) -> None:
        state = self.conn.their_state
        if state is self._awaited:
            return
        self._stop_waiting()
        if state in (h11.IDLE, h11.SEND_BODY) and not self.transport.is_closing():
            seconds = self.timeout_keep_alive if state is h11.IDLE else self.request_seconds
            self._deadline = self.loop.call_later(seconds, self.transport.abort)
            self._awaited = state

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._awaited = None
