"""The one module that writes files: everything is complete, checked and on disk before its name appears.

Write, audit, publish: the files of a release are written beside their targets under names that no reader matches,
flushed to disk, listed in a journal, and only then renamed. A publication that was interrupted is completed from its
journal by the next one (`recover`), or undone where it had no journal yet.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.schema import TABLES

_TEMPORARY = ".tmp-"
_JOURNAL = ".publishing"
_LOCK = ".lock"
_LOCK_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Staged:
    """A publication ready to be flipped: temporary files and their targets, and the files to remove."""

    name: str
    renames: tuple[tuple[str, str], ...]
    removals: tuple[str, ...]


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file; the same table gives the same bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", version="2.6", store_schema=True)
    return sink.getvalue().to_pybytes()


def read_parquet(source: Path | pa.BufferReader, columns: list[str] | None = None) -> pa.Table:
    """A Parquet file as a table, of its own columns (or these of them): the folders' names add none."""
    return pq.ParquetFile(source).read(columns)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that its name shows the old content or the new one and never a part: also after a power cut."""
    with _clear_errors(path):
        _make_folder(path.parent)
        temporary = _write_temporary(path, data)
        os.replace(temporary, path)
        _sync_folder(path.parent)


def _write_temporary(path: Path, data: bytes, *, is_synced: bool = True) -> Path:
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


@contextmanager
def writer(out_root: Path) -> Iterator[None]:
    """Be the only one that writes under `out_root`; what an earlier writer left unfinished is settled first.

    Raises Refusal where the folder cannot be written, or another writer does not end.
    """
    with _clear_errors(out_root):
        out_root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out_root / _LOCK)
        try:
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout:
            raise Refusal("busy", f"another run is writing {out_root}", "wait until it ends, then run again") from None
    try:
        with _clear_errors(out_root):
            recover(out_root)
        yield
    finally:
        lock.release()


_held: dict[Path, FileLock] = {}


def hold(state_root: Path) -> None:
    """Wait until no other process works on the intermediate tables under `state_root`, then keep others out.

    Held until this process ends, however it ends: two runs must not hand on each other's half of a release.
    Raises Refusal where the other does not end.
    """
    if state_root in _held:
        return
    with _clear_errors(state_root):
        state_root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state_root / _LOCK)
        try:
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout:
            raise Refusal(
                "busy", "another run is at work on these releases", "wait until it ends, then run again"
            ) from None
    _held[state_root] = lock


def release_path(table: str, year: int, release_id: str) -> str:
    """Where the rows of a release stand, relative to the curated root."""
    return f"{table}/{year}/{release_id}.parquet"


def yearly_path(table: str, fiscal_year: int) -> str:
    """Where the rows of a yearly table stand, relative to the curated root."""
    return f"{table}/{fiscal_year}.parquet"


def published_files(out_root: Path, release_id: str, tables: Iterable[str]) -> list[str]:
    """The files that hold rows of a release now, relative to `out_root`."""
    found = []
    for table in tables:
        folder = out_root / table
        if folder.is_dir():
            years = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
            found += [
                release_path(table, int(year), release_id)
                for year in years
                if year.isdigit() and (folder / year / f"{release_id}.parquet").is_file()
            ]
    return found


def inventory(out_root: Path, tables: Iterable[str]) -> dict[str, set[str]]:
    """Every release's published files, by release id, in one walk."""
    found: dict[str, set[str]] = {}
    for table in tables:
        with suppress(FileNotFoundError), os.scandir(out_root / table) as years:
            for year in years:
                if year.name.isdigit() and year.is_dir(follow_symlinks=False):
                    for entry in os.scandir(year.path):
                        if entry.name.endswith(".parquet"):
                            place = f"{table}/{year.name}/{entry.name}"
                            found.setdefault(entry.name.removesuffix(".parquet"), set()).add(place)
    return found


def stage(out_root: Path, name: str, files: Mapping[str, bytes], removals: Iterable[str] = ()) -> Staged:
    """Write files aside, whole and flushed; a file whose bytes stand there already is left alone."""
    renames = []
    with _clear_errors(out_root):
        for place, data in files.items():
            target = out_root / place
            if _holds(target, data):
                continue
            _make_folder(target.parent)
            temporary = _write_temporary(target, data)
            renames.append((temporary.relative_to(out_root).as_posix(), place))
    return Staged(name, tuple(renames), tuple(place for place in removals if place not in files))


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def publish(out_root: Path, staged: Iterable[Staged]) -> None:
    """Flip staged publications one after another, each journalled before its first rename.

    Raises Refusal, before anything is flipped, where a staged file is gone.
    """
    pending = [item for item in staged if item.renames or item.removals]
    if not pending:
        return
    with _clear_errors(out_root):
        temporaries = [out_root / temporary for item in pending for temporary, _ in item.renames]
        for temporary in temporaries:
            temporary.stat()
        # The journal must not outlive, in a power cut, the names that it speaks of.
        for folder in {temporary.parent for temporary in temporaries}:
            _sync_folder(folder)
        journal = out_root / _JOURNAL
        for item in pending:
            entry = journal / f"{item.name}.json"
            write_atomic(entry, json.dumps({"renames": item.renames, "removals": item.removals}).encode())
            _flip(out_root, item.renames, item.removals)
            entry.unlink()


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


def recover(out_root: Path) -> None:
    """Complete every journalled publication and undo what was written without a journal."""
    journal = out_root / _JOURNAL
    if journal.is_dir():
        for entry in sorted(journal.iterdir()):
            if entry.suffix == ".json":
                plan = json.loads(entry.read_bytes())
                _flip(out_root, plan["renames"], plan["removals"])
            entry.unlink()
    for folder in _own_folders(out_root):
        for stray in list(folder.glob(f".*{_TEMPORARY}*")):
            stray.unlink(missing_ok=True)
        _remove_if_empty(folder)


def _own_folders(out_root: Path) -> Iterator[Path]:
    """The folders that publications are written to: a curated root may stand in a folder with other things."""
    for name, table in TABLES.items():
        if table.published and (out_root / name).is_dir():
            yield from (entry for entry in list((out_root / name).iterdir()) if entry.name.isdigit() and entry.is_dir())
            yield out_root / name


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
    folder = _folder_of(root, release_id)
    with _clear_errors(root):
        if folder.is_dir():
            shutil.rmtree(folder)
        if root.is_dir() and not any(root.iterdir()):
            root.rmdir()


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
    if folder.is_dir():
        return
    aside = folder.with_name(f".{version}{_TEMPORARY}{os.getpid()}")
    with _clear_errors(folder):
        shutil.rmtree(aside, ignore_errors=True)
        for place in places:
            table, year, _ = place.split("/")
            if (out_root / place).is_file():
                (aside / table).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(out_root / place, aside / table / f"{year}.parquet")
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
        self._write(self._path(record.release_id, "record.json"), json.dumps(asdict(record)).encode())

    def read_record(self, release_id: str) -> Record:
        """A release's record. Raises Refusal where the release was never read."""
        try:
            found = json.loads(self._path(release_id, "record.json").read_bytes())
        except (OSError, ValueError):
            raise Refusal("not-read", f"{release_id} was not read yet", "materialize raw_text of it first") from None
        found["reason"] = tuple(found["reason"]) if found["reason"] else None
        return Record(**found)

    def write_table(self, release_id: str, name: str, table: pa.Table) -> None:
        """Keep an intermediate table of a release."""
        self._write(self._path(release_id, f"{name}.parquet"), parquet_bytes(table))

    def read_table(self, release_id: str, name: str) -> pa.Table:
        """An intermediate table of a release. Raises Refusal where the stage that makes it has not run."""
        try:
            return read_parquet(self._path(release_id, f"{name}.parquet"))
        except (OSError, pa.ArrowException):
            raise Refusal("not-made", f"{name} of {release_id} was not made yet", "run the stages before it") from None

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        """Whole or not at all, but without waiting for the disk: what is lost here is made again."""
        with _clear_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(_write_temporary(path, data, is_synced=False), path)


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
