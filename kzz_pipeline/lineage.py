"""From any published figure to the printed cells that it stems from.

    aggregate -> tables and indicators -> release, sha256, file, line, cell -> the printed line, the cell marked

Also for a version that was replaced: its rows and its bytes are kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.compute as pc

from kzz_pipeline.catalogue import Catalogue, Version, refusal_of
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.files import parquet_dataset
from kzz_pipeline.folders import JOINED
from kzz_pipeline.forms import Form, read_form
from kzz_pipeline.schema import arrow_schema
from kzz_pipeline.settings import Settings
from kzz_pipeline.state import ByteStore, StageStore, archived_versions
from kzz_pipeline.yearly import current_project_ids

Row = dict[str, Any]
_ADVICE = "kzz trace --help shows what can be traced"
_AGGREGATES = ("yearly_summary", "yearly_by_unit", "yearly_by_indicator", "project_years")


def trace(settings: Settings, what: tuple[str, ...], version: int | None = None) -> Iterator[str]:
    """Lines of text: the chain from a figure to the printed cells.

    `what` is an id, or an aggregate's table, fiscal year and key. Raises Refusal where nothing of that name is known.
    """
    tracer = _Tracer(settings, version)
    if what[0] in _AGGREGATES:
        return tracer.aggregate(*what)
    if len(what) > 1:
        raise Refusal("unknown-figure", f"{' '.join(what)} names no figure", _ADVICE)
    return tracer.identified(what[0])


@dataclass
class _Tracer:
    settings: Settings
    version: int | None

    def __post_init__(self) -> None:
        self.read: dict[tuple[str, str], tuple[Form | None, Sequence[str]]] = {}

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.settings.catalogue_path, self.settings.out_root)

    # -- rows ----------------------------------------------------------------------------------------------

    def _rows(self, table: str, folder: Path, pattern: str, condition: Any = None) -> list[Row]:
        files = sorted((folder / table).glob(pattern))
        if not files:
            return []
        rows: list[Row] = parquet_dataset(files, arrow_schema(table)).to_table(filter=condition).to_pylist()
        return rows

    def _published(self, table: str, release_id: str, condition: Any) -> list[Row]:
        """The published rows of a release, in a file of its own or joined with others'."""
        mine = pc.field("release_id") == release_id
        both = mine if condition is None else mine & condition
        own = self._rows(table, self.settings.out_root, f"*/{release_id}.parquet", condition)
        return own + self._rows(table, self.settings.out_root, f"*/{JOINED}*.parquet", both)

    def _of_release(self, table: str, release_id: str, condition: Any = None) -> list[Row]:
        if self.version is None:
            return self._published(table, release_id, condition)
        folder = archived_versions(self.settings.state_root, release_id).get(self.version)
        if folder is None:
            known = self.catalogue.history(release_id)
            if known and self.version == known[-1].version:
                return self._published(table, release_id, condition)
            raise Refusal("unknown-version", f"version {self.version} of {release_id} is not kept", _ADVICE)
        return self._rows(table, folder, "*.parquet", condition)

    # -- ids -----------------------------------------------------------------------------------------------

    def identified(self, identity: str) -> Iterator[str]:
        """The chain of an indicator, a table, a finding or a release."""
        current = self.catalogue.current()
        for release_id in sorted(current, key=len, reverse=True):
            if identity == release_id:
                return self._release(release_id)
            if identity.startswith(f"{release_id}-"):
                if current[release_id].status == "alias" and self.version is None:
                    owner = current[release_id].reason
                    note = f"{release_id} has the same bytes as {owner}, and is published under that name"
                    return chain([note], self.identified(owner + identity.removeprefix(release_id)))
                for table, column, show in (
                    ("indicators", "indicator_id", self._indicator),
                    ("projects", "project_id", self._project),
                    ("findings", "finding_id", self._finding),
                ):
                    rows = self._of_release(table, release_id, pc.field(column) == identity)
                    if table == "findings" and not rows and self.version is None:
                        rows = self._rows(
                            table, self.settings.out_root, "*/across-releases.parquet", pc.field(column) == identity
                        )
                    if rows:
                        return show(rows[0])
                if self.version is None and (row := self._refused_finding(release_id, identity)):
                    return self._finding(row)
        raise Refusal("unknown-figure", f"nothing published is called {identity}", _ADVICE)

    def _refused_finding(self, release_id: str, identity: str) -> Row | None:
        """A finding that keeps a release from being published."""
        if self.catalogue.current()[release_id].status != "refused":
            return None
        try:
            table = StageStore(self.settings.state_root).read_table(release_id, "findings")
        except Refusal:
            return None
        rows: list[Row] = table.filter(pc.field("finding_id") == identity).to_pylist()
        return rows[0] if rows else None

    def _release(self, release_id: str) -> Iterator[str]:
        yield f"release {release_id}"
        for known in self.catalogue.history(release_id):
            yield from _version_lines(known)

    def _indicator(self, row: Row) -> Iterator[str]:
        yield f"indicator {row['indicator_id']}"
        yield f"  {row['budget_unit']} · {row['project_name']} · fiscal year {row['fiscal_year']}"
        yield f"  {row['level1']} / {row['level2']} (printed: {row['level1_printed']} / {row['level2_printed']})"
        yield f"  {row['indicator_name']} [{row['unit']}] = {row['value_printed']}"
        yield f"  read as {row['value_kind']}, {row['operator']}, target {row['target_value']}, min {row['target_min']}, max {row['target_max']}"
        if row["correction"]:
            yield f"  corrected: {row['correction']}"
        yield f"  counted in yearly_by_indicator {row['fiscal_year']} {row['level2']}, yearly_by_unit {row['fiscal_year']} {row['budget_unit']}"
        yield from self._source(row)
        yield from self._printed(row, row["indicator_line"], row["indicator_column"], "indicator")
        yield from self._printed(row, row["source_line"], row["source_column"], "value")

    def _project(self, row: Row) -> Iterator[str]:
        yield from self._project_head(row)
        yield from self._source(row)
        yield from self._funds(row)
        if row["listed_no"] is not None:
            yield f"  listed as no. {row['listed_no']}: {_yuan(row['listed_amount_cny'])}"
            for listed in self._of_release(
                "listed_projects", row["release_id"], pc.field("project_id") == row["project_id"]
            ):
                yield from self._printed(listed, listed["source_line"], listed["source_column"], "listed amount")
        yield f"  {row['indicator_count']} indicators, lines {row['first_line']} to {row['last_line']}:"
        for found in self._of_release("indicators", row["release_id"], pc.field("project_id") == row["project_id"]):
            yield f"    {found['indicator_id']}  line {found['source_line']} cell {found['source_column']}: {found['level2']} · {found['indicator_printed']} = {found['value_printed']}"

    def _project_head(self, row: Row) -> Iterator[str]:
        yield f"table {row['project_id']}"
        yield f"  {row['budget_unit']} · {row['project_name']} · fiscal year {row['fiscal_year']}"
        if row["budget_unit_printed"] != row["budget_unit"]:
            yield f"  unit printed as {row['budget_unit_printed']}"
        if row["correction"]:
            yield f"  corrected: {row['correction']}"

    def _funds(self, row: Row) -> Iterator[str]:
        """The cells of a table's money."""
        fields = self._of_release("project_fields", row["release_id"], pc.field("project_id") == row["project_id"])
        for name in ("total_funds", "fiscal_funds", "other_funds"):
            amount = row[f"{name}_cny"]
            cell = next((found for found in fields if found["field"] == name), None)
            if cell is None:
                yield f"  {name}: not printed"
                continue
            yield f"  {name}: {_yuan(amount)} from {cell['value_printed']}"
            yield from self._printed(cell, cell["source_line"], cell["source_column"], name)

    def _finding(self, row: Row) -> Iterator[str]:
        yield f"finding {row['finding_id']}"
        yield f"  {row['severity']} {row['rule']}: {row['message']}"
        yield f"  expected {row['expected']}, actual {row['actual']}"
        if row["accepted_reason"]:
            yield f"  accepted: {row['accepted_reason']}"
        for name in ("project_id", "indicator_id"):
            if row[name]:
                yield f"  about {row[name]}"
        yield from self._source(row)
        yield from self._printed(row, row["source_line"], row["source_column"], "cell")

    # -- aggregates ----------------------------------------------------------------------------------------

    def aggregate(self, table: str, year: str = "", *key: str) -> Iterator[str]:
        """The chain of a row of a yearly table."""
        if not (year.isascii() and year.isdigit()):
            raise Refusal("unknown-figure", f"{table} needs a fiscal year, such as {table} 2020", _ADVICE)
        rows = self._rows(table, self.settings.out_root, f"{int(year)}.parquet")
        keys = {
            "yearly_by_unit": ("budget_unit",),
            "yearly_by_indicator": ("level1", "level2"),
            "project_years": ("project_key",),
        }
        names = keys.get(table, ())
        found = [row for row in rows if all(part in {str(row[name]) for name in names} for part in key)]
        if not found or (names and not key):
            offered = sorted({str(row[names[-1]]) for row in rows}) if names else []
            hint = f"one of: {', '.join(offered)}" if offered else _ADVICE
            raise Refusal("unknown-figure", f"no row {' '.join((table, year, *key))}", hint)
        return self._aggregate(table, int(year), found, names)

    def _aggregate(self, table: str, year: int, found: list[Row], names: tuple[str, ...]) -> Iterator[str]:
        for row in found:
            yield " ".join([table, str(year), *(str(row[name]) for name in names)])
            for name, value in row.items():
                if name not in ("fiscal_year", "source_sha256s", *names):
                    yield f"  {name}: {_yuan(value) if isinstance(value, Decimal) else value}"
            yield f"  from {len(row['source_sha256s'])} file(s): {', '.join(row['source_sha256s'])}"
        current = current_project_ids(self.settings.out_root, year)
        projects = [
            row
            for row in self._rows(
                "projects", self.settings.out_root, f"{year}/*.parquet", pc.field("fiscal_year") == year
            )
            if row["project_id"] in current
        ]
        if table == "yearly_by_indicator":
            yield from self._indicators_behind(year, found, current)
            return
        units = {row["budget_unit"] for row in found} if table == "yearly_by_unit" else None
        if table != "project_years":
            yield from self._findings_behind(year, units)
        for name in names:
            wanted = {row[name] for row in found}
            projects = [row for row in projects if row[name] in wanted]
        for row in projects:
            yield from self._project_head(row)
            yield from self._source(row)
            yield from self._funds(row)
            yield f"  {row['indicator_count']} indicators (kzz trace {row['project_id']})"

    def _indicators_behind(self, year: int, found: list[Row], current: set[str]) -> Iterator[str]:
        levels = {(row["level1"], row["level2"]) for row in found}
        condition = pc.field("fiscal_year") == year
        for row in self._rows("indicators", self.settings.out_root, f"{year}/*.parquet", condition):
            if (row["level1"], row["level2"]) in levels and row["project_id"] in current:
                yield f"indicator {row['indicator_id']}  {row['budget_unit']} · {row['indicator_printed']} = {row['value_printed']}"
                yield from self._printed(row, row["source_line"], row["source_column"], "value")

    def _findings_behind(self, year: int, units: set[str | None] | None) -> Iterator[str]:
        """The open findings that a year counts, or those of units in it."""
        this_year = pc.field("fiscal_year") == year
        everywhere = self._rows("projects", self.settings.out_root, f"{year}/*.parquet", this_year)
        unit_of = {row["project_id"]: row["budget_unit"] for row in everywhere}
        for row in self._rows("findings", self.settings.out_root, f"{year}/*.parquet", this_year):
            if row["accepted_reason"] is None and (units is None or unit_of.get(row["project_id"]) in units):
                place = f"{row['source_path']} line {row['source_line']} cell {row['source_column']}"
                yield f"finding {row['finding_id']}  {row['severity']}, {place}"

    # -- the printed text ----------------------------------------------------------------------------------

    def _source(self, row: Row) -> Iterator[str]:
        yield f"  release {row['release_id']}, file {row['source_path']}, sha256 {row['source_sha256']}"

    def _printed(self, row: Row, line: int, column: int, what: str) -> Iterator[str]:
        form, lines = self._read(row["source_path"], row["source_sha256"])
        there = form.place(line) if form else None
        place = f"{row['source_path']} line {line} cell {column} ({what}{f'; {there}' if there else ''})"
        if line > len(lines):
            yield f"    {place}: the bytes of this version are not kept here"
            return
        cells = lines[line - 1].split("\t")
        marked = [f"【{cell}】" if number == column else cell for number, cell in enumerate(cells, 1)]
        yield f"    {place}:"
        yield f"      {' ⇥ '.join(marked).rstrip(' ⇥')}"

    def _read(self, source_path: str, sha256: str) -> tuple[Form | None, Sequence[str]]:
        """A file as it was read, and its lines; None and no lines where its bytes are not kept."""
        key = (PurePosixPath(source_path).suffix, sha256)
        if key not in self.read:
            try:
                form = read_form(ByteStore(self.settings.bytes_root).get(sha256), key[0])
                self.read[key] = (form, Document.from_text(form.text).lines)
            except Refusal:
                self.read[key] = (None, [])
        return self.read[key]


def _version_lines(known: Version) -> Iterator[str]:
    why = str(refusal_of(known)) if known.status == "refused" else known.reason
    if known.status == "alias":
        why = f"of {known.reason}, whose bytes are the same"
    yield f"  version {known.version}, {known.recorded_at}: {known.status} {why}".rstrip()
    yield f"    file {known.source_path}, sha256 {known.source_sha256}"
    if known.fiscal_years:
        yield f"    fiscal years {known.fiscal_years}, Dagster run {known.run_id}"


def _yuan(amount: Decimal | None) -> str:
    return "none" if amount is None else f"{amount:,.2f} yuan"
