"""What a post that is being written lacks, by the rules that the scheduler goes by, and how it will look. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError

from services.console.requests.repeating import Occurrence, Repeat, occurrence, occurrences
from services.console.web.networks import title_of
from services.console.web.previews import Preview, preview_of
from shared.events.base import MAX_TEXT_LENGTH, Id
from shared.events.explaining import explain
from shared.events.requests import LocalTime, NewMedia
from shared.events.rules import PostRules
from shared.posting.lengths import Length, lengths, rule_for, telling
from shared.posting.rules import PAST_TOLERANCE, problem

MOST_ACCOUNTS = 1000
MOST_MEDIA = 20
MOST_PREVIEWS = 12
_MEDIA = TypeAdapter(NewMedia)


class Picture(BaseModel):
    """A picture as far as it is named; its address may be half written."""

    url: str = ""
    alt: str = ""


class Destination(BaseModel):
    """An account with what is its own."""

    account_id: Id
    content: str | None = None
    options: dict[str, JsonValue] = {}


class Written(BaseModel):
    """A post as far as it is written."""

    content: str = ""
    media: Annotated[list[Picture], Field(max_length=100)] = []
    targets: Annotated[list[Destination], Field(max_length=MOST_ACCOUNTS)] = []
    publish_at: LocalTime | None = None
    repeat: Repeat | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """What is known of an account: its network, and what that demands."""

    platform: str | None = None
    rules: PostRules | None = None
    is_connected: bool = True
    needs_reconnect: bool = False
    """Whether its network takes nothing until it is connected again; its posts are held."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, on these accounts or on all, in the words of the API, which begin with the field to blame."""

    words: str
    account_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What the networks say to a post: for each account how long it is, what is wrong, and how it will look."""

    counts: Mapping[str, Length | None]
    problems: Sequence[Problem]
    previews: Sequence["Shown"]
    unshown: int
    times: Sequence[Occurrence]


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview, and the accounts on which the post looks like this."""

    platform: str | None
    network: str
    account_ids: Sequence[str]
    preview: Preview


def checked(written: Written, networks: Mapping[str, Network], now: datetime) -> Said:
    """What is said to it; an account whose rules are not known says nothing."""
    media = [item.model_dump(exclude_defaults=True) for item in written.media]
    together: dict[Any, list[Destination]] = {}
    for target in written.targets:
        network = networks.get(target.account_id, Network())
        alike = (network.platform, repr(network.rules), _text(written, target), repr(target.options))
        together.setdefault(alike, []).append(target)
    groups = [(networks.get(targets[0].account_id, Network()), targets) for targets in together.values()]
    counts: dict[str, Length | None] = {}
    problems = [*_too_long(written), *_media_problems(written.media)]
    for network, targets in groups:
        text, named = _text(written, targets[0]), [one.account_id for one in targets]
        counts |= dict.fromkeys(named, _count(network.rules, text, media, targets[0].options))
        if found := _problem(network.rules, text, media, targets[0].options):
            problems.append(Problem(found, tuple(named)))
    problems += _obstacles(written.targets, networks)
    times, wrong = _times(written, now)
    return Said(
        counts=counts,
        problems=[*problems, *wrong],
        previews=[_shown(network, targets, written, media) for network, targets in groups[:MOST_PREVIEWS]],
        unshown=max(0, len(groups) - MOST_PREVIEWS),
        times=times,
    )


def _text(written: Written, target: Destination) -> str:
    return written.content if target.content is None else target.content


def _obstacles(targets: Sequence[Destination], networks: Mapping[str, Network]) -> Iterator[Problem]:
    for account_id in (one.account_id for one in targets):
        network = networks.get(account_id, Network())
        if not network.is_connected:
            yield Problem("it is not connected; connect it again", (account_id,))
        elif network.needs_reconnect:
            told = "its network takes nothing until it is connected again; what is due before is held"
            yield Problem(told, (account_id,))


def _too_long(written: Written) -> Iterator[Problem]:
    """What is longer than any text may be, whatever the network."""
    of_their_own = [(target.content or "", (target.account_id,)) for target in written.targets]
    for text, account_ids in ((written.content, ()), *of_their_own):
        if len(text) > MAX_TEXT_LENGTH:
            told = f"content: it has {len(text):,} characters, and at most {MAX_TEXT_LENGTH:,} are possible; shorten it"
            yield Problem(told, account_ids)


def _count(
    rules: PostRules | None, text: str, media: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
) -> Length | None:
    rule = rule_for(rules, has_media=bool(media)) if rules and len(text) <= MAX_TEXT_LENGTH else None
    return telling(lengths(text, rule, options)) if rule else None


def _problem(
    rules: PostRules | None, text: str, media: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
) -> str | None:
    """Of a post that is not begun nothing is said, nor of one whose text is too long in any case."""
    if not (text.strip() or media) or len(text) > MAX_TEXT_LENGTH:
        return None
    found = problem(rules, text, media, options) if rules else None
    return found[1] if found else None


def _shown(
    network: Network, targets: Sequence[Destination], written: Written, media: Sequence[Mapping[str, Any]]
) -> Shown:
    first = targets[0]
    preview = preview_of(network.platform, network.rules, _text(written, first)[:MAX_TEXT_LENGTH], media, first.options)
    return Shown(network.platform, title_of(network.platform), [one.account_id for one in targets], preview)


def _media_problems(media: Sequence[Picture]) -> Iterator[Problem]:
    """What the contract itself refuses, whatever the network."""
    if len(media) > MOST_MEDIA:
        yield Problem(f"media: there are {len(media)}, and at most {MOST_MEDIA} are possible")
    for index, item in enumerate(media):
        try:
            _MEDIA.validate_python(item.model_dump(exclude_defaults=True))
        except ValidationError as error:
            yield Problem(f"media[{index}].{explain(error)}")


def _times(written: Written, now: datetime) -> tuple[Sequence[Occurrence], Sequence[Problem]]:
    """The times that are meant, and what is wrong with them."""
    at, repeat = written.publish_at, written.repeat
    if at is None:
        return (), ([Problem("publish_at: choose the first time of those that repeat")] if repeat else [])
    try:
        times = occurrences(at, repeat) if repeat else [occurrence(at)]
    except (ValueError, OverflowError) as error:
        return (), [Problem(f"publish_at: {error}")]
    past = sum(one.instant < now - PAST_TOLERANCE for one in times)
    if not past:
        return times, ()
    which = "it is" if len(times) == 1 else f"{past} of these {len(times)} times are"
    return times, [Problem(f"publish_at: {which} in the past; choose a time to come")]
