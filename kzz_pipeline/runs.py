"""Taking in what arrived, through a Dagster instance: few runs over ranges of releases, then the years they touch."""

from collections.abc import Iterable

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from kzz_pipeline.assets import FISCAL_YEARS, RELEASES
from kzz_pipeline.catalogue import Catalogue
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.definitions import defs, release_job, yearly_job
from kzz_pipeline.settings import Settings

# Releases in one run: bounds the size of its log and what an interruption costs.
MOST_PER_RUN = 500
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def take_in(settings: Settings, release_ids: Iterable[str]) -> None:
    """Materialize every stage of these releases, then the aggregates of the fiscal years that they touch.

    Raises Refusal where a run itself fails; releases that are refused do not fail it.
    """
    with dg.DagsterInstance.get() as instance:
        keys = list(release_ids)
        _add_partitions(instance, RELEASES, keys)
        for first, last in ranges(instance.get_dynamic_partitions(RELEASES.name or ""), set(keys)):
            _run(instance, release_job.name, first, last)
        aggregate_pending(settings, instance)


def aggregate_pending(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Materialize the aggregates that are out of date."""
    years = [str(year) for year in Catalogue(settings.catalogue_path, settings.out_root).pending_years()]
    _add_partitions(instance, FISCAL_YEARS, years)
    for first, last in ranges(instance.get_dynamic_partitions(FISCAL_YEARS.name or ""), set(years)):
        _run(instance, yearly_job.name, first, last)


def ranges(known: list[str] | tuple[str, ...], wanted: set[str]) -> list[tuple[str, str]]:
    """The wanted keys as ranges (first and last key) over the known ones in their order, none over MOST_PER_RUN."""
    found: list[tuple[str, str]] = []
    length = 0
    for at, key in enumerate(known):
        if key not in wanted:
            length = 0
        elif 0 < length < MOST_PER_RUN and known[at - 1] == found[-1][1]:
            found[-1] = (found[-1][0], key)
            length += 1
        else:
            found.append((key, key))
            length = 1
    return found


def _add_partitions(instance: dg.DagsterInstance, definition: dg.DynamicPartitionsDefinition, keys: list[str]) -> None:
    name = definition.name or ""
    known = set(instance.get_dynamic_partitions(name))
    new = [key for key in keys if key not in known]
    if new:
        instance.add_dynamic_partitions(name, new)


def _run(instance: dg.DagsterInstance, job: str, first: str, last: str) -> None:
    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        run_config=_QUIET,
        raise_on_error=False,
        tags={ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last},
    )
    for event in result.all_events:
        if event.is_step_failure and event.step_failure_data.error:
            error = event.step_failure_data.error
            if error.cls_name == "DagsterAssetCheckFailedError":
                continue  # a release was refused: it says so itself
            cause = error.cause or error
            raise Refusal(
                "run-failed",
                f"run {result.run_id} failed in {event.step_key}: {cause.message.strip().splitlines()[-1]}",
                "look at the run in the UI (make ui), then run again: nothing half done is published",
            )
