"""The options of a message on Telegram. No I/O."""

from services.publisher.platforms.options import Options, choice, flag, number

PARSE_MODES = ("HTML", "MarkdownV2")
COMMON = ("disable_notification", "protect_content", "message_thread_id")
"""What every kind of message may say beside its content."""
OPTIONS = Options(
    (
        choice("parse_mode", PARSE_MODES),
        number("message_thread_id"),
        flag("disable_notification"),
        flag("protect_content"),
        flag("link_preview"),
    )
)
