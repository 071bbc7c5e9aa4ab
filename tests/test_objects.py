"""An object store as a root: the promises of a folder, kept by staging, copying, a journal and a lock object."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import PROJECT, REAL, REAL_ID, Workplace
from release_text import Table, Text

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.files import parquet_bytes
from kzz_pipeline.settings import settings
from kzz_pipeline.storage import inventory, publish, published_files, recover, stage, writer

pytest.importorskip("s3fs", reason="the extra s3 is not installed")
moto_server = pytest.importorskip("moto.server", reason="moto[server], a stand-in for S3, is not installed")

BUCKET = "kzz-test"
TABLES = ("projects", "indicators")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A stand-in for S3 on this machine, in a process of its own."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = ""
    while "Running on" not in line:
        line = process.stderr.readline()
        assert line, "the stand-in did not start"
    threading.Thread(target=process.stderr.read, daemon=True).start()
    yield line.split()[-1]
    process.terminate()
    process.wait(timeout=30)
    process.stderr.close()


@pytest.fixture
def prefix(endpoint: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A prefix of a test's own, and the environment that leads there."""
    for name, value in access(endpoint).items():
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem(use_listings_cache=False)
    if not files.exists(BUCKET):
        files.mkdir(BUCKET)
    return f"s3://{BUCKET}/{abs(hash(request.node.name))}"


def access(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.fixture
def out(prefix: str) -> Any:
    from kzz_pipeline.objects import open_url

    return open_url(f"{prefix}/curated")


def content(version: str) -> bytes:
    return parquet_bytes(__import__("pyarrow").table({"version": [version] * 3}))


def files_of(release_id: str, version: str) -> dict[str, bytes]:
    years = {"old": (2020, 2021), "new": (2021, 2022)}[version]
    return {f"{table}/{year}/{release_id}.parquet": content(version) for table in TABLES for year in years}


def put(out: Path, version: str, release_id: str = "2020-某州") -> None:
    files = files_of(release_id, version)
    gone = [place for place in published_files(out, release_id, TABLES, ()) if place not in files]
    publish(out, [stage(out, release_id, files, gone)])


def visible(out: Any) -> dict[str, bytes]:
    """What a reader sees: the tables, not what stands under names that begin with a dot."""
    return {
        place: out.fs.cat_file(f"{out.path}/{place}") for place in everything(out) if not place.startswith(".")
    }  # fmt: skip


def everything(out: Any) -> list[str]:
    return sorted(path.removeprefix(f"{out.path}/") for path in out.fs.find(out.path))


# -- publication -------------------------------------------------------------------------------------------------


def test_publish_replaces_exactly_a_releases_own_objects(out: Any) -> None:
    with writer(out):
        put(out, "old")
        put(out, "old", "2020-b")
        put(out, "new")
    assert visible(out) == files_of("2020-某州", "new") | files_of("2020-b", "old")
    assert [place for place in everything(out) if place.startswith(".")] == [".lock"]
    standing = {f"{folder}/{name}" for folder, names in inventory(out, TABLES).items() for name in names}
    assert standing == files_of("2020-某州", "new").keys() | files_of("2020-b", "old").keys()
    with writer(out):
        assert stage(out, "2020-b", files_of("2020-b", "old")).renames == ()


def test_staged_objects_are_invisible_to_readers(out: Any) -> None:
    put(out, "old")
    staged = stage(out, "2020-某州", files_of("2020-某州", "new"))
    assert len(staged.renames) == 4
    assert visible(out) == files_of("2020-某州", "old")
    assert all(place.startswith(".staging/") for place, _ in staged.renames)


class Killed(Exception):
    """The process dies here. Not a BaseException, which would end the loop that all requests of this process share."""


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """Die at the given request that changes the store, counted from 0."""
    import s3fs

    done = [0]

    def dying(original: Callable[..., Any]) -> Callable[..., Any]:
        async def act(*arguments: Any, **options: Any) -> Any:
            if done[0] >= step:
                raise Killed
            done[0] += 1
            return await original(*arguments, **options)

        return act

    with pytest.MonkeyPatch.context() as patch:
        for name in ("_pipe_file", "_cp_file", "_rm", "_rm_file"):
            patch.setattr(s3fs.S3FileSystem, name, dying(getattr(s3fs.S3FileSystem, name)))
        yield


def test_killed_at_any_step_the_old_or_the_new_release_stands(out: Any) -> None:
    old, new = files_of("2020-某州", "old"), files_of("2020-某州", "new")
    outcomes, step, is_whole = [], 0, False
    while not is_whole:
        out.fs.rm(out.path, recursive=True) if out.fs.exists(out.path) else None
        put(out, "old")
        with killed_at(step):
            try:
                put(out, "new")
                is_whole = True
            except Killed:
                pass
        is_journalled = any(place.startswith(".publishing/") for place in everything(out))
        with killed_at(step % 5), suppress(Killed):
            recover(out)
        recover(out)
        found = visible(out)
        assert found in (old, new)
        assert found == new or not (is_journalled or is_whole)
        assert not [place for place in everything(out) if place.startswith(".")]
        outcomes.append("new" if found == new else "old")
        step += 1
    assert outcomes == sorted(outcomes, reverse=True)
    assert {"old", "new"} == set(outcomes)


# -- the lock ------------------------------------------------------------------------------------------------------


def test_one_writer_at_a_time(out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from kzz_pipeline import storage
    from kzz_pipeline.objects import ObjectLock

    monkeypatch.setattr(storage, "LOCK_SECONDS", 0.3)
    other = ObjectLock(out / ".lock")
    assert other.acquire(1)
    with pytest.raises(Refusal) as refusal, writer(out):
        pass
    assert refusal.value.code == "busy"
    other.release()
    with writer(out):
        pass


def test_a_lock_whose_owner_died_is_taken_over_by_exactly_one(out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from kzz_pipeline import objects

    monkeypatch.setattr(objects, "_POLL_SECONDS", 0.02)
    dead = objects.ObjectLock(out / ".lock")
    dead._put(mode="create")  # and never renewed
    monkeypatch.setattr(objects, "EXPIRY_SECONDS", 1.0)
    locks = [objects.ObjectLock(out / ".lock") for _ in range(6)]
    got: list[objects.ObjectLock] = []
    threads = [
        threading.Thread(target=lambda lock=lock: got.append(lock) if lock.acquire(3) else None) for lock in locks
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1  # the others saw it renewed and waited in vain
    assert time.monotonic() - started > 1.0
    dead._renewed = time.monotonic()
    dead.release()  # of a lock that is another's: changes nothing
    got[0].require()
    assert json.loads(out.fs.cat_file(f"{out.path}/.lock"))["owner"] == got[0]._owner
    got[0].release()


def test_a_writer_that_lost_its_lock_writes_no_more(out: Any) -> None:
    from kzz_pipeline.objects import object_store

    put(out, "old")
    with writer(out):
        staged = stage(out, "2020-某州", files_of("2020-某州", "new"))
        lock = object_store(out)._lock
        assert lock is not None
        lock._renewed = float("-inf")
        with pytest.raises(Refusal) as refusal:
            publish(out, [staged])
    assert refusal.value.code == "lost-lock"
    assert visible(out) == files_of("2020-某州", "old")


# -- whole runs --------------------------------------------------------------------------------------------------


@dataclass
class Remote:
    """Roots in a store, and `kzz` on them as a user would."""

    prefix: str
    folder: Path
    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KZZ_")}
        roots = {f"KZZ_{name.upper()}": f"{self.prefix}/{name}" for name in ("raw", "state")}
        roots |= {
            "KZZ_OUT": f"{self.prefix}/curated",
            "DAGSTER_HOME": str(self.folder / "home"),
            "PYTHONPATH": str(PROJECT),
            "KZZ_LOCK_SECONDS": "3",
        }
        return kept | roots | access(self.endpoint)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "kzz_pipeline.cli", *arguments]

    def kzz(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip

    def root(self, name: str) -> Any:
        from kzz_pipeline.objects import open_url

        return open_url(f"{self.prefix}/{name}")

    def put(self, place: str, data: bytes) -> None:
        (self.root("raw") / place).write_bytes(data)

    def read(self, table: str) -> pd.DataFrame:
        return pd.read_parquet(f"{self.prefix}/curated/{table}")


@pytest.fixture
def remote(prefix: str, endpoint: str, tmp_path: Path) -> Remote:
    return Remote(prefix, tmp_path, endpoint)


def states(root: Any) -> dict[str, Any]:
    return {
        name: (facts["ETag"], facts["LastModified"]) for name, facts in root.fs.find(root.path, detail=True).items()
    }


def test_a_run_in_a_store_gives_the_tables_of_a_run_on_a_disk(remote: Remote, published: Workplace) -> None:
    remote.put("2020/kzz-key-projects.txt", REAL.read_bytes())
    remote.put("2020/empty.txt", b"")
    remote.put("elsewhere/a.txt", b"?")
    remote.put("b.txt", b"?")
    done = remote.kzz("run")
    assert done.returncode == 3, done.stderr
    assert "refused 2020/empty.txt" in done.stderr
    assert "refused elsewhere: " in done.stderr
    assert "refused b.txt: " in done.stderr
    assert visible(remote.root("curated")) == published.files()
    assert (remote.root("quarantine") / "2020-empty" / "report.md").is_file()
    assert (remote.root("reports") / f"{REAL_ID}.html").is_file()
    assert not list((remote.folder / "home").glob("kzz/*/stages"))  # shared, not on this machine

    before = states(remote.root("curated"))
    again = remote.kzz("run")
    assert "0 published, 1 unchanged" in again.stdout, again.stderr
    assert states(remote.root("curated")) == before

    assert "儿童营养改善项目" in remote.kzz("trace", f"{REAL_ID}-t001-i003").stdout
    assert (
        remote.kzz("trace", "yearly_by_unit", "2021", "克州财政局").stdout
        == published.kzz("trace", "yearly_by_unit", "2021", "克州财政局").stdout
        != ""
    )
    assert (
        remote.kzz("findings", "--format", "json", "--release", REAL_ID).stdout
        == published.kzz("findings", "--format", "json").stdout
    )
    assert remote.kzz("package").returncode == 0
    assert "cannot change a folder in one step" in remote.kzz("compact").stderr


def test_a_release_replaced_in_a_store_keeps_its_old_version(remote: Remote) -> None:
    remote.put("2020/a.txt", Text().text().encode())
    assert remote.kzz("run").returncode == 0
    remote.put("2020/a.txt", Text([Table(goal="另一个年度目标，同样清楚明白。")]).text().encode())
    done = remote.kzz("run")
    assert "1 published" in done.stdout, done.stderr
    assert list(remote.read("release_changes")["column_name"]) == ["annual_goal"]
    assert len(remote.read("projects")) == 1
    assert remote.kzz("trace", "2020-a-t001", "--version", "1").returncode == 0


def test_a_run_killed_in_mid_publication_is_completed_by_the_next(remote: Remote) -> None:
    for number in range(6):
        remote.put(f"2020/r{number}.txt", Text([Table(unit=f"第{number}局")]).text().encode())
    curated = remote.root("curated")
    with subprocess.Popen(
        remote.command("run"),
        env=remote.environment,
        cwd=remote.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        while child.poll() is None and not any("/indicators/" in place for place in curated.fs.find(curated.path)):
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
    done = remote.kzz("run")
    assert done.returncode == 0, done.stderr
    projects = remote.read("projects")
    assert sorted(projects["release_id"]) == [f"2020-r{number}" for number in range(6)]
    assert not [place for place in everything(curated) if place.startswith((".staging", ".publishing"))]


# -- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "nonsense://a/b"])
def test_a_url_that_is_no_prefix_in_a_store_is_refused(prefix: str, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("KZZ_OUT", url)
    with pytest.raises(Refusal) as refusal:
        settings()
    assert refusal.value.code == "unknown-store"


def test_a_run_on_folders_imports_nothing_of_stores(published: Workplace) -> None:
    program = (
        "import sys; from kzz_pipeline.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "found = {'upath', 's3fs', 'botocore', 'psycopg2', 'kzz_pipeline.objects'} & set(sys.modules)\n"
        "print('loaded', sorted(found))"
    )
    arguments = ["run", "--raw", str(published.raw), "--out", str(published.out)]
    assert published.kzz("run").returncode == 0
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=published.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1 unchanged" in done.stdout
    assert "loaded []" in done.stdout
