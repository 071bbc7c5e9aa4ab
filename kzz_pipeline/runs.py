"""Taking in what arrived, through a Dagster instance: few runs over ranges of releases, then the years they touch."""

import gc
from collections.abc import Iterable

import dagster as dg

from kzz_pipeline.arrivals import RELEASE_JOB, YEARLY_JOB, range_tags, ranges, reap_dead_runs, this_process
from kzz_pipeline.assets import FISCAL_YEARS, RELEASES
from kzz_pipeline.catalogue import Catalogue
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.definitions import defs
from kzz_pipeline.home import PROCESS_TAG
from kzz_pipeline.housekeeping import tidy_when_due
from kzz_pipeline.settings import Settings

_FEW = 10
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def take_in(settings: Settings, release_ids: Iterable[str]) -> None:
    """Materialize every stage of these releases, then the aggregates of the fiscal years that they touch.

    Raises Refusal where a run itself fails; releases that are refused do not fail it.
    """
    # What was imported and surveyed stays: the collector need not look at all of it again and again.
    gc.freeze()
    try:
        with dg.DagsterInstance.get() as instance:
            reap_dead_runs(instance)
            keys = list(release_ids)
            _run_over(instance, RELEASE_JOB, RELEASES, keys)
            years = [str(year) for year in Catalogue(settings.catalogue_path, settings.out_root).pending_years()]
            _run_over(instance, YEARLY_JOB, FISCAL_YEARS, years)
            tidy_when_due(settings, instance)
    finally:
        gc.unfreeze()


def _run_over(
    instance: dg.DagsterInstance, job: str, definition: dg.DynamicPartitionsDefinition, keys: list[str]
) -> None:
    name = definition.name or ""
    # A few new ones are told sooner than all that are known are listed.
    is_new = len(keys) <= _FEW and not any(instance.has_dynamic_partition(name, key) for key in keys)
    known = [] if is_new else list(instance.get_dynamic_partitions(name))
    there = set(known)
    if new := [key for key in keys if key not in there]:
        instance.add_dynamic_partitions(name, new)
    for first, last in ranges([*known, *new], set(keys)):
        _run(instance, job, first, last)


def _run(instance: dg.DagsterInstance, job: str, first: str, last: str) -> None:
    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        run_config=_QUIET,
        raise_on_error=False,
        tags={**range_tags(first, last), PROCESS_TAG: this_process()},
    )
    for event in result.all_events:
        if event.is_step_failure and event.step_failure_data.error:
            error = event.step_failure_data.error
            if error.cls_name == "DagsterAssetCheckFailedError" and job == RELEASE_JOB:
                continue  # a release was refused: it says so itself
            cause = error.cause or error
            # A place that cannot be written and the like is for the user to mend, and says how itself.
            is_refusal = "Refusal" in (error.cls_name, cause.cls_name)
            raise Refusal(
                "run-stopped" if is_refusal else "run-failed",
                f"run {result.run_id} failed in {event.step_key}: {cause.message.strip().splitlines()[-1]}",
                "nothing half done is published"
                if is_refusal
                else "look at the run in the UI (make ui), then run again: nothing half done is published",
            )
