"""What is wrong with a post by the rules of its account's network, in words that say how to put it right. No I/O."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, Literal

from shared.events.rules import MediaRule, OptionRule, PostRules, TextRule, Unit
from shared.posting.counting import counted, fits
from shared.posting.lengths import as_counted, rule_for

Code = Literal["content_too_long", "invalid"]
Problem = tuple[Code, str]
"""The code of a rejection, and its reason."""

PAST_TOLERANCE = timedelta(seconds=60)
"""A post may be asked for so long after it was due."""
_SHOWN = 80
_NEAR = 0.7
"""How alike two names are, from 0 to 1, so that one was probably meant for the other."""
_UNITS: Mapping[Unit, str] = {
    "characters": "characters",
    "graphemes": "characters as readers see them",
    "utf16": "characters in UTF-16 (most emoji count 2)",
    "weighted": "characters as X counts them (an emoji or a Chinese, Japanese or Korean character counts 2, a link 23)",
    "bytes": "bytes in UTF-8",
}
_PLACES = {"content": "a text", "media": "media"}
_OTHER_NAMES = {"image/jpg": "image/jpeg"}
_NEVER_MADE_SMALLER = "image/gif"


def problem(
    rules: PostRules, text: str, media: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
) -> Problem | None:
    """Why the network can never accept the post, or None; what cannot be told before the send is no problem."""
    return (
        _missing(rules, text, media, options)
        or _text_problem(rules, text, options, has_media=bool(media))
        or _media_problem(rules, media)
        or _options_problem(rules, options)
    )


def _missing(
    rules: PostRules, text: str, media: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
) -> Problem | None:
    has_text = bool(text) and not text.isspace()
    if rules.needs_text and not has_text:
        return "invalid", "content: there is no text, and this account's network takes no post without one; write one"
    given = {**options, "content": has_text, "media": bool(media)}
    if rules.needs_one_of and not any(given.get(name) for name in rules.needs_one_of):
        ways_out = _one_of([_PLACES.get(name, f"options.{name}") for name in rules.needs_one_of])
        return "invalid", f"content: the post is empty, and this account's network takes no such post; give {ways_out}"
    return None


def _text_problem(rules: PostRules, text: str, options: Mapping[str, Any], *, has_media: bool) -> Problem | None:
    rule = rule_for(rules, has_media=has_media)
    if rule is None:
        return None
    text, extra = as_counted(text, rule, options)
    too_long = _too_long(text, rule, extra)
    if not too_long:
        return None
    beside = " beside media" if rule is rules.caption else ""
    with_what = f" with options.{rule.with_option}" if extra else ""
    return "content_too_long", f"content: the text{with_what} has {too_long} are possible{beside}; shorten it"


def _too_long(text: str, rule: TextRule, extra: str = "") -> str | None:
    """`301 characters, and at most 300`"""
    if rule.most_bytes is not None and (length := len(text.encode())) > rule.most_bytes:
        return _more_than(length, rule.most_bytes, _UNITS["bytes"])
    if not fits(text, rule, extra):
        return _more_than(counted(text, rule, extra), rule.most, _unit(rule))
    return None


def _unit(rule: TextRule) -> str:
    links = f" (a link counts {rule.link_length})" if rule.link_length and rule.counted_in != "weighted" else ""
    return _UNITS[rule.counted_in] + links


def _more_than(length: int, most: int, unit: str) -> str:
    return f"{length:,} {unit}, and at most {most:,}"


def _media_problem(rules: PostRules, media: Sequence[Mapping[str, Any]]) -> Problem | None:
    if not media:
        needed = "media: there is none, and this account's network takes no post without a picture; add its URL"
        return ("invalid", needed) if rules.needs_media else None
    rule = rules.media
    if rule is None:
        return None
    if len(media) > rule.most:
        most = f"at most {rule.most} can be published with a post" if rule.most else "this account's network takes none"
        return "invalid", f"media: there are {len(media)}, and {most}; leave out {len(media) - rule.most}"
    alt = rule.alt if len(media) >= rule.alt_from else None
    return next((found for index, item in enumerate(media) if (found := _item_problem(rule, alt, index, item))), None)


def _item_problem(rule: MediaRule, alt: TextRule | None, index: int, item: Mapping[str, Any]) -> Problem | None:
    mime = _mime(item)
    if rule.types and mime and mime not in rule.types:
        return "invalid", f"media[{index}].mime: {mime!r} is not accepted here; use {_one_of(rule.types)}"
    size = item.get("size")
    if rule.most_bytes is not None and size is not None and size > rule.most_bytes and not _can_be_made_smaller(mime):
        return (
            "invalid",
            f"media[{index}].size: it has {size:,} bytes, and at most {rule.most_bytes:,} are possible; "
            "make it smaller",
        )
    too_long = _too_long(item.get("alt") or "", alt) if alt else None
    if too_long:
        return "invalid", f"media[{index}].alt: the description has {too_long} are possible; shorten it"
    return None


def _mime(item: Mapping[str, Any]) -> str | None:
    """The whole MIME type, where one is named."""
    mime = (item.get("mime") or "").lower()
    return _OTHER_NAMES.get(mime, mime) if "/" in mime else None


def _can_be_made_smaller(mime: str | None) -> bool:
    """Pictures are made to fit before they are uploaded; what is of no named type may be one."""
    return mime is None or (mime.startswith("image/") and mime != _NEVER_MADE_SMALLER)


def _options_problem(rules: PostRules, options: Mapping[str, Any]) -> Problem | None:
    unknown = None if rules.other_options else unknown_option(options, [rule.name for rule in rules.options])
    if unknown:
        return "invalid", unknown
    return next((found for rule in rules.options if (found := _option_problem(rule, options.get(rule.name)))), None)


def unknown_option(given: Iterable[str], known: Sequence[str]) -> str | None:
    """What is wrong where an option is not known, with the one that was probably meant."""
    unknown = sorted(set(given) - set(known))
    if not unknown:
        return None
    if near := get_close_matches(unknown[0], known, n=1, cutoff=_NEAR):
        return f"options.{unknown[0]}: is not known; did you mean {near[0]}?"
    there_are = f"there are {_all_of(sorted(known))}" if known else "this account's network has none"
    return f"options.{unknown[0]}: is not known; {there_are}"


def _option_problem(rule: OptionRule, value: Any) -> Problem | None:
    place = f"options.{rule.name}"
    if value is None or value == "":
        return (
            ("invalid", f"{place}: it is missing, and no post can do without it here; set it")
            if rule.required
            else None
        )
    if rule.most is not None and isinstance(value, str) and len(value) > rule.most:
        return (
            "invalid",
            f"{place}: {_shown(value)} has {_more_than(len(value), rule.most, 'characters')} are possible; shorten it",
        )
    if rule.is_number and not _is_whole_number(value):
        return "invalid", f"{place}: {_shown(value)} is no whole number; give one"
    if rule.choices and not isinstance(value, dict | list) and _as_text(value) not in rule.choices:
        return "invalid", f"{place}: {_shown(value)} is not possible here; choose {_one_of(rule.choices)}"
    return None


def _is_whole_number(value: Any) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isdigit()
    return isinstance(value, int) and not isinstance(value, bool)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _one_of(names: Sequence[str]) -> str:
    return _listed(names, "or")


def _all_of(names: Sequence[str]) -> str:
    return _listed(names, "and")


def _listed(names: Sequence[str], joined_by: str) -> str:
    *others, last = names
    return f"{', '.join(others)} {joined_by} {last}" if others else last
