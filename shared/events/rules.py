"""What a network can accept, told with an account so that a post which never can be published is refused at once."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.base import Count, Text, Value

Unit = Literal["characters", "graphemes", "utf16", "weighted", "bytes"]
"""How a network counts: code points, what a reader sees as one character, UTF-16 units, X's weights, UTF-8 bytes."""


class TextRule(Value):
    """How long a text may be, by the network's own counting."""

    most: Count
    counted_in: Unit = "characters"
    most_bytes: Count | None = None
    link_length: Count | None = None
    """What every link counts as, however long it is."""
    short_mentions: bool = False
    """Whether `@name@server` counts as `@name` alone."""


class MediaRule(Value):
    """What may accompany a text."""

    most: Count = 0
    types: tuple[str, ...] = ()
    """MIME types; checked where a post names one."""
    most_bytes: Count | None = None
    """Checked where a post names a size, and only for what cannot be made smaller."""
    alt: TextRule | None = None
    alt_from: Count = 1
    """Beside fewer media no alternative text is published, so that none can be too long."""


class OptionRule(Value):
    """An entry of a target's `options`."""

    name: Text
    required: bool = False
    most: Count | None = None
    choices: tuple[str, ...] = ()


class PostRules(Value):
    """All that a network demands of a post; what is not set is not demanded."""

    text: TextRule | None = None
    caption: TextRule | None = None
    """In place of `text` where a post has media."""
    needs_text: bool = False
    needs_media: bool = False
    media: MediaRule | None = None
    options: Annotated[tuple[OptionRule, ...], Field(max_length=50)] = ()
