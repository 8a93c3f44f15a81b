"""What the conformance suite must know of a network: subclass `Case`, and override what yours does differently."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

import httpx

from services.publisher.platforms.base import Platform
from shared.clocks.clock import Clock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Fault, Network, Posted, refuses

NetworkT = TypeVar("NetworkT", bound=Network)

Certainty = Literal["deduplicates", "answers look-ups", "neither"]
"""How it can be found out whether a request whose reply was lost has landed."""

BUSY_FOR = timedelta(seconds=40)
"""How long the replies of `busy` ask us to wait."""
NOT_SECRET = frozenset({"identifier", "client_id"})


@dataclass(frozen=True)
class Shown:
    """A text and its options, and what the network must have stored of it: at least these entries of `Posted.raw`."""

    content: str
    raw: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)


class Case(ABC, Generic[NetworkT]):
    """One network. `network` below is its fake, running."""

    name: str
    certainty: Certainty
    text: str = "The ball drops."
    busy: Mapping[str, Callable[[datetime], Fault]]
    """By the name of the header's style: what refuses a post at this instant and asks to wait for `BUSY_FOR`."""
    refusal: Fault
    """How the network says that it will never take a post."""
    refused_with: str
    """What its own message says, as a person is to read it."""
    meanings: Mapping[str, tuple[Fault, type]] = {}
    """What else the network documents: by its name, the reply and the error, or Published, that it stands for."""
    can_be_asked: bool = True
    """Whether credentials can be tried without publishing anything."""
    has_error_form: bool = True
    """Whether the network's own refusals can be told from those of a proxy before it."""
    overloaded: Fault = refuses(503, b"try again later")
    replies_tell: bool = True
    """Whether the reply of a network that has taken a post tells its id, so that one without is garbage."""
    refuses_repeats: bool = False
    """Whether the network takes no second post with the text of one that is there."""
    can_refresh: bool = False
    rotates: bool = False
    """Whether a refresh token is good for one refresh."""
    token_lasts: timedelta = timedelta(0)
    """After how long a new token ends, where it does."""
    takes_pictures: bool = False
    shows_a_picture_late: bool = False
    """Whether a post with one picture is accepted before it is to be seen."""
    uploads_ahead: bool = False
    """Whether pictures can be uploaded before the post that shows them is sent."""
    shows: Mapping[str, Shown] = {}
    wrong_options: Mapping[str, Mapping[str, Any]] = {}
    """Options that cannot work, by what the refusal must say of them."""

    @abstractmethod
    def network(self, clock: Clock) -> NetworkT:
        """A new fake of the network, which tells the time by this clock."""

    @abstractmethod
    def platform(self, client: httpx.AsyncClient) -> Platform:
        """The adapter."""

    def settings(self, network: NetworkT) -> dict[str, Any]:
        """The settings of an account on the network."""
        return {"server": network.url}

    @abstractmethod
    def credentials(self, network: NetworkT) -> dict[str, Any]:
        """Good credentials of that account; after `revoke` those of a person who has connected it again."""

    def secrets(self, network: NetworkT) -> Sequence[str]:
        """What must appear in no event, log or error: the credentials, and the tokens the network has given out."""
        given = self.credentials(network).items()
        return [value for name, value in given if name not in NOT_SECRET and isinstance(value, str)]

    def revoke(self, network: NetworkT) -> None:
        """From now on neither the token nor, where there is one, a refresh is any good."""
        network.faults.append(refuses(401, {"message": "who are you?"}))

    def expire(self, network: NetworkT) -> None:
        """From now on the token is no good, but a refresh gives a new one: for networks whose tokens end."""
        raise AssertionError(f"the tokens of {self.name} do not end")

    def refreshes(self, network: NetworkT) -> Sequence[str]:
        """The refresh tokens with which new tokens were asked for, in order."""
        return ()

    def uploads(self, network: NetworkT) -> Sequence[Call]:
        """The requests that uploaded pictures ahead of their post, in order."""
        return ()

    def alts(self, network: NetworkT, posted: Posted) -> Sequence[str]:
        """The alternative texts of a post's pictures as they are to be seen: for networks that take pictures."""
        raise AssertionError(f"{self.name} takes no pictures")

    @abstractmethod
    def url_of(self, network: NetworkT, posted: Posted) -> str | None:
        """Where a post can be seen."""

    def text_of(self, posted: Posted) -> str:
        """The text as a reader sees it."""
        return posted.text

    def __repr__(self) -> str:
        return self.name


def wait_in_seconds(now: datetime) -> Fault:
    """`Retry-After` as a number of seconds."""
    return refuses(429, {"message": "slow down"}, retry_after=f"{BUSY_FOR.total_seconds():g}")


def wait_until_date(now: datetime) -> Fault:
    """`Retry-After` as a date."""
    until = (now + BUSY_FOR).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return refuses(429, {"message": "slow down"}, retry_after=until)
