"""The pictures of posts: fetched, made to fit by programs of their own, and kept in files until they are sent."""
