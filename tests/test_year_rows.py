"""What is kept of the published rows of a year is what reading all of them again would give."""

import os
import shutil
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from conftest import REAL_ID, Workplace

from kzz_pipeline import folders, year_rows
from kzz_pipeline.compaction import compact
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.files import read_arrow, write_made
from kzz_pipeline.year_rows import YearRows

TABLES = ("projects", "indicators", "findings")


def _all(rows: YearRows, year: int = 2020) -> dict[str, list[object]]:
    return {table: sorted(map(str, rows.read(table, year).to_pylist())) for table in TABLES}


@pytest.fixture
def out(published: Workplace, tmp_path: Path) -> Path:
    for table in TABLES:
        shutil.copytree(published.out / table, tmp_path / "out" / table)
    return tmp_path / "out"


def _release(out: Path, name: str, rows: slice) -> None:
    """Publish some rows of the real release as those of another."""
    for table in TABLES:
        found = pq.read_table(out / table / "2020" / f"{REAL_ID}.parquet")[rows]
        for column in ("release_id", "project_id"):
            renamed = pc.replace_substring(found[column], REAL_ID, f"2020-{name}")
            found = found.set_column(found.schema.get_field_index(column), found.schema.field(column), renamed)
        pq.write_table(found, out / table / "2020" / f"2020-{name}.parquet")


def test_kept_rows_follow_files_that_come_change_and_go(out: Path, tmp_path: Path) -> None:
    kept = YearRows(out, tmp_path / "kept")
    everything = _all(YearRows(out))
    assert len(everything["projects"]) == 20
    assert _all(kept) == _all(kept) == everything
    for change in (
        lambda: _release(out, "second", slice(0, 3)),
        lambda: _release(out, "without-rows", slice(0, 0)),
        lambda: _release(out, "second", slice(1, 5)),
        lambda: [(out / table / "2020" / f"{REAL_ID}.parquet").unlink() for table in TABLES],
        lambda: [(out / table / "2020" / "2020-second.parquet").unlink() for table in TABLES],
    ):
        change()
        assert _all(kept) == _all(kept) == _all(YearRows(out))
    assert not any(_all(kept).values())


def test_a_folder_that_did_not_change_is_not_looked_through(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_CLOCK_NS", 10**8)
    kept = YearRows(out, tmp_path / "kept")
    before = _all(kept)
    time.sleep(0.2)
    assert _all(kept) == before  # known by their time from now on
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", None)
        assert _all(kept) == before
    _release(out, "second", slice(0, 3))
    assert _all(kept) == _all(YearRows(out)) != before
    time.sleep(0.2)
    assert _all(kept) == _all(kept) == _all(YearRows(out)) != before


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\x80"])
def test_what_a_folder_was_known_by_may_be_broken(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    monkeypatch.setattr(folders, "_CLOCK_NS", 10**8)
    time.sleep(0.2)
    kept = YearRows(out, tmp_path / "kept")
    before = _all(kept)
    for noted in (tmp_path / "kept").glob("*/*.folder"):
        noted.write_bytes(damage)
    assert _all(kept) == _all(kept) == before


def test_a_folder_that_was_away_and_comes_back_is_read_again(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_CLOCK_NS", 10**8)
    kept = YearRows(out, tmp_path / "kept")
    time.sleep(0.2)
    before = _all(kept)  # known by their time
    aside = out.rename(tmp_path / "aside")
    shutil.copytree(aside, out)
    _release(out, "second", slice(0, 3))
    assert _all(kept) == _all(YearRows(out)) != before
    shutil.rmtree(out)
    aside.rename(out)
    assert _all(kept) == _all(YearRows(out)) == before


def test_rows_read_in_batches_are_the_same(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        _release(out, f"r{number}", slice(number, number + 4))
    before = _all(YearRows(out))
    monkeypatch.setattr(year_rows, "_AT_A_TIME", 2)
    assert _all(YearRows(out)) == _all(YearRows(out, tmp_path / "kept")) == before


def test_kept_rows_are_those_of_joined_files(out: Path, tmp_path: Path) -> None:
    kept = YearRows(out, tmp_path / "kept")
    for number in range(3):
        _release(out, f"r{number}", slice(number, number + 4))
    before = _all(kept)
    assert compact(out)
    assert _all(kept) == before == _all(YearRows(out))


def test_what_is_kept_may_be_broken_or_of_another_version(out: Path, tmp_path: Path) -> None:
    kept = YearRows(out, tmp_path / "kept")
    before = _all(kept)
    files = sorted((tmp_path / "kept").glob("*/*.arrow"))
    assert len(files) == len(TABLES)
    for content in (b"", b"ARROW1", _arrow(pa.table({"project_id": ["x"]}))):
        for file in files:
            file.write_bytes(content)
        assert _all(kept) == before


def test_what_older_code_counted_is_counted_again(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = YearRows(out, tmp_path / "kept")
    before = _all(kept)
    emptied = kept.read("indicators", 2020).slice(0, 0)
    place = tmp_path / "kept" / "indicators" / "2020.arrow"
    whole = read_arrow(place)
    assert whole is not None
    write_made(place, emptied.replace_schema_metadata({**whole.schema.metadata, b"kzz.files": b"[]"}))
    assert _all(kept) == before
    write_made(place, emptied.replace_schema_metadata(whole.schema.metadata))
    monkeypatch.setattr(year_rows, "code_fingerprint", lambda: "of a later version")
    assert _all(kept) == before


@pytest.mark.parametrize("damage", [b"", b"PAR1 and no more", slice(0, 5000), slice(1000, 1400)])
def test_a_damaged_file_is_named_with_what_to_do(out: Path, tmp_path: Path, damage: bytes | slice) -> None:
    _release(out, "second", slice(0, 3))
    place = out / "projects" / "2020" / f"{REAL_ID}.parquet"
    data = bytearray(place.read_bytes())
    if isinstance(damage, bytes):
        place.write_bytes(damage)
    elif damage.start:
        data[-damage.stop : -damage.start] = bytes(damage.stop - damage.start)
        place.write_bytes(bytes(data))
    else:
        place.write_bytes(bytes(data[damage]))
    with pytest.raises(Refusal) as refusal:
        YearRows(out, tmp_path / "kept").read("projects", 2020)
    assert refusal.value.code == "damaged-file"
    assert str(place) in str(refusal.value)
    assert "remove it and do kzz run" in str(refusal.value)


def _arrow(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()
