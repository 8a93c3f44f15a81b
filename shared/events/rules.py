"""What a network can accept, told with an account so that a post which never can be published is refused at once."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.base import Amount, Text, Value

Unit = Literal["characters", "graphemes", "utf16", "weighted", "bytes"]
"""How a network counts: code points, what a reader sees as one character, UTF-16 units, X's weights, UTF-8 bytes."""


class TextRule(Value):
    """How long a text may be, by the network's own counting."""

    most: Amount
    counted_in: Unit = "characters"
    most_bytes: Amount | None = None
    link_length: Amount | None = None
    """What every link counts as, however long it is."""
    short_mentions: bool = False
    """Whether `@name@server` counts as `@name` alone."""
    with_option: Text | None = None
    """An option whose text counts as well, such as a warning that is shown before the content."""
    markup_option: Text | None = None
    """The option that says that the text is marked up: what is plainly markup counts nothing then."""


class MediaRule(Value):
    """What may accompany a text."""

    most: Amount = 0
    types: tuple[str, ...] = ()
    """MIME types; checked where a post names one."""
    most_bytes: Amount | None = None
    """Checked where a post names a size, and only for what cannot be made smaller."""
    alt: TextRule | None = None
    alt_from: Amount = 1
    """Beside fewer media no alternative text is published, so that none can be too long."""


class OptionRule(Value):
    """An entry of a target's `options`."""

    name: Text
    required: bool = False
    is_number: bool = False
    """Whether it must be a whole number, or its digits."""
    most: Amount | None = None
    choices: tuple[str, ...] = ()


class PostRules(Value):
    """All that a network demands of a post; what is not set is not demanded."""

    text: TextRule | None = None
    caption: TextRule | None = None
    """In place of `text` where a post has media."""
    needs_text: bool = False
    needs_media: bool = False
    needs_one_of: tuple[Text, ...] = ()
    """`content`, `media`, or names of options, of which a post cannot lack all."""
    media: MediaRule | None = None
    options: Annotated[tuple[OptionRule, ...], Field(max_length=50)] = ()
    other_options: bool = True
    """Whether options that are not listed are taken."""
