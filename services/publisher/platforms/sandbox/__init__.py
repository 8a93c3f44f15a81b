"""A stand-in for a social network, for demonstrations and tests."""
