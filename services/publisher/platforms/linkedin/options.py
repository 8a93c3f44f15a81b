"""The options of a post on LinkedIn. No I/O."""

from services.publisher.platforms.options import Options, choice, text, url

VISIBILITIES = ("PUBLIC", "LOGGED_IN", "CONNECTIONS")
MOST_TITLE = 400
OPTIONS = Options((choice("visibility", VISIBILITIES), url("url"), text("title", MOST_TITLE), text("description")))
