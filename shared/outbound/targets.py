"""Targets: where people want to be told, as Apprise URLs; and what became of telling them.

A URL holds secrets: errors and logs name a target by its kind, rows by its fingerprint.

Apprise answers only yes or no. What its log says of a no tells whether the message may have arrived all the same:
then it must not be sent again.
"""

import asyncio
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from apprise import Apprise, AppriseAsset, NotifyFormat
from apprise.common import OverflowMode

from shared.connections.ports import NO_PORT, is_port
from shared.outbound.guard import Watch, guarded
from shared.outbound.silence import Silence

SEND_SECONDS = 30.0
SOCKET_SECONDS = 10.0
SILENT_SECONDS = 5.0
"""A target that has not taken a message after so long counts as silent."""
AT_ONCE = 8
MOST_URL = 2000
MOST_IN_A_MAIL = 500_000
LOCAL = frozenset({"syslog", "dbus", "qt", "kde", "glib", "gnome", "windows", "macosx", "blink1"})

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]{0,31})://")
_NEXT_URL = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_STATUS = re.compile(r"\berror=(\d{3})\b")
_SMTP_REPLY = re.compile(r"^Socket Exception: \((\d{3}), b|refused: (\d{3}) ")
_NOT_SENT = re.compile(
    "NewConnectionError|ConnectTimeoutError|NameResolutionError|SSLError|CERTIFICATE_VERIFY_FAILED|"
    "Connection refused|Name or service not known|name resolution|Network is unreachable|No route to host"
)
TRY_LATER = frozenset({408, 421, 425, 429, 450, 451, 452, 454, 500, 502, 503, 504})
_SERVER_ERRORS = range(500, 600)


class NoTarget(ValueError):
    """The text is no URL of a target that can be used here; it is not quoted."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a target takes: HTML or plain text, and how many characters of it in one message, the title included."""

    is_html: bool
    most: int


@dataclass(frozen=True, slots=True)
class Message:
    """What a target is told."""

    title: str
    body: str
    is_html: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """The target has it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The target does not have it; `for_good` where asking again cannot help."""

    reason: str
    for_good: bool = False


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The target may have it."""

    reason: str


Outcome = Sent | Refused | Unconfirmed
HAD_TO_WAIT = Refused("other targets do not answer, and this one had to wait for them")


_ROOM = 0.8
"""Of what a target takes: turning text into its own markup makes it longer."""


def urls_in(text: str) -> list[str]:
    """The URLs of a setting, separated by spaces or commas; a comma inside a URL stays there."""
    return [url for url in _NEXT_URL.split(text.strip().strip(",")) if url]


def kind_of(url: str) -> str:
    """`mailto`, `slack` … : all of a target that may be shown."""
    scheme = _SCHEME.match(url)
    return scheme[1].lower() if scheme else "unreadable"


def fingerprint_of(url: str) -> str:
    """What a target is called in rows and logs: it tells two apart and does not tell the URL."""
    return sha256(url.encode()).hexdigest()[:32]


def check(url: str) -> None:
    """NoTarget where no message could be sent to this URL."""
    _keep_log_to_itself()
    with guarded(Watch(allow_private_addresses=False)):
        _instantiated(url, AppriseAsset())


class Targets:
    """Tells targets, a few at a time, each within a bounded time; those that are silent keep nobody from the others."""

    def __init__(self, *, allow_private_addresses: bool, send_seconds: float = SEND_SECONDS) -> None:
        self._allow_private_addresses = allow_private_addresses
        self._send_seconds = send_seconds
        self._asset = AppriseAsset(
            app_id="Timeball", app_desc="Timeball", service_timeout=0, http_redirects=False, async_mode=False
        )
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="telling")
        self._silence = Silence()

    def form_of(self, url: str) -> Form:
        """What the target takes; NoTarget where it is none."""
        plugin = self._plugin(url)
        return Form(_is_mail(plugin), int(plugin.body_maxlen * _ROOM))

    async def tell(self, url: str, message: Message) -> Outcome:
        """Tell one target."""
        try:
            plugin = self._plugin(url)
        except NoTarget as error:
            return Refused(str(error), for_good=True)
        clock = asyncio.get_running_loop().time
        began = clock()
        if not self._silence.may_be_asked(url, began):
            return Refused("the target did not answer a moment ago, and is asked again after a minute")
        outcome = await self._told(plugin, message)
        if isinstance(outcome, Sent) or clock() - began < min(SILENT_SECONDS, self._send_seconds):
            self._silence.end(url)
        elif outcome != HAD_TO_WAIT:
            self._silence.begin(url, clock())
        return outcome

    async def _told(self, plugin: Any, message: Message) -> Outcome:
        watch = Watch(self._allow_private_addresses)
        telling = self._threads.submit(copy_context().run, self._tell, plugin, message, watch)
        try:
            async with asyncio.timeout(self._send_seconds):
                return await asyncio.wrap_future(telling)
        except TimeoutError:
            if telling.cancelled():  # it had not begun: targets that hang keep all threads
                return HAD_TO_WAIT
            watch.hang_up()  # else a target that goes on answering keeps the thread for ever
            return Unconfirmed(f"the target did not answer within {self._send_seconds:g} s")

    async def close(self) -> None:
        """Wait for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _plugin(self, url: str) -> Any:
        _keep_log_to_itself()
        with guarded(Watch(self._allow_private_addresses)):
            plugin = _instantiated(url, self._asset)
        plugin.retry = 0
        plugin.overflow_mode = OverflowMode.SPLIT  # whatever does not fit after all: nothing is cut off
        if _is_mail(plugin):
            plugin.body_maxlen = MOST_IN_A_MAIL
        plugin.socket_connect_timeout = min(plugin.socket_connect_timeout, SOCKET_SECONDS)
        plugin.socket_read_timeout = SOCKET_SECONDS
        return plugin

    def _tell(self, plugin: Any, message: Message, watch: Watch) -> Outcome:
        _keep_log_to_itself()
        apprise = Apprise(asset=self._asset)
        apprise.add(plugin)
        form = NotifyFormat.HTML if message.is_html else NotifyFormat.TEXT
        try:
            with guarded(watch):
                result = apprise.notify(message.body, message.title, body_format=form, log_level=logging.DEBUG)
        except Exception as error:  # a plugin's own mistake; its text may quote the URL
            lines = [f"Socket Exception: {type(error).__name__}"]
            return outcome_of(lines, watch)
        return Sent() if result else outcome_of([log.message for one in result.results for log in one.logs()], watch)


def _instantiated(url: str, asset: AppriseAsset) -> Any:
    kind = kind_of(url)
    if kind in LOCAL:
        raise NoTarget(f"{kind}:// tells nobody but this machine; use a target on the network")
    plugin = Apprise.instantiate(url, asset=asset) if len(url) <= MOST_URL else None
    if plugin is None:
        raise NoTarget(
            f"not an Apprise URL that can be used here (scheme {kind[:20]!r}); "
            "see the list at https://github.com/caronc/apprise/wiki"
        )
    if plugin.port is not None and not is_port(plugin.port):
        raise NoTarget(f"nobody can be told there: {NO_PORT}")
    return plugin


def _is_mail(plugin: Any) -> bool:
    return bool(plugin.secure_protocol == "mailtos")


def outcome_of(log: list[str], watch: Watch) -> Refused | Unconfirmed:
    """What became of a message that was not sent for certain; in our own words, for the log quotes secrets."""
    if any(line.startswith("Sent ") for line in log):
        return Unconfirmed("some of the target's recipients got it, and some did not")
    if watch.refusals:
        return Refused(watch.refusals[0], for_good=True)
    if watch.connects == 0:
        return Refused("the target cannot be reached: its name leads nowhere")
    if status := _status_in(log):
        is_passing = status in TRY_LATER or (status in _SERVER_ERRORS and not _is_smtp(log))
        return Refused(f"the target answered {status}", for_good=not is_passing)
    errors = [line for line in log if line.startswith("Socket Exception")]
    if any(not _NOT_SENT.search(line) for line in errors):
        return Unconfirmed("the connection to the target broke before it answered")
    return Refused("no connection to the target" if errors else "the target did not take it")


def _status_in(log: list[str]) -> int | None:
    found = [match for line in log if (match := _STATUS.search(line) or _SMTP_REPLY.search(line))]
    return int(next(filter(None, found[-1].groups()))) if found else None


def _is_smtp(log: list[str]) -> bool:
    return any(_SMTP_REPLY.search(line) for line in log)


def _keep_log_to_itself() -> None:
    """Apprise's log is read here and shown nowhere: where it tells enough, it quotes URLs with their secrets."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
