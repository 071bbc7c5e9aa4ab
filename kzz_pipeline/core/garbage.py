"""Python's search for cyclic garbage, put off while a release is read."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_cycles() -> Iterator[None]:
    """What is made inside refers to nothing that refers to it, so nothing is there to be found.

    Each search walks through everything read so far: over a large release they take longer and longer.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
