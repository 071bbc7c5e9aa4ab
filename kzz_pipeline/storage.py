"""The one module that writes files: everything is complete, checked and on disk before its name appears.

Write, audit, publish: the files of a release are written beside their targets under names that no reader matches,
flushed to disk, listed in a journal, and only then renamed. A publication that was interrupted is completed from its
journal by the next one (`recover`), or undone where it had no journal yet.

The rows of a release stand in a file of its own, or, after `kzz compact`, in a row group of a file that joins those of
many (compaction.py). Both are found here: a release's place names its rows wherever they are.
"""

import ctypes
import errno
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.schema import TABLES

_TEMPORARY = ".tmp-"
_JOURNAL = ".publishing"
_LOCK = ".lock"
_LOCK_SECONDS = 600
# What a joined file is called, what says whose rows it holds, here and in its footer, and where folders are made ready.
JOINED = "compacted-"
INDEX = ".compacted.json"
JOINED_KEY = b"kzz.releases"
_SWAP = ".swap"
_MARK = ".swapping"
# The last object of an archived version, in a store that cannot rename a folder.
_WHOLE = ".whole"
# renameat2(2): relative to the working directory; exchange the two.
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@dataclass(frozen=True, slots=True)
class Staged:
    """A publication ready to be flipped: temporary files and their targets, and the files to remove."""

    name: str
    renames: tuple[tuple[str, str], ...]
    removals: tuple[str, ...]


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file; the same table gives the same bytes.

    Snappy: every reader knows it, and over small files it takes half of zstd's time for 6% more bytes.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="snappy", version="2.6", store_schema=True)
    return sink.getvalue().to_pybytes()


def read_parquet(source: Path | pa.BufferReader, columns: list[str] | None = None) -> pa.Table:
    """A Parquet file as a table, of its own columns (or these of them): the folders' names add none."""
    if not isinstance(source, Path | pa.BufferReader):
        source = pa.BufferReader(source.read_bytes())
    try:
        return pq.ParquetFile(source).read(columns)
    except pa.ArrowInvalid as error:
        advice = "remove it and do kzz run: it is published again"
        raise Refusal("damaged-file", f"{source} is damaged: {error}", advice) from None


def parquet_dataset(files: Iterable[Path], schema: pa.Schema) -> Any:
    """Parquet files, of which there must be one, as a dataset with the columns of `schema`."""
    import pyarrow.dataset as ds

    paths = list(files)
    if not is_remote(paths[0]):
        return ds.dataset([str(path) for path in paths], schema=schema, format="parquet")
    # Whole objects: a thread of Arrow's that still asks the store when the process ends would abort it.
    return ds.dataset(pa.concat_tables(read_parquet(path) for path in paths).select(schema.names))


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that its name shows the old content or the new one and never a part: also after a power cut."""
    if is_remote(path):
        _put(path, data)
        return
    with _clear_errors(path):
        _make_folder(path.parent)
        temporary = _write_temporary(path, data)
        os.replace(temporary, path)
        _sync_folder(path.parent)


def _put(path: Path, data: bytes) -> None:
    """Write an object: it appears whole."""
    from kzz_pipeline.objects import clear_errors

    with clear_errors(path):
        path.write_bytes(data)


def _write_temporary(path: Path, data: bytes | pa.Buffer, *, is_synced: bool = True) -> Path:
    """A new file beside `path` that no reader matches; nothing is left of it where it cannot be written whole."""
    # Not the process id: on a share, two machines may have the same.
    temporary = path.with_name(f".{path.name}{_TEMPORARY}{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as stream:
            stream.write(data)
            stream.flush()
            if is_synced:
                os.fsync(stream.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it; a name in a folder that was never flushed is lost in a power cut."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    """Say in one line what the operating system says in a stack trace."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        raise Refusal(
            "unwritable-output", f"{place}: {error.strerror}", "make the folder writable or name another with --out"
        ) from None


_held: dict[Path, Any] = {}


def hold(state_root: Path, waiting: Callable[[], None] = lambda: None) -> None:
    """Wait until no other process works on the intermediate tables under `state_root`, then keep others out.

    Held until `let_go` or until this process ends, however it ends: two runs must not hand on each other's half of a
    release. `waiting` is called where there is one to wait for (on a disk).
    Raises Refusal where the other does not end.
    """
    if state_root in _held:
        return
    busy = Refusal("busy", "another run is at work on these releases", "wait until it ends, then run again")
    if is_remote(state_root):
        from kzz_pipeline.objects import hold_until_exit

        if (held := hold_until_exit(state_root / _LOCK, _LOCK_SECONDS)) is None:
            raise busy
        _held[state_root] = held
        return
    with _clear_errors(state_root):
        state_root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state_root / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting()
            try:
                lock.acquire(timeout=_LOCK_SECONDS)
            except Timeout:
                raise busy from None
    _held[state_root] = lock


def let_go() -> None:
    """Let other processes work on what this one holds: for processes that outlive a run, such as a Celery worker's."""
    while _held:
        _held.popitem()[1].release()


def release_path(table: str, year: int, release_id: str) -> str:
    """Where the rows of a release stand, relative to the curated root."""
    return f"{table}/{year}/{release_id}.parquet"


def yearly_path(table: str, fiscal_year: int) -> str:
    """Where the rows of a yearly table stand, relative to the curated root."""
    return f"{table}/{fiscal_year}.parquet"


def _is_joined(folder: Path, release_id: str) -> bool:
    return any(release_id in members for members in _index(folder).values())


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Where the rows of a release stand in a joined file: relative to the curated root, counted from 0."""

    file: str
    number: int


def joined_files(folder: Path, names: Iterable[str] | None = None) -> dict[str, dict[str, int]]:
    """The joined files of a folder: the releases of each, in the order of its row groups, and the bytes of each alone.

    Read from the index beside them; from their footers where that is gone.
    """
    if names is None:
        names = sorted(path.name for path in folder.glob(f"{JOINED}*.parquet"))
    index = _index(folder) if names else {}
    return {name: index[name] if name in index else _footer(folder / name) for name in names}


def _index(folder: Path) -> dict[str, dict[str, int]]:
    try:
        return dict(json.loads((folder / INDEX).read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        return {}


def _footer(path: Path) -> dict[str, int]:
    return dict(json.loads((pq.read_metadata(path).metadata or {}).get(JOINED_KEY, b"{}")))


def joined_places(out_root: Path, tables: Iterable[str]) -> dict[str, RowGroup]:
    """The places whose rows stand in a joined file, and where in it. Nothing is joined in an object store."""
    found: dict[str, RowGroup] = {}
    if is_remote(out_root):
        return found
    for table in tables:
        for year in year_folders(out_root, table):
            for name, members in joined_files(year).items():
                for number, release_id in enumerate(members):
                    found[f"{table}/{year.name}/{release_id}.parquet"] = RowGroup(f"{table}/{year.name}/{name}", number)
    return found


def year_folders(out_root: Path, table: str) -> list[Path]:
    """The folders of years of a table; a link is not followed."""
    if not (out_root / table).is_dir():
        return []
    entries = sorted(os.scandir(out_root / table), key=lambda entry: entry.name)
    return [Path(entry.path) for entry in entries if entry.name.isdigit() and entry.is_dir(follow_symlinks=False)]


def table_files(folder: Path) -> list[str]:
    """The published files of a table, relative to its folder, by year and name."""
    if is_remote(folder):
        return sorted(path.relative_to(folder).as_posix() for path in folder.glob("**/*.parquet"))
    years = year_folders(folder.parent, folder.name)
    found = [f"{year.name}/{entry.name}" for year in years for entry in os.scandir(year)]
    if folder.is_dir():
        found += [entry.name for entry in os.scandir(folder)]
    return sorted(place for place in found if place.endswith(".parquet"))


def read_release(out_root: Path, place: str, columns: list[str] | None = None) -> pa.Table | None:
    """The rows published at a release's place, from its own file or a joined one; None where nothing is."""
    path = out_root / place
    if path.is_file():
        return read_parquet(path, columns)
    if is_remote(out_root):
        return None
    for name, members in joined_files(path.parent).items():
        if path.stem in members:
            file = pq.ParquetFile(path.with_name(name))
            return row_group_of(file, list(members).index(path.stem), columns)
    return None


def row_group_of(file: pq.ParquetFile, number: int, columns: list[str] | None = None) -> pa.Table:
    """The rows of one release of a joined file, as its own file would give them."""
    rows = file.read_row_group(number, columns)
    # Without what the footer says of the joined file.
    known = {key: value for key, value in (rows.schema.metadata or {}).items() if key != JOINED_KEY}
    return rows.replace_schema_metadata(known or None)


def release_bytes(out_root: Path, place: str) -> bytes | None:
    """The rows published at a release's place as the bytes of a file of its own; None where nothing is."""
    if (out_root / place).is_file():
        return (out_root / place).read_bytes()
    table = read_release(out_root, place)
    return None if table is None else parquet_bytes(table)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


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
        _sync_folder(folder)
    for folder in emptied:
        _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def swap(out_root: Path, place: str, files: Mapping[str, bytes], removals: Iterable[str]) -> None:
    """Give the folder at `place` these files (by name) and take those away, all in one step, journalled.

    The folder is made again aside, its other files linked into it, and the two change their names: a reader lists the
    old files or the new ones, never some of each. Call it as the only writer. Raises Refusal where the folder holds
    anything but files, or its file system cannot rename it.
    """
    gone = {*files, *removals}
    with _clear_errors(out_root / place):
        standing = sorted(os.scandir(out_root / place), key=lambda entry: entry.name)
        if foreign := [entry.path for entry in standing if not entry.is_file(follow_symlinks=False)]:
            raise Refusal("foreign-entry", f"{foreign[0]} is no file, and only files belong there", "move it elsewhere")
        aside = out_root / _SWAP / secrets.token_hex(4)
        _make_folder(aside)
        for entry in standing:
            if entry.name not in gone:
                _link(Path(entry.path), aside / entry.name)
        for name, data in {**files, _MARK: b""}.items():
            os.replace(_write_temporary(aside / name, data), aside / name)
        _sync_folder(aside)
        entry_path = out_root / _JOURNAL / f"swap-{aside.name}.json"
        names = (aside.relative_to(out_root).as_posix(), place)
        write_atomic(entry_path, json.dumps({"renames": [], "removals": [], "swap": names}).encode())
        try:
            _complete_swap(out_root, *names)
        except OSError:
            if (aside / _MARK).is_file() and (out_root / place).is_dir():
                entry_path.unlink()  # nothing was renamed: undone, lest every later writer tries in vain
                _remove_flat(aside)
            raise
        entry_path.unlink()


def _link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        os.replace(_write_temporary(target, source.read_bytes()), target)


def _complete_swap(out_root: Path, aside: str, place: str) -> None:
    """Do what is left of a swap: the mark stands in the new folder until the old one is gone."""
    new, standing = out_root / aside, out_root / place
    old = new.with_name(f"{new.name}.old")
    if (new / _MARK).is_file():
        if not standing.is_dir():
            os.replace(new, standing)
        elif not _exchange(new, standing):
            # Two renames instead of one: between them the folder is not there.
            os.replace(standing, old)
            os.replace(new, standing)
        _sync_folder(standing.parent)
        _sync_folder(new.parent)
    for folder in (new, old):
        _remove_flat(folder)
    _remove_if_empty(new.parent)
    (standing / _MARK).unlink(missing_ok=True)
    _sync_folder(standing)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change their names in one step; False where this system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM, errno.EXDEV):
        return False
    raise OSError(number, os.strerror(number), str(other))


def _remove_flat(folder: Path) -> None:
    """Remove a folder and the files in it."""
    if folder.is_dir():
        for path in list(folder.iterdir()):
            path.unlink()
        folder.rmdir()


def _own_folders(out_root: Path) -> Iterator[Path]:
    """The folders that publications are written to: a curated root may stand in a folder with other things."""
    for name, table in TABLES.items():
        if table.published and (out_root / name).is_dir():
            yield from (entry for entry in list((out_root / name).iterdir()) if entry.name.isdigit() and entry.is_dir())
            yield out_root / name


class Store(Protocol):
    """Where published tables stand. What writes is for the one that `writer` lets in, one at a time.

    Each method raises Refusal where the place cannot be read or written.
    """

    def writer(self) -> AbstractContextManager[None]:
        """Be the only one that writes; what an earlier writer left unfinished is settled first."""

    def published_files(self, release_id: str, tables: Iterable[str]) -> list[str]:
        """The places of a release's rows."""

    def inventory(self, tables: Iterable[str]) -> dict[str, set[str]]:
        """Every release's published places, by release id."""

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
    def writer(self) -> Iterator[None]:
        """Be the only one that writes under `self.root`; what an earlier writer left unfinished is settled first.

        Raises Refusal where the folder cannot be written, or another writer does not end.
        """
        with _clear_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / _LOCK)
            try:
                lock.acquire(timeout=_LOCK_SECONDS)
            except Timeout:
                raise Refusal(
                    "busy", f"another run is writing {self.root}", "wait until it ends, then run again"
                ) from None
        try:
            with _clear_errors(self.root):
                self.recover()
            yield
        finally:
            lock.release()

    def published_files(self, release_id: str, tables: Iterable[str]) -> list[str]:
        """The places of a release's rows now, relative to `self.root`: of files of its own, or joined with other releases'."""
        found = []
        for table in tables:
            folder = self.root / table
            if folder.is_dir():
                years = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
                found += [
                    release_path(table, int(year), release_id)
                    for year in years
                    if year.isdigit()
                    and ((folder / year / f"{release_id}.parquet").is_file() or _is_joined(folder / year, release_id))
                ]
        return found

    def inventory(self, tables: Iterable[str]) -> dict[str, set[str]]:
        """Every release's published places, by release id, in one walk."""
        found: dict[str, set[str]] = {}
        for table in tables:
            with suppress(FileNotFoundError), os.scandir(self.root / table) as years:
                for year in years:
                    if year.name.isdigit() and year.is_dir(follow_symlinks=False):
                        names = [entry.name for entry in os.scandir(year.path) if entry.name.endswith(".parquet")]
                        joined = [name for name in names if name.startswith(JOINED)]
                        ids = [name.removesuffix(".parquet") for name in names if not name.startswith(JOINED)]
                        if joined:
                            ids += chain.from_iterable(joined_files(Path(year.path), joined).values())
                        for release_id in ids:
                            found.setdefault(release_id, set()).add(f"{table}/{year.name}/{release_id}.parquet")
        return found

    def stage(self, name: str, files: Mapping[str, bytes], removals: Iterable[str] = ()) -> Staged:
        """Write files aside, whole and flushed; a file whose bytes stand there already is left alone."""
        renames = []
        with _clear_errors(self.root):
            for place, data in files.items():
                target = self.root / place
                if _holds(target, data):
                    continue
                _make_folder(target.parent)
                temporary = _write_temporary(target, data)
                renames.append((temporary.relative_to(self.root).as_posix(), place))
        return Staged(name, tuple(renames), tuple(place for place in removals if place not in files))

    def publish(self, staged: Iterable[Staged]) -> None:
        """Flip staged publications one after another, all journalled before the first rename.

        Raises Refusal, before anything is flipped, where a staged file is gone.
        """
        pending = [item for item in staged if item.renames or item.removals]
        if not pending:
            return
        with _clear_errors(self.root):
            temporaries = [self.root / temporary for item in pending for temporary, _ in item.renames]
            for temporary in temporaries:
                temporary.stat()
            # The journal must not outlive, in a power cut, the names that it speaks of.
            for folder in {temporary.parent for temporary in temporaries}:
                _sync_folder(folder)
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
                _remove_flat(folder)
            _remove_if_empty(self.root / _SWAP)
        for folder in _own_folders(self.root):
            for stray in list(folder.glob(f".*{_TEMPORARY}*")):
                stray.unlink(missing_ok=True)
            _remove_if_empty(folder)


class RemoteStore:
    """Published tables in an object store (objects.py): objects appear whole, and change by copying."""

    def __init__(self, root: Path) -> None:
        from kzz_pipeline.objects import object_store

        self._objects = object_store(root)

    def writer(self) -> AbstractContextManager[None]:
        return self._objects.writer(_LOCK_SECONDS)

    def published_files(self, release_id: str, tables: Iterable[str]) -> list[str]:
        names = chain.from_iterable(self._objects.places(table) for table in tables)
        return [place for place in names if PurePosixPath(place).stem == release_id]

    def inventory(self, tables: Iterable[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for place in chain.from_iterable(self._objects.places(table) for table in tables):
            found.setdefault(PurePosixPath(place).stem, set()).add(place)
        return found

    def stage(self, name: str, files: Mapping[str, bytes], removals: Iterable[str]) -> Staged:
        return Staged(name, tuple(self._objects.stage(files)), tuple(place for place in removals if place not in files))

    def publish(self, staged: Iterable[Staged]) -> None:
        for item in staged:
            if item.renames or item.removals:
                self._objects.publish(item.name, item.renames, item.removals)

    def recover(self) -> None:
        self._objects.recover()


def is_remote(root: Path) -> bool:
    """Whether a root is a URL."""
    return not isinstance(root, Path)


def store_of(root: Path) -> Store:
    """The store that a root is: a folder, or a prefix in an object store."""
    return RemoteStore(root) if is_remote(root) else LocalStore(root)


def writer(out_root: Path) -> AbstractContextManager[None]:
    """Be the only one that writes under `out_root`; what an earlier writer left unfinished is settled first.

    Raises Refusal where it cannot be written, or another writer does not end.
    """
    return store_of(out_root).writer()


def published_files(out_root: Path, release_id: str, tables: Iterable[str]) -> list[str]:
    """The places of a release's rows now, relative to `out_root`: of files of its own, or joined with other releases'."""
    return store_of(out_root).published_files(release_id, tables)


def inventory(out_root: Path, tables: Iterable[str]) -> dict[str, set[str]]:
    """Every release's published places, by release id, in one walk."""
    with _clear_errors(out_root):
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


def _folder_of(root: Path, release_id: str) -> Path:
    """The folder of a release under `root`. Raises Refusal where the id, typed by a person perhaps, leads out of it."""
    if release_id in ("", ".", "..") or "/" in release_id or "\0" in release_id:
        raise Refusal("wrong-name", f"{release_id!r} is no release id", "name a release as <year>-<name>")
    return root / release_id


def quarantine(root: Path, release_id: str, files: Mapping[str, bytes]) -> None:
    """Describe a refused release under the quarantine folder `root`, in place of what was said of it before."""
    folder = _folder_of(root, release_id)
    for name, data in files.items():
        write_atomic(folder / name, data)
    with _clear_errors(folder):
        for entry in list(folder.iterdir()):
            if entry.name not in files:
                entry.unlink()


def release_from_quarantine(root: Path, release_id: str) -> None:
    """Forget that a release was refused."""
    _remove_folder(_folder_of(root, release_id))
    if not is_remote(root):
        _remove_if_empty(root)


def _remove_folder(folder: Path) -> None:
    """Remove a folder and all in it, if it is there."""
    if is_remote(folder):
        from kzz_pipeline.objects import remove_all

        remove_all(folder)
        return
    with _clear_errors(folder):
        if folder.is_dir():
            shutil.rmtree(folder)


def report_path(root: Path, release_id: str) -> Path:
    """Where the readable report on a published release stands. Raises Refusal where the id leads out of `root`."""
    return _folder_of(root, release_id).with_name(f"{release_id}.html")


def write_report(root: Path, release_id: str, data: bytes) -> None:
    """Put a release's report in place of the one before; a file with the same bytes is left alone."""
    path = report_path(root, release_id)
    if not _holds(path, data):
        write_atomic(path, data)


def remove_report(root: Path, release_id: str) -> None:
    """Take away a release's report, with its rows."""
    path = report_path(root, release_id)
    with _clear_errors(path):
        path.unlink(missing_ok=True)


def archive(state_root: Path, out_root: Path, release_id: str, version: int, places: Iterable[str]) -> None:
    """Keep the published files of a version that is about to be replaced: `versions/<release>/<version>/<table>/`."""
    folder = state_root / "versions" / release_id / str(version)
    if is_remote(state_root):
        if not (folder / _WHOLE).exists():
            for place in places:
                table, year, _ = place.split("/")
                if (data := release_bytes(out_root, place)) is not None:
                    write_atomic(folder / table / f"{year}.parquet", data)
            write_atomic(folder / _WHOLE, b"{}")
        return
    if folder.is_dir():
        return
    aside = folder.with_name(f".{version}{_TEMPORARY}{os.getpid()}")
    with _clear_errors(folder):
        shutil.rmtree(aside, ignore_errors=True)
        for place in places:
            table, year, _ = place.split("/")
            data = release_bytes(out_root, place)
            if data is not None:
                (aside / table).mkdir(parents=True, exist_ok=True)
                (aside / table / f"{year}.parquet").write_bytes(data)
        if aside.is_dir():
            os.replace(aside, folder)


def archived_versions(state_root: Path, release_id: str) -> dict[int, Path]:
    """The kept versions of a release: number to folder."""
    folder = state_root / "versions" / release_id
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return {int(path.name): path for path in found if path.name.isdigit()}


@dataclass(frozen=True, slots=True)
class Record:
    """A release on its way through the stages: where it is from, its bytes, and the stage that refused it, if any."""

    release_id: str
    release_year: int = 0
    source_path: str = ""
    stamp: str = ""
    size_bytes: int = 0
    source_sha256: str = ""
    encoding: str = ""
    refused_at: str = ""
    reason: tuple[str, str, str, int | None] | None = None

    @property
    def refusal(self) -> Refusal | None:
        return Refusal(*self.reason) if self.reason else None

    def with_bytes(self, sha256: str, size_bytes: int) -> "Record":
        return replace(self, source_sha256=sha256, size_bytes=size_bytes)

    def with_encoding(self, encoding: str) -> "Record":
        return replace(self, encoding=encoding)

    def refused(self, stage: str, refusal: Refusal) -> "Record":
        reason = (refusal.code, refusal.message, refusal.advice, refusal.line)
        return replace(self, refused_at=stage, reason=reason)

    def accepted(self) -> "Record":
        return replace(self, refused_at="", reason=None)


class StageStore:
    """What the stages of each release hand on: its record and its intermediate tables. All of it can be made again."""

    def __init__(self, state_root: Path) -> None:
        self.root = state_root / "stages"

    def _path(self, release_id: str, name: str) -> Path:
        return _folder_of(self.root, release_id) / name

    def write_record(self, record: Record) -> None:
        """Keep a release's record."""
        _write_made(self._path(record.release_id, "record.json"), json.dumps(asdict(record)).encode())

    def read_record(self, release_id: str) -> Record:
        """A release's record. Raises Refusal where the release was never read."""
        try:
            found = json.loads(self._path(release_id, "record.json").read_bytes())
        except (OSError, ValueError):
            raise Refusal("not-read", f"{release_id} was not read yet", "materialize raw_text of it first") from None
        found["reason"] = tuple(found["reason"]) if found["reason"] else None
        return Record(**found)

    def known_record(self, release_id: str) -> Record:
        """A release's record; an empty one where it was never read."""
        try:
            return self.read_record(release_id)
        except Refusal:
            return Record(release_id)

    def write_table(self, release_id: str, name: str, table: pa.Table) -> None:
        """Keep an intermediate table of a release."""
        write_made(self._path(release_id, f"{name}.arrow"), table)

    def read_table(self, release_id: str, name: str) -> pa.Table:
        """An intermediate table of a release. Raises Refusal where the stage that makes it has not run."""
        found = read_arrow(self._path(release_id, f"{name}.arrow"))
        if found is None:
            raise Refusal("not-made", f"{name} of {release_id} was not made yet", "run the stages before it")
        return found

    def has_tables(self, release_id: str, names: Iterable[str]) -> bool:
        """Whether all of these intermediate tables of a release are there."""
        return all(self._path(release_id, f"{name}.arrow").is_file() for name in names)

    def forget(self, release_id: str) -> bool:
        """Remove everything of a release; False where there is nothing."""
        folder = _folder_of(self.root, release_id)
        is_there = folder.is_dir()
        if is_there:
            _remove_folder(folder)
        return is_there


def write_made(path: Path, table: pa.Table) -> None:
    """Keep a table that can be made again, in Arrow's own form, which is written and read fastest."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(table)
    _write_made(path, sink.getvalue())


def _write_made(path: Path, data: bytes | pa.Buffer) -> None:
    """Whole or not at all, but without waiting for the disk: what is lost here is made again."""
    if is_remote(path):
        _put(path, bytes(data))
        return
    with _clear_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(_write_temporary(path, data, is_synced=False), path)


def is_due(mark: Path, every: timedelta) -> bool:
    """Whether something is to be done again: `mark` is the file that says when it was, and is made or renewed if so."""
    try:
        if time.time() - mark.stat().st_mtime < every.total_seconds():
            return False
    except OSError:
        pass
    _write_made(mark, b"\n")
    return True


def read_arrow(path: Path) -> pa.Table | None:
    """A table that `write_made` kept; None where there is none, or it is broken."""
    try:
        return pa.ipc.open_file(path.read_bytes()).read_all()
    except (OSError, pa.ArrowException):
        return None


class ByteStore:
    """The bytes of every release ever read, by their sha256: what a figure stems from stays at hand."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256

    def put(self, sha256: str, data: bytes) -> None:
        """Keep `data`; nothing is written where it is kept already."""
        if not self._path(sha256).is_file():
            write_atomic(self._path(sha256), data)

    def get(self, sha256: str) -> bytes:
        """The bytes kept under `sha256`. Raises Refusal where there are none."""
        try:
            return self._path(sha256).read_bytes()
        except OSError:
            raise Refusal("bytes-gone", f"the bytes {sha256} are not kept here", "run the pipeline again") from None
