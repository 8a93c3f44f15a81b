"""The options of a status. No I/O."""

from services.publisher.platforms.options import Options, choice, flag, text

VISIBILITIES = ("public", "unlisted", "private", "direct")
"""From all to few."""
MOST_LANGUAGE = 35
OPTIONS = Options(
    (choice("visibility", VISIBILITIES), text("spoiler_text"), flag("sensitive"), text("language", MOST_LANGUAGE))
)
