"""The networks as people know them: their names, their accounts, and what is filled in to connect one. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form: `name` as in `settings` or `credentials`."""

    name: str
    label: str
    hint: str = ""
    example: str = ""
    is_needed: bool = True


@dataclass(frozen=True, slots=True)
class NetworkForm:
    """The form of a network: what is told in clear, and the secrets."""

    title: str
    settings: tuple[Field, ...] = ()
    credentials: tuple[Field, ...] = ()
    app: tuple[Field, ...] = ()
    """The keys of an app of one's own, which signing in with the browser needs."""
    signs_in: bool = False
    page: str = ""
    """Where the network's own words for all this are explained."""


def _server(own: str) -> Field:
    return Field("server", "Server", "Only for a server of your own.", own, is_needed=False)


_TOKEN = Field("access_token", "Access token")
_APP = (
    Field("client_id", "Client id", "Of the app that you have registered with the network."),
    Field("client_secret", "Client secret", is_needed=False),
)
_REFRESH = Field("refresh_token", "Refresh token")

NETWORK_FORMS: Mapping[str, NetworkForm] = {
    "bluesky": NetworkForm(
        "Bluesky",
        settings=(_server("https://bsky.social"),),
        credentials=(
            Field("identifier", "Handle", "Or the account's e-mail address, or its DID.", "name.bsky.social"),
            Field("password", "App password", "Made in Bluesky under Settings, Privacy and security, App passwords."),
        ),
        page="https://bsky.app/settings/app-passwords",
    ),
    "mastodon": NetworkForm(
        "Mastodon",
        settings=(Field("server", "Server", "Where the account lives.", "https://mastodon.social"),),
        credentials=(_TOKEN,),
        signs_in=True,
    ),
    "telegram": NetworkForm(
        "Telegram",
        settings=(
            Field("chat_id", "Channel or chat", "The channel's @name, or the number of a chat.", "@channel"),
            _server("https://api.telegram.org"),
        ),
        credentials=(Field("bot_token", "Bot token", "BotFather gives it to whoever makes a bot."),),
        page="https://t.me/BotFather",
    ),
    "discord": NetworkForm(
        "Discord",
        settings=(
            Field("channel_id", "Channel id", "Only with a bot token.", is_needed=False),
            _server("https://discord.com"),
        ),
        credentials=(
            Field("webhook_url", "Webhook URL", "Discord: channel settings, Integrations, Webhooks.", is_needed=False),
            Field("bot_token", "Bot token", "Instead of a webhook URL.", is_needed=False),
        ),
    ),
    "x": NetworkForm(
        "X",
        settings=(_server("https://api.x.com"),),
        credentials=(*_APP, _TOKEN, _REFRESH),
        app=_APP,
        signs_in=True,
        page="https://developer.x.com/en/portal/dashboard",
    ),
    "linkedin": NetworkForm(
        "LinkedIn",
        settings=(
            Field(
                "author",
                "Author",
                "Signing in finds out who you are.",
                "urn:li:person:…",
                is_needed=False,
            ),
            _server("https://api.linkedin.com"),
        ),
        credentials=(*_APP, _TOKEN, Field("refresh_token", "Refresh token", is_needed=False)),
        app=_APP,
        signs_in=True,
        page="https://www.linkedin.com/developers/apps",
    ),
    "reddit": NetworkForm(
        "Reddit",
        settings=(
            Field("subreddit", "Subreddit", example="sailing"),
            Field("flair_id", "Flair id", is_needed=False),
            _server("https://oauth.reddit.com"),
        ),
        credentials=(*_APP, _REFRESH),
        app=_APP,
        signs_in=True,
        page="https://www.reddit.com/prefs/apps",
    ),
    "webhook": NetworkForm(
        "Webhook",
        settings=(Field("url", "URL", "Gets a signed POST for each post.", "https://example.org/posts"),),
        credentials=(
            Field("secret", "Signing secret", "The receiver checks signatures with the same one.", "whsec_…"),
        ),
    ),
    "sandbox": NetworkForm(
        "Sandbox",
        settings=(
            Field("url", "URL", "Gets a POST for each post; for trying things out.", "http://127.0.0.1:8090/posts"),
        ),
    ),
}


def title_of(platform: str | None) -> str:
    """A network's name as people write it."""
    form = NETWORK_FORMS.get(platform or "")
    return form.title if form else platform or "not known"


def by_network(accounts: Iterable[tuple[str, str | None]]) -> Sequence[tuple[str, Sequence[str]]]:
    """The ids of accounts under the titles of their networks, in the order in which people look for them."""
    found = defaultdict(list)
    for account_id, platform in accounts:
        found[title_of(platform)].append(account_id)
    return sorted((title, sorted(ids)) for title, ids in found.items())
