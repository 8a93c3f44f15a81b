"""What is told of a folder that is no home; apart, since the home itself loads what it makes keys with."""


class HomeUnusable(Exception):
    """The folder cannot be made, read or written to, or somebody else has it."""
