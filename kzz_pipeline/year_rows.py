"""What the aggregates of a fiscal year are made of: its published rows, those of a table counted together.

A year of the country is thousands of small files. What was read of them is kept in one file per table and year, with the
size, time and inode of each, so that only those that changed since are read again; and beside it what the folder was
known by, as long as which they need not be looked at. Both can be removed at any time.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kzz_pipeline.files import holds, is_remote, parquet_dataset, read_arrow, whole_file, write_made, write_made_bytes
from kzz_pipeline.folders import folder_mark
from kzz_pipeline.intake import code_fingerprint
from kzz_pipeline.schema import arrow_schema

FUNDS = ("total_funds_cny", "fiscal_funds_cny", "other_funds_cny")
COUNTS = ("indicator_count", "quantified_indicator_count")
# Of findings over several releases, which are made with the aggregates.
ACROSS_RULES = frozenset({"project-in-two-releases"})
_FILE = "file"
# Files read at a time, and rows counted at a time: bounds the memory that they take.
_AT_A_TIME = 100
_MOST_ROWS = 20_000
_READ, _CODE = b"kzz.files", b"kzz.code"


def _as_published(rows: pa.Table) -> pa.Table:
    return rows


def _count_indicators(rows: pa.Table) -> pa.Table:
    is_number = pc.not_equal(rows["value_kind"], "text")
    rows = rows.append_column("quantified", is_number)
    keys = [_FILE, "project_id", "level1", "level2"]
    counts = rows.group_by(keys, use_threads=False).aggregate([([], "count_all"), ("quantified", "sum")])
    return counts.rename_columns([*keys, "indicator_count", "quantified_indicator_count"])


def _count_findings(rows: pa.Table) -> pa.Table:
    own = pc.invert(pc.is_in(rows["rule"], pa.array(sorted(ACROSS_RULES))))
    opened = rows.filter(pc.and_(own, pc.is_null(rows["accepted_reason"])))
    keys = [_FILE, "project_id", "severity"]
    return opened.group_by(keys, use_threads=False).aggregate([([], "count_all")]).rename_columns([*keys, "count"])


class _Source(NamedTuple):
    """The columns read of a published table, how its rows are counted together, and what comes of it."""

    columns: tuple[str, ...]
    count: Callable[[pa.Table], pa.Table]
    schema: pa.Schema


_PROJECTS = (
    "project_id", "project_key", "release_id", "release_year", "fiscal_year", "budget_unit", "project_name", *FUNDS,
    "source_path", "source_sha256", "source_line", "source_column",
)  # fmt: skip
_COUNT, _TEXT = pa.int64(), pa.string()
# Of texts that stand in many rows, each is kept once.
_SHARED = pa.dictionary(pa.int32(), _TEXT)
_SHARED_COLUMNS = ("release_id", "source_path", "source_sha256")
_SOURCES = {
    "projects": _Source(
        _PROJECTS,
        _as_published,
        pa.schema(
            [
                (name, _SHARED if name in _SHARED_COLUMNS else arrow_schema("projects").field(name).type)
                for name in _PROJECTS
            ]
        ),
    ),
    # Indicators of a table by level.
    "indicators": _Source(
        ("project_id", "level1", "level2", "value_kind"),
        _count_indicators,
        pa.schema(
            {
                "project_id": _SHARED,
                "level1": _SHARED,
                "level2": _SHARED,
                "indicator_count": _COUNT,
                "quantified_indicator_count": _COUNT,
            }
        ),
    ),
    # Open findings of a table by severity.
    "findings": _Source(
        ("project_id", "severity", "rule", "accepted_reason"),
        _count_findings,
        pa.schema({"project_id": _TEXT, "severity": _TEXT, "count": _COUNT}),
    ),
}


class YearRows:
    """The rows of fiscal years under a curated root that nobody writes to meanwhile.

    `kept_root` is where what was read of them is kept, if anywhere.
    """

    def __init__(self, out_root: Path, kept_root: Path | None = None) -> None:
        self.out_root = out_root
        self.kept_root = None if kept_root is None or is_remote(out_root) or is_remote(kept_root) else kept_root

    def read(self, table: str, fiscal_year: int) -> pa.Table:
        """A fiscal year's `projects`, or its `indicators` or open `findings` counted by table, in no particular order.

        Rows without a printed year are left out.
        """
        folder = self.out_root / table / str(fiscal_year)
        if self.kept_root is None:
            files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
            return _read(table, files, fiscal_year).drop_columns(_FILE)
        place = self.kept_root / table / f"{fiscal_year}.arrow"
        noted = place.with_suffix(".folder")
        mark, kept = folder_mark(folder), _kept(place, table)
        if kept is not None and mark and holds(noted, _note(mark, place)):
            return kept
        found = self._updated(table, fiscal_year, folder, place, kept)
        if mark and place.is_file():
            write_made_bytes(noted, _note(mark, place))
        return found

    def _updated(self, table: str, fiscal_year: int, folder: Path, place: Path, kept: pa.Table | None) -> pa.Table:
        """What was kept, with only the files read again that changed since; it is kept from now on."""
        if kept is None:
            kept = _SOURCES[table].schema.with_metadata({_READ: b"[]"}).empty_table()
        now, before = _signatures(folder), json.loads(kept.schema.metadata[_READ])
        same = {name: rows for name, signature, rows in before if now.get(name) == signature}
        if len(same) == len(now) == len(before):
            return kept
        if len(same) < len(before):
            kept = kept.filter(np.repeat([name in same for name, _, _ in before], [rows for _, _, rows in before]))
        fresh = _read(table, [folder / name for name in now if name not in same], fiscal_year).sort_by(_FILE)
        counts = {found["values"]: found["counts"] for found in pc.value_counts(fresh[_FILE]).to_pylist()}
        # Those without a row have no place among the rows.
        of_file = same | counts | dict.fromkeys(now.keys() - same.keys() - counts.keys(), 0)
        found = pa.concat_tables([kept.replace_schema_metadata(), fresh.drop_columns(_FILE)]).combine_chunks()
        read = [(name, now[name], rows) for name, rows in of_file.items()]
        known = {_READ: json.dumps(read).encode(), _CODE: code_fingerprint().encode()}
        write_made(place, found.replace_schema_metadata(known))
        return found


def _note(mark: str, place: Path) -> bytes:
    """What a folder was known by, and the file that its rows were kept in: the folder may come back, and that not."""
    return f"{mark} {_known_by(place.stat())}".encode()


def _signatures(folder: Path) -> dict[str, str]:
    """What each file of a folder is known by: a file that is replaced gets another inode."""
    if not folder.is_dir():
        return {}
    found = {}
    for entry in os.scandir(folder):
        if entry.name.endswith(".parquet"):
            found[entry.name] = _known_by(entry.stat())
    return found


def _known_by(status: os.stat_result) -> str:
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"


def _kept(place: Path, table: str) -> pa.Table | None:
    """What was read before, the rows of a file side by side; None where that is gone, broken or of another version."""
    kept = read_arrow(place)
    known = {} if kept is None else kept.schema.metadata or {}
    is_ours = kept is not None and kept.schema.equals(_SOURCES[table].schema)
    return kept if is_ours and known.get(_CODE) == code_fingerprint().encode() else None


def _read(table: str, files: list[Path], fiscal_year: int) -> pa.Table:
    """The rows of these files, with the name of the file that they are from."""
    source = _SOURCES[table]
    schema = source.schema.append(pa.field(_FILE, _TEXT))
    if not files:
        return schema.empty_table()
    batches = (files[at : at + _AT_A_TIME] for at in range(0, len(files), _AT_A_TIME))
    read = (_batch(source, table, batch, fiscal_year).select(schema.names).cast(schema) for batch in batches)
    return pa.concat_tables(read).combine_chunks()


def _batch(source: _Source, table: str, files: list[Path], fiscal_year: int) -> pa.Table:
    try:
        return _counted(source, table, files, fiscal_year)
    except (pa.ArrowException, OSError):
        for file in files:
            with whole_file(file):
                _counted(source, table, [file], fiscal_year)
        raise


def _counted(source: _Source, table: str, files: list[Path], fiscal_year: int) -> pa.Table:
    dataset = parquet_dataset(files, arrow_schema(table))
    names, condition = list(source.columns), pc.field("fiscal_year") == fiscal_year
    is_here = not is_remote(files[0])
    scanner = dataset.scanner(columns=[*names, "__filename"] if is_here else names, filter=condition)
    return pa.concat_tables(source.count(_with_file(rows, is_here)) for rows in _some_rows(scanner.to_reader()))


def _some_rows(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The rows of a reader, so many at a time; once none, where there are none."""
    held: list[pa.RecordBatch] = []
    for batch in reader:
        held.append(batch)
        if sum(part.num_rows for part in held) >= _MOST_ROWS:
            yield pa.Table.from_batches(held)
            held = []
    yield pa.Table.from_batches(held, reader.schema)


def _with_file(rows: pa.Table, is_here: bool) -> pa.Table:
    """Rows with the name of their file last; with none where that is an object of a store."""
    if not is_here:
        return rows.append_column(_FILE, pa.nulls(rows.num_rows, _TEXT))
    last = rows.num_columns - 1
    return rows.set_column(last, _FILE, pc.replace_substring_regex(rows[last], "^.*/", ""))
