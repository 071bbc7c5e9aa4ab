"""What is published under a curated root, from which bytes, and what was published before: an append-only record."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from kzz_pipeline.core.refusal import Refusal

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS versions (
    version INTEGER PRIMARY KEY, root TEXT NOT NULL, release_id TEXT NOT NULL, source_path TEXT NOT NULL,
    source_sha256 TEXT NOT NULL, fingerprint TEXT NOT NULL, stamp TEXT NOT NULL, status TEXT NOT NULL,
    reason TEXT NOT NULL, fiscal_years TEXT NOT NULL, run_id TEXT NOT NULL, file_list TEXT NOT NULL,
    row_count_list TEXT NOT NULL, recorded_at TEXT NOT NULL, current INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS pending_years (root TEXT NOT NULL, fiscal_year INTEGER NOT NULL, PRIMARY KEY (root, fiscal_year));
CREATE TABLE IF NOT EXISTS doubts (
    root TEXT NOT NULL, release_id TEXT NOT NULL, version TEXT NOT NULL, hashes TEXT NOT NULL, PRIMARY KEY (root, release_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS current_version ON versions (root, release_id) WHERE current;
CREATE INDEX IF NOT EXISTS version_history ON versions (root, release_id, version);
CREATE INDEX IF NOT EXISTS version_bytes ON versions (root, source_sha256);
"""


class Version(NamedTuple):
    """A release as it was last taken in, or once was.

    `status` is `published`, `refused` (with the reason), `alias` (the bytes of another release, named by
    `reason`) or `withdrawn` (by a person, with the reason). `fingerprint` covers bytes, corrections, vocabulary and code; `stamp` the file's size and times;
    `fiscal_years` is a comma-separated list, `file_list` the published files, one a line,
    `row_count_list` their rows by table, as JSON. `version` counts over
    all releases of the catalogue.
    """

    release_id: str
    source_path: str
    source_sha256: str
    fingerprint: str
    stamp: str
    status: str
    reason: str
    fiscal_years: str
    run_id: str
    file_list: str = ""
    row_count_list: str = "{}"
    recorded_at: str = ""
    version: int = 0

    @property
    def years(self) -> set[int]:
        return {int(year) for year in self.fiscal_years.split(",") if year}

    @property
    def files(self) -> list[str]:
        return self.file_list.split("\n") if self.file_list else []


class Doubt(NamedTuple):
    """A version whose files were about to stand; if they do, each place has the bytes with this sha256."""

    version: Version
    hashes: Mapping[str, str]


_NAMES = Version._fields
_COLUMNS = ", ".join(_NAMES)
# `version` numbers itself.
_STORED = ", ".join(_NAMES[:-1])
_MARKS = ", ".join("?" for _ in _NAMES[:-1])


def refusal_of(version: Version) -> Refusal:
    """Why a refused version was refused."""
    return Refusal(*json.loads(version.reason))


class Catalogue:
    """The record for one curated root, in a SQLite file that several roots and processes may share.

    Or, for several machines, in the PostgreSQL database that `path` is the URL of. Raises Refusal where it cannot be
    used.
    """

    def __init__(self, path: Path | str, out_root: Path) -> None:
        self.path = path
        self.root = str(out_root.resolve())
        if isinstance(path, str):
            from kzz_pipeline.database import prepare

            prepare(path, _SCHEMA_VERSION)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._file(path) as connection:
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, _SCHEMA_VERSION):
                advice = "use the version of kzz that wrote it, or name another DAGSTER_HOME"
                raise Refusal("other-catalogue", f"{path} was written by another version of kzz", advice)
            connection.executescript(f"{_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION};")

    def _connection(self) -> AbstractContextManager[Any]:
        if isinstance(self.path, str):
            from kzz_pipeline.database import connect

            return connect(self.path)
        return self._file(self.path)

    @staticmethod
    @contextmanager
    def _file(path: Path) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(path, timeout=60)) as connection, connection:
                yield connection
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            advice = "make it writable; where it is damaged, move it away, and every release is taken in again"
            raise Refusal("unusable-catalogue", f"{path}: {error}", advice) from None

    def current(self) -> dict[str, Version]:
        """The last version of every release, by release id."""
        with self._connection() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM versions WHERE root = ? AND current", (self.root,))
            return {row[0]: Version._make(row) for row in rows}

    def states(self) -> dict[str, int]:
        """How many releases are in each state."""
        with self._connection() as connection:
            query = "SELECT status, COUNT(*) FROM versions WHERE root = ? AND current GROUP BY status"
            return dict(connection.execute(query, (self.root,)))

    def first_in(self, status: str, most: int) -> list[Version]:
        """The first releases in a state, by their ids, so many at most."""
        with self._connection() as connection:
            query = (
                f"SELECT {_COLUMNS} FROM versions WHERE root = ? AND current AND status = ? ORDER BY release_id LIMIT ?"
            )
            return [Version(*row) for row in connection.execute(query, (self.root, status, most))]

    def release_years(self, status: str) -> set[int]:
        """The years of the releases in a state."""
        with self._connection() as connection:
            query = "SELECT DISTINCT SUBSTR(release_id, 1, 4) FROM versions WHERE root = ? AND current AND status = ?"
            return {int(year) for (year,) in connection.execute(query, (self.root, status))}

    def current_of(self, release_ids: list[str]) -> dict[str, Version]:
        """The last version of each of these releases, where there is one."""
        found = {}
        with self._connection() as connection:
            for release_id in release_ids:
                row = connection.execute(
                    f"SELECT {_COLUMNS} FROM versions WHERE root = ? AND release_id = ? AND current",
                    (self.root, release_id),
                ).fetchone()
                if row:
                    found[release_id] = Version(*row)
        return found

    def row_counts(self) -> dict[str, int]:
        """The rows of each table that is written by release, over all releases."""
        with self._connection() as connection:
            rows = connection.execute("SELECT row_count_list FROM versions WHERE root = ? AND current", (self.root,))
            counts: Counter[str] = Counter()
            for of_release in json.loads(f"[{','.join(row_counts for (row_counts,) in rows)}]"):
                for table, count in of_release.items():
                    counts[table] += count
            return dict(counts)

    def last_version(self) -> int:
        """The number of the version recorded last; 0 where there is none."""
        with self._connection() as connection:
            row = connection.execute("SELECT MAX(version) FROM versions WHERE root = ?", (self.root,)).fetchone()
            return row[0] or 0

    def history(self, release_id: str) -> list[Version]:
        """Every version of a release, the oldest first."""
        with self._connection() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM versions WHERE root = ? AND release_id = ? ORDER BY version",
                (self.root, release_id),
            )
            return [Version(*row) for row in rows]

    def record(self, versions: list[Version], *, settles: bool = False) -> None:
        """Add versions; each becomes the current one of its release, all of them or none.

        Whether that `settles` what was doubted of them: what stands of them is known then.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._connection() as connection:
            for version in versions:
                connection.execute(
                    "UPDATE versions SET current = FALSE WHERE root = ? AND release_id = ? AND current",
                    (self.root, version.release_id),
                )
                if settles:
                    connection.execute(
                        "DELETE FROM doubts WHERE root = ? AND release_id = ?", (self.root, version.release_id)
                    )
                values = [getattr(version, name) for name in _NAMES[:-2]]
                connection.execute(
                    f"INSERT INTO versions (root, current, {_STORED}) VALUES (?, TRUE, {_MARKS})",
                    (self.root, *values, now),
                )

    def touch(self, stamps: dict[str, str]) -> None:
        """Note that files were rewritten with the bytes they had: release id to stamp."""
        with self._connection() as connection:
            connection.executemany(
                "UPDATE versions SET stamp = ? WHERE root = ? AND release_id = ? AND current",
                [(stamp, self.root, release_id) for release_id, stamp in stamps.items()],
            )

    def doubt(self, planned: list[Doubt]) -> None:
        """Note that the files of releases are about to change, until `record` says what they hold.

        Whatever interrupts that, the next run takes them in again: also where the bytes are by then the old ones.
        """
        rows = [
            (self.root, version.release_id, json.dumps(version), json.dumps(dict(hashes)))
            for version, hashes in planned
        ]
        with self._connection() as connection:
            connection.executemany(
                "UPDATE versions SET fingerprint = '' WHERE root = ? AND release_id = ? AND current",
                [row[:2] for row in rows],
            )
            connection.executemany("DELETE FROM doubts WHERE root = ? AND release_id = ?", [row[:2] for row in rows])
            connection.executemany("INSERT INTO doubts VALUES (?, ?, ?, ?)", rows)

    def doubts(self) -> list[Doubt]:
        """What was doubted and not recorded since: by a run that is at work, or was killed."""
        with self._connection() as connection:
            query = "SELECT version, hashes FROM doubts WHERE root = ? ORDER BY release_id"
            rows = list(connection.execute(query, (self.root,)))
        return [Doubt(Version(*json.loads(version)), json.loads(hashes)) for version, hashes in rows]

    def drop_doubts(self) -> None:
        """Note that what was doubted and not recorded never came to stand."""
        with self._connection() as connection:
            connection.execute("DELETE FROM doubts WHERE root = ?", (self.root,))

    def add_pending_years(self, years: set[int]) -> None:
        """Note that the aggregates of these years are out of date, before the rows they stem from change."""
        with self._connection() as connection:
            connection.executemany(
                "INSERT INTO pending_years VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(self.root, year) for year in sorted(years)],
            )

    def pending_years(self) -> list[int]:
        """The fiscal years whose aggregates are out of date."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT fiscal_year FROM pending_years WHERE root = ? ORDER BY fiscal_year", (self.root,)
            )
            return [row[0] for row in rows]

    def settle_years(self, years: set[int]) -> None:
        """Note that the aggregates of these years are up to date."""
        with self._connection() as connection:
            connection.executemany(
                "DELETE FROM pending_years WHERE root = ? AND fiscal_year = ?", [(self.root, year) for year in years]
            )
