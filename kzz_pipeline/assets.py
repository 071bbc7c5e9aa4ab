"""The pipeline as Dagster sees it, top to bottom: raw text, parsed blocks, normalized indicators, curated tables
(each partitioned by release), yearly aggregates (partitioned by fiscal year).

Only wiring belongs here: what a stage does is in stages.py, what may be published in publication.py. One run may
cover many releases; one that is refused is set aside with its reason, and the rest go on.
"""

import hashlib
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import dagster as dg

from kzz_pipeline import pages
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.intake import code_fingerprint
from kzz_pipeline.publication import publish_releases, run_stage_on
from kzz_pipeline.settings import Settings, settings
from kzz_pipeline.stages import Outcome
from kzz_pipeline.state import hold
from kzz_pipeline.yearly import publish_years

# Pinned by the lock file, so that what is beta there cannot change under us.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

RELEASES = dg.DynamicPartitionsDefinition(name="release_id")
FISCAL_YEARS = dg.DynamicPartitionsDefinition(name="fiscal_year")
OWNERS = ["team:data"]
# A locality publishes its budget, with the targets, between January and the end of March.
FRESHNESS = dg.FreshnessPolicy.cron(deadline_cron="0 0 1 4 *", lower_bound_delta=timedelta(days=90))
# The blocking check of each stage.
_CHECKS = {
    "raw_text": "readable",
    "parsed_blocks": "cells_conserved",
    "normalized_indicators": "schema_valid",
    "curated_tables": "publishable",
}


class Roots(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The raw and the curated root: as configured, else KZZ_RAW and KZZ_OUT, else the project's own."""

    raw: str = ""
    out: str = ""

    @property
    def settings(self) -> Settings:
        return settings(self.raw or None, self.out or None)

    def held(self) -> Settings:
        """The settings, once no other process is at work on this curated root; held until this process ends."""
        hold(self.settings.state_root)
        return self.settings


@contextmanager
def _step(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Try again, with back-off, after what may pass (a disk or a database that is busy); say clearly what will not."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise dg.RetryRequested(max_retries=2, seconds_to_wait=5 * 2**context.retry_number) from error
    except Refusal as refusal:
        raise dg.Failure(description=str(refusal), allow_retries=False) from refusal


def _checks(asset: str, **descriptions: str) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(name, asset=asset, blocking=True, description=description)
        for name, description in descriptions.items()
    ]


def _options(asset: str, group: str, *kinds: str, **checks: str) -> dict[str, Any]:
    """What every asset by release says of itself."""
    return {
        "partitions_def": RELEASES,
        "backfill_policy": dg.BackfillPolicy.single_run(),
        "group_name": group,
        "owners": OWNERS,
        "kinds": {"python", *kinds},
        "tags": {"domain": "budget-performance"},
        "freshness_policy": FRESHNESS,
        "code_version": code_fingerprint()[:12],
        "metadata": pages.of_asset(asset),
        "check_specs": _checks(asset, **checks),
    }


_PUBLISHABLE = "No open finding forbids publication; rows in are rows out; every model holds."
_FINDINGS_CHECK = dg.AssetCheckSpec(
    "nothing_to_look_at", asset="curated_tables", description="No warning is open: nothing needs a person's eye."
)


@dg.asset(
    **_options("raw_text", "a_raw_text", "file", readable="The file is whole text in an encoding that is read."),
    description="Each release as it arrived: its bytes kept by hash, its encoding decided on the whole file.",
)
def raw_text(context: dg.AssetExecutionContext, roots: Roots) -> Iterator[dg.MaterializeResult[Any]]:
    with _step(context):
        outcomes = run_stage_on("raw_text", roots.held(), context.partition_keys, context.run.run_id)
    yield _materialized(context, outcomes)


@dg.asset(
    deps=[raw_text],
    **_options(
        "parsed_blocks", "b_parsed_blocks", "arrow",
        cells_conserved="Every non-empty cell of the file has exactly one role, or is listed as unread.",
    ),
    description="Each release as cells with line, column and role: titles, labels, values, indicators, or unread.",
)  # fmt: skip
def parsed_blocks(context: dg.AssetExecutionContext, roots: Roots) -> Iterator[dg.MaterializeResult[Any]]:
    with _step(context):
        outcomes = run_stage_on("parsed_blocks", roots.held(), context.partition_keys, context.run.run_id)
    yield _materialized(context, outcomes)


@dg.asset(
    deps=[parsed_blocks],
    **_options(
        "normalized_indicators", "c_normalized", "arrow",
        schema_valid="Rows keep to their Pandera models: types, keys, allowed values.",
    ),
    description=(
        "Each release as rows: indicators with canonical levels, units and numbers, beside what is printed; with "
        "the tables, listed projects and other fields they belong to."
    ),
)  # fmt: skip
def normalized_indicators(context: dg.AssetExecutionContext, roots: Roots) -> Iterator[dg.MaterializeResult[Any]]:
    with _step(context):
        outcomes = run_stage_on("normalized_indicators", roots.held(), context.partition_keys, context.run.run_id)
    yield _materialized(context, outcomes)


@dg.asset(
    deps=[normalized_indicators],
    **_options(
        "curated_tables", "d_curated", "parquet"
    )
    | {"check_specs": [*_checks("curated_tables", publishable=_PUBLISHABLE), _FINDINGS_CHECK]},
    # A release that was refused is not materialized: its partition stays missing, or as it was published before.
    output_required=False,
    description="Each release audited by every rule and, if nothing forbids it, published as Parquet, all tables at once.",
)  # fmt: skip
def curated_tables(
    context: dg.AssetExecutionContext, roots: Roots
) -> Iterator[dg.AssetMaterialization | dg.AssetCheckResult]:
    with _step(context):
        outcomes = list(publish_releases(roots.held(), context.partition_keys, context.run.run_id))
    years = {str(year) for outcome in outcomes for year in outcome.touched_years}
    known = set(context.instance.get_dynamic_partitions(FISCAL_YEARS.name or ""))
    if years - known:
        context.instance.add_dynamic_partitions(FISCAL_YEARS.name or "", sorted(years - known))
    warnings = sum(outcome.facts["release"]["warning_count"] for outcome in outcomes if outcome.refusal is None)
    findings = dg.AssetCheckResult(
        check_name=_FINDINGS_CHECK.name,
        passed=not warnings,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=pages.of_findings(roots.settings, outcomes),
    )
    for outcome in outcomes:
        if outcome.refusal is None:
            yield dg.AssetMaterialization(
                context.asset_key,
                partition=outcome.release_id,
                metadata=pages.of_outcome("curated_tables", outcome),
                tags={"dagster/data_version": _data_version([outcome])},
            )
    yield _stage_check(context, outcomes)
    yield findings


@dg.asset(
    deps=[dg.AssetDep(curated_tables, partition_mapping=dg.AllPartitionMapping())],
    partitions_def=FISCAL_YEARS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="e_yearly",
    owners=OWNERS,
    kinds={"python", "parquet"},
    tags={"domain": "budget-performance"},
    freshness_policy=FRESHNESS,
    metadata=pages.of_asset("yearly_aggregates"),
    check_specs=_checks(
        "yearly_aggregates",
        totals_conserved="Counts and funds by unit and by level add up to the year's, and to the rows.",
    ),
    description="Each fiscal year over all releases: funds, tables, indicators and findings, by unit and by level.",
)
def yearly_aggregates(context: dg.AssetExecutionContext, roots: Roots) -> Iterator[dg.MaterializeResult[Any]]:
    with _step(context):
        years = publish_years(roots.held(), [int(key) for key in context.partition_keys])
    pages.add_by_partition(context, {str(year.fiscal_year): pages.of_year(roots.settings, year) for year in years})
    problems = [f"{year.fiscal_year}: {problem}" for year in years for problem in year.problems]
    check = dg.AssetCheckResult(passed=not problems, metadata={"problems": "\n".join(problems) or "none"})
    yield dg.MaterializeResult(check_results=[check])


def _materialized(context: dg.AssetExecutionContext, outcomes: list[Outcome]) -> dg.MaterializeResult[Any]:
    """What a stage did, release by release, and its check."""
    stage = context.asset_key.to_user_string()
    pages.add_by_partition(context, {outcome.release_id: pages.of_outcome(stage, outcome) for outcome in outcomes})
    version = dg.DataVersion(_data_version(outcomes))
    return dg.MaterializeResult(data_version=version, check_results=[_stage_check(context, outcomes)])


def _stage_check(context: dg.AssetExecutionContext, outcomes: list[Outcome]) -> dg.AssetCheckResult:
    """The check of a stage: releases that were refused, by file and line. It logs them, and what was done."""
    stage = context.asset_key.to_user_string()
    refused = [outcome for outcome in outcomes if outcome.refusal is not None]
    for outcome in refused:
        if not outcome.passed_over:
            context.log.error(f"{outcome.release_id} was refused: {outcome.refusal}")
    done = len(outcomes) - len(refused)
    context.log.info(f"{stage}: {done} release(s) in {sum(outcome.seconds for outcome in outcomes):.2f} s")
    # Releases that were set aside do not stop the others; a run in which none is left stops.
    return dg.AssetCheckResult(
        check_name=_CHECKS[stage],
        passed=not refused,
        severity=dg.AssetCheckSeverity.WARN if done else dg.AssetCheckSeverity.ERROR,
        metadata=pages.of_refused(refused),
    )


def _data_version(outcomes: list[Outcome]) -> str:
    return hashlib.sha256("\n".join(_content(outcome) for outcome in outcomes).encode()).hexdigest()[:16]


def _content(outcome: Outcome) -> str:
    """What the outcome consists of, so that equal content has an equal data version."""
    if isinstance(outcome.refusal, Refusal):
        return f"{outcome.release_id} {outcome.refusal}"
    return f"{outcome.release_id} {outcome.facts} {sorted(outcome.published.items())}"
