"""Ids as parts of a URL's path."""

STEPS_IN_A_PATH = frozenset({".", ".."})
"""No address can name them: whoever asks for one takes them for steps in its path, encoded or not."""
