"""The names in folders. A folder is listed again only where it changed: in a process, and by the next one, which recalls.

What a process remembers of the folders under a root stands in one file, which can be removed at any time.
"""

import json
import os
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from kzz_pipeline.files import write_made_bytes

# What a joined file's name begins with (compaction.py).
JOINED = "compacted-"
# How long a folder may change without another time of it.
_CLOCK_NS = 2 * 10**9


class Names(NamedTuple):
    """The names in a folder; those of them that begin as a joined file's does, and those that a reader passes over.

    `files` is how many Parquet files there are, `last` the last of them by name, "" where there is none.
    """

    all: frozenset[str] = frozenset()
    joined: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    files: int = 0
    last: str = ""


# What was listed of folders, by what each was known by; those of them that the next process is to be told of; and the
# files that were recalled.
_listed: dict[str, tuple[str, Names]] = {}
_news: set[str] = set()
_recalled: set[Path] = set()


def names_in(folder: Path) -> Names:
    """The names in a folder, none where there is none.

    A run asks many times for the names in more than a hundred folders, of which it changes a few.
    """
    place, mark = os.fspath(folder), folder_mark(folder)
    before, names = _listed.get(place, ("", Names()))
    if mark and mark == before:
        return names
    try:
        names = _names(tuple(map(sys.intern, sorted(os.listdir(place)))))
    except (FileNotFoundError, NotADirectoryError):
        _listed.pop(place, None)
        return Names()
    if mark:
        _listed[place] = mark, names
        _news.add(place)
    return names


# The folders of a year mostly hold the same names.
@lru_cache(maxsize=32)
def _names(every: tuple[str, ...]) -> Names:
    files = [name for name in every if name.endswith(".parquet")]
    joined = tuple(name for name in every if name.startswith(JOINED))
    hidden = tuple(name for name in every if name.startswith("."))
    return Names(frozenset(every), joined, hidden, len(files), files[-1] if files else "")


def folder_mark(folder: Path) -> str:
    """What a folder is known by as long as no name in it changes, nor the file behind one; "" where none is there.

    Also "" where that was just now: the clock of a file system may not tell it from what follows.
    """
    now = time.time_ns()
    try:
        # Opened, and not merely asked for: on a network share the answer may else be a minute old.
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    try:
        status = os.fstat(opened)
    finally:
        os.close(opened)
    if now - max(status.st_mtime_ns, status.st_ctime_ns) <= _CLOCK_NS:
        return ""
    return f"{status.st_dev}:{status.st_ino}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def recall(root: Path, place: Path) -> None:
    """Take over, once, what an earlier process remembered of the folders under a root; nothing where that is broken."""
    if place in _recalled:
        return
    _recalled.add(place)
    try:
        known = json.loads(place.read_bytes())
        names = [_names(tuple(every)) for every in known["names"]]
        found = {os.fspath(root / folder): (mark, names[at]) for folder, (mark, at) in known["folders"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return
    for folder, listed in found.items():
        _listed.setdefault(folder, listed)


def remember(root: Path, place: Path) -> None:
    """Keep what was listed under a root for the next process, if there is anything new."""
    if not any(Path(folder).is_relative_to(root) for folder in list(_news)):
        return
    numbers: dict[frozenset[str], int] = {}
    folders = {}
    for folder, (mark, names) in list(_listed.items()):
        if Path(folder).is_relative_to(root):
            at = numbers.setdefault(names.all, len(numbers))
            folders[Path(folder).relative_to(root).as_posix()] = mark, at
            _news.discard(folder)
    known = {"names": [sorted(names) for names in numbers], "folders": folders}
    # In ASCII: a name that is no UTF-8 survives it.
    write_made_bytes(place, json.dumps(known).encode())
