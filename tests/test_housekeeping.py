"""What is removed once it is old, and what never is."""

import os
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from conftest import REAL_ID, Workplace

from kzz_pipeline.assets import FISCAL_YEARS
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.definitions import defs
from kzz_pipeline.files import write_temporary
from kzz_pipeline.housekeeping import tidy, tidy_when_due
from kzz_pipeline.settings import settings
from kzz_pipeline.state import StageStore

Run = Callable[[], None]


def _age(workplace: Workplace, days: int) -> None:
    """Let everything that was recorded so far be so many days older."""
    with sqlite3.connect(workplace.home / "history" / "runs.db") as runs:
        runs.execute("UPDATE runs SET update_timestamp = datetime(update_timestamp, ?)", (f"-{days} days",))
    then = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    with sqlite3.connect(workplace.home / "kzz" / "catalogue.sqlite") as catalogue:
        catalogue.execute("UPDATE versions SET recorded_at = ?", (then,))


def _last_made(instance: dg.DagsterInstance) -> dict[str, set[str]]:
    """The partitions that the UI shows as materialized."""
    assets = ("raw_text", "parsed_blocks", "normalized_indicators", "curated_tables", "yearly_aggregates")
    return {name: instance.get_materialized_partitions(dg.AssetKey(name)) for name in assets}


def test_old_runs_go_except_those_that_made_what_is_shown(
    workplace: Workplace, real_text: str, in_process: Run
) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    workplace.put("2020/other.txt", real_text.replace("469.37", "469.38"))
    in_process()
    workplace.put("2020/kzz-key-projects.txt", real_text.replace("469.37", "469.39"))
    in_process()
    with dg.DagsterInstance.get() as instance:
        before, runs = _last_made(instance), {run.run_id: run.job_name for run in instance.get_runs()}
        assert tidy(settings(), instance).runs == 0
        _age(workplace, 91)
        assert tidy(settings(), instance).runs == 1
        left = {run.run_id: run.job_name for run in instance.get_runs()}
        # Of the first run, one release stands as it made it; its years were made again.
        assert sorted(left.values()) == ["aggregate_years", "take_in_releases", "take_in_releases"]
        assert set(left) < set(runs)
        assert _last_made(instance) == before
        folder = workplace.home / "history" / "runs"
        assert {path.stem for path in folder.glob("*.db")} == {*left, "index"}


def test_intermediate_tables_go_and_are_made_again_when_asked_for(
    workplace: Workplace, real_text: str, in_process: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    workplace.put("2021/half.txt", real_text.encode()[:20000])
    in_process()
    published, stages = workplace.files(), StageStore(settings().state_root)
    _age(workplace, 20)
    monkeypatch.setenv("KZZ_KEEP_DAYS", "14")
    with dg.DagsterInstance.get() as instance:
        assert tidy(settings(), instance).releases == 1
        assert [path.name for path in stages.root.iterdir()] == ["2021-half"]
        assert workplace.files() == published
        assert tidy(settings(), instance).releases == 0
        done = defs.resolve_job_def("take_in_releases").execute_in_process(
            instance=instance, partition_key=REAL_ID, asset_selection=[dg.AssetKey("curated_tables")]
        )
        assert done.success
    assert stages.has_tables(REAL_ID, ("cells", "findings"))
    assert workplace.files() == published


def test_half_of_the_intermediate_tables_are_made_whole(workplace: Workplace, real_text: str, in_process: Run) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    in_process()
    published, stages = workplace.files(), StageStore(settings().state_root)
    for name in ("cells.arrow", "record.json", "indicators.arrow"):
        (stages.root / REAL_ID / name).unlink()
        with dg.DagsterInstance.get() as instance:
            done = defs.resolve_job_def("take_in_releases").execute_in_process(
                instance=instance, partition_key=REAL_ID, asset_selection=[dg.AssetKey("curated_tables")]
            )
        assert done.success
        assert (stages.root / REAL_ID / name).is_file()
        assert workplace.files() == published


def test_the_run_that_checked_last_stays(workplace: Workplace, real_text: str, in_process: Run) -> None:
    workplace.put("2021/half.txt", real_text.encode()[:20000])
    in_process()
    key = dg.AssetCheckKey(dg.AssetKey("curated_tables"), "publishable")
    with dg.DagsterInstance.get() as instance:
        defs.resolve_job_def("take_in_releases").execute_in_process(
            instance=instance,
            partition_key="2021-half",
            asset_selection=[dg.AssetKey("curated_tables")],
            raise_on_error=False,
        )
        checked = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key].run_id
        _age(workplace, 91)
        tidy(settings(), instance)
        assert instance.get_run_by_id(checked) is not None


def test_what_killed_runs_left_half_kept_goes_after_a_day(
    workplace: Workplace, real_text: str, in_process: Run
) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    in_process()
    bytes_of, versions = next(settings().bytes_root.iterdir()), settings().state_root / "versions" / REAL_ID
    half = [write_temporary(bytes_of / "half", b"ha"), versions / ".1.tmp-7" / "projects"]
    half[1].mkdir(parents=True)
    (half[1] / "2020.parquet").write_bytes(b"PAR1")
    yesterday = time.time() - 25 * 3600
    for path in (half[0], half[1].parent):
        os.utime(path, (yesterday, yesterday))
    at_work = write_temporary(bytes_of / "another", b"an")
    kept = {path: path.read_bytes() for path in settings().bytes_root.rglob("*") if path.is_file()}
    with dg.DagsterInstance.get() as instance:
        tidy(settings(), instance)
    left = {path: path.read_bytes() for path in settings().bytes_root.rglob("*") if path.is_file()}
    assert left == {path: data for path, data in kept.items() if path != half[0]}
    assert at_work in left
    assert list(versions.iterdir()) == []


def test_tidying_is_done_once_a_day_by_the_command_line(workplace: Workplace, real_text: str, in_process: Run) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    in_process()
    _age(workplace, 100)
    with dg.DagsterInstance.get() as instance:
        tidy_when_due(settings(), instance)
        assert list(StageStore(settings().state_root).root.iterdir())
        (mark,) = workplace.home.glob("tidied-*")
        mark.unlink()
        tidy_when_due(settings(), instance)
    assert not list(StageStore(settings().state_root).root.iterdir())


def test_the_interface_tidies_by_itself(workplace: Workplace, real_text: str, in_process: Run) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    in_process()
    _age(workplace, 100)
    with dg.DagsterInstance.get() as instance:
        assert defs.resolve_job_def("tidy_up").execute_in_process(instance=instance).success
        assert FISCAL_YEARS.get_partition_keys(dynamic_partitions_store=instance) == ["2020", "2021"]
    assert not list(StageStore(settings().state_root).root.iterdir())
    schedules = {schedule.name: schedule.default_status for schedule in defs.get_repository_def().schedule_defs}
    assert schedules["daily_tidying"] == dg.DefaultScheduleStatus.RUNNING


@pytest.mark.parametrize("days", ["0", "-1", "soon", "1.5", "９０"])
def test_a_wrong_number_of_days_is_refused(days: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KZZ_KEEP_DAYS", days)
    with pytest.raises(Refusal, match="KZZ_KEEP_DAYS"):
        settings()
