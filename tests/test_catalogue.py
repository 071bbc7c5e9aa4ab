"""The catalogue: one current version of each release, every earlier one kept, one curated root unknown to another."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT

from kzz_pipeline.catalogue import Catalogue, Doubt, Version, refusal_of
from kzz_pipeline.core.refusal import Refusal

FIRST = Version(
    "2020-a", "2020/a.txt", "a" * 64, "mark", "1:2", "published", "", "2020,2021", "run", "x/2020/2020-a.parquet"
)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "home" / "catalogue.sqlite", tmp_path / "curated")


def test_what_is_recorded_is_current(catalogue: Catalogue) -> None:
    assert catalogue.current() == {}
    catalogue.record([FIRST])
    (version,) = catalogue.current().values()
    assert version.recorded_at.endswith("+00:00")
    assert version.version == catalogue.last_version() == 1
    assert version._replace(recorded_at="", version=0) == FIRST
    assert version.years == {2020, 2021}
    assert version.files == ["x/2020/2020-a.parquet"]
    nothing = FIRST._replace(fiscal_years="", file_list="")
    assert (nothing.years, nothing.files) == (set(), [])


def test_history_keeps_every_version_the_oldest_first(catalogue: Catalogue) -> None:
    other = FIRST._replace(release_id="2020-b")
    catalogue.record([FIRST, other])
    catalogue.record([FIRST._replace(source_sha256="b" * 64)])
    catalogue.record([FIRST._replace(source_sha256="c" * 64, status="refused")])
    assert [version.source_sha256[0] for version in catalogue.history("2020-a")] == ["a", "b", "c"]
    assert [version.status for version in catalogue.history("2020-a")] == ["published", "published", "refused"]
    assert {name: version.source_sha256[0] for name, version in catalogue.current().items()} == {
        "2020-a": "c",
        "2020-b": "a",
    }
    assert list(catalogue.current_of(["2020-b", "2020-none"])) == ["2020-b"]
    assert catalogue.history("2020-none") == []


def test_one_record_of_the_same_release_twice_leaves_the_last_current(catalogue: Catalogue) -> None:
    catalogue.record([FIRST, FIRST._replace(run_id="later")])
    assert catalogue.current()["2020-a"].run_id == "later"
    assert len(catalogue.history("2020-a")) == 2


def test_the_database_itself_allows_one_current_version_per_release(catalogue: Catalogue) -> None:
    catalogue.record([FIRST, FIRST._replace(run_id="later")])
    with sqlite3.connect(catalogue.path) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE versions SET current = 1")


def test_versions_are_recorded_together_or_not_at_all(catalogue: Catalogue) -> None:
    catalogue.record([FIRST])
    broken = FIRST._replace(release_id="2020-b", status=None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        catalogue.record([FIRST._replace(run_id="later"), broken])
    assert catalogue.current()["2020-a"].run_id == "run"
    assert len(catalogue.history("2020-a")) == 1


def test_two_curated_roots_know_nothing_of_each_other(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    one, other = Catalogue(path, tmp_path / "one"), Catalogue(path, tmp_path / "other")
    one.record([FIRST])
    one.add_pending_years({2020})
    assert other.current() == {}
    assert other.history("2020-a") == []
    assert other.current_of(["2020-a"]) == {}
    assert other.pending_years() == []
    assert other.last_version() == 0
    assert other.row_counts() == {}
    other.record([FIRST._replace(source_sha256="b" * 64)])
    other.touch({"2020-a": "9:9"})
    other.add_pending_years({2020, 2021})
    other.settle_years({2020})
    assert one.current()["2020-a"].source_sha256 == "a" * 64
    assert one.current()["2020-a"].stamp == "1:2"
    assert one.pending_years() == [2020]
    assert other.pending_years() == [2021]


def test_a_curated_root_is_the_same_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "curated").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "curated")
    monkeypatch.chdir(tmp_path)
    Catalogue(tmp_path / "c.sqlite", tmp_path / "curated").record([FIRST])
    for name in ("curated", "link", "link/../curated"):
        assert list(Catalogue(tmp_path / "c.sqlite", Path(name)).current()) == ["2020-a"]


def test_touch_changes_the_stamp_of_the_current_version_alone(catalogue: Catalogue) -> None:
    catalogue.record([FIRST])
    catalogue.record([FIRST._replace(stamp="3:4")])
    catalogue.touch({"2020-a": "5:6", "2020-none": "7:8"})
    assert [version.stamp for version in catalogue.history("2020-a")] == ["1:2", "5:6"]
    assert list(catalogue.current()) == ["2020-a"]


def test_a_doubted_release_is_like_none_until_it_is_recorded(catalogue: Catalogue) -> None:
    """A fingerprint is never empty: no release's bytes match a doubted version, so it is taken in again."""
    catalogue.record([FIRST, FIRST._replace(release_id="2020-b")])
    catalogue.doubt([Doubt(FIRST, {}), Doubt(FIRST._replace(release_id="2020-none"), {})])
    assert {name: version.fingerprint for name, version in catalogue.current().items()} == {
        "2020-a": "",
        "2020-b": "mark",
    }
    catalogue.record([FIRST])
    assert catalogue.current()["2020-a"].fingerprint == "mark"


def test_doubts_last_until_they_are_recorded_or_dropped(catalogue: Catalogue) -> None:
    planned = [
        Doubt(FIRST._replace(release_id=f"2020-{name}"), {f"x/2020/{name}.parquet": "ab" * 32}) for name in "abc"
    ]
    other = Catalogue(catalogue.path, Path("other"))
    other.doubt(planned[:1])
    catalogue.doubt(planned)
    catalogue.doubt([planned[2]._replace(hashes={})])
    catalogue.record([FIRST], settles=True)
    # Refused, or found to be the same as another, by a run that does not know what stands.
    catalogue.record([FIRST._replace(release_id="2020-b", status="refused")])
    again = Catalogue(catalogue.path, Path(catalogue.root))
    assert again.doubts() == [planned[1], planned[2]._replace(hashes={})]
    again.drop_doubts()
    assert catalogue.doubts() == []
    assert other.doubts() == planned[:1]


def test_pending_years_last_until_they_are_settled(catalogue: Catalogue) -> None:
    catalogue.add_pending_years({2021, 2020})
    catalogue.add_pending_years({2020})
    catalogue.add_pending_years(set())
    assert catalogue.pending_years() == [2020, 2021]
    catalogue.settle_years({2020, 1999})
    assert Catalogue(catalogue.path, Path(catalogue.root)).pending_years() == [2021]


def test_row_counts_add_up_over_current_versions(catalogue: Catalogue) -> None:
    catalogue.record([FIRST._replace(row_count_list='{"projects": 30, "indicators": 292}')])
    catalogue.record([FIRST._replace(release_id="2020-b", row_count_list='{"projects": 2}')])
    catalogue.record([FIRST._replace(row_count_list='{"projects": 29}')])
    assert catalogue.row_counts() == {"projects": 31}


def test_names_are_data_and_never_part_of_a_query(catalogue: Catalogue) -> None:
    odd = "2020-'; DROP TABLE versions; --"
    catalogue.record([FIRST._replace(release_id=odd)])
    assert list(catalogue.current()) == [odd]
    assert catalogue.current_of([odd])[odd].release_id == odd
    assert len(catalogue.history(odd)) == 1


def test_a_refused_version_says_why() -> None:
    version = FIRST._replace(status="refused", reason='["no-table", "no table found", "look at it", 7]')
    refusal = refusal_of(version)
    assert (refusal.code, refusal.line) == ("no-table", 7)
    assert str(refusal) == "line 7: no table found (look at it)"


def test_a_catalogue_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(Refusal) as refusal:
        Catalogue(path, tmp_path)
    assert refusal.value.code == "other-catalogue"


def test_a_damaged_catalogue_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    path.write_bytes(b"this is no database, and long enough to be looked at as one" * 100)
    with pytest.raises(Refusal) as refusal:
        Catalogue(path, tmp_path)
    assert refusal.value.code == "unusable-catalogue"
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_processes_write_at_the_same_time_and_lose_nothing(tmp_path: Path) -> None:
    """Six processes create the same catalogue at once and record versions of one shared release and of their own."""
    program = """
import sys
from pathlib import Path
from kzz_pipeline.catalogue import Catalogue, Version
folder, me = Path(sys.argv[1]), sys.argv[2]
first = Version("2020-shared", "2020/a.txt", "a", "mark", "1", "published", "", "2020", me)
sys.stdin.readline()
for number in range(20):
    catalogue = Catalogue(folder / "catalogue.sqlite", folder / "curated")
    catalogue.record([first, first._replace(release_id=f"2020-{me}", stamp=str(number))])
    catalogue.add_pending_years({2000 + number})
    assert catalogue.current()[f"2020-{me}"].stamp == str(number)
    catalogue.touch({f"2020-{me}": "touched"})
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    children = [
        subprocess.Popen(
            [*command, f"p{at}"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        for at in range(6)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    errors = [child.communicate(timeout=120)[1] for child in children]
    assert [child.returncode for child in children] == [0] * 6, "\n".join(errors)
    catalogue = Catalogue(tmp_path / "catalogue.sqlite", tmp_path / "curated")
    assert len(catalogue.history("2020-shared")) == 120
    current = catalogue.current()
    assert len(current) == 7
    assert all(current[f"2020-p{at}"].stamp == "touched" for at in range(6))
    assert current["2020-shared"].version == max(version.version for version in catalogue.history("2020-shared"))
    assert catalogue.pending_years() == list(range(2000, 2020))
    assert catalogue.last_version() == 240
