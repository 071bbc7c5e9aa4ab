"""Dagster's event log in SQLite, its databases kept open: a run over many releases writes it several times as fast.

Dagster's own storage opens a database, flushes it to the disk and closes it for every event, of which a run writes some
ten per release. The files are the same; either storage goes on where the other left off. Named in `dagster.yaml`
(home.py).
"""

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dagster._config import StringSource
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine

# The index over all runs and the runs that are being written or looked at.
_MOST_OPEN = 8


class OpenSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's SQLite event log under `home`/history/runs, with the databases used last kept open."""

    def __init__(self, home: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._open: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(os.path.join(home, "history", "runs"), inst_data)

    @classmethod
    def config_type(cls) -> Any:
        return {"home": StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "OpenSqliteEventLogStorage":
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._open:
            while len(self._open) >= _MOST_OPEN:
                self._open.popitem(last=False)[1].dispose()
            url = self.conn_string_for_shard(shard)
            engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
            event.listen(engine, "connect", _flush_seldom)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._open[shard] = engine
        self._open.move_to_end(shard)
        return self._open[shard]

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event, and let those who watch the run's database (the web interface does) know of it."""
        super().store_event(event)
        # What is written goes to a file beside the database first.
        os.utime(self.path_for_shard(event.run_id))

    def delete_events(self, run_id: str) -> None:
        """Delete a run's events, and its database with them, which would stay at its full size."""
        super().delete_events(run_id)
        with self._db_lock:
            if (engine := self._open.pop(run_id, None)) is not None:
                engine.dispose()
            self._initialized_dbs.discard(run_id)
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    Path(self.path_for_shard(run_id) + suffix).unlink()

    def wipe(self) -> None:
        """Delete every event and the databases of all runs."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()
        self._close()

    def _close(self) -> None:
        with self._db_lock:
            while self._open:
                self._open.popitem()[1].dispose()


def _flush_seldom(connection: Any, _: Any) -> None:
    """Leave it to SQLite when to flush its write-ahead log.

    A power cut may take the last events with it, never the database: they are of a run which it ended as well.
    """
    connection.execute("PRAGMA synchronous=NORMAL")
