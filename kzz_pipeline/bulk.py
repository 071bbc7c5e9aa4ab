"""Doing the same to many releases: on every processor where they are many, in this process where they are few.

Also in this process where it may start none, as a Celery worker's. A large release is worked on in another one, whose
memory is its own.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from multiprocessing import current_process, get_context
from typing import TypeVar

Done = TypeVar("Done")
Given = TypeVar("Given")
Listener = Callable[[str, int], None]
# Below this many releases, starting processes costs more than it saves.
_FEW = 48
_CHUNK = 8
_listeners: list[Listener] = []


@cache
def _pool() -> ProcessPoolExecutor:
    # A fork server: the parent may hold threads (Dagster, Arrow), which a plain fork copies in mid-flight.
    return ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("forkserver"))


@cache
def _pool_for_large() -> ProcessPoolExecutor:
    # One at a time, and each in a process that begins anew.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have `listener` told, while this lasts, the stage and how many more releases it is through with."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def map_releases(
    stage: str, work: Callable[[str], Done], release_ids: Iterable[str], large: Collection[str] = ()
) -> Iterator[Done]:
    """`work` done to each release, results in the order of the releases; `work` must be picklable.

    Other processes begin at once, also where the results are asked for later. Each of those in `large` has one of its own.
    """
    ids = list(release_ids)
    others = [release_id for release_id in ids if release_id not in large]
    of_large = apart(work, [release_id for release_id in ids if release_id in large])
    alone = len(others) < _FEW or (os.cpu_count() or 1) < 2 or current_process().daemon
    done = map(work, others) if alone else _pool().map(work, others, chunksize=_CHUNK)
    return _told(stage, (next(of_large if release_id in large else done) for release_id in ids))


def apart(work: Callable[[Given], Done], given: Collection[Given]) -> Iterator[Done]:
    """`work` done to each, in a process that begins anew for it; in this one where it may start none."""
    if not given or current_process().daemon:
        return map(work, given)
    return _pool_for_large().map(work, given)


def _told(stage: str, results: Iterable[Done]) -> Iterator[Done]:
    for done in results:
        for listener in _listeners:
            listener(stage, 1)
        yield done
