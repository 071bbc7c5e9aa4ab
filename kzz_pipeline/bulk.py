"""Doing the same to many releases: on every processor where they are many, in this process where they are few.

Also in this process where it may start none, as a Celery worker's. A large release is worked on in another one, whose
memory is its own.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from multiprocessing import current_process, get_context
from typing import TypeVar

Done = TypeVar("Done")
Listener = Callable[[str, int], None]
# Below this many releases, starting processes costs more than it saves.
_FEW = 48
_CHUNK = 8
_listeners: list[Listener] = []


@cache
def _pool() -> ProcessPoolExecutor:
    # A fork server: the parent may hold threads (Dagster, Arrow), which a plain fork copies in mid-flight.
    return ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("forkserver"))


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have `listener` told, while this lasts, the stage and how many more releases it is through with."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def map_releases(
    stage: str, work: Callable[[str], Done], release_ids: Iterable[str], has_large: bool = False
) -> Iterator[Done]:
    """`work` done to each release, results in the order of the releases; `work` must be picklable.

    Other processes begin at once, also where the results are asked for later. `has_large` says that one of the
    releases is a large one.
    """
    ids = list(release_ids)
    is_few = len(ids) < _FEW or (os.cpu_count() or 1) < 2
    alone = current_process().daemon or (is_few and not has_large)
    return _told(stage, map(work, ids) if alone else _pool().map(work, ids, chunksize=_CHUNK))


def _told(stage: str, results: Iterable[Done]) -> Iterator[Done]:
    for done in results:
        for listener in _listeners:
            listener(stage, 1)
        yield done
