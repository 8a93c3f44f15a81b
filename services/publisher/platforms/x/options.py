"""The options of a post on X. No I/O."""

from services.publisher.platforms.options import Options, choice, number

REPLY_SETTINGS = ("following", "mentionedUsers", "subscribers", "verified")
OPTIONS = Options((choice("reply_settings", REPLY_SETTINGS), number("in_reply_to_tweet_id"), number("quote_tweet_id")))
