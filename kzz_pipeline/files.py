"""The one module that writes files: each is whole before its name appears, and what fails is said in one line.

Here belongs every primitive that writes: files and folders, links to them, their removal, and tables as the bytes of
Parquet or Arrow. Nothing here knows what a release is or where anything of it stands: storage.py, state.py and
notices.py do, and write by this; what they rename and remove themselves are whole files that were written here.
"""

import ctypes
import errno
import io
import math
import os
import secrets
import shutil
import time
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kzz_pipeline.core.refusal import Refusal

# In the name of every file or folder that is not whole yet.
_UNFINISHED = ".tmp-"
# The file that a process at work in a folder holds, and how long another waits for it.
LOCK = ".lock"
LOCK_SECONDS = 600
# renameat2(2): relative to the working directory; exchange the two.
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


# What takes the next rows of a table.
ChunkWriter = Callable[[pa.Table], None]


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that its name shows the old content or the new one and never a part: also after a power cut."""
    if is_remote(path):
        _put(path, data)
        return
    with clear_errors(path):
        make_folder(path.parent)
        temporary = write_temporary(path, data)
        os.replace(temporary, path)
        sync_folder(path.parent)


def _put(path: Path, data: bytes) -> None:
    """Write an object: it appears whole."""
    from kzz_pipeline import objects

    with objects.clear_errors(path):
        path.write_bytes(data)


def write_temporary(path: Path, data: bytes | pa.Buffer, *, is_synced: bool = True) -> Path:
    """A new file beside `path` that no reader matches; nothing is left of it where it cannot be written whole."""
    temporary = _temporary(path)
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


def _temporary(path: Path) -> Path:
    # Not the process id: on a share, two machines may have the same.
    return path.with_name(f".{path.name}{_UNFINISHED}{secrets.token_hex(4)}")


def is_unfinished(name: str) -> bool:
    """Whether this is the name of what is not whole yet, or never was."""
    return name.startswith(".") and _UNFINISHED in name[1:]


def remove_unfinished(folder: Path, before: float = math.inf, of: Container[str] | None = None) -> None:
    """Remove what killed processes left in a folder, if it is there: all of it, or of files or folders of these names.

    Who still writes there must have begun after `before`, a time in seconds. An object store holds nothing unfinished.
    """
    if is_remote(folder) or not folder.is_dir():
        return
    with clear_errors(folder):
        for name in filter(is_unfinished, os.listdir(folder)):
            if of is not None and name[1:].rpartition(_UNFINISHED)[0] not in of:
                continue
            with suppress(FileNotFoundError):
                if (folder / name).lstat().st_mtime < before:
                    remove = shutil.rmtree if (folder / name).is_dir() else os.unlink
                    remove(folder / name)


def write_folder(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Make a folder of files, by their places in it: it appears with all of them, and not at all where there are none."""
    aside = folder.with_name(f".{folder.name}{_UNFINISHED}{os.getpid()}")
    with clear_errors(folder):
        shutil.rmtree(aside, ignore_errors=True)
        for place, data in files:
            (aside / place).parent.mkdir(parents=True, exist_ok=True)
            (aside / place).write_bytes(data)
        if aside.is_dir():
            os.replace(aside, folder)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; a name in a folder that was never flushed is lost in a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Say in one line what the operating system says in a stack trace."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        raise Refusal(
            "unwritable-output", f"{place}: {error.strerror}", "make the folder writable or name another with --out"
        ) from None


def holds(path: Path, data: bytes) -> bool:
    """Whether these bytes stand there already."""
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        os.replace(write_temporary(target, source.read_bytes()), target)


def exchange(one: Path, other: Path) -> bool:
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


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that holds nothing; any other is left alone."""
    with suppress(OSError):
        folder.rmdir()


def remove_flat(folder: Path) -> None:
    """Remove a folder and the files in it."""
    if folder.is_dir():
        for path in list(folder.iterdir()):
            path.unlink()
        folder.rmdir()


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it, if it is there."""
    if is_remote(folder):
        from kzz_pipeline.objects import remove_all

        remove_all(folder)
        return
    with clear_errors(folder):
        if folder.is_dir():
            shutil.rmtree(folder)


def is_remote(root: Path) -> bool:
    """Whether a root is a URL."""
    return not isinstance(root, Path)


def parquet_bytes(table: pa.Table, distinct: Container[str] = ()) -> bytes:
    """A table as the bytes of a Parquet file; the same table gives the same bytes.

    Snappy: every reader knows it, and over small files it takes half of zstd's time for 6% more bytes. Columns that are
    `distinct` hold no value twice: a dictionary of them would only take time.
    """
    written = ParquetBytes(table.schema, distinct)
    written.write(table)
    return written.whole()


class ParquetBytes:
    """A table as the bytes of a Parquet file, given rows by rows: a row group each."""

    def __init__(self, schema: pa.Schema, distinct: Container[str] = ()) -> None:
        self._sink = io.BytesIO()
        self._writer = pq.ParquetWriter(
            self._sink,
            schema,
            compression="snappy",
            version="2.6",
            store_schema=True,
            use_dictionary=[_leaf(field) for field in schema if field.name not in distinct],
        )

    def write(self, rows: pa.Table) -> None:
        """Add rows."""
        self._writer.write_table(rows)

    def whole(self) -> bytes:
        """The file, after the last rows."""
        self._writer.close()
        return self._sink.getvalue()


def _leaf(field: pa.Field) -> str:
    """What Parquet calls the column of values of a field."""
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else str(field.name)


def read_parquet(source: Path | pa.BufferReader, columns: list[str] | None = None) -> pa.Table:
    """A Parquet file as a table, of its own columns (or these of them): the folders' names add none."""
    with whole_file(source):
        return _open_parquet(source).read(columns)


def first_rows(source: Path, count: int) -> pa.Table:
    """The first rows of a Parquet file, which is not read whole for them."""
    with whole_file(source):
        file = _open_parquet(source)
        return pa.Table.from_batches(islice(file.iter_batches(count), 1), file.schema_arrow)


def _open_parquet(source: Path | pa.BufferReader) -> pq.ParquetFile:
    is_here = isinstance(source, Path | pa.BufferReader)
    return pq.ParquetFile(source if is_here else pa.BufferReader(source.read_bytes()))


@contextmanager
def whole_file(place: object) -> Iterator[None]:
    """Say which published file is damaged, and what to do; a file that is gone or may not be read is another matter."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        advice = "remove it and do kzz run: it is published again"
        raise Refusal("damaged-file", f"{place} is damaged ({said})", advice) from None


def parquet_dataset(files: Iterable[Path], schema: pa.Schema) -> Any:
    """Parquet files, of which there must be one, as a dataset with the columns of `schema`."""
    import pyarrow.dataset as ds

    paths = list(files)
    if not is_remote(paths[0]):
        return ds.dataset([str(path) for path in paths], schema=schema, format="parquet")
    # Whole objects: a thread of Arrow's that still asks the store when the process ends would abort it.
    return ds.dataset(pa.concat_tables(read_parquet(path) for path in paths).select(schema.names))


def write_made(path: Path, table: pa.Table) -> None:
    """Keep a table that can be made again, in Arrow's own form, which is written and read fastest."""
    with written_in_chunks(path, table.schema) as write:
        write(table)


@contextmanager
def written_in_chunks(path: Path, schema: pa.Schema) -> Iterator[ChunkWriter]:
    """Keep a table that can be made again, chunk by chunk: what this yields takes the next, in one piece (`arrow_chunks`).

    It appears whole when the last was taken, and not at all where that ends in an error.
    """
    if is_remote(path):
        sink = pa.BufferOutputStream()
        with _arrow_stream(sink, schema) as stream:
            yield partial(_write_chunk, stream)
        write_made_bytes(path, sink.getvalue())
        return
    with clear_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path)
        try:
            with pa.OSFile(os.fspath(temporary), "wb") as file, _arrow_stream(file, schema) as stream:
                yield partial(_write_chunk, stream)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _arrow_stream(sink: Any, schema: pa.Schema) -> Any:
    return pa.ipc.new_file(sink, schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))


def _write_chunk(stream: Any, rows: pa.Table) -> None:
    if rows.num_rows:
        stream.write_table(rows)
    else:
        stream.write_batch(pa.RecordBatch.from_pylist([], schema=rows.schema))


def write_made_bytes(path: Path, data: bytes | pa.Buffer) -> None:
    """Whole or not at all, but without waiting for the disk: what is lost here is made again."""
    if is_remote(path):
        _put(path, bytes(data))
        return
    with clear_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(write_temporary(path, data, is_synced=False), path)


def read_arrow(path: Path, columns: list[str] | None = None) -> pa.Table | None:
    """A table that was kept, of all its columns or of these; None where there is none, or it is broken."""
    try:
        return _open_arrow(path, columns).read_all()
    except (OSError, pa.ArrowException):
        return None


def arrow_chunks(path: Path) -> tuple[int, Callable[[int], pa.Table]] | None:
    """How many chunks a table was kept in, and what reads one by its number; None where there is none, or it is broken."""
    try:
        file = _open_arrow(path)
    except (OSError, pa.ArrowException):
        return None
    return file.num_record_batches, lambda number: pa.Table.from_batches([file.get_batch(number)])


def _open_arrow(path: Path, columns: list[str] | None = None) -> pa.ipc.RecordBatchFileReader:
    source = pa.BufferReader(path.read_bytes()) if is_remote(path) else pa.OSFile(os.fspath(path))
    file = pa.ipc.open_file(source)
    if columns is None:
        return file
    fields = [file.schema.get_field_index(name) for name in columns]
    return pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=fields))


def is_due(mark: Path, every: timedelta) -> bool:
    """Whether something is to be done again: `mark` is the file that says when it was, and is made or renewed if so."""
    try:
        if time.time() - mark.stat().st_mtime < every.total_seconds():
            return False
    except OSError:
        pass
    write_made_bytes(mark, b"\n")
    return True
