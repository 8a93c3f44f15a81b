"""A mail server in the test process, which keeps what it is sent and refuses what a test wants refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP

TAKEN = "250 taken"


@dataclass
class Mailbox:
    """The server's hand: its mail, and the replies to the next messages."""

    mails: list[EmailMessage] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    hangs_up: int = 0
    port: int = 0

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        """Take a message, or answer as the test wants."""
        if self.replies:
            return self.replies.pop(0)
        mail = message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        if self.hangs_up:
            self.hangs_up -= 1
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return TAKEN

    @property
    def url(self) -> str:
        """An Apprise URL that sends mail here."""
        return f"mailto://127.0.0.1:{self.port}/?to=ann@example.org&from=timeball@example.org"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Mailbox"]:
        """Serve until the block ends."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
