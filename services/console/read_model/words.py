"""The words by which a post is found: without case and accents. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

MOST_WORDS = 5_000
LONGEST_WORD = 60
_WORD = re.compile(r"[^\W_]+")
_WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Letters of scripts that put no spaces between words: each counts as one."""


def words_in(said: str) -> list[str]:
    """Its words, each once, in a form in which they can be compared."""
    decomposed = unicodedata.normalize("NFKD", said.casefold())
    plain = "".join(one for one in decomposed if not unicodedata.combining(one))
    spaced = _WITHOUT_SPACES.sub(lambda found: f" {found.group()} ", plain)
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in _WORD.findall(spaced)))[:MOST_WORDS]


def row_of_words(request_id: str, post_id: str, body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The row by which a post is found as this request asked for it; `body` may be anything that JSON can say."""
    words = words_in(" ".join([post_id, *_said(body)]))
    return {"post_id": post_id, "request_id": request_id, "words": " ".join(words), "seen_at": now}


def _said(body: Mapping[str, Any]) -> Iterator[str]:
    targets = body.get("targets")
    for part in (body, *(targets if isinstance(targets, list) else ())):
        if isinstance(part, Mapping):
            yield from (said for name in ("account_id", "content") if isinstance(said := part.get(name), str))
