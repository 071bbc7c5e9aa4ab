"""Yearly aggregates: from the published Parquet of a fiscal year to its summary tables.

Where two releases hold the same unit's same project for the same year, the one of the later release year counts (of
the same release year, the one whose release id comes last); both stay published, and a finding names them.
"""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from kzz_pipeline.catalogue import Catalogue
from kzz_pipeline.corrections import Corrections, read_corrections
from kzz_pipeline.schema import YEARLY_TABLES, arrow_schema, to_arrow, validate
from kzz_pipeline.settings import Settings
from kzz_pipeline.storage import (
    JOINED,
    Staged,
    parquet_bytes,
    parquet_dataset,
    publish,
    release_path,
    stage,
    writer,
    yearly_path,
)

FUNDS = ("total_funds_cny", "fiscal_funds_cny", "other_funds_cny")
ACROSS = "across-releases"
_PROJECTS = (
    "project_id", "project_key", "release_id", "release_year", "fiscal_year", "budget_unit", "project_name", *FUNDS,
    "source_path", "source_sha256", "source_line", "source_column",
)  # fmt: skip
_INDICATORS = ("project_id", "level1", "level2", "value_kind", "fiscal_year")
_FINDINGS = ("project_id", "severity", "rule", "accepted_reason", "fiscal_year")


@dataclass(frozen=True, slots=True)
class Year:
    """A fiscal year aggregated: its tables by name, and what is wrong with them (nothing, if they may be published)."""

    fiscal_year: int
    tables: dict[str, pa.Table]
    problems: list[str]


def read_year(out_root: Path, table: str, fiscal_year: int, columns: tuple[str, ...]) -> pa.Table:
    """The published rows of a fiscal year, these columns only; rows without a printed year are left out."""
    schema = arrow_schema(table)
    folder = out_root / table / str(fiscal_year)
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    wanted = pa.schema([schema.field(name) for name in columns])
    if not files:
        return wanted.empty_table()
    dataset = parquet_dataset(files, schema)
    condition = ds.field("fiscal_year") == fiscal_year
    if not any(file.name.startswith(JOINED) for file in files):
        return dataset.to_table(columns=list(columns), filter=condition)
    # In the order in which files of the releases' own would be read, joined or not.
    found = dataset.to_table(columns=list({"release_id": 0, **dict.fromkeys(columns)}), filter=condition)
    names = pc.binary_join_element_wise(found["release_id"], ".parquet", "")
    return found.take(pc.sort_indices(names)).select(list(columns))


def aggregate(out_root: Path, fiscal_year: int, corrections: Corrections | None = None) -> Year:
    """The yearly tables of a fiscal year, from what is published, with the findings that only several releases show."""
    projects = read_year(out_root, "projects", fiscal_year, _PROJECTS).to_pandas(types_mapper=pd.ArrowDtype)
    is_current = current_projects(projects)
    current = projects[is_current]
    across = _across_releases(projects, is_current, corrections or Corrections())
    indicators = read_year(out_root, "indicators", fiscal_year, _INDICATORS).to_pandas(types_mapper=pd.ArrowDtype)
    indicators = indicators[indicators["project_id"].isin(current["project_id"])]
    indicators["quantified"] = indicators["value_kind"] != "text"
    findings = read_year(out_root, "findings", fiscal_year, _FINDINGS)
    stored = findings.filter(pc.invert(pc.is_in(findings["rule"], pa.array(list(ACROSS_RULES)))))
    findings = pa.concat_tables([stored, across.select(list(_FINDINGS))])
    opened = findings.filter(pc.is_null(findings["accepted_reason"])).to_pandas(types_mapper=pd.ArrowDtype)
    tables = {
        "yearly_summary": _summary(fiscal_year, current, indicators, opened),
        "yearly_by_unit": _by_unit(fiscal_year, projects, current, indicators, opened),
        "yearly_by_indicator": _by_indicator(fiscal_year, current, indicators),
        "project_years": project_years(out_root, fiscal_year),
        "findings": across,
    }
    return Year(fiscal_year, tables, _problems(tables, current, indicators))


def current_projects(projects: pd.DataFrame) -> "pd.Series[bool]":
    """Which of a fiscal year's tables count: of the same project in several releases, those of the last release."""
    nameless = projects["budget_unit"].isna() | projects["project_name"].isna()
    order = projects["release_year"].astype(str) + " " + projects["release_id"].astype(str)
    last = order.groupby(projects["project_key"]).transform("max") if len(projects) else order
    return nameless | (order == last)


def current_project_ids(out_root: Path, fiscal_year: int) -> set[str]:
    """The tables of a fiscal year that its aggregates count."""
    projects = read_year(out_root, "projects", fiscal_year, _PROJECTS).to_pandas(types_mapper=pd.ArrowDtype)
    return set(projects.loc[current_projects(projects), "project_id"])


ACROSS_RULES = frozenset({"project-in-two-releases"})


def _across_releases(projects: pd.DataFrame, is_current: "pd.Series[bool]", corrections: Corrections) -> pa.Table:
    """A finding for every table that a later release holds again."""
    rows: list[dict[str, Any]] = []
    current = projects[is_current].drop_duplicates("project_key").set_index("project_key")
    for old in projects[~is_current].to_dict("records"):
        new = current.loc[old["project_key"]]
        rule = "project-in-two-releases"
        finding_id = f"{old['release_id']}-{rule}-{old['source_line']}-{old['source_column']}"
        rows.append({
            "finding_id": finding_id,
            "rule": rule,
            "severity": "warning",
            "release_id": old["release_id"],
            "release_year": old["release_year"],
            "fiscal_year": old["fiscal_year"],
            "project_id": old["project_id"],
            "indicator_id": None,
            "message": (
                f"{old['budget_unit']}'s {old['project_name']} of {old['fiscal_year']} stands in {old['release_id']} "
                f"({_yuan(old['total_funds_cny'])}) and again in {new['release_id']} "
                f"({_yuan(new['total_funds_cny'])}, line {new['source_line']}): the aggregates count the latter"
            ),
            "expected": str(new["project_id"]),
            "actual": str(old["project_id"]),
            "source_path": old["source_path"],
            "source_sha256": old["source_sha256"],
            "source_line": old["source_line"],
            "source_column": old["source_column"],
            "accepted_reason": corrections.of(old["release_id"]).accepted(finding_id, rule),
        })  # fmt: skip
    rows.sort(key=lambda row: row["finding_id"])
    names = arrow_schema("findings").names
    return to_arrow("findings", {name: [row[name] for row in rows] for name in names})


def _yuan(amount: Any) -> str:
    return "no amount" if pd.isna(amount) else f"{amount.normalize():f} yuan"


def _summary(fiscal_year: int, current: pd.DataFrame, indicators: pd.DataFrame, findings: pd.DataFrame) -> pa.Table:
    severities = findings["severity"].value_counts()
    row = {
        "fiscal_year": fiscal_year,
        "release_count": current["release_id"].nunique(),
        "project_count": len(current),
        "unit_count": current["budget_unit"].nunique(),
        "indicator_count": len(indicators),
        "quantified_indicator_count": int(indicators["quantified"].sum()),
        **{name: _sum(current[name]) for name in FUNDS},
        **{f"{severity}_count": int(severities.get(severity, 0)) for severity in ("error", "warning", "info")},
        "source_sha256s": _sha256s(current["source_sha256"]),
    }
    return to_arrow("yearly_summary", {name: [value] for name, value in row.items()})


def _by_unit(
    fiscal_year: int, projects: pd.DataFrame, current: pd.DataFrame, indicators: pd.DataFrame, findings: pd.DataFrame
) -> pa.Table:
    per_project = indicators.groupby("project_id").size()
    unit_of = projects.set_index("project_id")["budget_unit"]
    of_unit = findings["project_id"].map(unit_of).value_counts(dropna=False)
    columns: dict[str, list[Any]] = {name: [] for name in arrow_schema("yearly_by_unit").names}
    for unit, rows in current.groupby("budget_unit", dropna=False, sort=True):
        unit = _or_none(unit)
        counted = of_unit[of_unit.index.isna()].sum() if unit is None else of_unit.get(unit, 0)
        columns["fiscal_year"].append(fiscal_year)
        columns["budget_unit"].append(unit)
        columns["project_count"].append(len(rows))
        columns["indicator_count"].append(int(rows["project_id"].map(per_project).fillna(0).sum()))
        columns["finding_count"].append(int(counted))
        columns["source_sha256s"].append(_sha256s(rows["source_sha256"]))
        for name in FUNDS:
            columns[name].append(_sum(rows[name]))
    return to_arrow("yearly_by_unit", columns)


def _by_indicator(fiscal_year: int, current: pd.DataFrame, indicators: pd.DataFrame) -> pa.Table:
    sha256_of = current.set_index("project_id")["source_sha256"]
    columns: dict[str, list[Any]] = {name: [] for name in arrow_schema("yearly_by_indicator").names}
    for (level1, level2), rows in indicators.groupby(["level1", "level2"], dropna=False, sort=True):
        columns["fiscal_year"].append(fiscal_year)
        columns["level1"].append(_or_none(level1))
        columns["level2"].append(_or_none(level2))
        columns["indicator_count"].append(len(rows))
        columns["quantified_indicator_count"].append(int(rows["quantified"].sum()))
        columns["project_count"].append(rows["project_id"].nunique())
        columns["source_sha256s"].append(_sha256s(rows["project_id"].map(sha256_of)))
    return to_arrow("yearly_by_indicator", columns)


def project_years(out_root: Path, fiscal_year: int) -> pa.Table:
    """The table `project_years` of a fiscal year: each project's funds beside those of the year before."""
    now, superseded = _by_project(out_root, fiscal_year)
    before, _ = _by_project(out_root, fiscal_year - 1)
    columns: dict[str, list[Any]] = {name: [] for name in arrow_schema("project_years").names}
    for key in sorted(now):
        row, previous = now[key], before.get(key)
        total = row["total_funds_cny"]
        previous_total = previous["total_funds_cny"] if previous else None
        change = total - previous_total if total is not None and previous_total is not None else None
        releases = row["release_ids"] | (previous["release_ids"] if previous else set())
        hashes = row["source_sha256s"] | (previous["source_sha256s"] if previous else set())
        values = {
            **row,
            "fiscal_year": fiscal_year,
            "project_key": key,
            "previous_total_funds_cny": previous_total,
            "change_cny": change,
            "change_ratio": float(change / previous_total) if change is not None and previous_total else None,
            "previous_indicator_count": previous["indicator_count"] if previous else 0,
            "superseded_project_ids": superseded.get(key, []),
            "release_ids": sorted(releases),
            "source_sha256s": sorted(hashes),
        }
        for name, column in columns.items():
            column.append(values[name])
    return to_arrow("project_years", columns)


def _by_project(out_root: Path, fiscal_year: int) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
    """A fiscal year's projects that count, by key, and the ids of the tables that do not."""
    projects = read_year(out_root, "projects", fiscal_year, _PROJECTS).to_pandas(types_mapper=pd.ArrowDtype)
    is_current = current_projects(projects)
    indicators = read_year(out_root, "indicators", fiscal_year, ("project_id", "value_kind", "fiscal_year"))
    counts = Counter(indicators["project_id"].to_pylist())
    quantified = Counter(indicators.filter(pc.not_equal(indicators["value_kind"], "text"))["project_id"].to_pylist())
    found: dict[str, dict[str, Any]] = {}
    for row in projects[is_current].to_dict("records"):
        known = found.setdefault(row["project_key"], {
            "budget_unit": _or_none(row["budget_unit"]), "project_name": _or_none(row["project_name"]),
            **dict.fromkeys(FUNDS), "indicator_count": 0, "quantified_indicator_count": 0,
            "project_ids": [], "release_ids": set(), "source_sha256s": set(),
        })  # fmt: skip
        for name in FUNDS:
            if not pd.isna(row[name]):
                known[name] = (known[name] or Decimal(0)) + row[name]
        known["indicator_count"] += counts[row["project_id"]]
        known["quantified_indicator_count"] += quantified[row["project_id"]]
        known["project_ids"].append(row["project_id"])
        known["release_ids"].add(row["release_id"])
        known["source_sha256s"].add(row["source_sha256"])
    superseded: dict[str, list[str]] = {}
    for row in projects[~is_current].to_dict("records"):
        superseded.setdefault(row["project_key"], []).append(row["project_id"])
    return found, superseded


def _or_none(value: Any) -> Any:
    return None if pd.isna(value) else value


def _sum(amounts: "pd.Series[Any]") -> Decimal | None:
    """The sum of the amounts that are printed; null where none is."""
    printed = amounts.dropna()
    return sum(printed, Decimal(0)) if len(printed) else None


def _sha256s(values: "pd.Series[Any]") -> list[str]:
    return sorted({str(value) for value in values})


def _problems(tables: dict[str, pa.Table], current: pd.DataFrame, indicators: pd.DataFrame) -> list[str]:
    """What the tables say that the rows behind them do not: nothing, unless the aggregation is wrong."""
    found = [sentence for name, table in tables.items() for sentence in validate(name, table)]
    summary, by_unit, by_indicator = (tables[name] for name in YEARLY_TABLES[:3])
    conserved = {
        "tables by unit": (pc.sum(by_unit["project_count"]).as_py() or 0, len(current)),
        "indicators by unit": (pc.sum(by_unit["indicator_count"]).as_py() or 0, len(indicators)),
        "indicators by level": (pc.sum(by_indicator["indicator_count"]).as_py() or 0, len(indicators)),
    }
    for name in FUNDS:
        conserved[f"{name} by unit"] = (pc.sum(by_unit[name]).as_py(), summary[name][0].as_py())
    found += [
        f"{what}: {got} published, {want} in the rows behind" for what, (got, want) in conserved.items() if got != want
    ]
    return found


def publish_years(settings: Settings, fiscal_years: list[int]) -> list[Year]:
    """Aggregate fiscal years and publish their tables; a year whose tables are wrong is left as it stands."""
    catalogue = Catalogue(settings.catalogue_path, settings.out_root)
    corrections = read_corrections(settings.corrections_path)
    done = []
    with writer(settings.out_root):
        for fiscal_year in fiscal_years:
            year = aggregate(settings.out_root, fiscal_year, corrections)
            done.append(year)
            if not year.problems:
                publish(settings.out_root, [_staged(settings.out_root, year)])
        publish(settings.out_root, [_staged_after(settings.out_root, year) for year in _years_after(settings, done)])
        catalogue.settle_years({year.fiscal_year for year in done if not year.problems})
    return done


def _staged(out_root: Path, year: Year) -> Staged:
    """A year's files; those of a year that holds no table any more are removed."""
    is_empty = not year.tables["yearly_by_unit"].num_rows
    places = {name: yearly_path(name, year.fiscal_year) for name in YEARLY_TABLES}
    places["findings"] = release_path("findings", year.fiscal_year, ACROSS)
    files, removals = {}, []
    for name, place in places.items():
        if is_empty or (name == "findings" and not year.tables[name].num_rows):
            removals.append(place)
        else:
            files[place] = parquet_bytes(year.tables[name])
    return stage(out_root, f"year-{year.fiscal_year}", files, removals)


def _years_after(settings: Settings, done: list[Year]) -> list[int]:
    """Published years that look back on a year just done, and were not done themselves."""
    years = {year.fiscal_year for year in done if not year.problems}
    after = sorted({year + 1 for year in years} - years)
    return [year for year in after if (settings.out_root / yearly_path("project_years", year)).is_file()]


def _staged_after(out_root: Path, fiscal_year: int) -> Staged:
    place = yearly_path("project_years", fiscal_year)
    return stage(out_root, f"after-{fiscal_year}", {place: parquet_bytes(project_years(out_root, fiscal_year))})
