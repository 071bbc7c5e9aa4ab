"""Where things of a release stand: its published rows under the curated root, and how they are read there.

Here belongs what names, finds and reads; it writes nothing. The rows of a release stand in a file of its own, or, after
`kzz compact`, in a row group of a file that joins those of many (compaction.py). Both are found here: a release's place
names its rows wherever they are.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.files import is_remote, parquet_bytes, read_parquet, whole_file
from kzz_pipeline.folders import names_in

# What says whose rows a joined file holds, beside it and in its footer.
INDEX = ".compacted.json"
JOINED_KEY = b"kzz.releases"


def folder_of(root: Path, release_id: str) -> Path:
    """The folder of a release under `root`. Raises Refusal where the id, typed by a person perhaps, leads out of it."""
    if release_id in ("", ".", "..") or "/" in release_id or "\0" in release_id:
        raise Refusal("wrong-name", f"{release_id!r} is no release id", "name a release as <year>-<name>")
    return root / release_id


def release_path(table: str, year: int, release_id: str) -> str:
    """Where the rows of a release stand, relative to the curated root."""
    return f"{table}/{year}/{release_id}.parquet"


def yearly_path(table: str, fiscal_year: int) -> str:
    """Where the rows of a yearly table stand, relative to the curated root."""
    return f"{table}/{fiscal_year}.parquet"


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Where the rows of a release stand in a joined file: relative to the curated root, counted from 0."""

    file: str
    number: int


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


def joined_files(folder: Path, names: Iterable[str] | None = None) -> dict[str, dict[str, int]]:
    """The joined files of a folder: the releases of each, in the order of its row groups, and the bytes of each alone.

    Read from the index beside them; from their footers where that is gone.
    """
    if names is None:
        names = sorted(name for name in names_in(folder).joined if name.endswith(".parquet"))
    index = _index(folder) if names else {}
    return {name: index[name] if name in index else _footer(folder / name) for name in names}


def _index(folder: Path) -> dict[str, dict[str, int]]:
    try:
        return dict(json.loads((folder / INDEX).read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        return {}


def _footer(path: Path) -> dict[str, int]:
    with whole_file(path):
        return dict(json.loads((pq.read_metadata(path).metadata or {}).get(JOINED_KEY, b"{}")))


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
    found = [f"{year.name}/{name}" for year in years for name in names_in(year).all] + list(names_in(folder).all)
    return sorted(place for place in found if place.endswith(".parquet"))


def how_many_files(folder: Path) -> tuple[int, str]:
    """How many files `table_files` lists of a table, and the last of them; "" where there is none."""
    if is_remote(folder):
        files = table_files(folder)
        return len(files), files[-1] if files else ""
    found = {f"{year.name}/": names_in(year) for year in year_folders(folder.parent, folder.name)}
    found[""] = names_in(folder)
    last = max((place + names.last for place, names in found.items() if names.last), default="")
    return sum(names.files for names in found.values()), last


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
