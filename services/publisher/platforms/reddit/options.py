"""The options of a submission. No I/O."""

from services.publisher.platforms.options import Options, choice, flag, text, url

KINDS = ("self", "link")
"""What `kind` may be; what shows pictures is an image or a gallery."""
FLAGS = {"nsfw": False, "spoiler": False, "sendreplies": True, "resubmit": False}
"""With what holds where they are not given."""
MOST_TITLE = 300
OPTIONS = Options(
    (
        text("title", MOST_TITLE),
        choice("kind", KINDS),
        url("url"),
        text("flair_id"),
        *(flag(name) for name in FLAGS),
    )
)
