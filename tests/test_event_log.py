"""The event log that is kept open: what it writes is Dagster's own, and whoever watches a run hears of it."""

import threading
from collections.abc import Callable

import dagster as dg
import pytest
from conftest import REAL_ID, Workplace

from kzz_pipeline.event_log import OpenSqliteEventLogStorage
from kzz_pipeline.home import prepare


def _published() -> list[str | None]:
    with dg.DagsterInstance.get() as instance:
        records = instance.fetch_materializations(dg.AssetKey("curated_tables"), limit=10).records
        return [record.partition_key for record in records]


def test_dagsters_own_storage_reads_and_goes_on(
    workplace: Workplace, real_text: str, in_process: Callable[[], None]
) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    in_process()
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, OpenSqliteEventLogStorage)
    settings = workplace.home / "dagster.yaml"
    ours = settings.read_text(encoding="utf-8")
    settings.write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    with dg.DagsterInstance.get() as instance:
        assert not isinstance(instance.event_log_storage, OpenSqliteEventLogStorage)
    assert _published() == [REAL_ID]
    workplace.put("2021/later.txt", real_text.replace("469.37", "469.38"))
    in_process()
    settings.write_text(ours, encoding="utf-8")
    assert _published() == ["2021-later", REAL_ID]


def test_deleted_run_leaves_no_database(workplace: Workplace, real_text: str, in_process: Callable[[], None]) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    in_process()
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs():
            assert instance.all_logs(run.run_id)
            instance.delete_run(run.run_id)
        assert [path.name for path in (workplace.home / "history" / "runs").glob("*.db")] == ["index.db"]


def test_who_watches_a_run_is_told_of_each_event(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(workplace.home))
    prepare(workplace.home)
    heard = threading.Event()

    @dg.job
    def work() -> None:
        @dg.op
        def step() -> None:
            assert True

        step()

    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(work)
        instance.report_engine_event("begins", run)
        instance.watch_event_logs(
            run.run_id, None, lambda event, _: heard.set() if event.message == "goes on" else None
        )
        instance.report_engine_event("goes on", run)
        assert heard.wait(20)
