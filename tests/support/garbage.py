"""To see that what is done with is gone at once, not at the garbage collector's next visit."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No collection in this block: whatever is part of a ring stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
