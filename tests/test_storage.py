"""Files appear whole, releases flip whole: whatever interrupts a publication, the old or the new one stands after it."""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT

from kzz_pipeline import folders, storage
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.files import parquet_bytes, write_atomic
from kzz_pipeline.folders import names_in, recall, remember
from kzz_pipeline.notices import quarantine, release_from_quarantine
from kzz_pipeline.places import release_path, yearly_path
from kzz_pipeline.state import ByteStore, Record, StageStore
from kzz_pipeline.storage import inventory, publish, published_files, recover, stage, writer

TABLES = ("projects", "indicators")
RELEASES = ("2020-a", "2020-某州")
# The new version of a release touches a year that the old one did not, and leaves one that it did.
YEARS = {"old": (2020, 2021), "new": (2021, 2022)}
Files = dict[str, bytes]


def content(version: str, rows: int = 1500) -> bytes:
    return parquet_bytes(pa.table({"version": [version] * rows, "number": range(rows)}))


CONTENT = {version: content(version) for version in YEARS}


def files_of(release_id: str, version: str) -> Files:
    return {
        release_path(table, year, release_id): CONTENT[version] for table in TABLES for year in YEARS[version]
    }  # fmt: skip


def visible(out: Path) -> Files:
    """What a reader sees."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.glob("**/*.parquet"))}


def put(out: Path, version: str, releases: tuple[str, ...] = RELEASES) -> None:
    """Publish a version of releases, in place of what stands of them."""
    staged = []
    for release_id in releases:
        files = files_of(release_id, version)
        standing = published_files(out, release_id, TABLES, ())
        staged.append(stage(out, release_id, files, [place for place in standing if place not in files]))
    publish(out, staged)


def version_of(found: Files, release_id: str) -> str | None:
    """Which version of a release stands; fails where it is a mixture."""
    mine = {place: data for place, data in found.items() if place.endswith(f"/{release_id}.parquet")}
    if not mine:
        return None
    versions = [version for version in YEARS if mine == files_of(release_id, version)]
    assert versions, f"neither old nor new: {sorted(mine)}"
    return versions[0]


def leftovers(out: Path) -> list[str]:
    """Everything under the root that is neither published nor a folder in use nor a writer's own."""
    return [
        path.relative_to(out).as_posix()
        for path in sorted(out.glob("**/*"))
        if path.suffix != ".parquet"
        and path.name not in (".lock", ".publishing")
        and not (path.is_dir() and any(path.iterdir()))
    ]


# -- bytes ---------------------------------------------------------------------------------------------------


def test_the_same_table_gives_the_same_bytes() -> None:
    table = pa.table({"text": [f"字{at % 7}" for at in range(3000)], "number": range(3000)})
    pieces = pa.concat_tables([table.slice(0, 1), table.slice(1, 1700), table.slice(1701)])
    assert parquet_bytes(table) == parquet_bytes(table) == parquet_bytes(pieces)
    assert parquet_bytes(table) == parquet_bytes(pq.read_table(pa.BufferReader(parquet_bytes(table))))
    assert parquet_bytes(table) != parquet_bytes(table.slice(1))


def test_the_same_table_gives_the_same_bytes_in_another_process() -> None:
    program = (
        "import hashlib, pyarrow as pa; from kzz_pipeline.files import parquet_bytes\n"
        "table = pa.table({'a': ['一', None], 'b': [1, 2]}, metadata={'z': '1', 'a': '2'})\n"
        "print(hashlib.sha256(parquet_bytes(table)).hexdigest())"
    )
    printed = set()
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", program]
        printed.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(printed) == 1


# -- one file ------------------------------------------------------------------------------------------------


def test_write_atomic_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file.json"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.json"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_write_atomic_keeps_the_old_content_where_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file.parquet"
    write_atomic(path, b"old")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(Refusal) as refusal:
        write_atomic(path, b"new")
    assert refusal.value.code == "unwritable-output"
    assert "No space left" in str(refusal.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.glob("*.parquet")) == [path]


def test_nothing_is_left_of_a_file_that_the_disk_has_no_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for write in (lambda: write_atomic(tmp_path / "file", b"x"), lambda: stage(tmp_path, "a", {"file": b"x"})):
        with pytest.raises(Refusal):
            write()
        assert list(tmp_path.iterdir()) == []


def test_the_names_in_a_folder_are_those_of_the_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_CLOCK_NS", 10**8)
    root, kept = tmp_path / "out", tmp_path / "folders.json"
    folder = root / "projects" / "2020"
    assert names_in(folder).all == set()
    folder.mkdir(parents=True)
    for at in range(200):
        if at % 3:
            (folder / str(at % 7)).touch()
        else:
            (folder / str(at % 5)).unlink(missing_ok=True)
        if at % 40 == 0:
            time.sleep(0.2)  # what is listed now is remembered
        assert sorted(names_in(folder).all) == sorted(names_in(folder).all) == sorted(os.listdir(folder))
        remember(root, kept)
        if at % 20 < 2:
            _begin_a_process(monkeypatch)
            recall(root, kept)
    shutil.rmtree(folder)
    assert names_in(folder).all == set()


def _begin_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what folders hold."""
    monkeypatch.setattr(folders, "_listed", {})
    monkeypatch.setattr(folders, "_news", set())
    monkeypatch.setattr(folders, "_recalled", set())


def test_a_folder_that_did_not_change_is_not_listed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_CLOCK_NS", 0)
    put(tmp_path, "old")
    # As a ZIP made by Windows may leave it.
    (tmp_path / TABLES[0] / "2020" / os.fsdecode("备份.xlsx".encode("gbk"))).touch()
    before = inventory(tmp_path, TABLES)
    time.sleep(0.05)
    assert inventory(tmp_path, TABLES) == before
    remember(tmp_path, tmp_path / "folders.json")
    _begin_a_process(monkeypatch)
    recall(tmp_path, tmp_path / "folders.json")
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", None)
        assert inventory(tmp_path, TABLES) == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"names": [[1]], "folders": {"projects/2020": ["x", 0]}}',
        b'{"names": [], "folders": {"a": ["x", 0]}}',
    ],
)
def test_what_is_remembered_of_folders_may_be_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    put(tmp_path, "old")
    before = inventory(tmp_path, TABLES)
    (tmp_path / "folders.json").write_bytes(content)
    _begin_a_process(monkeypatch)
    recall(tmp_path, tmp_path / "folders.json")
    assert inventory(tmp_path, TABLES) == before


# -- publication -------------------------------------------------------------------------------------------------


def test_staged_files_are_invisible_to_readers(tmp_path: Path) -> None:
    put(tmp_path, "old")
    before = visible(tmp_path)
    staged = stage(tmp_path, RELEASES[0], files_of(RELEASES[0], "new"))
    assert len(staged.renames) == 4
    assert visible(tmp_path) == before
    for table in TABLES:
        frame = pd.read_parquet(tmp_path / table)
        assert set(frame["version"]) == {"old"}
        assert len(frame) == 2 * 2 * 1500
    for temporary, _ in staged.renames:
        assert (tmp_path / temporary).is_file()
        assert not Path(temporary).match("*.parquet")
        assert Path(temporary).name.startswith(".")


def test_publish_replaces_exactly_a_releases_own_files(tmp_path: Path) -> None:
    put(tmp_path, "old")
    put(tmp_path, "new", RELEASES[:1])
    assert visible(tmp_path) == files_of(RELEASES[0], "new") | files_of(RELEASES[1], "old")
    put(tmp_path, "new", RELEASES[1:])
    assert visible(tmp_path) == files_of(RELEASES[0], "new") | files_of(RELEASES[1], "new")
    # Nobody's year any more: its folders are gone.
    assert sorted(entry.name for entry in (tmp_path / "projects").iterdir()) == ["2021", "2022"]
    assert leftovers(tmp_path) == []


def test_the_same_publication_again_touches_no_file(tmp_path: Path) -> None:
    put(tmp_path, "old")
    before = {path: path.stat() for path in tmp_path.glob("**/*")}
    put(tmp_path, "old")
    after = {path: path.stat() for path in tmp_path.glob("**/*")}
    assert {path: (status.st_ino, status.st_mtime_ns) for path, status in before.items()} == {
        path: (status.st_ino, status.st_mtime_ns) for path, status in after.items()
    }


def test_published_files_and_inventory_find_what_is_published(tmp_path: Path) -> None:
    assert published_files(tmp_path, RELEASES[0], TABLES, ()) == []
    assert inventory(tmp_path, TABLES) == {}
    put(tmp_path, "old")
    publish(tmp_path, [stage(tmp_path, "year-2020", {yearly_path("yearly_summary", 2020): CONTENT["old"]})])
    for release_id in RELEASES:
        assert set(published_files(tmp_path, release_id, TABLES, ())) == set(files_of(release_id, "old"))
    expected = {place for release_id in RELEASES for place in files_of(release_id, "old")}
    standing = inventory(tmp_path, (*TABLES, "yearly_summary"))
    assert {f"{folder}/{name}" for folder, names in standing.items() for name in names} == expected
    assert (tmp_path / "yearly_summary" / "2020.parquet").is_file()


def test_publish_flips_nothing_where_a_staged_file_is_gone(tmp_path: Path) -> None:
    put(tmp_path, "old")
    before = visible(tmp_path)
    staged = stage(tmp_path, RELEASES[0], files_of(RELEASES[0], "new"))
    (tmp_path / staged.renames[-1][0]).unlink()
    with pytest.raises(Refusal):
        publish(tmp_path, [staged])
    assert visible(tmp_path) == before
    recover(tmp_path)
    assert visible(tmp_path) == before
    assert leftovers(tmp_path) == []


def test_recover_undoes_what_was_staged_and_never_journalled(tmp_path: Path) -> None:
    put(tmp_path, "old")
    before = visible(tmp_path)
    stage(tmp_path, RELEASES[0], files_of(RELEASES[0], "new"))
    recover(tmp_path)
    assert visible(tmp_path) == before
    assert leftovers(tmp_path) == []


def test_recover_leaves_alone_what_is_not_its_own(tmp_path: Path) -> None:
    """A curated root may be a folder with other things in it."""
    others = ["notes/2020/.x.tmp-1", "notes/.y.tmp-2", ".git/.z.tmp-3", "indicators/readme.md"]
    for place in others:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"mine")
    (tmp_path / ".git" / "branches").mkdir()
    put(tmp_path, "old")
    stage(tmp_path, RELEASES[0], files_of(RELEASES[0], "new"))
    recover(tmp_path)
    put(tmp_path, "new")
    assert all((tmp_path / place).read_bytes() == b"mine" for place in others)
    assert (tmp_path / ".git" / "branches").is_dir()


# -- interruption at every step -----------------------------------------------------------------------------------


class Killed(BaseException):
    """The process dies here: nothing after it is done, not even clearing up."""


@contextmanager
def killed_at(step: int) -> Iterator[list[str]]:
    """Die at the given step that changes the file system, counted from 0; yields the steps that were done."""
    done: list[str] = []
    # Flushing is a step, but a test need not wait for a disk.
    originals: dict[tuple[Any, str], Callable[..., Any]] = {(os, "fsync"): lambda _: None, (os, "replace"): os.replace}
    originals |= {(Path, name): getattr(Path, name) for name in ("mkdir", "unlink", "rmdir")}

    def dying(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any, **options: Any) -> Any:
            if len(done) >= step:
                raise Killed
            done.append(name)
            return original(*arguments, **options)

        return act

    with pytest.MonkeyPatch.context() as patch:
        for (owner, name), original in originals.items():
            patch.setattr(owner, name, dying(name, original))
        yield done


def survives(step: int, act: Callable[[], None]) -> bool:
    """Whether `act` ends before the step at which it is killed."""
    with killed_at(step):
        try:
            act()
        except Killed:
            return False
    return True


def test_killed_at_any_step_the_old_or_the_new_release_stands(tmp_path: Path) -> None:
    base, out = tmp_path / "base", tmp_path / "out"
    put(base, "old", RELEASES[:1])
    outcomes: list[str] = []
    step, is_whole = 0, False
    while not is_whole:
        # The recovery is killed at each of its steps in turn, too, and the one after it completes the work.
        again, is_recovered = 0, False
        while not is_recovered:
            shutil.rmtree(out, ignore_errors=True)
            shutil.copytree(base, out)
            is_whole = survives(step, lambda: put(out, "new", RELEASES[:1]))
            is_journalled = (out / ".publishing" / f"{RELEASES[0]}.json").is_file()
            is_recovered = survives(again, lambda: recover(out))
            again += 1
            recover(out)
            version = version_of(visible(out), RELEASES[0])
            assert leftovers(out) == []
            if is_journalled or is_whole:
                assert version == "new"
        outcomes.append(str(version))
        step += 1
    assert outcomes[0] == "old"
    assert outcomes == sorted(outcomes, reverse=True)
    assert outcomes.count("old") > 5
    assert outcomes.count("new") > 5


def test_killed_among_several_releases_all_are_old_or_all_are_new(tmp_path: Path) -> None:
    base, out = tmp_path / "base", tmp_path / "out"
    put(base, "old")
    seen, step, is_whole = set(), 0, False
    while not is_whole:
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(base, out)
        is_whole = survives(step, lambda: put(out, "new"))
        recover(out)
        seen.add(tuple(version_of(visible(out), release_id) for release_id in RELEASES))
        assert leftovers(out) == []
        step += 1
    assert seen == {("old", "old"), ("new", "new")}


def test_a_publication_after_an_interrupted_one_is_the_one_that_stands(tmp_path: Path) -> None:
    """What a journal completes late must not undo what was published since: a writer always recovers first."""
    base, out = tmp_path / "base", tmp_path / "out"
    put(base, "old", RELEASES[:1])
    step, is_whole = 0, False
    while not is_whole:
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(base, out)
        is_whole = survives(step, lambda: put(out, "new", RELEASES[:1]))
        with writer(out):
            put(out, "old", RELEASES[:1])
        with writer(out):
            pass
        assert version_of(visible(out), RELEASES[0]) == "old"
        assert leftovers(out) == []
        step += 1


def test_publish_flushes_every_name_before_the_next_step_relies_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut only what was flushed is there: staged files before the journal, the journal before the flip."""
    events: list[tuple[str, str]] = []
    fsync, rename = os.fsync, os.replace

    def flushed(descriptor: int) -> None:
        events.append(("flush", os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path)))
        fsync(descriptor)

    def renamed(one: Path, other: Path) -> None:
        events.append(("rename", os.path.relpath(other, tmp_path)))
        rename(one, other)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc to name open files by")
    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    files = {release_path("projects", 2020, "2020-a"): b"x"}
    staged = stage(tmp_path, "2020-a", files)
    (temporary, place), *_ = staged.renames
    assert events == [("flush", "."), ("flush", "projects"), ("flush", temporary)]
    events.clear()
    publish(tmp_path, [staged])
    journal = ".publishing/2020-a.json"
    written = next(name for event, name in events if ".json.tmp-" in name)
    assert events == [
        ("flush", "projects/2020"),
        ("flush", "."),  # the journal's folder is new, too
        ("flush", written),
        ("rename", journal),
        ("flush", ".publishing"),
        ("rename", place),
        ("flush", "projects/2020"),
    ]


# -- a real process, really killed --------------------------------------------------------------------------------

_WORKER = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests"]
from test_storage import put
from kzz_pipeline.storage import writer
print("ready", flush=True)
while True:
    for version in ("new", "old"):
        with writer(Path(sys.argv[2])):
            put(Path(sys.argv[2]), version)
"""


def read_continuously(out: Path, stop: threading.Event, problems: list[str], reads: list[int]) -> None:
    """Read every published file again and again; one that is gone again is no problem, one that is not whole is."""
    while not stop.is_set():
        for path in [out / place for version in YEARS for name in RELEASES for place in files_of(name, version)]:
            try:
                table = pq.ParquetFile(path).read()
            except FileNotFoundError:
                continue
            except (OSError, pa.ArrowException) as error:
                problems.append(f"{path}: {error}")
                return
            if table.num_rows != 1500 or len(table["version"].unique()) != 1:
                problems.append(f"{path}: {table.num_rows} rows")
                return
            reads.append(1)


def test_a_process_killed_at_random_leaves_each_release_old_or_new(tmp_path: Path) -> None:
    chance = random.Random(20)
    with writer(tmp_path):
        put(tmp_path, "old")
    stop = threading.Event()
    problems: list[str] = []
    reads: list[int] = []
    reader = threading.Thread(target=read_continuously, args=(tmp_path, stop, problems, reads))
    reader.start()
    interrupted = 0
    try:
        for _ in range(24):
            command = [sys.executable, "-c", _WORKER, str(PROJECT), str(tmp_path)]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            stop.wait(chance.uniform(0, 0.15))
            child.kill()
            child.wait(timeout=30)
            child.stdout.close()
            interrupted += bool(list(tmp_path.glob("**/.*.tmp-*")) or list(tmp_path.glob(".publishing/*.json")))
            with writer(tmp_path):
                pass
            found = visible(tmp_path)
            assert all(version_of(found, release_id) for release_id in RELEASES)
            assert len(found) == 8
            assert leftovers(tmp_path) == []
            assert not problems
    finally:
        stop.set()
        reader.join(timeout=60)
    assert not problems
    assert len(reads) > 100
    assert interrupted >= 3


# -- writers and unwritable places --------------------------------------------------------------------------------


def test_one_writer_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "LOCK_SECONDS", 0.2)
    program = (
        "import sys; from pathlib import Path; from kzz_pipeline import storage; from kzz_pipeline.core.refusal import Refusal\n"
        "storage.LOCK_SECONDS = 0.2\n"
        "try:\n"
        "    with storage.writer(Path(sys.argv[1])): print('writes')\n"
        "except Refusal as refusal: print(refusal.code)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]

    def other() -> str:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    with writer(tmp_path):
        assert other() == "busy"
    assert other() == "writes"


def test_the_lock_is_free_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "LOCK_SECONDS", 0.2)
    with pytest.raises(ValueError, match="mine"), writer(tmp_path):
        raise ValueError("mine")
    with writer(tmp_path):
        pass


def unwritable(action: Callable[[], Any]) -> None:
    with pytest.raises(Refusal) as refusal:
        action()
    assert refusal.value.code == "unwritable-output"
    assert "\n" not in str(refusal.value)
    assert "--out" in refusal.value.advice


def test_an_unwritable_output_is_refused_in_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")

    def write() -> None:
        with writer(blocked / "curated"):
            pass

    unwritable(write)
    unwritable(lambda: write_atomic(blocked / "x", b"x"))
    unwritable(lambda: stage(blocked, "2020-a", {"projects/2020/2020-a.parquet": b"x"}))
    unwritable(lambda: quarantine(blocked, "2020-a", {"report.md": b"x"}))
    unwritable(lambda: StageStore(blocked).write_record(Record("2020-a")))
    unwritable(lambda: ByteStore(blocked).put("ab" * 32, b"x"))


def test_what_cannot_be_recovered_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(tmp_path, RELEASES[0], files_of(RELEASES[0], "new"))

    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    def write() -> None:
        with writer(tmp_path):
            pass

    monkeypatch.setattr(Path, "unlink", denied)
    unwritable(write)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    put(tmp_path, "old")
    (tmp_path / "projects" / "2021").chmod(0o500)
    try:
        unwritable(lambda: put(tmp_path, "new"))
    finally:
        (tmp_path / "projects" / "2021").chmod(0o700)
    assert all(version_of(visible(tmp_path), release_id) == "old" for release_id in RELEASES)


# -- quarantine, stages, bytes ------------------------------------------------------------------------------------


def test_quarantine_describes_replaces_and_forgets(tmp_path: Path) -> None:
    root = tmp_path / "quarantine"
    quarantine(root, "2020-a", {"report.md": b"one", "more.txt": b"x"})
    quarantine(root, "2020-a", {"report.md": b"two"})
    quarantine(root, "2020-b", {"report.md": b"b"})
    assert {path.relative_to(root).as_posix(): path.read_bytes() for path in root.glob("*/*")} == {
        "2020-a/report.md": b"two",
        "2020-b/report.md": b"b",
    }
    release_from_quarantine(root, "2020-a")
    release_from_quarantine(root, "2020-never")
    assert [entry.name for entry in root.iterdir()] == ["2020-b"]
    release_from_quarantine(root, "2020-b")
    assert not root.exists()


@pytest.mark.parametrize("release_id", ["", ".", "..", "../../x", "/x", "a/b", "a\0b"])
def test_an_id_that_leads_out_of_its_folder_is_refused(tmp_path: Path, release_id: str) -> None:
    root = tmp_path / "deep" / "root"
    root.mkdir(parents=True)
    (tmp_path / "x").mkdir()
    for action in (
        lambda: quarantine(root, release_id, {"report.md": b"x"}),
        lambda: release_from_quarantine(root, release_id),
        lambda: StageStore(root).write_record(Record(release_id)),
        lambda: StageStore(root).read_table(release_id, "cells"),
    ):
        with pytest.raises(Refusal) as refusal:
            action()
        assert refusal.value.code == "wrong-name"
    assert (tmp_path / "x").is_dir()
    assert list(root.iterdir()) == []


def test_stage_store_hands_on_records_and_tables(tmp_path: Path) -> None:
    store = StageStore(tmp_path)
    record = Record("2020-a", 2020, "2020/a.txt", "1:2").with_bytes("ab" * 32, 7).with_encoding("gb18030")
    store.write_record(record)
    assert store.read_record("2020-a") == record
    refused = record.refused("parsed_blocks", Refusal("no-table", "no table", "look", 3))
    store.write_record(refused)
    back = store.read_record("2020-a")
    assert back == refused
    assert back.refusal is not None
    assert (back.refused_at, str(back.refusal)) == ("parsed_blocks", "line 3: no table (look)")
    assert back.accepted() == record
    table = pa.table({"a": ["一"]})
    store.write_table("2020-a", "cells", table)
    assert store.read_table("2020-a", "cells").equals(table)
    assert not list(tmp_path.glob("**/.*"))


def test_stage_store_says_which_stage_has_not_run(tmp_path: Path) -> None:
    store = StageStore(tmp_path)
    for action, code in (
        (lambda: store.read_record("x"), "not-read"),
        (lambda: store.read_table("x", "y"), "not-made"),
    ):
        with pytest.raises(Refusal) as refusal:
            action()
        assert refusal.value.code == code
    store.write_record(Record("x"))
    (record,) = tmp_path.glob("**/record.json")
    record.write_bytes(b"{")
    with pytest.raises(Refusal):
        store.read_record("x")
    store.write_table("x", "y", pa.table({"a": [1]}))
    (table,) = tmp_path.glob("**/y.arrow")
    table.write_bytes(b"PAR1")
    with pytest.raises(Refusal):
        store.read_table("x", "y")


def test_byte_store_keeps_bytes_by_their_hash(tmp_path: Path) -> None:
    store, name = ByteStore(tmp_path), "ab" * 32
    with pytest.raises(Refusal) as refusal:
        store.get(name)
    assert refusal.value.code == "bytes-gone"
    store.put(name, b"\x00\xff")
    (path,) = (path for path in tmp_path.glob("**/*") if path.is_file())
    before = path.stat().st_mtime_ns
    store.put(name, b"\x00\xff")
    assert store.get(name) == b"\x00\xff"
    assert path.stat().st_mtime_ns == before


def test_a_journal_is_readable_by_a_person(tmp_path: Path) -> None:
    put(tmp_path, "old", RELEASES[:1])
    with killed_at(10_000) as steps:
        put(tmp_path, "new", RELEASES[:1])
    rename = steps.index("replace")
    put(tmp_path, "old", RELEASES[:1])
    assert not survives(rename + 2, lambda: put(tmp_path, "new", RELEASES[:1]))
    (entry,) = (tmp_path / ".publishing").glob("*.json")
    plan = json.loads(entry.read_bytes())
    assert {place for _, place in plan["renames"]} == set(files_of(RELEASES[0], "new"))
    assert set(plan["removals"]) == set(files_of(RELEASES[0], "old")) - set(files_of(RELEASES[0], "new"))
