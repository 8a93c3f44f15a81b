"""What a status says, out of the HTML that a server makes of it, so that it can be found again by its text. No I/O."""

from html.parser import HTMLParser

import regex

from services.publisher.platforms.recognition import words_and_links_of
from shared.posting.counting import bare

ENDS_A_LINE = frozenset({"p", "div", "li", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6"})

_MENTION = regex.compile(r"(?<![\w/=])(@\w(?:[\w.-]*\w)?)@\w(?:[\w.-]*\w)?")
_MAY_DIFFER = regex.compile(r"[\p{P}\p{White_Space}`~|+<>=^]")
_BEGINNING = regex.compile("<[a-z/!?]", regex.IGNORECASE)


def plain_text(html: str) -> str:
    """The text as a reader sees it, links in full."""
    reader = _Reader()
    reader.feed(_finished(html))
    reader.close()
    return "".join(reader.pieces).strip()


def _finished(html: str) -> str:
    """The HTML without comments, and without what begins a tag or a comment and never ends it, as browsers show it:
    Python looks for the end of each such beginning in all of the rest."""
    shown, begin, rest = html.partition("<!--")
    pieces = [shown]
    while begin:
        _, end, rest = rest.partition("-->")
        shown, begin, rest = rest.partition("<!--") if end else ("", "", "")
        pieces.append(shown)
    text = "".join(pieces)
    begun = _BEGINNING.search(text, text.rfind(">") + 1)
    return text[: begun.start()] if begun else text


def is_shown_as(content: str, html: str) -> bool:
    """Whether the HTML shows this text: servers change spaces, shorten mentions, and mark up links and hashtags.

    Where an account's posts are Markdown by its own settings, marks become markup, and quotes and dashes other ones.
    """
    return _comparable(content) == _comparable(plain_text(html))


def _comparable(text: str) -> str:
    """Its letters and symbols; a text that has none as it stands."""
    short: str = _MENTION.sub(r"\1", words_and_links_of(bare(text)))
    letters: str = _MAY_DIFFER.sub("", short)
    return letters or words_and_links_of(text).replace(" ", "")


class _Reader(HTMLParser):
    """Collects the text; what is `invisible` belongs to a shortened link, and is text as well."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.pieces.append("\n")

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """As browsers do. Python's own raises an AssertionError over nearly all of them."""
        return self.parse_bogus_comment(i, bool(report))

    def handle_endtag(self, tag: str) -> None:
        if tag in ENDS_A_LINE:
            self.pieces.append("\n")
