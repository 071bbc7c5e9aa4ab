"""What is removed by itself: logs of runs that nothing shows any more, intermediate tables of releases long published,
and what killed runs left half written.

What an auditor asks for is kept for good: the bytes of every release, the versions that were replaced, the catalogue.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg

from kzz_pipeline.catalogue import Catalogue
from kzz_pipeline.files import is_due, is_remote, remove_unfinished
from kzz_pipeline.settings import Settings
from kzz_pipeline.state import StageStore

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_EVERY = timedelta(days=1)
_AT_A_TIME = 500


class Tidied(NamedTuple):
    """How many runs, and intermediate tables of how many releases, were removed."""

    runs: int
    releases: int


def tidy_when_due(settings: Settings, instance: dg.DagsterInstance) -> None:
    """`tidy`, at most once a day."""
    if is_due(settings.home / f"tidied-{settings.state_root.name}", _EVERY):
        tidy(settings, instance)


def tidy(settings: Settings, instance: dg.DagsterInstance) -> Tidied:
    """Remove what is older than the settings' `kept_days`. Call it as the only run on these releases."""
    before = datetime.now(UTC) - timedelta(days=settings.kept_days)
    _forget_unfinished(settings)
    return Tidied(_forget_runs(instance, before), _forget_stages(settings, before))


def _forget_unfinished(settings: Settings) -> None:
    """Remove what killed runs left of bytes and replaced versions that they were keeping; another may be at work now."""
    before = time.time() - _EVERY.total_seconds()
    for root in (settings.bytes_root, settings.state_root / "versions"):
        if not is_remote(root) and root.is_dir():
            for folder in root.iterdir():
                remove_unfinished(folder, before)


def _forget_runs(instance: dg.DagsterInstance, before: datetime) -> int:
    """Delete runs that ended, except those in which a release, a year or a table was materialized last.

    Their events go with them: without the last, what is published would be shown as never made.
    """
    old = {run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=_ENDED, updated_before=before))}
    forgotten = old - _shown_runs(instance) if old else old
    for run_id in forgotten:
        instance.delete_run(run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id])
    return len(forgotten)


def _shown_runs(instance: dg.DagsterInstance) -> set[str]:
    """The runs that made or checked the last of anything."""
    from kzz_pipeline.definitions import defs  # which names the job that calls this

    shown = set()
    for key in instance.all_asset_keys():
        if (last := instance.get_latest_materialization_event(key)) is not None:
            shown.add(last.run_id)
        by_partition = instance.event_log_storage.get_latest_storage_id_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        ids = list(by_partition.values())
        for at in range(0, len(ids), _AT_A_TIME):
            some = ids[at : at + _AT_A_TIME]
            wanted = dg.AssetRecordsFilter(key, storage_ids=some)
            shown |= {record.run_id for record in instance.fetch_materializations(wanted, limit=len(some)).records}
    graph = defs.resolve_asset_graph()
    checked = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(graph.asset_check_keys))
    return shown | {record.run_id for record in checked.values()}


def _forget_stages(settings: Settings, before: datetime) -> int:
    """Remove the intermediate tables of published releases; those of refused ones say why."""
    store = StageStore(settings.state_root)
    limit = before.isoformat(timespec="seconds")
    versions = Catalogue(settings.catalogue_path, settings.out_root).current().values()
    long_published = [known for known in versions if known.status == "published" and known.recorded_at < limit]
    return sum(store.forget(known.release_id) for known in long_published)
