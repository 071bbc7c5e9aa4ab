"""What the Dagster UI shows of an asset and of each materialization, in words and tables a newcomer understands."""

from typing import Any

import dagster as dg

from kzz_pipeline.schema import TABLES, table_schema
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
            shown["dagster/row_count"] = release["indicator_count"]
            shown["findings by rule"] = _counts(facts.pop("findings_by_rule"))
            shown["files"] = dg.MetadataValue.md("\n".join(f"- `{place}`" for place in sorted(outcome.files)))
            facts["fiscal_years"] = ", ".join(str(year) for year in facts["fiscal_years"])
            facts |= {name: release[name] for name in ("project_count", "unread_cell_count", "error_count", "warning_count", "info_count")}
    return shown | facts


def of_refused(refused: list[Outcome]) -> Metadata:
    """What a check says of the releases that were set aside."""
    if not refused:
        return {"refused releases": 0}
    rows = ["| release | line | what | what to do |", "|---|---|---|---|"]
    for outcome in refused[:_FIRST]:
        refusal = outcome.refusal
        if refusal is not None:
            rows.append(f"| {outcome.release_id} | {refusal.line or ''} | {refusal.message} | {refusal.advice} |")
    return {"refused releases": len(refused), "first of them": dg.MetadataValue.md("\n".join(rows))}


def of_year(settings: Settings, year: Year) -> Metadata:
    """What a fiscal year's materialization says."""
    summary = year.tables["yearly_summary"].to_pylist()[0]
    shown = {name: str(value) if name.endswith("_cny") else value for name, value in summary.items() if name != "source_sha256s"}
    return {
        "dagster/row_count": year.tables["yearly_by_unit"].num_rows,
        "path": dg.MetadataValue.path(str(settings.out_root / "yearly_summary" / f"{year.fiscal_year}.parquet")),
        "status": "; ".join(year.problems) or "ok",
        **{name: value for name, value in shown.items() if value is not None},
    }


def _counts(counts: dict[str, int]) -> Any:
    rows = [f"| {name} | {count} |" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return dg.MetadataValue.md("\n".join(["| | count |", "|---|---|", *rows]))
