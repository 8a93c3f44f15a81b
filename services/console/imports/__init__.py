"""Files of posts: `read` turns the bytes of one into posts, and says of every other line what is wrong with it."""

from services.console.imports.decoding import UnknownEncoding
from services.console.imports.lines import Body, Line, PostFile
from services.console.imports.reading import read

__all__ = ["Body", "Line", "PostFile", "UnknownEncoding", "read"]
