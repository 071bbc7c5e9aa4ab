"""The published tables under the curated root: what stands there changes whole, by one writer at a time.

Write, audit, publish: the files of a release are written beside their targets under names that no reader matches,
flushed to disk, listed in a journal, and only then renamed. A publication that was interrupted is completed from its
journal by the next one (`recover`), or undone where it had no journal yet.

Here belongs what changes published tables. Where their rows stand is places.py; how a file is written, files.py.
"""

import json
import os
import secrets
from collections.abc import Container, Iterable, Iterator, Mapping, Set
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Protocol

from filelock import FileLock, Timeout

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.files import (
    LOCK,
    LOCK_SECONDS,
    clear_errors,
    exchange,
    holds,
    is_remote,
    is_unfinished,
    link,
    make_folder,
    remove_flat,
    remove_if_empty,
    sync_folder,
    write_atomic,
    write_temporary,
)
from kzz_pipeline.folders import names_in
from kzz_pipeline.places import joined_files, release_path, year_folders
from kzz_pipeline.schema import TABLES

_JOURNAL = ".publishing"
# Where folders are made ready, and what stands in one until the folder that it replaces is gone.
_SWAP = ".swap"
_MARK = ".swapping"


@dataclass(frozen=True, slots=True)
class Staged:
    """A publication ready to be flipped: temporary files and their targets, and the files to remove."""

    name: str
    renames: tuple[tuple[str, str], ...]
    removals: tuple[str, ...]


class Store(Protocol):
    """Where published tables stand. What writes is for the one that `writer` lets in, one at a time.

    Each method raises Refusal where the place cannot be read or written.
    """

    def writer(self, *, waits: bool) -> AbstractContextManager[None]:
        """Be the only one that writes; what an earlier writer left unfinished is settled first."""

    def published_files(self, release_id: str, tables: Iterable[str], joined: Container[str]) -> list[str]:
        """The places of a release's rows; `joined` are those that `places.joined_places` found."""

    def inventory(self, tables: Iterable[str]) -> Mapping[str, Set[str]]:
        """Where rows of all releases stand: the last parts of their places, by the folder that they are in."""

    def stage(self, name: str, files: Mapping[str, bytes], removals: Iterable[str]) -> Staged:
        """Put files aside, whole, where no reader sees them; those whose bytes stand there already are left alone."""

    def publish(self, staged: Iterable[Staged]) -> None:
        """Flip staged publications one after another, journalled."""

    def recover(self) -> None:
        """Complete what is journalled and undo what is not."""


class LocalStore:
    """Published tables in a folder of this machine: files appear, and change, by renaming."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def writer(self, *, waits: bool) -> Iterator[None]:
        """Be the only one that writes under `self.root`; what an earlier writer left unfinished is settled first.

        Raises Refusal where the folder cannot be written, or another writer does not end; at once if this does not wait.
        """
        with clear_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / LOCK)
            try:
                lock.acquire(timeout=LOCK_SECONDS if waits else 0)
            except Timeout:
                raise Refusal(
                    "busy", f"another run is writing {self.root}", "wait until it ends, then run again"
                ) from None
        try:
            with clear_errors(self.root):
                self.recover()
            yield
        finally:
            lock.release()

    def published_files(self, release_id: str, tables: Iterable[str], joined: Container[str]) -> list[str]:
        """The places of a release's rows now, relative to `self.root`: of files of its own, or joined with other releases'."""
        found = []
        for table in tables:
            folder = self.root / table
            if folder.is_dir():
                years = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
                places = [release_path(table, int(year), release_id) for year in years if year.isdigit()]
                found += [place for place in places if place in joined or (self.root / place).is_file()]
        return found

    def inventory(self, tables: Iterable[str]) -> Mapping[str, Set[str]]:
        """Where rows of all releases stand, by folder, in one walk: the names of files, or what they were before joining."""
        found: dict[str, frozenset[str]] = {}
        for table in tables:
            for folder in year_folders(self.root, table):
                listed = names_in(folder)
                names = listed.all
                if listed.joined:
                    members = joined_files(folder).values()
                    separate = {f"{release_id}.parquet" for release_ids in members for release_id in release_ids}
                    names = names.difference(listed.joined) | separate
                found[f"{table}/{folder.name}"] = names
        return found

    def stage(self, name: str, files: Mapping[str, bytes], removals: Iterable[str] = ()) -> Staged:
        """Write files aside, whole and flushed; a file whose bytes stand there already is left alone."""
        renames = []
        with clear_errors(self.root):
            for place, data in files.items():
                target = self.root / place
                if holds(target, data):
                    continue
                make_folder(target.parent)
                temporary = write_temporary(target, data)
                renames.append((temporary.relative_to(self.root).as_posix(), place))
        return Staged(name, tuple(renames), tuple(place for place in removals if place not in files))

    def publish(self, staged: Iterable[Staged]) -> None:
        """Flip staged publications one after another, all journalled before the first rename.

        Raises Refusal, before anything is flipped, where a staged file is gone.
        """
        pending = [item for item in staged if item.renames or item.removals]
        if not pending:
            return
        with clear_errors(self.root):
            temporaries = [self.root / temporary for item in pending for temporary, _ in item.renames]
            for temporary in temporaries:
                temporary.stat()
            # The journal must not outlive, in a power cut, the names that it speaks of.
            for folder in {temporary.parent for temporary in temporaries}:
                sync_folder(folder)
            renames = [rename for item in pending for rename in item.renames]
            removals = [place for item in pending for place in item.removals]
            # One journal for all of them: an interruption leaves none of them half flipped.
            entry = self.root / _JOURNAL / f"{pending[0].name}.json"
            write_atomic(entry, json.dumps({"renames": renames, "removals": removals}).encode())
            _flip(self.root, renames, removals)
            entry.unlink()

    def recover(self) -> None:
        """Complete every journalled publication and undo what was written without a journal."""
        journal = self.root / _JOURNAL
        if journal.is_dir():
            for entry in sorted(journal.iterdir()):
                if entry.suffix == ".json":
                    plan = json.loads(entry.read_bytes())
                    _flip(self.root, plan["renames"], plan["removals"])
                    if "swap" in plan:
                        _complete_swap(self.root, *plan["swap"])
                entry.unlink()
        if (self.root / _SWAP).is_dir():
            for folder in list((self.root / _SWAP).iterdir()):
                remove_flat(folder)
            remove_if_empty(self.root / _SWAP)
        for folder in _own_folders(self.root):
            for name in filter(is_unfinished, names_in(folder).hidden):
                (folder / name).unlink(missing_ok=True)
            remove_if_empty(folder)


class RemoteStore:
    """Published tables in an object store (objects.py): objects appear whole, and change by copying."""

    def __init__(self, root: Path) -> None:
        from kzz_pipeline.objects import object_store

        self._objects = object_store(root)

    def writer(self, *, waits: bool) -> AbstractContextManager[None]:
        return self._objects.writer(LOCK_SECONDS if waits else 0)

    def published_files(self, release_id: str, tables: Iterable[str], joined: Container[str]) -> list[str]:
        names = chain.from_iterable(self._objects.places(table) for table in tables)
        return [place for place in names if PurePosixPath(place).stem == release_id]

    def inventory(self, tables: Iterable[str]) -> Mapping[str, Set[str]]:
        found: dict[str, set[str]] = {}
        for place in chain.from_iterable(self._objects.places(table) for table in tables):
            folder, _, name = place.rpartition("/")
            found.setdefault(folder, set()).add(name)
        return found

    def stage(self, name: str, files: Mapping[str, bytes], removals: Iterable[str]) -> Staged:
        return Staged(name, tuple(self._objects.stage(files)), tuple(place for place in removals if place not in files))

    def publish(self, staged: Iterable[Staged]) -> None:
        for item in staged:
            if item.renames or item.removals:
                self._objects.publish(item.name, item.renames, item.removals)

    def recover(self) -> None:
        self._objects.recover()


def store_of(root: Path) -> Store:
    """The store that a root is: a folder, or a prefix in an object store."""
    return RemoteStore(root) if is_remote(root) else LocalStore(root)


def writer(out_root: Path, *, waits: bool = True) -> AbstractContextManager[None]:
    """Be the only one that writes under `out_root`; what an earlier writer left unfinished is settled first.

    Raises Refusal where it cannot be written, or another writer does not end; at once if this does not wait.
    """
    return store_of(out_root).writer(waits=waits)


def published_files(out_root: Path, release_id: str, tables: Iterable[str], joined: Container[str]) -> list[str]:
    """The places of a release's rows now, relative to `out_root`: of files of its own, or joined with other releases'.

    `joined` are the places that `places.joined_places` finds, which lists every folder: asked for once, not for each
    release.
    """
    return store_of(out_root).published_files(release_id, tables, joined)


def inventory(out_root: Path, tables: Iterable[str]) -> Mapping[str, Set[str]]:
    """Where rows of all releases stand: the last parts of their places, by the folder under `out_root`, in one walk."""
    with clear_errors(out_root):
        return store_of(out_root).inventory(tables)


def stage(out_root: Path, name: str, files: Mapping[str, bytes], removals: Iterable[str] = ()) -> Staged:
    """Write files aside, whole and flushed; a file whose bytes stand there already is left alone."""
    return store_of(out_root).stage(name, files, removals)


def publish(out_root: Path, staged: Iterable[Staged]) -> None:
    """Flip staged publications one after another, each journalled before anything of it changes.

    Raises Refusal, before anything is flipped, where a staged file is gone.
    """
    store_of(out_root).publish(staged)


def recover(out_root: Path) -> None:
    """Complete every journalled publication and undo what was written without a journal."""
    store_of(out_root).recover()


def _flip(out_root: Path, renames: Iterable[Iterable[str]], removals: Iterable[str]) -> None:
    """Rename and remove as a journal says; what was done already is passed over."""
    folders = set()
    for temporary, place in renames:
        if (out_root / temporary).exists():
            os.replace(out_root / temporary, out_root / place)
            folders.add((out_root / place).parent)
    emptied = set()
    for place in removals:
        (out_root / place).unlink(missing_ok=True)
        if (out_root / place).parent.is_dir():
            emptied.add((out_root / place).parent)
    for folder in folders | emptied:
        sync_folder(folder)
    for folder in emptied:
        remove_if_empty(folder)


def _own_folders(out_root: Path) -> Iterator[Path]:
    """The folders that publications are written to: a curated root may stand in a folder with other things."""
    for name, table in TABLES.items():
        if table.published and (out_root / name).is_dir():
            yield from (entry for entry in list((out_root / name).iterdir()) if entry.name.isdigit() and entry.is_dir())
            yield out_root / name


def swap(out_root: Path, place: str, files: Mapping[str, bytes], removals: Iterable[str]) -> None:
    """Give the folder at `place` these files (by name) and take those away, all in one step, journalled.

    The folder is made again aside, its other files linked into it, and the two change their names: a reader lists the
    old files or the new ones, never some of each. Call it as the only writer. Raises Refusal where the folder holds
    anything but files, or its file system cannot rename it.
    """
    gone = {*files, *removals}
    with clear_errors(out_root / place):
        standing = sorted(os.scandir(out_root / place), key=lambda entry: entry.name)
        if foreign := [entry.path for entry in standing if not entry.is_file(follow_symlinks=False)]:
            raise Refusal("foreign-entry", f"{foreign[0]} is no file, and only files belong there", "move it elsewhere")
        aside = out_root / _SWAP / secrets.token_hex(4)
        make_folder(aside)
        for entry in standing:
            if entry.name not in gone:
                link(Path(entry.path), aside / entry.name)
        for name, data in {**files, _MARK: b""}.items():
            os.replace(write_temporary(aside / name, data), aside / name)
        sync_folder(aside)
        entry_path = out_root / _JOURNAL / f"swap-{aside.name}.json"
        names = (aside.relative_to(out_root).as_posix(), place)
        write_atomic(entry_path, json.dumps({"renames": [], "removals": [], "swap": names}).encode())
        try:
            _complete_swap(out_root, *names)
        except OSError:
            if (aside / _MARK).is_file() and (out_root / place).is_dir():
                entry_path.unlink()  # nothing was renamed: undone, lest every later writer tries in vain
                remove_flat(aside)
            raise
        entry_path.unlink()


def _complete_swap(out_root: Path, aside: str, place: str) -> None:
    """Do what is left of a swap: the mark stands in the new folder until the old one is gone."""
    new, standing = out_root / aside, out_root / place
    old = new.with_name(f"{new.name}.old")
    if (new / _MARK).is_file():
        if not standing.is_dir():
            os.replace(new, standing)
        elif not exchange(new, standing):
            # Two renames instead of one: between them the folder is not there.
            os.replace(standing, old)
            os.replace(new, standing)
        sync_folder(standing.parent)
        sync_folder(new.parent)
    for folder in (new, old):
        remove_flat(folder)
    remove_if_empty(new.parent)
    (standing / _MARK).unlink(missing_ok=True)
    sync_folder(standing)
