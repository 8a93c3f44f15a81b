"""Notifying people by mail, chat or whatever else Apprise knows.

A target is an Apprise URL and holds secrets: errors and logs name it by its kind alone.
"""

import asyncio
import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import blake2b
from typing import Any

WITHIN = timedelta(seconds=30)
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]{0,31})://")
_NEXT_URL = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


class UnknownTarget(ValueError):
    """The text is no notification URL that Apprise understands."""


class NotSent(Exception):
    """The target did not take the message; it may have arrived all the same, and may be taken later."""


@dataclass(frozen=True)
class Message:
    """What a person gets; where a target shows HTML, `html` is preferred to the text."""

    title: str
    text: str
    html: str | None = None


def urls_in(text: str) -> list[str]:
    """The URLs of a setting, separated by spaces or commas; a comma inside a URL stays there."""
    return [url for url in _NEXT_URL.split(text.strip().strip(",")) if url]


def kind_of(url: str) -> str:
    """`mailto`, `slack` … : all of a target that may be shown."""
    scheme = _SCHEME.match(url)
    return scheme[1].lower() if scheme else "unreadable"


def fingerprint_of(url: str) -> str:
    """What stands for the target where it must be recognised but not be shown."""
    return blake2b(url.encode(), digest_size=12).hexdigest()


def check(url: str) -> None:
    """Raise UnknownTarget where no message could be sent to this URL."""
    _opened(url)


class Notifier:
    """Sends messages, each in a thread of its own, since Apprise waits for its answers."""

    def __init__(self, within: timedelta = WITHIN) -> None:
        self._within = within

    async def send(self, url: str, message: Message) -> None:
        """Return once the target has taken the message; NotSent, or UnknownTarget for a wrong URL."""
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                is_sent = await asyncio.to_thread(_send, url, message)
        except TimeoutError as error:
            raise NotSent(f"{kind_of(url)}: no answer within {self._within.total_seconds():g} s") from error
        if not is_sent:
            raise NotSent(f"{kind_of(url)}: the target did not take the message")


def _send(url: str, message: Message) -> bool:
    apprise = _apprise()
    formatted = message.html is not None
    body = message.html if message.html is not None else message.text
    body_format = apprise.NotifyFormat.HTML if formatted else apprise.NotifyFormat.TEXT
    try:
        return bool(_opened(url).notify(body=body, title=message.title, body_format=body_format))
    except UnknownTarget:
        raise
    except Exception as error:  # a plugin's errors may quote its URL
        raise NotSent(f"{kind_of(url)}: {type(error).__name__}") from None


def _opened(url: str) -> Any:
    target = _apprise().Apprise()
    if not target.add(url):
        raise UnknownTarget(f"{kind_of(url)}: not a notification URL that Apprise understands (mailto://…, slack://…)")
    return target


@cache
def _apprise() -> Any:
    """Apprise, loaded when it is first needed: that takes a while. What it logs may hold secrets."""
    import apprise  # noqa: PLC0415

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    return apprise
