"""Yearly aggregates: from the published Parquet of a fiscal year to its summary tables.

Where two releases hold the same unit's same project for the same year, the one of the later release year counts (of
the same release year, the one whose release id comes last); both stay published, and a finding names them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, lru_cache, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kzz_pipeline.catalogue import Catalogue
from kzz_pipeline.corrections import Corrections, read_corrections
from kzz_pipeline.files import parquet_bytes, read_parquet
from kzz_pipeline.places import release_path, yearly_path
from kzz_pipeline.schema import MONEY, SEVERITIES, YEARLY_TABLES, arrow_schema, to_arrow, validate
from kzz_pipeline.settings import Settings
from kzz_pipeline.storage import Staged, publish, stage, writer
from kzz_pipeline.year_rows import COUNTS, FUNDS, YearRows

ACROSS = "across-releases"
# So many years may keep what reading them took until they are done.
_FEW = 2
# What the page of a fiscal year is made of, and counts the rows of.
_SHOWN = {"yearly_summary": arrow_schema("yearly_summary").names, "yearly_by_unit": ["fiscal_year"]}
_DISTINCT = ("project_key", "project_ids")
# What the year after shows of a project, or stems from; an id of a table begins with its release's.
_SHOWN_AFTER = ("project_key", "total_funds_cny", "indicator_count", "project_ids", "source_sha256s")
# Columns of a project's row that say what it stems from, and what they list.
_ORIGINS = {"release_ids": "release_id", "source_sha256s": "source_sha256"}


@dataclass(frozen=True, slots=True)
class Year:
    """A fiscal year aggregated: its tables by name, and what is wrong with them (nothing, if they may be published)."""

    fiscal_year: int
    tables: dict[str, pa.Table]
    problems: list[str]


class FiscalYear:
    """What is published of a fiscal year, each part read and worked out once.

    `projects` are its tables by id, each with the number of its indicators and of those that have a number; `counts`
    says which of them the aggregates count. `at` says of each row of `indicators` whose it is, as a row of `projects`
    (their number, where it is none of theirs).
    """

    def __init__(self, rows: YearRows, year: int) -> None:
        self.year = year
        self._rows = rows
        projects = rows.read("projects", year).sort_by("project_id")
        self.indicators = rows.read("indicators", year)
        ids = self.indicators["project_id"].combine_chunks()
        self.at = _places_of(ids.dictionary, projects["project_id"])[ids.indices.to_numpy()]
        for name in COUNTS:
            projects = projects.append_column(name, _sums(self.at, self.indicators[name], projects.num_rows))
        self.projects = projects
        self.counts = current_projects(projects)

    @property
    def does_count(self) -> Any:
        """Which rows of `indicators` are of tables that count."""
        return np.append(self.counts, False)[self.at]

    @property
    def current(self) -> pa.Table:
        """The tables that count."""
        return self.projects if self.counts.all() else self.projects.filter(pa.array(self.counts))

    @property
    def superseded(self) -> pa.Table:
        """The tables that do not count."""
        return self.projects.filter(pa.array(~self.counts))

    @property
    def findings(self) -> pa.Table:
        """The open findings of the year's releases, counted by table and severity."""
        return self._rows.read("findings", self.year)

    @cached_property
    def by_project(self) -> "_Groups":
        """The tables that count, by the key of their project."""
        return _Groups(self.current, "project_key")


def _places_of(texts: pa.Array, among: pa.ChunkedArray) -> Any:
    """The row of each text among others; their number where it is none of them."""
    found = pc.index_in(texts, value_set=among.combine_chunks())
    return pc.fill_null(found, len(among)).to_numpy()


def _sums(at: Any, numbers: pa.ChunkedArray, length: int) -> pa.Array:
    """As many sums of whole numbers, of which `at` says in which each is."""
    return pa.array(np.bincount(at, weights=numbers.to_numpy(), minlength=length)[:length].astype(np.int64))


class _Groups:
    """Rows side by side by a key, in the order of the keys; those of one key in the order they were in."""

    def __init__(self, rows: pa.Table, key: str) -> None:
        number = pc.rank(rows[key], "ascending", tiebreaker="dense").to_numpy()
        self._rows = rows
        self._order = np.argsort(number, kind="stable")
        self._group = number[self._order]
        self._begins = np.flatnonzero(np.diff(self._group, prepend=np.uint64(0)))

    def __len__(self) -> int:
        return len(self._begins)

    def first(self, name: str) -> pa.Array:
        """The value of the first row of each key."""
        return self._rows[name].take(self._order[self._begins]).combine_chunks()

    def all(self, name: str) -> pa.ListArray:
        """The values of the rows of each key."""
        ends = pa.array(np.append(self._begins, len(self._order)), pa.int32())
        return pa.ListArray.from_arrays(ends, self._rows[name].take(self._order).combine_chunks())

    def sums(self, names: Iterable[str]) -> dict[str, pa.ChunkedArray]:
        """The sums of the rows of each key; null where all of them are."""
        summed = [(name, "sum", pc.ScalarAggregateOptions(min_count=1)) for name in names]
        rows = self._rows.select([name for name, *_ in summed]).take(self._order)
        found = (
            rows.append_column("group", pa.array(self._group)).group_by("group", use_threads=False).aggregate(summed)
        )
        return {name: found[f"{name}_sum"] for name, *_ in summed}

    @property
    def sizes(self) -> Any:
        """The number of rows of each key."""
        return np.diff(self._begins, append=len(self._order))


def aggregate(now: FiscalYear, before: FiscalYear, corrections: Corrections) -> Year:
    """The yearly tables of a fiscal year, from what is published, with the findings that only several releases show."""
    across = _across_releases(now, corrections)
    findings = _opened(now.findings, across)
    tables = {
        "yearly_summary": _summary(now, findings),
        "yearly_by_unit": _by_unit(now, findings),
        "yearly_by_indicator": _by_indicator(now),
        "project_years": project_years(now, before),
        "findings": across,
    }
    return Year(now.year, tables, _problems(tables, now))


def _opened(findings: pa.Table, across: pa.Table) -> pa.Table:
    """The open findings of a year, counted by table and severity, with those over several releases."""
    across = across.filter(pc.is_null(across["accepted_reason"]))
    of_pairs = across.group_by(["project_id", "severity"]).aggregate([([], "count_all")])
    return pa.concat_tables([findings, of_pairs.rename_columns(findings.column_names).cast(findings.schema)])


def current_projects(projects: pa.Table) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Which of a fiscal year's tables count: of the same project in several releases, those of the last release."""
    keys = projects["project_key"].combine_chunks().dictionary_encode().indices.to_numpy()
    several = np.flatnonzero(np.bincount(keys)[keys] > 1)
    columns = ("release_year", "release_id", "budget_unit", "project_name")
    rows = list(zip(*(projects[name].take(several).to_pylist() for name in columns), strict=True))
    last: dict[int, tuple[int, str]] = {}
    for key, release in zip(keys[several], rows, strict=True):
        last[key] = max(last.get(key, release[:2]), release[:2])
    is_current = np.ones(projects.num_rows, dtype=bool)
    for at, (year, release_id, unit, name) in zip(several, rows, strict=True):
        # A table that does not say whose or what it is, is like no other.
        is_current[at] = None in (unit, name) or last[keys[at]] == (year, release_id)
    return is_current


def current_project_ids(out_root: Path, fiscal_year: int) -> set[str]:
    """The tables of a fiscal year that its aggregates count."""
    projects = YearRows(out_root).read("projects", fiscal_year)
    return set(projects.filter(pa.array(current_projects(projects)))["project_id"].to_pylist())


def _across_releases(year: FiscalYear, corrections: Corrections) -> pa.Table:
    """A finding for every table that a later release holds again."""
    rows: list[dict[str, Any]] = []
    keys = pc.unique(year.superseded["project_key"])
    current: dict[str, dict[str, Any]] = {}
    for new in year.current.filter(pc.is_in(year.current["project_key"], keys)).to_pylist():
        current.setdefault(new["project_key"], new)
    for old in year.superseded.to_pylist():
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


def _summary(now: FiscalYear, findings: pa.Table) -> pa.Table:
    current = now.current
    by_severity = findings.group_by("severity").aggregate([("count", "sum")])
    severities = Counter(dict(zip(*(column.to_pylist() for column in by_severity.columns), strict=True)))
    row = {
        "fiscal_year": now.year,
        "release_count": len(pc.unique(current["release_id"])),
        "project_count": current.num_rows,
        "unit_count": pc.count_distinct(current["budget_unit"]).as_py(),
        **{name: pc.sum(current[name]).as_py() or 0 for name in COUNTS},
        **{name: pc.sum(current[name]).as_py() for name in FUNDS},
        **{f"{severity}_count": severities[severity] for severity in SEVERITIES},
        "source_sha256s": sorted(pc.unique(current["source_sha256"]).to_pylist()),
    }
    return to_arrow("yearly_summary", {name: [value] for name, value in row.items()})


def _by_unit(now: FiscalYear, findings: pa.Table) -> pa.Table:
    groups = _Groups(now.current, "budget_unit")
    units = groups.first("budget_unit")
    table = pc.index_in(findings["project_id"], value_set=now.projects["project_id"].combine_chunks())
    at = _places_of(now.projects["budget_unit"].take(table), pa.chunked_array([units]))
    columns = {
        "fiscal_year": [now.year] * len(groups),
        "budget_unit": units,
        "project_count": groups.sizes,
        **groups.sums(("indicator_count", *FUNDS)),
        "finding_count": _sums(at, findings["count"], len(groups)),
        "source_sha256s": _together(groups.all("source_sha256")),
    }
    return to_arrow("yearly_by_unit", columns)


def _together(*lists: pa.ListArray) -> pa.ListArray:
    """For each row, what any of its lists holds, once each and sorted."""
    names, of_text = _sorted(pa.chunked_array([pc.list_flatten(of_row) for of_row in lists]))
    rows = np.concatenate([pc.list_parent_indices(of_row).to_numpy() for of_row in lists])
    pairs = np.sort(rows * len(names) + of_text)
    row, text = np.divmod(pairs[np.diff(pairs, prepend=-1) > 0], len(names))
    return _lists(row, names.take(text), len(lists[0]))


def _sorted(texts: pa.ChunkedArray) -> tuple[pa.Array, Any]:
    """What texts there are, in their order, null at the end; and of each row which of them it is."""
    coded = texts.combine_chunks()
    order = pc.sort_indices(coded.dictionary)
    number = np.append(np.argsort(order), len(order))
    names = pa.concat_arrays([coded.dictionary.take(order), pa.nulls(1, pa.string())])
    return names, number[coded.indices.fill_null(len(order)).to_numpy()]


def _lists(rows: Any, texts: pa.Array, length: int) -> pa.ListArray:
    """As many lists of texts, of which it is said, in order, in which row's list each is."""
    ends = np.cumsum(np.bincount(rows, minlength=length))
    return pa.ListArray.from_arrays(pa.array(np.append([0], ends), pa.int32()), texts)


def _by_indicator(now: FiscalYear) -> pa.Table:
    does_count = now.does_count
    at, rows = now.at[does_count], now.indicators.filter(pa.array(does_count))
    (level1, of_level1), (level2, of_level2) = (_sorted(rows[name]) for name in ("level1", "level2"))
    source, of_source = _sorted(now.projects["source_sha256"])
    levels = of_level1 * len(level2) + of_level2
    found = np.flatnonzero(np.bincount(levels))
    group = np.searchsorted(found, levels)
    projects, sources = np.zeros((len(found), len(now.counts)), bool), np.zeros((len(found), len(source)), bool)
    projects[group, at] = True
    sources[group, of_source[at]] = True
    row, text = np.nonzero(sources)
    columns = {
        "fiscal_year": [now.year] * len(found),
        "level1": level1.take(found // len(level2)),
        "level2": level2.take(found % len(level2)),
        **{name: _sums(group, rows[name], len(found)) for name in COUNTS},
        "project_count": projects.sum(axis=1),
        "source_sha256s": _lists(row, source.take(text), len(found)),
    }
    return to_arrow("yearly_by_indicator", columns)


def project_years(now: FiscalYear, before: FiscalYear) -> pa.Table:
    """The table `project_years` of a fiscal year: each project's funds beside those of the year before."""
    here, there = now.by_project, before.by_project
    keys = here.first("project_key")
    at = pc.index_in(keys, value_set=there.first("project_key"))
    sums, previous = here.sums((*FUNDS, *COUNTS)), there.sums(("total_funds_cny", "indicator_count"))
    total, previous_total = (of.cast(MONEY) for of in (sums["total_funds_cny"], previous["total_funds_cny"].take(at)))
    change = pc.subtract(total, previous_total)
    columns = {
        "fiscal_year": [now.year] * len(here),
        "project_key": keys,
        **{name: here.first(name) for name in ("budget_unit", "project_name")},
        **sums,
        "previous_total_funds_cny": previous_total,
        "change_cny": change,
        "change_ratio": _ratio(change, previous_total),
        "previous_indicator_count": pc.fill_null(previous["indicator_count"].take(at), 0),
        "project_ids": here.all("project_id"),
        "superseded_project_ids": _superseded(now, keys),
        **{name: _together(here.all(of), there.all(of).take(at)) for name, of in _ORIGINS.items()},
    }
    return to_arrow("project_years", columns)


def _ratio(amounts: pa.ChunkedArray, of: pa.ChunkedArray) -> pa.ChunkedArray:
    """Amounts as a part of others; null where there is none, or it is 0.

    As exact as a float is, up to 900 billion yuan: whole numbers, of the smallest part of an amount, are divided.
    """
    whole = pa.decimal128(MONEY.precision + 6, 0)
    part, total = (
        pc.multiply(amount, pa.scalar(10**MONEY.scale, pa.decimal128(MONEY.scale + 1, 0)))
        .cast(whole)
        .cast(pa.float64())
        for amount in (amounts, of)
    )
    return pc.divide(part, pc.if_else(pc.equal(total, 0), None, total))


def _superseded(year: FiscalYear, keys: pa.Array) -> pa.ListArray:
    """By the key of each project, its tables that do not count."""
    old = year.superseded
    if not old.num_rows:
        return _lists(np.zeros(0, np.int64), pa.array([], pa.string()), len(keys))
    at = _places_of(old["project_key"], pa.chunked_array([keys]))
    order = np.argsort(at, kind="stable")
    return _lists(at[order], old["project_id"].combine_chunks().take(order), len(keys))


def _problems(tables: dict[str, pa.Table], now: FiscalYear) -> list[str]:
    """What the tables say that the rows behind them do not: nothing, unless the aggregation is wrong."""
    found = [sentence for name, table in tables.items() for sentence in validate(name, table)]
    summary, by_unit, by_indicator = (tables[name] for name in YEARLY_TABLES[:3])
    indicator_count = int(now.indicators["indicator_count"].to_numpy()[now.does_count].sum())
    conserved = {
        "tables by unit": (pc.sum(by_unit["project_count"]).as_py() or 0, now.current.num_rows),
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
    """Aggregate fiscal years and publish their tables; a year whose tables are wrong is left as it stands.

    Of the tables, only the columns that are shown are given back: the others of many years need not be held.
    """
    catalogue = Catalogue(settings.catalogue_path, settings.out_root)
    rows = YearRows(settings.out_root, settings.state_root / "years")
    corrections = read_corrections(settings.corrections_path)

    @lru_cache(maxsize=2)
    def read(fiscal_year: int) -> FiscalYear:
        year = FiscalYear(rows, fiscal_year)
        if len(fiscal_years) > _FEW:
            # What reading took is not kept for the next year.
            pa.default_memory_pool().release_unused()
        return year

    done, after = [], []
    with writer(settings.out_root):
        for fiscal_year in fiscal_years:
            before = read(fiscal_year - 1)
            year = aggregate(read(fiscal_year), before, corrections)
            if not year.problems:
                if fiscal_year + 1 not in fiscal_years and _is_looked_back_on(settings.out_root, year):
                    # Noted before: once the year is published, nothing tells any more that the one after lags behind.
                    catalogue.add_pending_years({fiscal_year + 1})
                    after.append(fiscal_year + 1)
                publish(settings.out_root, [_staged(settings.out_root, year)])
            done.append(replace(year, tables={name: year.tables[name].select(of) for name, of in _SHOWN.items()}))
        for fiscal_year in after:
            before = read(fiscal_year - 1)
            publish(settings.out_root, [_staged_after(settings.out_root, read(fiscal_year), before)])
        catalogue.settle_years({*after, *(year.fiscal_year for year in done if not year.problems)})
    return done


def _staged(out_root: Path, year: Year) -> Staged:
    """A year's files. Those of a year that holds no table any more have no rows: it may be the only year there is."""
    has_rows = year.tables["yearly_by_unit"].num_rows > 0
    tables = {name: year.tables[name] if has_rows else year.tables[name].slice(0, 0) for name in YEARLY_TABLES}
    files = {yearly_path(name, year.fiscal_year): parquet_bytes(table, _DISTINCT) for name, table in tables.items()}
    across, removals = release_path("findings", year.fiscal_year, ACROSS), []
    if year.tables["findings"].num_rows:
        files[across] = parquet_bytes(year.tables["findings"], _DISTINCT)
    else:
        removals.append(across)
    return stage(out_root, f"year-{year.fiscal_year}", files, removals)


def _is_looked_back_on(out_root: Path, year: Year) -> bool:
    """Whether the published year after shows anything of a project that is not to stand any more as it does now."""
    standing, after = (out_root / yearly_path("project_years", at) for at in (year.fiscal_year, year.fiscal_year + 1))
    if not after.is_file() or not standing.is_file():
        return after.is_file()
    was, now = read_parquet(standing, list(_SHOWN_AFTER)), year.tables["project_years"].select(_SHOWN_AFTER)
    if not was.schema.equals(now.schema):
        return True  # of an earlier version
    here = was.take(pc.index_in(now["project_key"], value_set=was["project_key"]))
    is_same = reduce(pc.and_, (_is_same(now[name], here[name]) for name in _SHOWN_AFTER))
    stays = pc.is_in(was["project_key"], value_set=now["project_key"])
    keys = read_parquet(after, ["project_key"])["project_key"]
    changed = (now["project_key"].filter(pc.invert(is_same)), was["project_key"].filter(pc.invert(stays)))
    return any(pc.any(pc.is_in(keys, value_set=of_some)).as_py() for of_some in changed)


def _is_same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Of each row, whether two columns hold the same value, or none."""
    if pa.types.is_list(one.type):
        one, other = (pc.binary_join(column, "\n") for column in (one, other))
    return pc.coalesce(pc.equal(one, other), pc.and_(pc.is_null(one), pc.is_null(other)))


def _staged_after(out_root: Path, now: FiscalYear, before: FiscalYear) -> Staged:
    place = yearly_path("project_years", now.year)
    return stage(out_root, f"after-{now.year}", {place: parquet_bytes(project_years(now, before), _DISTINCT)})
