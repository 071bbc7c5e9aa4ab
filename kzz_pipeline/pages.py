"""What the Dagster UI shows of an asset and of each materialization, in words and tables a newcomer understands."""

from collections import Counter
from itertools import chain, islice
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.context.metadata_logging import AssetMetadataHandle, OutputMetadataAccumulator

from kzz_pipeline.catalogue import Catalogue, refusal_of
from kzz_pipeline.files import first_rows, parquet_dataset
from kzz_pipeline.places import how_many_files, table_files
from kzz_pipeline.schema import SEVERITIES, TABLES, arrow_schema, table_schema
from kzz_pipeline.settings import Settings
from kzz_pipeline.stages import Outcome
from kzz_pipeline.yearly import Year

Metadata = dict[str, Any]
_TABLE_OF = {
    "raw_text": "raw_texts",
    "parsed_blocks": "cells",
    "normalized_indicators": "indicators",
    "curated_tables": "indicators",
    "yearly_aggregates": "yearly_summary",
}
_FIRST = 20
_PREVIEW = 5
_WIDTH = 40
_REGISTERED = 200


def _lineage_of(*names: str, **renamed: tuple[str, str]) -> dict[str, list[tuple[str, str]]]:
    found = {name: [("curated_tables", name)] for name in names}
    return found | {column: [source] for column, source in renamed.items()}


# From which columns the aggregates are made; the tables by release are the pipeline's own reading of the file.
_UPSTREAM = {
    "yearly_summary": _lineage_of(
        "fiscal_year", "total_funds_cny", "fiscal_funds_cny", "other_funds_cny",
        release_count=("projects", "release_id"), project_count=("projects", "project_id"),
        unit_count=("projects", "budget_unit"), indicator_count=("indicators", "indicator_id"),
        quantified_indicator_count=("indicators", "value_kind"), error_count=("findings", "severity"),
        warning_count=("findings", "severity"), info_count=("findings", "severity"),
        source_sha256s=("projects", "source_sha256"),
    ),
    "yearly_by_unit": _lineage_of(
        "fiscal_year", "budget_unit", "total_funds_cny", "fiscal_funds_cny", "other_funds_cny",
        project_count=("projects", "project_id"), indicator_count=("indicators", "indicator_id"),
        finding_count=("findings", "finding_id"), source_sha256s=("projects", "source_sha256"),
    ),
    "yearly_by_indicator": _lineage_of(
        "fiscal_year", "level1", "level2",
        indicator_count=("indicators", "indicator_id"), quantified_indicator_count=("indicators", "value_kind"),
        project_count=("indicators", "project_id"), source_sha256s=("projects", "source_sha256"),
    ),
    "project_years": _lineage_of(
        "fiscal_year", "project_key", "budget_unit", "project_name", "total_funds_cny", "fiscal_funds_cny",
        "other_funds_cny",
        indicator_count=("indicators", "indicator_id"), quantified_indicator_count=("indicators", "value_kind"),
        previous_total_funds_cny=("projects", "total_funds_cny"), change_cny=("projects", "total_funds_cny"),
        change_ratio=("projects", "total_funds_cny"), project_ids=("projects", "project_id"),
        release_ids=("projects", "release_id"), source_sha256s=("projects", "source_sha256"),
    ),
}  # fmt: skip


def add_by_partition(context: dg.AssetExecutionContext, metadata: dict[str, Metadata]) -> None:
    """Give each partition of a run its own metadata.

    `context.add_asset_metadata` lists every partition of the asset on each call, which is quadratic in a run over
    many; what it accumulates is set at once here instead.
    """
    step = context.get_step_execution_context()
    key = context.asset_key
    gathered: dict[Any, Metadata] = {
        AssetMetadataHandle(asset_key=key, partition_key=partition): facts for partition, facts in metadata.items()
    }
    known = step._metadata_accumulator.per_output_metadata
    step._metadata_accumulator = OutputMetadataAccumulator(per_output_metadata={**known, **gathered})


def of_asset(asset: str) -> Metadata:
    """What an asset's page says before anything ran: its columns."""
    name = _TABLE_OF[asset]
    return {"dagster/column_schema": table_schema(name), "table": TABLES[name].description}


def of_outcome(stage: str, outcome: Outcome) -> Metadata:
    """What a release's materialization says."""
    if outcome.refusal is not None:
        return {"status": f"REFUSED: {outcome.refusal}", "reason": outcome.refusal.code}
    facts = dict(outcome.facts)
    shown: Metadata = {"status": "ok", "seconds": round(outcome.seconds, 4)}
    match stage:
        case "parsed_blocks":
            shown["dagster/row_count"] = facts.pop("cell_count")
        case "normalized_indicators":
            shown["indicators by level"] = _counts(facts.pop("indicators_by_level2"))
            shown["dagster/row_count"] = facts.pop("indicators_rows")
        case "curated_tables":
            release = facts.pop("release")
            del facts["row_counts"]
            shown["dagster/row_count"] = release["indicator_count"]
            shown["findings by rule"] = _counts(facts.pop("findings_by_rule"))
            shown["first findings"] = _table(facts.pop("first_findings"))
            shown["files"] = dg.MetadataValue.md("\n".join(f"- `{place}`" for place in sorted(outcome.published)))
            if outcome.report_path is not None:
                shown["report"] = dg.MetadataValue.path(str(outcome.report_path))
            facts["fiscal_years"] = ", ".join(str(year) for year in facts["fiscal_years"])
            facts |= {
                name: release[name]
                for name in ("project_count", "unread_cell_count", "error_count", "warning_count", "info_count")
            }
    return shown | facts


def of_refused(refused: list[Outcome]) -> Metadata:
    """What a check says of the releases that were set aside."""
    if not refused:
        return {"refused releases": 0}
    rows = [
        {"release": outcome.release_id, "line": refusal.line, "what": refusal.message, "what to do": refusal.advice}
        for outcome in refused[:_FIRST]
        if (refusal := outcome.refusal) is not None
    ]
    return {"refused releases": len(refused), "first of them": _table(rows)}


def of_findings(settings: Settings, outcomes: list[Outcome]) -> Metadata:
    """What a check says of the findings of a run: how many, the first of them with their lines, where all are."""
    published = [outcome for outcome in outcomes if outcome.refusal is None]
    rules: Counter[str] = Counter()
    for outcome in published:
        rules.update(outcome.facts["findings_by_rule"])
    first = [row for outcome in published for row in outcome.facts["first_findings"]][:_FIRST]
    counts = {
        f"{severity}s": sum(outcome.facts["release"][f"{severity}_count"] for outcome in published)
        for severity in SEVERITIES
    }
    return {
        **counts,
        "findings by rule": _counts(rules),
        "first findings": _table(first),
        "all findings": dg.MetadataValue.path(str(settings.out_root / "findings")),
        "list them": "kzz findings",
    }


def _table(rows: list[dict[str, Any]]) -> dg.TableMetadataValue:
    """Rows as a table that the UI draws; all cells are text, which it shows as it is."""
    records = [
        dg.TableRecord({name: "" if value is None else str(value) for name, value in row.items()}) for row in rows
    ]
    names = list(rows[0]) if rows else ["nothing"]
    schema = dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in names])
    return dg.MetadataValue.table(records=records, schema=schema)


def of_year(settings: Settings, year: Year) -> Metadata:
    """What a fiscal year's materialization says."""
    summary = year.tables["yearly_summary"].to_pylist()[0]
    shown = {
        name: str(value) if name.endswith("_cny") else value
        for name, value in summary.items()
        if name != "source_sha256s"
    }
    return {
        "dagster/row_count": year.tables["yearly_by_unit"].num_rows,
        "path": dg.MetadataValue.path(str(settings.out_root / "yearly_summary" / f"{year.fiscal_year}.parquet")),
        "status": "; ".join(year.problems) or "ok",
        **{name: value for name, value in shown.items() if value is not None},
    }


def columns(name: str) -> Any:
    """A table's columns in words, with where each comes from: the UI shows no column lineage."""
    rows = [f"| {c.name} | {c.zh} | {c.type} | {c.description} | {c.source} |" for c in TABLES[name].columns]
    return dg.MetadataValue.md("\n".join(["| column | 中文 | type | meaning | from |", "|---|---|---|---|---|", *rows]))


def column_lineage(name: str) -> dg.TableColumnLineage:
    """Which column of which asset each column is made from, for consumers that show it.

    A table by release repeats the columns of the stage that makes them; the aggregates name what they sum and count.
    """
    upstream = _UPSTREAM.get(name, {})
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(asset_key=dg.AssetKey(asset), column_name=source) for asset, source in sources]
            for column, sources in upstream.items()
        }
    )


def of_table(settings: Settings, name: str, row_count: int | None) -> Metadata:
    """What a published table's materialization says: how many rows, where, and the first of them."""
    folder = settings.out_root / name
    number, last = how_many_files(folder)
    rows = first_rows(folder / last, _PREVIEW).to_pylist() if last else []
    count = row_count if row_count is not None else _count_rows(name, [folder / place for place in table_files(folder)])
    return {
        # Also here, beside the asset's definition: a consumer of lineage sees materializations only.
        "dagster/column_schema": table_schema(name),
        "dagster/column_lineage": column_lineage(name),
        "dagster/row_count": count,
        "dagster/uri": folder.as_uri(),
        "files": number,
        "preview": _table([{name: _cell(value) for name, value in row.items()} for row in rows]),
        "read it": dg.MetadataValue.md(f"```python\npd.read_parquet({str(folder)!r})\n```"),
    }


def _count_rows(name: str, files: list[Path]) -> int:
    return int(parquet_dataset(files, arrow_schema(name)).count_rows()) if files else 0


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return (text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…").replace("\n", " ")


def of_register(catalogue: Catalogue) -> Metadata:
    """What the register says: every release with its state, those that need a person first."""
    states = dict.fromkeys(("refused", "alias", "withdrawn", "published"), 0) | catalogue.states()
    first = chain.from_iterable(catalogue.first_in(state, _REGISTERED) for state, count in states.items() if count)
    rows = [
        {
            "release": version.release_id,
            "state": version.status,
            "why": str(refusal_of(version)) if version.status == "refused" else version.reason,
            "fiscal years": version.fiscal_years.replace(",", ", "),
            "recorded": version.recorded_at,
        }
        for version in islice(first, _REGISTERED)
    ]
    return {**states, "dagster/row_count": sum(states.values()), "register": _table(rows)}


def of_refused_versions(settings: Settings, catalogue: Catalogue) -> Metadata:
    """What the register's check says: each refused release, its reason, and where its report is."""
    rows = [
        {
            "release": version.release_id,
            "line": (why := refusal_of(version)).line,
            "what": why.message,
            "what to do": why.advice,
            "report": settings.quarantine_root / version.release_id / "report.md",
        }
        for version in catalogue.first_in("refused", _FIRST)
    ]
    return {"refused releases": catalogue.states().get("refused", 0), "first of them": _table(rows)}


def _counts(counts: dict[str, int]) -> Any:
    rows = [f"| {name} | {count} |" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return dg.MetadataValue.md("\n".join(["| | count |", "|---|---|", *rows]))
