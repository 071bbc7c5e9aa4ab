"""Few files instead of many: the small files of a folder joined, and taken apart again where a release is replaced.

BI tools pay per file. Here the files of releases in `<table>/<year>/` become row groups of `compacted-<hash>.parquet`,
one per release, so that statistics on `release_id` still find a release's rows without reading the others'. No row
changes, and each folder changes in one step (`storage.swap`): whoever lists it sees the rows once. A file is joined
only after its rows were read back from the joined one. Beside the joined files stands an index of whose rows they
hold; their footers say the same.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.files import is_remote, parquet_bytes, read_parquet
from kzz_pipeline.folders import JOINED
from kzz_pipeline.places import INDEX, JOINED_KEY, RowGroup, joined_files, row_group_of, year_folders
from kzz_pipeline.schema import RELEASE_TABLES, arrow_schema
from kzz_pipeline.storage import swap, writer

# The tables that hold one file per release.
JOINABLE = (*RELEASE_TABLES, "release_changes")
# A joined file is full at so many bytes of its releases' own files, or so many releases; half of it counts as large.
MOST_BYTES = 128 * 1024 * 1024
MOST_RELEASES = 256
# The schedule leaves folders with fewer small files than this alone.
WORTHWHILE = 32
_RELEASE = re.compile(r"(?:19|20)\d\d-.+\.parquet")


@dataclass(frozen=True, slots=True)
class Joined:
    """A folder whose files were joined: its place, and its number of files before and after."""

    place: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class _Member:
    """The rows of a release in a folder: in a file of its own, or a row group of a joined one."""

    release_id: str
    size: int
    path: Path
    joined: pq.ParquetFile | None = None
    row_group: int = 0

    def rows(self) -> pa.Table:
        return read_parquet(self.path) if self.joined is None else row_group_of(self.joined, self.row_group)

    def data(self) -> bytes:
        return self.path.read_bytes() if self.joined is None else parquet_bytes(self.rows())


def compact(out_root: Path, year: int | None = None, at_least: int = 2) -> list[Joined]:
    """Join the small files of every folder that has `at_least` so many, or of those of one year; returns what was done.

    Where nothing is to be joined, nothing is written; a datapackage.json, which names files, is written again. Raises
    Refusal where the curated root cannot be written or is in an object store, or a joined file would not give a
    release's rows back.
    """
    done: list[Joined] = []
    if is_remote(out_root):
        what = f"{out_root}: an object store cannot change a folder in one step, and readers would see rows twice"
        raise Refusal("no-joining", what, "copy the tables to a disk and join them there")
    if not out_root.is_dir():
        return done
    with writer(out_root):
        for table in JOINABLE:
            for folder in year_folders(out_root, table):
                if year is None or folder.name == str(year):
                    done += _join(out_root, table, folder, at_least)
    if done:
        _describe_again(out_root)
    return done


def _describe_again(out_root: Path) -> None:
    from kzz_pipeline import datapackage

    if (out_root / datapackage.FILE).is_file():
        datapackage.write(out_root)


def _join(out_root: Path, table: str, folder: Path, at_least: int) -> Iterator[Joined]:
    names = sorted(path.name for path in folder.glob("*.parquet"))
    joined = joined_files(folder, [name for name in names if name.startswith(JOINED)])
    schema = arrow_schema(table)
    small = {
        name: members
        for name, members in joined.items()
        if not _is_large(sum(members.values()), len(members)) and pq.read_schema(folder / name).equals(schema)
    }
    own = []
    for name in names:
        path = folder / name
        # Joined are files of releases as this version writes them; others stay as they are until taken in again.
        if _RELEASE.fullmatch(name) and not _is_large(size := path.stat().st_size, 1) and _is_plain(path, schema):
            own.append(_Member(name.removesuffix(".parquet"), size, path))
    if len(own) + len(small) < 2 or len(own) < at_least - len(small):
        return
    members = [*own, *(member for name, held in small.items() for member in _members(folder / name, held))]
    files: dict[str, bytes] = {}
    index = {name: members for name, members in joined.items() if name not in small}
    for group in _groups(sorted(members, key=lambda member: f"{member.release_id}.parquet")):
        files |= _file(group, schema, index)
    removals = {member.path.name for member in members} - set(files)
    swap(out_root, f"{table}/{folder.name}", files | _index_file(index), removals | {INDEX})
    after = len(names) - len(removals) + len(set(files) - set(names))
    yield Joined(f"{table}/{folder.name}", len(names), after)


def _is_large(size: int, releases: int) -> bool:
    return 2 * size >= MOST_BYTES or 2 * releases >= MOST_RELEASES


def _is_plain(path: Path, schema: pa.Schema) -> bool:
    """Whether a file can be a row group: of this schema, and no more than one itself."""
    file = pq.ParquetFile(path)
    return file.num_row_groups <= 1 and bool(file.schema_arrow.equals(schema, check_metadata=True))


def _members(path: Path, held: dict[str, int]) -> list[_Member]:
    file = pq.ParquetFile(path)  # opened once: its footer tells of every release
    return [_Member(release_id, size, path, file, number) for number, (release_id, size) in enumerate(held.items())]


def _groups(members: list[_Member]) -> Iterator[list[_Member]]:
    """Members in their order, as many together as a joined file may hold."""
    group: list[_Member] = []
    size = 0
    for member in members:
        if group and (size + member.size > MOST_BYTES or len(group) == MOST_RELEASES):
            yield group
            group, size = [], 0
        group.append(member)
        size += member.size
    if group:
        yield group


def _file(group: list[_Member], schema: pa.Schema, index: dict[str, dict[str, int]]) -> dict[str, bytes]:
    """The file of these releases, by name, noted in `index`; one release alone has its own again."""
    if len(group) == 1:
        return {f"{group[0].release_id}.parquet": group[0].data()}
    held = {member.release_id: member.size for member in group}
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema, compression="zstd", version="2.6", store_schema=True) as stream:
        for member in group:
            rows = member.rows()
            stream.write_table(rows, row_group_size=max(rows.num_rows, 1))
        stream.add_key_value_metadata({JOINED_KEY: json.dumps(held, ensure_ascii=False).encode()})
    made = sink.getvalue()
    _require_same(pq.ParquetFile(pa.BufferReader(made)), group)
    data = made.to_pybytes()
    name = f"{JOINED}{hashlib.sha256(data).hexdigest()[:16]}.parquet"
    index[name] = held
    return {name: data}


def _require_same(made: pq.ParquetFile, group: list[_Member]) -> None:
    """Raises Refusal unless every row group holds exactly the rows of its release."""
    for number, member in enumerate(group):
        is_there = made.num_row_groups == len(group)
        if not is_there or not made.read_row_group(number).equals(member.rows()):
            what = f"joined, the rows of {member.release_id} would not be those of {member.path}"
            raise Refusal("not-conserved", what, "nothing was changed; report this: it is our defect")


def _index_file(index: dict[str, dict[str, int]]) -> dict[str, bytes]:
    return {INDEX: json.dumps(index, ensure_ascii=False).encode()} if index else {}


def separate(out_root: Path, places: Iterable[str], joined: dict[str, RowGroup]) -> None:
    """Give the rows at these places files of their own again, so that they can be replaced; call it as the only writer.

    `joined` is what `places.joined_places` found; what is separated is taken out of it. No row changes.
    """
    by_folder: dict[str, set[str]] = {}
    for place in places:
        if place in joined:
            parent, _, name = place.rpartition("/")
            by_folder.setdefault(parent, set()).add(name.removesuffix(".parquet"))
    for place, wanted in by_folder.items():
        folder = out_root / place
        index = joined_files(folder)
        touched = {name: held for name, held in index.items() if wanted & set(held)}
        files: dict[str, bytes] = {}
        for name, held in touched.items():
            del index[name]
            members = _members(folder / name, held)
            files |= {f"{m.release_id}.parquet": m.data() for m in members if m.release_id in wanted}
            if kept := [member for member in members if member.release_id not in wanted]:
                # As they were joined, perhaps before a column was added.
                files |= _file(kept, kept[0].rows().schema, index)
        swap(out_root, place, files | _index_file(index), {*touched, INDEX})
        for known in [known for known in joined if known.rpartition("/")[0] == place]:
            del joined[known]
        for name, held in index.items():
            joined |= {f"{place}/{m}.parquet": RowGroup(f"{place}/{name}", number) for number, m in enumerate(held)}
