"""Reddit: texts, links, pictures and galleries in a subreddit."""

from services.publisher.platforms.reddit.platform import Reddit

__all__ = ["Reddit"]
