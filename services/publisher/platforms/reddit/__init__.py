"""Reddit: texts, links, pictures and galleries in a subreddit."""
