"""What the pipeline remembers beside the published tables, under its state root.

Here belongs what runs hand on and what they keep: the record and the intermediate tables of each release, the bytes of
every file ever read, the versions that were replaced, and the lock that lets one run at a time work on them.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock, Timeout

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.tokens import Chunks
from kzz_pipeline.files import (
    LOCK,
    LOCK_SECONDS,
    ChunkWriter,
    arrow_chunks,
    clear_errors,
    is_remote,
    read_arrow,
    remove_folder,
    write_atomic,
    write_folder,
    write_made,
    write_made_bytes,
    written_in_chunks,
)
from kzz_pipeline.places import folder_of, release_bytes

# The last object of an archived version, in a store that cannot rename a folder.
_WHOLE = ".whole"

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

        if (held := hold_until_exit(state_root / LOCK, LOCK_SECONDS)) is None:
            raise busy
        _held[state_root] = held
        return
    with clear_errors(state_root):
        state_root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state_root / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting()
            try:
                lock.acquire(timeout=LOCK_SECONDS)
            except Timeout:
                raise busy from None
    _held[state_root] = lock


def let_go() -> None:
    """Let other processes work on what this one holds: for processes that outlive a run, such as a Celery worker's."""
    while _held:
        _held.popitem()[1].release()


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
        return folder_of(self.root, release_id) / name

    def write_record(self, record: Record) -> None:
        """Keep a release's record."""
        write_made_bytes(self._path(record.release_id, "record.json"), json.dumps(asdict(record)).encode())

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

    def write_chunks(self, release_id: str, name: str, schema: pa.Schema) -> AbstractContextManager[ChunkWriter]:
        """Keep an intermediate table of a release chunk by chunk: what this opens takes them. It appears whole."""
        return written_in_chunks(self._path(release_id, f"{name}.arrow"), schema)

    def read_table(self, release_id: str, name: str, columns: list[str] | None = None) -> pa.Table:
        """An intermediate table of a release, or these columns of it.

        Raises Refusal where the stage that makes it has not run.
        """
        found = read_arrow(self._path(release_id, f"{name}.arrow"), columns)
        if found is None:
            raise _not_made(release_id, name)
        return found

    def chunks(self, release_id: str, name: str) -> Chunks[pa.Table]:
        """The chunks of an intermediate table. Raises Refusal, perhaps only as one is asked for, as `read_table` does."""
        found = arrow_chunks(self._path(release_id, f"{name}.arrow"))
        if found is None:
            raise _not_made(release_id, name)
        count, read = found

        def make(number: int) -> pa.Table:
            try:
                return read(number)
            except (OSError, pa.ArrowException):
                raise _not_made(release_id, name) from None

        return Chunks(count, make)

    def has_tables(self, release_id: str, names: Iterable[str]) -> bool:
        """Whether all of these intermediate tables of a release are there."""
        return all(self._path(release_id, f"{name}.arrow").is_file() for name in names)

    def forget(self, release_id: str) -> bool:
        """Remove everything of a release; False where there is nothing."""
        folder = folder_of(self.root, release_id)
        is_there = folder.is_dir()
        if is_there:
            remove_folder(folder)
        return is_there


def _not_made(release_id: str, name: str) -> Refusal:
    return Refusal("not-made", f"{name} of {release_id} was not made yet", "run the stages before it")


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


def archive(state_root: Path, out_root: Path, release_id: str, version: int, places: Iterable[str]) -> None:
    """Keep the published files of a version that is about to be replaced: `versions/<release>/<version>/<table>/`."""
    folder = state_root / "versions" / release_id / str(version)
    if is_remote(state_root):
        if not (folder / _WHOLE).exists():
            for place, data in _standing(out_root, places):
                write_atomic(folder / place, data)
            write_atomic(folder / _WHOLE, b"{}")
    elif not folder.is_dir():
        write_folder(folder, _standing(out_root, places))


def _standing(out_root: Path, places: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """What is published at the places of a release: the place of each in the folder of its version, and its bytes."""
    for place in places:
        table, year, _ = place.split("/")
        if (data := release_bytes(out_root, place)) is not None:
            yield f"{table}/{year}.parquet", data


def archived_versions(state_root: Path, release_id: str) -> dict[int, Path]:
    """The kept versions of a release: number to folder."""
    folder = state_root / "versions" / release_id
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return {int(path.name): path for path in found if path.name.isdigit()}
