"""Yearly aggregates: from the published Parquet of a fiscal year to its summary tables.

Where two releases hold the same unit's same project for the same year, the one of the later release year counts (of
the same release year, the one whose release id comes last); both stay published, and a finding names them.
"""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kzz_pipeline.catalogue import Catalogue
from kzz_pipeline.corrections import Corrections, read_corrections
from kzz_pipeline.files import parquet_bytes
from kzz_pipeline.places import release_path, yearly_path
from kzz_pipeline.schema import MONEY, SEVERITIES, YEARLY_TABLES, arrow_schema, to_arrow, validate
from kzz_pipeline.settings import Settings
from kzz_pipeline.storage import Staged, publish, stage, writer
from kzz_pipeline.year_rows import COUNTS, FUNDS, YearRows

ACROSS = "across-releases"
# Null where no amount is printed.
_FUNDS_SUMMED = [(name, "sum", pc.ScalarAggregateOptions(min_count=1)) for name in FUNDS]
_NULLS_TOO = pc.ScalarAggregateOptions(skip_nulls=False)


@dataclass(frozen=True, slots=True)
class Year:
    """A fiscal year aggregated: its tables by name, and what is wrong with them (nothing, if they may be published)."""

    fiscal_year: int
    tables: dict[str, pa.Table]
    problems: list[str]


def aggregate(rows: YearRows, fiscal_year: int, corrections: Corrections) -> Year:
    """The yearly tables of a fiscal year, from what is published, with the findings that only several releases show."""
    projects = rows.projects(fiscal_year)
    counts = current_projects(projects)
    current = projects.filter(counts)
    across = _across_releases(projects, counts, corrections)
    indicators = rows.read("indicators", fiscal_year)
    indicators = indicators.filter(pc.is_in(indicators["project_id"], current["project_id"].combine_chunks()))
    findings = _opened(rows.read("findings", fiscal_year), across)
    tables = {
        "yearly_summary": _summary(fiscal_year, current, indicators, findings),
        "yearly_by_unit": _by_unit(fiscal_year, projects, current, findings),
        "yearly_by_indicator": _by_indicator(fiscal_year, current, indicators),
        "project_years": project_years(rows, fiscal_year),
        "findings": across,
    }
    return Year(fiscal_year, tables, _problems(tables, current, indicators))


def _opened(findings: pa.Table, across: pa.Table) -> pa.Table:
    """The open findings of a year, counted by table and severity, with those over several releases."""
    across = across.filter(pc.is_null(across["accepted_reason"]))
    of_pairs = across.group_by(["project_id", "severity"]).aggregate([([], "count_all")])
    return pa.concat_tables([findings, of_pairs.rename_columns(findings.column_names).cast(findings.schema)])


def current_projects(projects: pa.Table) -> pa.Array:
    """Which of a fiscal year's tables count: of the same project in several releases, those of the last release."""
    counts = pc.value_counts(projects["project_key"])
    twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    columns = ("project_key", "release_year", "release_id", "budget_unit", "project_name")
    several = projects.select(columns).append_column("at", pa.array(range(projects.num_rows)))
    several = several.filter(pc.is_in(several["project_key"], twice))
    rows = list(zip(*(column.to_pylist() for column in several.columns), strict=True))
    last: dict[str, tuple[int, str]] = {}
    for key, year, release_id, *_ in rows:
        last[key] = max(last.get(key, (year, release_id)), (year, release_id))
    is_current = np.ones(projects.num_rows, dtype=bool)
    for key, year, release_id, unit, name, at in rows:
        # A table that does not say whose or what it is, is like no other.
        is_current[at] = None in (unit, name) or last[key] == (year, release_id)
    return pa.array(is_current)


def current_project_ids(out_root: Path, fiscal_year: int) -> set[str]:
    """The tables of a fiscal year that its aggregates count."""
    projects = YearRows(out_root).read("projects", fiscal_year)
    return set(projects.filter(current_projects(projects))["project_id"].to_pylist())


def _across_releases(projects: pa.Table, counts: pa.Array, corrections: Corrections) -> pa.Table:
    """A finding for every table that a later release holds again."""
    rows: list[dict[str, Any]] = []
    superseded = projects.filter(pc.invert(counts))
    keys = pc.unique(superseded["project_key"])
    current: dict[str, dict[str, Any]] = {}
    for new in projects.filter(pc.and_(counts, pc.is_in(projects["project_key"], keys))).to_pylist():
        current.setdefault(new["project_key"], new)
    for old in superseded.to_pylist():
        new = current[old["project_key"]]
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


def _yuan(amount: Decimal | None) -> str:
    return "no amount" if amount is None else f"{amount.normalize():f} yuan"


def _summary(fiscal_year: int, current: pa.Table, indicators: pa.Table, findings: pa.Table) -> pa.Table:
    severities = Counter(dict(zip(*_summed(findings, "severity", "count"), strict=True)))
    row = {
        "fiscal_year": fiscal_year,
        "release_count": pc.count_distinct(current["release_id"]).as_py(),
        "project_count": current.num_rows,
        "unit_count": pc.count_distinct(current["budget_unit"]).as_py(),
        **{name: pc.sum(indicators[name]).as_py() or 0 for name in COUNTS},
        **{name: pc.sum(current[name]).as_py() for name in FUNDS},
        **{f"{severity}_count": severities[severity] for severity in SEVERITIES},
        "source_sha256s": sorted(pc.unique(current["source_sha256"]).to_pylist()),
    }
    return to_arrow("yearly_summary", {name: [value] for name, value in row.items()})


def _summed(rows: pa.Table, key: str, count: str) -> tuple[list[Any], list[int]]:
    found = rows.group_by(key).aggregate([(count, "sum")])
    return found[key].to_pylist(), found[f"{count}_sum"].to_pylist()


def _by_unit(fiscal_year: int, projects: pa.Table, current: pa.Table, findings: pa.Table) -> pa.Table:
    at = pc.index_in(findings["project_id"], value_set=projects["project_id"].combine_chunks())
    of_unit = findings.append_column("budget_unit", projects["budget_unit"].take(at))
    finding_counts = Counter(dict(zip(*_summed(of_unit, "budget_unit", "count"), strict=True)))
    groups = current.group_by("budget_unit").aggregate([
        ([], "count_all"), ("indicator_count", "sum"), *_FUNDS_SUMMED, ("source_sha256", "distinct"),
    ]).sort_by("budget_unit")  # fmt: skip
    columns = {
        "fiscal_year": [fiscal_year] * groups.num_rows,
        "budget_unit": groups["budget_unit"],
        "project_count": groups["count_all"],
        "indicator_count": groups["indicator_count_sum"],
        **{name: groups[f"{name}_sum"] for name in FUNDS},
        "finding_count": [finding_counts[unit] for unit in groups["budget_unit"].to_pylist()],
        "source_sha256s": _together(groups["source_sha256_distinct"]),
    }
    return to_arrow("yearly_by_unit", columns)


def _together(*lists: pa.ChunkedArray) -> pa.Array:
    """For each row, what any of its lists holds, once each and sorted."""
    rows = [pc.list_parent_indices(of_row) for of_row in lists]
    texts = [pc.list_flatten(of_row) for of_row in lists]
    pairs = [pa.table({"row": row, "text": text}) for row, text in zip(rows, texts, strict=True)]
    found = pa.concat_tables(pairs).group_by(["row", "text"]).aggregate([])
    found = found.sort_by([("row", "ascending"), ("text", "ascending")])
    lengths = np.bincount(found["row"].to_numpy(), minlength=len(lists[0]))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, found["text"].combine_chunks())


def _by_indicator(fiscal_year: int, current: pa.Table, indicators: pa.Table) -> pa.Table:
    at = pc.index_in(indicators["project_id"], value_set=current["project_id"].combine_chunks())
    groups = (
        indicators.append_column("source_sha256", current["source_sha256"].take(at))
        .group_by(["level1", "level2"])
        .aggregate(
            [*((name, "sum") for name in COUNTS), ("project_id", "count_distinct"), ("source_sha256", "distinct")]
        )
        .sort_by([("level1", "ascending"), ("level2", "ascending")])
    )
    columns = {
        "fiscal_year": [fiscal_year] * groups.num_rows,
        "level1": groups["level1"],
        "level2": groups["level2"],
        **{name: groups[f"{name}_sum"] for name in COUNTS},
        "project_count": groups["project_id_count_distinct"],
        "source_sha256s": _together(groups["source_sha256_distinct"]),
    }
    return to_arrow("yearly_by_indicator", columns)


def project_years(rows: YearRows, fiscal_year: int) -> pa.Table:
    """The table `project_years` of a fiscal year: each project's funds beside those of the year before."""
    now, superseded = _by_project(rows, fiscal_year)
    before, _ = _by_project(rows, fiscal_year - 1)
    keys = now["project_key"]
    previous = before.take(pc.index_in(keys, value_set=before["project_key"].combine_chunks()))
    total, previous_total = (of["total_funds_cny"].cast(MONEY) for of in (now, previous))
    change = pc.subtract(total, previous_total)
    columns = {
        "fiscal_year": [fiscal_year] * now.num_rows,
        **{name: now[name] for name in ("project_key", "budget_unit", "project_name", *FUNDS, *COUNTS)},
        "previous_total_funds_cny": previous_total,
        "change_cny": change,
        "change_ratio": [
            float(more / was) if more is not None and was else None
            for more, was in zip(change.to_pylist(), previous_total.to_pylist(), strict=True)
        ],
        "previous_indicator_count": pc.fill_null(previous["indicator_count"], 0),
        "project_ids": now["project_ids"],
        "superseded_project_ids": [superseded.get(key, []) for key in keys.to_pylist()],
        **{name: _together(now[name], previous[name]) for name in ("release_ids", "source_sha256s")},
    }
    return to_arrow("project_years", columns)


def _by_project(rows: YearRows, fiscal_year: int) -> tuple[pa.Table, dict[str, list[str]]]:
    """A fiscal year's projects that count, a row each in the order of their keys, and by key the ids of the tables that do not."""
    projects = rows.projects(fiscal_year)
    counts = current_projects(projects)
    groups = projects.filter(counts).group_by("project_key", use_threads=False).aggregate([
        ("budget_unit", "first", _NULLS_TOO), ("project_name", "first", _NULLS_TOO), *_FUNDS_SUMMED,
        *((name, "sum") for name in COUNTS),
        ("project_id", "list"), ("release_id", "distinct"), ("source_sha256", "distinct"),
    ])  # fmt: skip
    names = [
        "project_key",
        "budget_unit",
        "project_name",
        *FUNDS,
        *COUNTS,
        "project_ids",
        "release_ids",
        "source_sha256s",
    ]
    found = groups.rename_columns(names).sort_by("project_key")
    superseded: dict[str, list[str]] = {}
    old = projects.filter(pc.invert(counts))
    for key, project_id in zip(old["project_key"].to_pylist(), old["project_id"].to_pylist(), strict=True):
        superseded.setdefault(key, []).append(project_id)
    return found, superseded


def _problems(tables: dict[str, pa.Table], current: pa.Table, indicators: pa.Table) -> list[str]:
    """What the tables say that the rows behind them do not: nothing, unless the aggregation is wrong."""
    found = [sentence for name, table in tables.items() for sentence in validate(name, table)]
    summary, by_unit, by_indicator = (tables[name] for name in YEARLY_TABLES[:3])
    indicator_count = pc.sum(indicators["indicator_count"]).as_py() or 0
    conserved = {
        "tables by unit": (pc.sum(by_unit["project_count"]).as_py() or 0, current.num_rows),
        "indicators by unit": (pc.sum(by_unit["indicator_count"]).as_py() or 0, indicator_count),
        "indicators by level": (pc.sum(by_indicator["indicator_count"]).as_py() or 0, indicator_count),
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
    rows = YearRows(settings.out_root, settings.state_root / "years")
    corrections = read_corrections(settings.corrections_path)
    done = []
    with writer(settings.out_root):
        for fiscal_year in fiscal_years:
            year = aggregate(rows, fiscal_year, corrections)
            done.append(year)
            if not year.problems:
                publish(settings.out_root, [_staged(settings.out_root, year)])
        publish(settings.out_root, [_staged_after(rows, year) for year in _years_after(settings, done)])
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
    after = sorted({year + 1 for year in years} - {year.fiscal_year for year in done})
    return [year for year in after if (settings.out_root / yearly_path("project_years", year)).is_file()]


def _staged_after(rows: YearRows, fiscal_year: int) -> Staged:
    place = yearly_path("project_years", fiscal_year)
    return stage(rows.out_root, f"after-{fiscal_year}", {place: parquet_bytes(project_years(rows, fiscal_year))})
