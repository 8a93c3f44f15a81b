"""Where a Discord account's messages go, and as whom: a webhook, or a channel that a bot may write to. No I/O."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from urllib.parse import parse_qs, urlsplit

from services.publisher.platforms.account_fields import invalid_credential, invalid_setting, is_web_url, server_of
from services.publisher.platforms.base import Account
from services.publisher.platforms.errors import Rejected

WEB = "https://discord.com"
API = "/api/v10"
HOSTS = ("discord.com", "discordapp.com", "canary.discord.com", "ptb.discord.com")
USER_AGENT = f"DiscordBot (Timeball, {version('timeball')})"
"""Discord rejects clients with any other form."""
_WEBHOOK = re.compile(r"/api(?:/v\d+)?/webhooks/(\d{1,20})/([\w-]+)/?", re.ASCII)
_BOT_TOKEN = re.compile(r"([\w-]+)\.[\w-]+\.[\w-]+", re.ASCII)
_ID = re.compile(r"\d{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sender:
    """A webhook, or a channel and a bot. `url` is where messages are made; `secret` is what nobody may see."""

    url: str = field(repr=False)
    about: str = field(repr=False)
    """The URL that tells which server (guild) it belongs to."""
    secret: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    bot_id: str | None = None
    """None for a webhook."""
    thread_id: str | None = None
    """The thread that a webhook's URL names, where its messages stand unless a post says otherwise."""


def sender_of(account: Account, thread_id: int | None = None) -> Sender:
    """The sender that settings and credentials name, or Rejected saying what is wrong, without quoting a secret."""
    has_webhook, has_bot = (name in account.credentials for name in ("webhook_url", "bot_token"))
    if has_webhook == has_bot:
        raise Rejected("credentials: expected either webhook_url or bot_token", code="invalid_credentials")
    return _webhook(account) if has_webhook else _channel(account, thread_id)


def _webhook(account: Account) -> Sender:
    given, server = account.credentials["webhook_url"], server_of(account, WEB)
    address = urlsplit(given) if isinstance(given, str) and is_web_url(given) else None
    path = _WEBHOOK.fullmatch(address.path) if address else None
    if address is None or path is None or address.hostname not in (*HOSTS, urlsplit(server).hostname):
        reason = "expected the URL that Discord shows: https://discord.com/api/webhooks/…/…"
        raise invalid_credential("webhook_url", reason)
    url = f"{server}{API}/webhooks/{path[1]}/{path[2]}"
    return Sender(url, url, path[2], {"user-agent": USER_AGENT}, thread_id=_thread_in(address.query))


def _thread_in(query: str) -> str | None:
    thread_id = parse_qs(query, keep_blank_values=True).get("thread_id", [None])[0]
    if thread_id is not None and not _ID.fullmatch(thread_id):
        raise invalid_credential("webhook_url", "thread_id: write the id of a thread, a long number, or leave it out")
    return thread_id


def _channel(account: Account, thread_id: int | None) -> Sender:
    token, channel = _bot_token(account), str(account.settings.get("channel_id", ""))
    if not _ID.fullmatch(channel):
        raise invalid_setting(account, "channel_id", "write the id, a long number, of the channel to post to")
    about = f"{server_of(account, WEB)}{API}/channels/{thread_id or channel}"
    headers = {"authorization": f"Bot {token}", "user-agent": USER_AGENT}
    return Sender(f"{about}/messages", about, token, headers, bot_id_of(token))


def _bot_token(account: Account) -> str:
    given = account.credentials["bot_token"]
    if not isinstance(given, str) or not _BOT_TOKEN.fullmatch(given) or bot_id_of(given) is None:
        reason = "expected the three parts with dots that Discord shows on the bot's page"
        raise invalid_credential("bot_token", reason)
    return given


def bot_id_of(token: str) -> str | None:
    """The bot's id, which is no secret: the first part of its token."""
    first = token.partition(".")[0]
    try:
        decoded = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
    except ValueError:
        return None
    return decoded if decoded.isdigit() else None
