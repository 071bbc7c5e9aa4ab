"""What runs by itself: releases are taken in when they arrive, and the aggregates follow for the years they touch."""

import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from kzz_pipeline.assets import FISCAL_YEARS, RELEASES, Roots
from kzz_pipeline.catalogue import Catalogue
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.home import PROCESS_TAG
from kzz_pipeline.intake import Arrival, survey
from kzz_pipeline.publication import keep_quarantine, settle_doubts, withdraw
from kzz_pipeline.settings import Settings

RELEASE_JOB = "take_in_releases"
YEARLY_JOB = "aggregate_years"
# Releases in one run: bounds the size of its log and what an interruption costs.
MOST_PER_RUN = 500
# Releases taken in one tick of the sensor: hundreds at once come in bounded batches.
MOST_PER_TICK = 2000
# A file whose size and times stood still for so long is taken to be whole.
SETTLED_SECONDS = 10


def ranges(known: list[str], wanted: set[str]) -> list[tuple[str, str]]:
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


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags by which one run covers a range of partitions."""
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def release_requests(
    instance: dg.DagsterInstance, marks: dict[str, str], job: str | None = None
) -> tuple[list[dg.RunRequest], list[str]]:
    """Runs over these releases (id to fingerprint), keyed by content, and the partitions to add for them."""
    known = list(instance.get_dynamic_partitions(RELEASES.name or ""))
    new = sorted(set(marks) - set(known))
    requests = []
    for first, last in ranges([*known, *new], set(marks)):
        keys = [*known, *new]
        covered = keys[keys.index(first) : keys.index(last) + 1]
        content = "\n".join(f"{key} {marks[key]}" for key in covered)
        run_key = hashlib.sha256(content.encode()).hexdigest()
        requests.append(dg.RunRequest(run_key=run_key, job_name=job, tags=range_tags(first, last)))
    return requests, new


def _is_settled(arrival: Arrival, seen: dict[str, str], now: float) -> bool:
    """Whether a file is whole: untouched for a while, or as it was at the last tick."""
    still = now - arrival.file.path.stat().st_mtime >= SETTLED_SECONDS
    return still or seen.get(arrival.file.release_id) == arrival.file.stamp


@dg.sensor(
    job_name=RELEASE_JOB,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes in each new or changed file under the raw root, once, as soon as it is whole.",
)
def releases_arrived(context: dg.SensorEvaluationContext, roots: Roots) -> dg.SensorResult | dg.SkipReason:
    settings = roots.settings
    reap_dead_runs(context.instance)
    state = json.loads(context.cursor or "{}")
    asked, seen = state.get("asked", {}), state.get("seen", {})
    try:
        catalogue = Catalogue(settings.catalogue_path, settings.out_root)
        # Where a run publishes now, or a store still holds a killed one's lock, a run that is asked for settles first.
        with suppress(Refusal):
            settle_doubts(settings, catalogue, waits=False)
        found = survey(settings, catalogue)
        if not found.has_doubts:
            withdraw(settings, catalogue, [*found.new_aliases, *found.withdrawn])
        keep_quarantine(settings, found)
    except Refusal as refusal:
        return dg.SkipReason(str(refusal))
    for file in found.refused:
        context.log.warning(f"refused {file.source_path}: {file.refusal}")
    now = time.time()
    fresh = [arrival for arrival in found.arrivals if asked.get(arrival.file.release_id) != arrival.fingerprint]
    whole = [arrival for arrival in fresh if _is_settled(arrival, seen, now)][:MOST_PER_TICK]
    marks = {arrival.file.release_id: arrival.fingerprint for arrival in whole}
    waiting = {arrival.file.release_id: arrival.file.stamp for arrival in fresh if arrival.file.release_id not in marks}
    arriving = {arrival.file.release_id for arrival in found.arrivals}
    asked = {key: mark for key, mark in asked.items() if key in arriving} | marks
    cursor = json.dumps({"asked": asked, "seen": waiting}, sort_keys=True)
    if not marks:
        return _nothing(context, cursor, len(found.unchanged), len(found.arrivals) - len(waiting), len(waiting))
    requests, new = release_requests(context.instance, marks)
    add = [RELEASES.build_add_request(new)] if new else []
    return dg.SensorResult(run_requests=requests, dynamic_partitions_requests=add, cursor=cursor)


def _nothing(
    context: dg.SensorEvaluationContext, cursor: str, unchanged: int, asked: int, waiting: int
) -> dg.SensorResult:
    parts = [f"{unchanged} release(s) unchanged"]
    if asked:
        parts.append(f"{asked} already asked for and on the way (or failed: see Runs)")
    if waiting:
        parts.append(f"{waiting} still being copied")
    return dg.SensorResult(skip_reason=", ".join(parts), cursor=cursor)


@dg.sensor(
    job_name=YEARLY_JOB,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Aggregates exactly the fiscal years whose rows changed.",
)
def years_touched(context: dg.SensorEvaluationContext, roots: Roots) -> Iterator[dg.RunRequest | dg.SkipReason]:
    catalogue = Catalogue(roots.settings.catalogue_path, roots.settings.out_root)
    years = {str(year) for year in catalogue.pending_years()}
    known = list(context.instance.get_dynamic_partitions(FISCAL_YEARS.name or ""))
    if not years:
        yield dg.SkipReason("every fiscal year is up to date")
        return
    for first, last in ranges(known, years):
        # What failed is asked for again on the next day.
        key = f"{first}-{last}-{catalogue.last_version()}-{datetime.now(UTC):%Y-%m-%d}"
        yield dg.RunRequest(run_key=key, tags=range_tags(first, last))


@dg.schedule(
    job_name=RELEASE_JOB,
    cron_schedule="30 5 * * *",
    execution_timezone="Asia/Shanghai",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Sweeps up daily what the sensor missed, such as releases whose run failed.",
)
def daily_sweep(context: dg.ScheduleEvaluationContext, roots: Roots) -> list[dg.RunRequest] | dg.SkipReason:
    settings: Settings = roots.settings
    reap_dead_runs(context.instance)
    found = survey(settings, Catalogue(settings.catalogue_path, settings.out_root))
    marks = {arrival.file.release_id: arrival.fingerprint for arrival in found.arrivals}
    if not marks:
        return dg.SkipReason(f"nothing new: {len(found.unchanged)} release(s) unchanged")
    requests, new = release_requests(context.instance, marks)
    context.instance.add_dynamic_partitions(RELEASES.name or "", new)
    # A schedule's day is its key: what failed under yesterday's is asked for again.
    day = f"{context.scheduled_execution_time:%Y-%m-%d}"
    return [dg.RunRequest(run_key=f"{day} {request.run_key}", tags=request.tags) for request in requests]


def this_process() -> str:
    """A name for this process that another one can look up."""
    return f"{socket.gethostname()}:{os.getpid()}"


def reap_dead_runs(instance: dg.DagsterInstance) -> None:
    """Mark as failed the command-line runs whose process is gone, which no one else would."""
    unfinished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED]
    )
    for run in instance.get_runs(unfinished):
        host, _, process = run.tags.get(PROCESS_TAG, "").rpartition(":")
        if host == socket.gethostname() and not _is_alive(int(process)):
            instance.report_run_failed(run, "its process ended before it did; the release is taken in again")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
