"""The pipeline in a real Dagster instance: partitions, runs, checks, what the UI is told."""

import itertools
import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime

import dagster as dg
import pytest
from conftest import REAL_ID, Workplace

from kzz_pipeline.arrivals import MOST_PER_RUN, daily_sweep, ranges, releases_arrived, years_touched
from kzz_pipeline.assets import Roots
from kzz_pipeline.catalogue import Catalogue, Doubt
from kzz_pipeline.definitions import defs
from kzz_pipeline.home import prepare
from kzz_pipeline.storage import writer

Run = Callable[[], None]


def _events(instance: dg.DagsterInstance, asset: str) -> dict[str | None, dg.AssetMaterialization]:
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records
    found: dict[str | None, dg.AssetMaterialization] = {}
    for record in records:
        event = record.asset_materialization
        if event is not None:
            found.setdefault(event.partition, event)
    return found


def test_definitions_tell_the_mission() -> None:
    dg.Definitions.validate_loadable(defs)
    graph = defs.resolve_asset_graph()
    chain = ["raw_text", "parsed_blocks", "normalized_indicators", "curated_tables", "yearly_aggregates"]
    for before, after in itertools.pairwise(chain):
        assert dg.AssetKey(before) in graph.get(dg.AssetKey(after)).parent_keys
    groups = [graph.get(dg.AssetKey(name)).group_name for name in chain]
    assert groups == sorted(groups)
    assert all(graph.get(key).description and graph.get(key).owners for key in graph.get_all_asset_keys())
    repository = defs.get_repository_def()
    assert {sensor.name for sensor in repository.sensor_defs} >= {"releases_arrived", "years_touched"}
    assert all(sensor.default_status == dg.DefaultSensorStatus.RUNNING for sensor in repository.sensor_defs)
    assert next(schedule.default_status for schedule in repository.schedule_defs) == dg.DefaultScheduleStatus.RUNNING


def test_many_releases_share_a_run(workplace: Workplace, real_text: str, in_process: Run) -> None:
    for number in range(5):
        workplace.put(f"2020/r{number}.txt", real_text.replace("469.37", f"469.3{number}"))
    in_process()
    with dg.DagsterInstance.get() as instance:
        assert sorted(run.job_name for run in instance.get_runs()) == ["aggregate_years", "take_in_releases"]
        assert len(instance.get_dynamic_partitions("release_id")) == 5
        assert set(_events(instance, "curated_tables")) == {f"2020-r{number}" for number in range(5)}
        assert set(_events(instance, "yearly_aggregates")) == {"2020", "2021"}


def test_refused_release_fails_its_check_and_not_the_others(
    workplace: Workplace, real_text: str, in_process: Run
) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    workplace.put("2021/half.txt", real_text.encode()[:20000])
    in_process()
    assert set(workplace.read("releases")["release_id"]) == {REAL_ID}
    with dg.DagsterInstance.get() as instance:
        events = _events(instance, "curated_tables")
        assert "2021-half" not in events
        refused = _events(instance, "raw_text")["2021-half"]
        assert str(refused.metadata["status"].value).startswith("REFUSED")
        assert events[REAL_ID].metadata["status"].value == "ok"
        records = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(dg.AssetKey("curated_tables"), "publishable")]
        )
        evaluation = next(iter(records.values())).event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
        assert not evaluation.passed
        assert "2021-half" in str(evaluation.metadata["first of them"].value)


def test_only_touched_years_are_recomputed(workplace: Workplace, real_text: str, in_process: Run) -> None:
    only_2020 = real_text[: real_text.rindex("项目支出绩效目标表", 0, real_text.index("（2021年）"))]
    listed = [line for line in only_2020.split("\n") if not line[:1].isdigit() and not line.startswith("合计")]
    workplace.put("2020/kzz-key-projects.txt", real_text)
    in_process()
    workplace.put("2022/later.txt", "\n".join(listed).replace("(2020年)", "(2022年)"))
    in_process()
    with dg.DagsterInstance.get() as instance:
        runs = instance.fetch_materializations(dg.AssetKey("yearly_aggregates"), limit=100).records
        assert sorted(str(record.partition_key) for record in runs) == ["2020", "2021", "2022"]


def test_sensor_asks_once_for_what_is_new_and_says_why_it_waits(
    workplace: Workplace, real_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = workplace.put("2020/a.txt", real_text)
    os.utime(first, (1, 1))
    workplace.put("2020/still-copying.txt", real_text[:5000])
    roots = Roots(raw=str(workplace.raw), out=str(workplace.out))
    monkeypatch.setenv("DAGSTER_HOME", str(workplace.home))
    prepare(workplace.home)
    with dg.DagsterInstance.get() as instance, ExitStack() as opened:

        def context(cursor: str | None = None) -> dg.SensorEvaluationContext:
            built = dg.build_sensor_context(instance=instance, resources={"roots": roots}, cursor=cursor)
            return opened.enter_context(built)

        result = releases_arrived(context())
        assert isinstance(result, dg.SensorResult)
        assert [request.tags["dagster/asset_partition_range_start"] for request in result.run_requests or []] == [
            "2020-a"
        ]
        assert set(json.loads(result.cursor or "{}")["seen"]) == {"2020-still-copying"}
        instance.add_dynamic_partitions("release_id", ["2020-a"])
        second = releases_arrived(context(result.cursor))
        assert isinstance(second, dg.SensorResult)
        assert [r.tags["dagster/asset_partition_range_start"] for r in second.run_requests or []] == [
            "2020-still-copying"
        ]
        third = releases_arrived(context(second.cursor))
        assert isinstance(third, dg.SensorResult)
        assert third.skip_reason is not None
        assert "already asked for" in str(third.skip_reason.skip_message)
        day = dg.build_schedule_context(
            instance, scheduled_execution_time=datetime(2026, 1, 1, tzinfo=UTC), resources={"roots": roots}
        )
        sweep = daily_sweep(opened.enter_context(day))
        assert len(sweep) >= 1  # type: ignore[arg-type]
        waiting = list(years_touched(context()))  # type: ignore[call-overload]
        assert isinstance(waiting[0], dg.SkipReason)


def test_sensor_goes_on_asking_while_another_publishes_and_takes_nothing_out(
    workplace: Workplace, real_text: str, in_process: Run
) -> None:
    workplace.put("2020/a.txt", real_text)
    in_process()
    for name, text in (("2020/copy.txt", real_text), ("2020/new.txt", real_text.replace("469.37", "469.38"))):
        os.utime(workplace.put(name, text), (1, 1))
    roots = Roots(raw=str(workplace.raw), out=str(workplace.out))
    catalogue = Catalogue(roots.settings.catalogue_path, workplace.out)
    planned = Doubt(catalogue.current()["2020-a"]._replace(release_id="2020-b", file_list="x"), {})

    def asked() -> list[str]:
        context = dg.build_sensor_context(instance=instance, resources={"roots": roots})
        with context:
            result = releases_arrived(context)
        assert isinstance(result, dg.SensorResult)
        return [request.tags["dagster/asset_partition_range_start"] for request in result.run_requests or []]

    with dg.DagsterInstance.get() as instance:
        with writer(workplace.out):
            catalogue.doubt([planned])
            assert asked() == ["2020-new"]
            assert set(catalogue.current()) == {"2020-a"}
            assert catalogue.doubts() == [planned]
        assert asked() == ["2020-new"]
        assert catalogue.current()["2020-copy"].status == "alias"
        assert catalogue.doubts() == []


def test_ranges_join_neighbours_and_are_bounded() -> None:
    keys = [f"k{number:04d}" for number in range(MOST_PER_RUN + 3)]
    assert ranges(keys, {"k0001", "k0002", "k0005"}) == [("k0001", "k0002"), ("k0005", "k0005")]
    assert ranges(keys, set(keys)) == [("k0000", f"k{MOST_PER_RUN - 1:04d}"), (f"k{MOST_PER_RUN:04d}", keys[-1])]
