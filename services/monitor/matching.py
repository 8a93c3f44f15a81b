"""Matching: all keywords of all workspaces in one pass over each text.

The same keyword in many workspaces is one pattern of an Aho-Corasick automaton; only where it hits, boundaries and
exclusions are looked at. Regular expressions run on RE2, in time linear in the text whatever they are. No I/O.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import Any

import re2
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from services.monitor import forms
from services.monitor.domain import InvalidWorkspace, Item, Keyword, Mention, Workspace

MOST_REGEX_MEMORY = 1 << 20
MOST_TEXT = 50_000
"""Reddit takes posts of 40,000 characters; whatever is longer is no post."""

MOST_AT_ONCE = 2_000
"""Characters whose matches are held in memory together: where one keyword ends with another there are many."""

Key = tuple[str, str, bool]
Hits = set[int]


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """One keyword of one workspace, its patterns by number."""

    workspace: Workspace
    followed: frozenset[str]
    phrase: str
    pattern: int
    excluded: tuple[int, ...]


@dataclass
class Patterns:
    """Every distinct thing to look for, numbered."""

    numbers: dict[Key, int] = field(default_factory=dict)
    keywords: list[Keyword] = field(default_factory=list)
    regexes: dict[int, Any] = field(default_factory=dict)

    def number(self, keyword: Keyword) -> int:
        """The number of the keyword's pattern; the same for whoever looks for the same."""
        text = keyword.phrase if keyword.match == "regex" else forms.formed(keyword)
        key = (keyword.match, text, keyword.case_sensitive)
        if key not in self.numbers:
            if keyword.match == "regex":
                self.regexes[len(self.keywords)] = compiled(keyword)
            self.numbers[key] = len(self.keywords)
            self.keywords.append(keyword)
        return self.numbers[key]


class Automaton:
    """All patterns that are compared in one form."""

    def __init__(self, form: forms.Form, patterns: Sequence[tuple[int, Keyword]]) -> None:
        self._form = form
        self._numbers = [number for number, _ in patterns]
        self._anywhere = [keyword.match == "substring" for _, keyword in patterns]
        texts = [form(keyword.phrase) for _, keyword in patterns]
        self._longest = max(map(len, texts))
        # The smaller of the automata: the fastest one takes seconds to build for 200,000 patterns.
        smaller = Implementation.ContiguousNFA
        self._automaton = AhoCorasick(texts, MatchKind.Standard, store_patterns=False, implementation=smaller)

    def hits(self, text: str) -> Iterator[int]:
        """The numbers of the patterns found, some perhaps several times."""
        formed = self._form(text)
        for begin in range(0, len(formed), MOST_AT_ONCE):
            part = formed[begin : begin + MOST_AT_ONCE + self._longest]
            for pattern, start, end in self._automaton.find_matches_as_indexes(part, overlapping=True):
                if self._anywhere[pattern] or forms.stands_alone(formed, begin + start, begin + end):
                    yield self._numbers[pattern]


class Matcher:
    """Finds the mentions of many workspaces in an item; `unusable` has those that it cannot serve, and why."""

    def __init__(self, workspaces: Iterable[Workspace]) -> None:
        patterns = Patterns()
        self.unusable: dict[str, str] = {}
        self._terms: dict[int, list[SearchTerm]] = defaultdict(list)
        self._followed: set[str] = set()
        self._regexes_in: dict[str, set[int]] = defaultdict(set)
        for workspace in workspaces:
            try:
                self._serve(list(_terms(workspace, patterns)), patterns.regexes)
            except InvalidWorkspace as error:
                self.unusable[workspace.workspace_id] = str(error)
        self._automata = list(_automata(patterns.keywords))
        self._regexes = patterns.regexes

    def _serve(self, terms: Sequence[SearchTerm], regexes: Mapping[int, Any]) -> None:
        for term in terms:
            self._terms[term.pattern].append(term)
            self._followed |= term.followed
            if term.pattern in regexes:
                for subreddit in term.followed:
                    self._regexes_in[subreddit].add(term.pattern)

    def mentions(self, item: Item) -> list[Mention]:
        """One mention for each workspace that follows the subreddit and looks for something that is there."""
        subreddit = item.subreddit.lower()
        if subreddit not in self._followed:
            return []
        hits = self._hits(item.words[:MOST_TEXT], subreddit)
        found: dict[str, tuple[Workspace, list[str]]] = {}
        for number in sorted(hits & self._terms.keys()):
            for term in self._terms[number]:
                if subreddit in term.followed and hits.isdisjoint(term.excluded):
                    found.setdefault(term.workspace.workspace_id, (term.workspace, []))[1].append(term.phrase)
        return [Mention(workspace, item, tuple(dict.fromkeys(phrases))) for workspace, phrases in found.values()]

    def _hits(self, text: str, subreddit: str) -> Hits:
        hits = {number for automaton in self._automata for number in automaton.hits(text)}
        if regexes := self._regexes_in.get(subreddit):
            composed = forms.composed(text)
            hits.update(number for number in regexes if self._regexes[number].search(composed))
        return hits


def check_keyword(keyword: Keyword) -> None:
    """InvalidWorkspace where the keyword, or a word it excludes, cannot be looked for."""
    compiled(keyword) if keyword.match == "regex" else forms.formed(keyword)
    for word in keyword.exclude:
        forms.formed(_exclusion(keyword, word))


def compiled(keyword: Keyword) -> Any:
    """The regular expression, or InvalidWorkspace."""
    options = re2.Options()
    options.case_sensitive = keyword.case_sensitive
    options.log_errors = False
    options.max_mem = MOST_REGEX_MEMORY
    try:
        return re2.compile(forms.composed(keyword.phrase), options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise InvalidWorkspace(
            f"keywords: {keyword.phrase!r} is no regular expression of RE2 ({reason}); "
            "look-arounds and back-references are not supported"
        ) from None


def _terms(workspace: Workspace, patterns: Patterns) -> Iterator[SearchTerm]:
    followed = frozenset(map(intern, workspace.subreddits))
    for keyword in workspace.keywords:
        excluded = tuple(patterns.number(_exclusion(keyword, word)) for word in keyword.exclude)
        yield SearchTerm(workspace, followed, keyword.phrase, patterns.number(keyword), excluded)


def _exclusion(keyword: Keyword, word: str) -> Keyword:
    """What must not be there is looked for as a whole word."""
    return Keyword(word, "word", (), keyword.case_sensitive)


def _automata(keywords: Sequence[Keyword]) -> Iterator[Automaton]:
    by_form: dict[forms.Form, list[tuple[int, Keyword]]] = defaultdict(list)
    for number, keyword in enumerate(keywords):
        if keyword.match != "regex":
            by_form[forms.form_of(keyword)].append((number, keyword))
    for form, patterns in by_form.items():
        yield Automaton(form, patterns)
