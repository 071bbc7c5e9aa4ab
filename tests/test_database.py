"""The catalogue in PostgreSQL says what the one in SQLite says."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kzz_pipeline.catalogue import Catalogue, Doubt, Version
from kzz_pipeline.core.refusal import Refusal

pytest.importorskip("psycopg2", reason="the extra cluster is not installed")

VERSION = Version(
    "2020-a", "2020/a.txt", "00" * 32, "mark", "1:2:3:4", "published", "", "2020,2021", "run", "a\nb", '{"x": 2}'
)


def _program(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A PostgreSQL server of the tests' own, on a free port of this machine."""
    initdb, postgres = _program("initdb"), _program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL's programs are not installed")
    folder = Path(tempfile.mkdtemp())
    options: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    if os.geteuid() == 0:  # PostgreSQL does not run as root
        options["user"] = pwd.getpwnam("nobody").pw_uid
        os.chown(folder, options["user"], -1)
    try:
        subprocess.run([initdb, "-D", str(folder / "data"), "-U", "kzz", "-A", "trust", "-N"], check=True, **options)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        arguments = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-F"]
        with subprocess.Popen([postgres, "-D", str(folder / "data"), *arguments], **options) as server:
            try:
                address = f"postgresql+psycopg2://kzz@127.0.0.1:{port}/postgres"
                _wait(address)
                yield address
            finally:
                server.terminate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(address: str) -> None:
    from kzz_pipeline.database import connect

    for _ in range(200):
        try:
            with connect(address) as connection:
                connection.execute("SELECT 1")
            return
        except Refusal:
            threading.Event().wait(0.05)
    raise AssertionError("the server did not start")


def told(catalogue: Catalogue) -> list[Any]:
    """Everything a catalogue says, but for the times and the numbers of versions, which count over all roots."""

    def plain(version: Version) -> Version:
        return version._replace(recorded_at="", version=0)

    return [
        {key: plain(version) for key, version in catalogue.current().items()},
        {key: plain(version) for key, version in catalogue.current_of(["2020-a", "2020-none"]).items()},
        catalogue.row_counts(),
        catalogue.pending_years(),
        catalogue.doubts(),
        [[plain(version) for version in catalogue.history(name)] for name in ("2020-a", "2020-b")],
        catalogue.last_version() > 0,
    ]


def test_it_says_what_a_file_says(url: str, tmp_path: Path) -> None:
    said: dict[str, list[Any]] = {}
    for name, place in (("file", tmp_path / "catalogue.sqlite"), ("database", url)):
        other = Catalogue(place, tmp_path / "other")
        other.record([VERSION])
        catalogue = Catalogue(place, tmp_path / "out")
        said[name] = [told(catalogue)]
        catalogue.record(
            [VERSION, VERSION._replace(release_id="2020-b", status="refused", reason='["?", "%s", "", null]')]
        )
        catalogue.record([VERSION._replace(source_sha256="11" * 32)])
        catalogue.add_pending_years({2021, 2020})
        catalogue.add_pending_years({2021})
        said[name].append(told(catalogue))
        catalogue.touch({"2020-a": "stamp"})
        doubts = [Doubt(VERSION._replace(release_id=f"2020-{letter}"), {"x": letter}) for letter in "bcd"]
        catalogue.doubt(doubts)
        catalogue.doubt(doubts)
        catalogue.record([VERSION._replace(release_id="2020-d")], settles=True)
        catalogue.settle_years({2020})
        said[name].append(told(catalogue))
        assert told(other)[0] == {"2020-a": VERSION}
    assert said["file"] == said["database"]


def test_versions_are_recorded_all_or_none(url: str, tmp_path: Path) -> None:
    catalogue = Catalogue(url, tmp_path / "all")
    with pytest.raises(Exception, match="null value"):
        catalogue.record([VERSION, VERSION._replace(release_id="2020-b", reason=None)])  # type: ignore[arg-type]
    assert catalogue.current() == {}


def test_two_make_the_tables_at_once(url: str, tmp_path: Path) -> None:
    from kzz_pipeline import database

    with database.connect(url) as connection:
        connection.execute("DROP SCHEMA IF EXISTS kzz CASCADE")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(database.prepare.__wrapped__, [url] * 4, [1] * 4)) == [None] * 4
    with pytest.raises(Refusal) as refusal:
        database.prepare.__wrapped__(url, 2)
    assert refusal.value.code == "other-catalogue"


@pytest.mark.parametrize(
    "wrong",
    ["mysql://a/b", "postgresql+psycopg2://u:secret@127.0.0.1:1/x", "sqlite:///a", "postgresql+nothing://h/x", "x"],
)
def test_an_address_that_is_no_database_is_refused_without_its_password(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refusal:
        Catalogue(wrong, tmp_path)
    assert refusal.value.code == "unusable-catalogue"
    assert "secret" not in str(refusal.value)
