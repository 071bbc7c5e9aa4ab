"""Joined files: the same rows for every reader, each once, before, while and after; and replaceable as ever."""

import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT, Workplace
from release_text import SOUND, Table, Text, with_
from test_storage import survives

from kzz_pipeline import compaction, storage
from kzz_pipeline.compaction import JOINABLE, compact, separate
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.places import INDEX, joined_places, release_bytes
from kzz_pipeline.schema import TABLES, arrow_schema
from kzz_pipeline.storage import inventory, published_files, recover, writer

Run = Callable[[], None]
Rows = dict[str, list[str]]
NAMES = ("a", "a-b", "b", "c", "某州", "z")


def release(number: int, goal: str = "") -> str:
    """A release of two tables, one of each fiscal year; every second one has a finding, the others none."""
    odd = with_(without=["成本指标"]) if number % 2 else SOUND
    tables = [
        Table(unit=f"第{number}教育局", indicators=odd, goal=goal or Table.goal),
        Table(unit=f"第{number}卫生局", project="防疫经费", year="(2021年)"),
    ]
    return Text(tables).text()


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Several releases, published. Tests copy what is published and leave it alone."""
    place = Workplace(tmp_path_factory.mktemp("once"))
    for number, name in enumerate(NAMES):
        place.put(f"2020/{name}.txt", release(number))
    done = place.kzz("run")
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture
def out(once: Workplace, tmp_path: Path) -> Path:
    """A copy of what is published, without its catalogue."""
    return Path(shutil.copytree(once.out, tmp_path / "curated"))


@dataclass(frozen=True)
class Told:
    """Several releases, joined, and what the command line said of them before and after."""

    place: Workplace
    before: list[str]
    after: list[str]


_ASKED = (
    ("trace", "2020-a-t001-i001"),
    ("trace", "2020-z-t002-i003"),
    ("trace", "yearly_by_unit", "2021", "第3卫生局"),
    ("findings",),
)


@pytest.fixture(scope="module")
def told(once: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Told:
    place = Workplace(tmp_path_factory.mktemp("joined"))
    for number, name in enumerate(NAMES):
        place.put(f"2020/{name}.txt", release(number))
    assert place.kzz("run").returncode == 0
    assert place.kzz("package").returncode == 0
    before = [once.kzz(*command).stdout for command in _ASKED]
    assert place.kzz("compact").returncode == 0
    return Told(place, before, [place.kzz(*command).stdout for command in _ASKED])


@pytest.fixture
def several(workplace: Workplace, in_process: Run) -> Workplace:
    """Several releases, published by a run of a test's own."""
    for number, name in enumerate(NAMES):
        workplace.put(f"2020/{name}.txt", release(number))
    in_process()
    return workplace


def rows_of(table: pa.Table) -> list[str]:
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in table.to_pylist())


def by_pandas(folder: Path) -> pa.Table:
    return pa.Table.from_pandas(pd.read_parquet(folder), preserve_index=False).cast(arrow_schema(folder.name))


def by_arrow(folder: Path) -> pa.Table:
    return ds.dataset(folder, schema=arrow_schema(folder.name), format="parquet").to_table()


def by_duckdb(folder: Path) -> pa.Table:
    found = duckdb.sql(f"FROM read_parquet('{folder}/**/*.parquet')").to_arrow_table()
    return found.cast(arrow_schema(folder.name))


def by_polars(folder: Path) -> pa.Table:
    return pl.read_parquet(f"{folder}/**/*.parquet").to_arrow().cast(arrow_schema(folder.name))


READERS = (by_pandas, by_arrow, by_duckdb, by_polars)


def read_all(out: Path, reader: Callable[[Path], pa.Table] = by_arrow) -> Rows:
    names = [name for name, table in TABLES.items() if table.published and (out / name).is_dir()]
    return {name: rows_of(reader(out / name)) for name in names}


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in root.glob("**/*") if path.is_file()}


def hidden(out: Path) -> set[str]:
    """What is under the root that no reader reads, but for the writer's lock and journal and the indexes."""
    known = {".lock", ".publishing", INDEX}
    return {path.name for path in out.glob("**/*") if path.name.startswith(".")} - known


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_sees_the_same_rows(out: Path, reader: Callable[[Path], pa.Table]) -> None:
    before = read_all(out, reader)
    assert before["indicators"]
    assert compact(out)
    assert read_all(out, reader) == before
    assert len(list((out / "indicators" / "2020").glob("*.parquet"))) == 1
    assert hidden(out) == set()


def _standing(out: Path, tables: Iterable[str]) -> set[str]:
    """The places where rows of releases stand."""
    folders = inventory(out, tables).items()
    return {f"{folder}/{name}" for folder, names in folders for name in names if name.endswith(".parquet")}


def test_every_release_is_found_where_it_was(out: Path) -> None:
    tables = JOINABLE
    places = _standing(out, tables)
    content = {place: (out / place).read_bytes() for place in places}
    standing = _by_release(out, tables, places)
    assert {place for found in standing.values() for place in found} == places
    compact(out)
    assert _standing(out, tables) == places
    assert _by_release(out, tables, places) == standing
    assert {place: release_bytes(out, place) for place in content} == content
    joined = joined_places(out, tables)
    assert set(joined) == set(content) - {place for place in content if (out / place).is_file()}
    for index in out.glob(f"**/{INDEX}"):
        index.unlink()  # a copy of the folder may lack it: the footers say the same
    assert joined_places(out, tables) == joined
    assert _standing(out, tables) == places
    assert _by_release(out, tables, places) == standing


def _by_release(out: Path, tables: tuple[str, ...], places: set[str]) -> dict[str, list[str]]:
    joined = joined_places(out, tables)
    return {name: published_files(out, name, tables, joined) for name in {Path(place).stem for place in places}}


def test_row_groups_are_releases_so_that_statistics_prune(out: Path) -> None:
    compact(out)
    (path,) = (out / "indicators" / "2020").glob("*.parquet")
    metadata = pq.read_metadata(path)
    column = arrow_schema("indicators").names.index("release_id")
    ranges = [metadata.row_group(at).column(column).statistics for at in range(metadata.num_row_groups)]
    assert [(r.min, r.max) for r in ranges] == [
        (f"2020-{name}", f"2020-{name}") for name in sorted(NAMES, key="{}.".format)
    ]


def test_a_second_time_there_is_nothing_to_do(told: Told) -> None:
    before = snapshot(told.place.out)
    assert compact(told.place.out) == []
    assert snapshot(told.place.out) == before
    done = told.place.kzz("compact")
    assert done.returncode == 0
    assert "nothing to join" in done.stdout
    assert snapshot(told.place.out) == before


def test_one_year_only(out: Path) -> None:
    assert {folder.place.split("/")[1] for folder in compact(out, 2021)} == {"2021"}
    assert len(list((out / "indicators" / "2020").glob("*.parquet"))) == len(NAMES)


def test_one_release_needs_no_joining(published: Workplace) -> None:
    before = snapshot(published.out)
    assert compact(published.out) == []
    assert snapshot(published.out) == before
    assert compact(published.out / "nowhere") == []
    assert not (published.out / "nowhere").exists()


def test_a_run_with_nothing_new_changes_nothing(told: Told) -> None:
    before = snapshot(told.place.out)
    done = told.place.kzz("run")
    assert done.returncode == 0, done.stderr
    assert "0 published, 6 unchanged, 0 refused" in done.stdout
    assert "compacted-*.parquet" in done.stdout
    assert "indicators  12" in done.stdout
    assert snapshot(told.place.out) == before


def test_a_release_replaced_after_joining_is_there_once(several: Workplace, in_process: Run, tmp_path: Path) -> None:
    """The same as where nothing was joined, down to the bytes of the yearly tables and of the archived version."""
    plain = Workplace(tmp_path / "plain")
    compact(several.out)
    several.put("2020/b.txt", release(2, "提升全县教师的教学水平，覆盖全部学校。"))
    several.put("2020/z.txt", Text([Table(unit="第9教育局")]).text())
    in_process()
    found = read_all(several.out)
    projects = several.read("projects")
    assert list(projects.loc[projects["release_id"] == "2020-z", "fiscal_year"]) == [2020]  # it left 2021
    assert len(projects) == 2 * len(NAMES) - 1
    assert (several.out / "projects/2020/2020-b.parquet").is_file()
    assert not (several.out / "projects/2020/2020-a.parquet").exists()
    changes = several.read("release_changes")
    assert {"annual_goal"} == set(changes.loc[changes["release_id"] == "2020-b", "column_name"])
    for number, name in enumerate(NAMES):
        plain.put(f"2020/{name}.txt", release(number))
    assert plain.kzz("run").returncode == 0
    for name in ("b", "z"):
        plain.put(f"2020/{name}.txt", (several.raw / f"2020/{name}.txt").read_bytes())
    assert plain.kzz("run").returncode == 0
    assert read_all(plain.out) == found
    yearly = [place for place in plain.files() if place.startswith(("yearly_", "project_years"))]
    assert {place: several.files()[place] for place in yearly} == {place: plain.files()[place] for place in yearly}
    kept = {
        path.relative_to(path.parents[3]): path.read_bytes()
        for path in plain.home.glob("kzz/*/versions/*/*/*/*.parquet")
    }
    assert kept
    assert kept == {
        path.relative_to(path.parents[3]): path.read_bytes()
        for path in several.home.glob("kzz/*/versions/*/*/*/*.parquet")
    }
    # Joined again, and replaced again: its changes, joined too, are kept.
    compact(several.out)
    several.put("2020/b.txt", release(2, "再一次修改的目标。"))
    in_process()
    assert len(several.read("release_changes")) == len(changes) + 1
    assert len(several.read("releases")) == len(NAMES)


def test_taken_in_again_with_the_same_rows_releases_stay_joined(
    several: Workplace, in_process: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact(several.out)
    before = several.files()
    monkeypatch.setattr("kzz_pipeline.intake.code_fingerprint", lambda: "another version of the code")
    in_process()
    assert several.files() == before


def test_a_figure_of_a_joined_release_is_traced_and_its_findings_listed(told: Told) -> None:
    assert all(told.before)
    assert told.after == told.before
    described = json.loads((told.place.out / "datapackage.json").read_bytes())
    places = [place for resource in described["resources"] for place in resource["path"]]
    assert any("compacted-" in place for place in places)
    assert all((told.place.out / place).is_file() for place in places)


def test_joined_files_are_of_sensible_size(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_all(out)
    monkeypatch.setattr(compaction, "MOST_RELEASES", 4)
    compact(out)
    assert len(list((out / "projects" / "2020").glob("*.parquet"))) == 2
    assert read_all(out) == before
    assert compact(out) == []
    monkeypatch.setattr(compaction, "MOST_RELEASES", 256)
    # Files that are large no longer are joined with what is small.
    assert compact(out)
    assert len(list((out / "projects" / "2020").glob("*.parquet"))) == 1
    assert read_all(out) == before


@pytest.mark.parametrize("chance", [random.Random(seed) for seed in range(2)], ids=str)
def test_joined_and_separated_in_any_order_the_rows_are_the_same(out: Path, chance: random.Random) -> None:
    before = read_all(out)
    places = sorted(_standing(out, JOINABLE))
    for _ in range(6):
        if chance.random() < 0.5:
            compact(out, chance.choice([None, 2020, 2021]))
        else:
            with writer(out):
                joined = joined_places(out, JOINABLE)
                separate(out, chance.sample(places, chance.randrange(len(places))), joined)
                assert joined == joined_places(out, JOINABLE)
        assert read_all(out) == before
        assert sorted(_standing(out, JOINABLE)) == places
        assert hidden(out) == set()
    with writer(out):
        separate(out, places, joined_places(out, JOINABLE))
    assert not list(out.glob("**/compacted-*"))
    assert not list(out.glob(f"**/{INDEX}"))


@pytest.mark.parametrize("can_exchange", [True, False])
def test_killed_at_any_step_the_rows_are_there_once(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(storage, "exchange", lambda *_: False)
    monkeypatch.setattr(compaction, "JOINABLE", ("projects",))
    base = tmp_path / "base"
    for name in NAMES[:3]:
        place = f"projects/2020/2020-{name}.parquet"
        (base / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(out / place, base / place)
    before = rows_of(by_arrow(base / "projects"))
    step, is_whole, seen = 0, False, set()
    while not is_whole:
        again, is_recovered = 0, False
        while not is_recovered:
            shutil.rmtree(out)
            shutil.copytree(base, out)
            is_whole = survives(step, lambda: compact(out, 2020))
            if can_exchange:
                assert rows_of(by_arrow(out / "projects")) == before
            is_recovered = survives(again, lambda: recover(out))
            again += 2
            recover(out)
            assert rows_of(by_arrow(out / "projects")) == before
            assert hidden(out) == set()
            seen.add(len(list((out / "projects" / "2020").glob("*.parquet"))))
        step += 1
    assert seen == {3, 1}


def test_readers_meanwhile_see_every_row_once(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing is of one moment; what is opened after it may be gone, which a reader is told and reads again."""
    monkeypatch.setattr(compaction, "JOINABLE", ("indicators", "projects"))
    before = {name: len(rows) for name, rows in read_all(out).items()}
    stop, wrong, reads = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            for name in ("indicators", "projects"):
                try:
                    count = ds.dataset(out / name, format="parquet").count_rows()
                except FileNotFoundError:
                    continue
                reads.append(1)
                if count != before[name]:
                    wrong.append((name, count))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        # Until the readers had their turn, however busy the machine is.
        for number in itertools.count(1):
            compact(out)
            with writer(out):
                joined = joined_places(out, compaction.JOINABLE)
                separate(out, list(joined), joined)
            assert all(reader.is_alive() for reader in readers)
            if number >= 6 and len(reads) > 50:
                break
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not wrong


_WORKER = """
import sys
from pathlib import Path
from kzz_pipeline.compaction import JOINABLE, compact, separate
from kzz_pipeline.places import joined_places
from kzz_pipeline.storage import writer
out = Path(sys.argv[1])
print("ready", flush=True)
while True:
    compact(out)
    with writer(out):
        joined = joined_places(out, JOINABLE)
        separate(out, list(joined), joined)
"""


def test_a_process_really_killed_loses_and_doubles_nothing(out: Path) -> None:
    before, chance = read_all(out), random.Random(7)
    for _ in range(6):
        command = [sys.executable, "-c", _WORKER, str(out)]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            threading.Event().wait(chance.uniform(0.05, 0.3))
            child.kill()
        assert read_all(out) == before
        with writer(out):
            pass
        assert read_all(out) == before
        assert hidden(out) == set()


def test_a_folder_that_holds_something_else_is_left_alone(out: Path) -> None:
    (out / "projects" / "2020" / "notes").mkdir()
    before = snapshot(out / "projects" / "2020")
    with pytest.raises(Refusal) as refusal:
        compact(out)
    assert refusal.value.code == "foreign-entry"
    assert snapshot(out / "projects" / "2020") == before
    assert hidden(out) == set()


def test_a_folder_that_cannot_be_renamed_is_left_as_it_was(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> bool:
        raise OSError(18, "Invalid cross-device link")

    before = read_all(out)
    monkeypatch.setattr(storage, "exchange", refused)
    with pytest.raises(Refusal):
        compact(out)
    monkeypatch.undo()
    with writer(out):
        assert hidden(out) == set()
    assert read_all(out) == before


def test_joined_rows_that_differ_are_refused(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshot(out)
    monkeypatch.setattr(compaction, "_members", compaction._members)
    write = pq.ParquetWriter.write_table
    monkeypatch.setattr(pq.ParquetWriter, "write_table", lambda self, rows, **options: write(self, rows[:0], **options))
    with pytest.raises(Refusal) as refusal:
        compact(out)
    assert refusal.value.code == "not-conserved"
    after = snapshot(out)
    assert {place: after[place] for place in before} == before


def test_the_schedule_is_off_and_its_job_leaves_few_files_alone(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kzz_pipeline import upkeep
    from kzz_pipeline.assets import Roots

    assert upkeep.weekly_compaction.default_status == dg.DefaultScheduleStatus.STOPPED
    before = snapshot(out)
    assert upkeep.compact_tables.execute_in_process(resources={"roots": Roots(out=str(out))}).success
    assert snapshot(out) == before
    monkeypatch.setattr(upkeep, "WORTHWHILE", 2)
    assert upkeep.compact_tables.execute_in_process(resources={"roots": Roots(out=str(out))}).success
    assert joined_places(out, ("projects",))
