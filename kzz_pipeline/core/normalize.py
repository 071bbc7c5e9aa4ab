"""Tokens to rows: the fold that turns a parse into the rows of the contract's tables.

Nothing here looks at layout: labels in force, units of money, values and names follow from the roles of the
tokens alone. Printed text is kept beside what is made of it.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import compress
from operator import itemgetter
from typing import Any, NamedTuple

from kzz_pipeline.core.characters import squeeze, strip
from kzz_pipeline.core.garbage import no_cycles
from kzz_pipeline.core.listing import number_of
from kzz_pipeline.core.money import money_unit_of, read_amount
from kzz_pipeline.core.names import Listed, Tabled
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.tokens import ROLES, Chunks, Parse, Plain, Tokens
from kzz_pipeline.core.units import Units
from kzz_pipeline.core.values import Reading, read_indicator
from kzz_pipeline.core.vocabulary import UNIT_FIELDS, WHOLE, Vocabulary, only_year_in, year_of
from kzz_pipeline.core.words import Words

Columns = dict[str, list[Any]]
# What rules see of them: columns by the name of their table.
Rows = Mapping[str, Mapping[str, list[Any]]]
_FUNDS = ("total_funds", "fiscal_funds", "other_funds")
# Where 年度资金总额 is not printed, what stands for the year's total instead, in this order.
_TOTAL_FALLBACKS = ("total_funds", "whole_period_funds", "project_funds")
_UNIT_FALLBACKS = (*UNIT_FIELDS, "title_unit")
_LISTED_ROLES = {
    "department": "department",
    "implementing_unit": "implementing_unit",
    "listed_project": "project_name",
    "amount": "amount_printed",
    "listed_no": "listed_no",
}
# Of an indicator, and of the tree around it; what stands in the list, wherever that stands.
_INDICATOR_ROLES = {"indicator", "value", "attribute"}
_LABEL_ROLES = {"level1_label", "level2_label", "unknown_label", "indicator_header"}
_OUTSIDE_TREE = frozenset(ROLES) - _INDICATOR_ROLES - _LABEL_ROLES
# What the tree's own label says of the time that the targets are for.
_PERIODS = {"tree": "annual", "long_term_tree": "long_term"}
# What is no rate though its name holds the name of one: 满意度调查次数, 满意度问卷（份）.
_ABOUT_SURVEY = re.compile(
    r"^(?:指标)?(?:情况)?(?:调查|问卷|测评|测试|评价|评议|回访|考核|监测|统计)\S*?"
    r"(?:数|数量|次|费用?|经费|成本|支出|时间|时限|期限|日期|频[次率]|(?:回收|覆盖|完成|参与|及时|发放|有效)率)$"
)
_OF_SURVEYS = {"count", "person", "occurrence", "money", "time", "work", "place", "body"}
_HEAD_ROLES = {"title", "list_header", "list_field", "total", *_LISTED_ROLES}
# What stands above the rows of a list; these and its total say which list they and the rows that follow are of.
_LIST_HEADS = {"title", "year", "list_header"}
_LIST_ROLES = {*_LIST_HEADS, "total"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a release's bytes are from; these are the lineage columns that all of its rows share."""

    release_id: str
    release_year: int
    source_path: str
    source_sha256: str
    size_bytes: int
    encoding: str
    line_count: int


@dataclass(frozen=True, slots=True)
class CellCorrection:
    """A person's reading of one cell (or part of one) that prints `expect`, and why."""

    expect: str
    value: str
    reason: str


Corrections = Mapping[tuple[int, int], CellCorrection]


class _Field(NamedTuple):
    """A field above the indicators: what it says, its own unit of money, and what is printed where."""

    value: str
    unit: str | None
    printed: str
    line: int
    column: int


class _Subject(NamedTuple):
    """What a table says of whose money it is for: unit, project, year, and the total with its unit of money, as printed."""

    project_id: str
    unit: str | None
    project: str | None
    total: tuple[str, str | None] | None
    fiscal_year: int | None


@dataclass(slots=True)
class _List:
    """What a list prints above and below its rows, and their numbers: its own unit of money, if any, total and year."""

    unit: str | None = None
    total: Plain | None = None
    year: int | None = None
    rows: list[int] = field(default_factory=list)


class _Levels:
    """The labels in force on a row of the indicator tree: what the rows above and the row itself print."""

    __slots__ = ("either", "label_line", "level1", "level2", "level2_printed", "lone", "period", "satisfaction")

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.either = vocabulary.either
        self.satisfaction = vocabulary.labels["满意度指标"].level2
        self.level1: str | None = None
        self.level2: str | None = None
        self.level2_printed: str | None = None
        self.period = "annual"
        self.label_line = 0
        self.lone = False

    def read(self, plain: Plain) -> None:
        """Take in a label."""
        line, _, _, text, role, _, _, name = plain
        if role == "level2_label":
            if self.lone and name != self.level2 and not self.either(text):
                # 成本指标 printed alone was a second level of a form without first levels.
                self.level1 = None
            self.level2, self.level2_printed, self.label_line = name, strip(text), line
            self.lone = self.level1 is None
            if (self.lone or name == self.satisfaction) and self.either(text):
                self.level1 = self.level2_printed
        elif role == "level1_label":
            self.level1, self.lone = strip(text), False
            if self.label_line != line and (either := self.either(text)):
                self.level2, self.level2_printed = either.level2 or either.level1, self.level1
        elif role == "unknown_label":
            self.level2, self.level2_printed = None, strip(text)
        elif name in _PERIODS:
            self.period = _PERIODS[name]


class _Trees:
    """The labels in force in a table's tree, and in each of two trees that stand side by side."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.alone = _Levels(vocabulary)
        self.beside: dict[str, _Levels] = {}

    def read(self, plain: Plain) -> None:
        """Take in a label: of one tree where it says so, else of all."""
        role, name = plain[4], plain[7]
        if name and ":" in name and role != "indicator_header":
            label, _, period = name.rpartition(":")
            if period in _PERIODS.values():
                self._in(period).read((*plain[:7], label))
                return
        self.alone.read(plain)
        if self.beside:
            for levels in self.beside.values():
                levels.read(plain)

    def in_force(self, period: str | None) -> tuple[str | None, ...]:
        """The labels in force on an indicator of the tree that is for this period, or of the only tree."""
        levels = self.alone if period is None else self._in(period)
        return levels.level1, levels.level2, levels.level2_printed, levels.period

    def _in(self, period: str) -> _Levels:
        levels = self.beside.get(period)
        if levels is None:
            levels = self.beside[period] = copy(self.alone)
        levels.period = period
        return levels


@dataclass(slots=True)
class _Table:
    """One 项目支出绩效目标表, gathered from its tokens; its indicators are rows already."""

    number: int
    project_id: str
    first: Plain
    last_line: int = 0
    title: Plain | None = None
    year_printed: str | None = None
    fiscal_year: int | None = None
    money_unit: str | None = None
    # Units of money that labels print: of the last label (while no value stands behind it), of a section, of a total.
    label_unit: str | None = None
    section_unit: str | None = None
    total_unit: str | None = None
    # The columns of `_FIELD_COLUMNS`, and the first field above the indicators of each name.
    fields: list[tuple[Any, ...]] = field(default_factory=list)
    field_count: int = 0
    named: dict[str | None, _Field] = field(default_factory=dict)
    goal: list[tuple[int, str]] = field(default_factory=list)
    goal_correction: str | None = None
    indicator_count: int = 0


@no_cycles()
def normalize(
    parse: Parse,
    source: Source,
    words: Words,
    corrections: Corrections | None = None,
    money_unit: str | None = None,
) -> dict[str, Columns]:
    """The rows of a release, by table and column: releases, listed_projects, projects, indicators, project_fields.

    `money_unit` is a person's word for it where the release prints none. Counts of findings are not known yet and
    left 0. Raises Refusal where amounts are printed and nothing says in which unit of money.
    """
    first, *others = normalize_chunks(parse.chunks, source, words, corrections, money_unit)
    for rows in others:
        for name, columns in rows.items():
            for column, values in columns.items():
                first[name][column].extend(values)
    return first


def normalize_chunks(
    chunks: Chunks[Tokens],
    source: Source,
    words: Words,
    corrections: Corrections | None = None,
    money_unit: str | None = None,
) -> Iterator[dict[str, Columns]]:
    """The rows of `normalize` for each chunk of a parse: those of the release and its list are with the first.

    What is in several chunks is gone through twice: what holds of one table may be printed in another.
    """
    return _Normalizer(source, words, corrections or {}, money_unit).rows(chunks)


class _Normalizer:
    def __init__(self, source: Source, words: Words, corrections: Corrections, money_unit: str | None) -> None:
        self.source = source
        self.words = words
        self.corrections = corrections
        self.assumed_money_unit = money_unit
        self.title: str | None = None
        self.money_unit: str | None = None
        self.unit_names: dict[str, str] = {}
        # The lists, the one that is gone through, and the rows of all of them.
        self.lists: dict[int, _List] = {0: _List()}
        self.list_no = 0
        self.listed: dict[int, dict[str, Plain]] = {}
        self.further: dict[int, list[str]] = {}
        # What is known of the whole release once every chunk was gone through.
        self.subjects: list[_Subject] = []
        self.counts: Counter[str] = Counter()
        self.first_amount: tuple[str, int] | None = None
        self.first_unit: tuple[int, str] | None = None
        self._begin_chunk()

    def _begin_chunk(self) -> None:
        self.tables: list[_Table] = []
        self.indicators = _columns(
            "indicator_id", "project_id", "project_key", "release_year", "fiscal_year", "budget_unit", "project_name",
            "indicator_no", "level1", "level2", "level1_printed", "level2_printed", "indicator_name",
            "indicator_printed", "unit", "value_printed", "value_kind", "operator", "target_value", "target_min",
            "target_max", "base_unit", "base_value", "release_id", "source_path", "source_sha256", "source_line",
            "source_column", "indicator_line", "indicator_column", "target_period", "correction",
        )  # fmt: skip
        self.fields = _columns(
            "project_id", "indicator_id", "project_key", "release_year", "fiscal_year", "field_no", "field",
            "label_printed", "value_printed", "amount_cny", "release_id", "source_path", "source_sha256",
            "source_line", "source_column",
        )  # fmt: skip
        # What each field says, and the unit of money that its label prints.
        self.field_values: list[str] = []
        self.field_units: list[str | None] = []

    # -- corrections ---------------------------------------------------------------------------------------

    def _text(self, cell: Plain) -> str:
        """What a cell says: the person's reading where there is one, else as printed, ends stripped."""
        printed = strip(cell[3])
        corrected = self.corrections.get((cell[0], cell[1])) if self.corrections else None
        return corrected.value if corrected is not None and corrected.expect == printed else printed

    def _reason(self, places: Iterable[tuple[int, int, str]]) -> str | None:
        """Why cells of a row were corrected, by line, column and what they print; None where none was."""
        if not self.corrections:
            return None
        found = [(self.corrections.get((line, column)), printed) for line, column, printed in places]
        reasons = [correction.reason for correction, printed in found if correction and correction.expect == printed]
        return "; ".join(dict.fromkeys(reasons)) or None

    # -- gathering -----------------------------------------------------------------------------------------

    def rows(self, chunks: Chunks[Tokens]) -> Iterator[dict[str, Columns]]:
        is_whole = len(chunks) == 1
        for cells in chunks:
            # Of several chunks, the rows of the tree are made when they are gone through again.
            self._gather(cells, has_rows=is_whole)
            self._take_note(cells)
        self._find_money_unit()
        listed = self._listed_rows()
        matches = self._match(listed)
        self._name_units(listed)
        for at, row in matches.items():
            listed["project_id"][row] = self.subjects[at].project_id
        release = self._release_row(listed)
        done = 0
        for number in range(len(chunks)):
            if not is_whole:
                # What it says of the list is known by now, and said again in vain.
                self._gather(chunks[number], has_rows=True)
            projects = self._table_rows(listed, matches, done)
            yield {
                "releases": _columns(*release) if number else release,
                "listed_projects": _columns(*listed) if number else listed,
                "projects": projects,
                "indicators": self._with_source(self.indicators),
                "project_fields": self._with_source(self.fields),
            }
            done += len(self.tables)

    def _gather(self, cells: Tokens, has_rows: bool) -> None:
        """Go through a chunk: its tables, with their fields and, where `has_rows`, what stands in their trees."""
        self._begin_chunk()
        start = bisect_right(cells.table_no, 0)
        for cell in cells.plain(0, start):
            self._gather_head(cell)
        while start < len(cells):
            number = cells.table_no[start]
            stop = bisect_right(cells.table_no, number, start)
            table = _Table(number, f"{self.source.release_id}-t{number:03d}", next(cells.plain(start, start + 1)))
            of_table = cells.plain(start, stop)
            if not has_rows:
                of_table = compress(of_table, map(_OUTSIDE_TREE.__contains__, cells.role[start:stop]))
            self._gather_table(table, of_table)
            self.tables.append(table)
            start = stop

    def _take_note(self, cells: Tokens) -> None:
        """Keep of a chunk what the rows of every chunk depend on."""
        # A cell that was taken apart counts once.
        self.counts["cells"] += cells.part.count(0) + cells.part.count(1)
        if "unread" in cells.role:
            places = zip(cells.line, cells.column, cells.role, strict=True)
            self.counts["unread"] += len({(line, column) for line, column, role in places if role == "unread"})
        self.counts["indicators"] += cells.role.count("value")
        for table in self.tables:
            unit, project = self._unit_field(table), self._field(table, "project_name")
            total = self._field(table, *_TOTAL_FALLBACKS)
            self.subjects.append(
                _Subject(
                    table.project_id,
                    unit.value if unit else None,
                    project.value if project else None,
                    (total.value, total.unit or table.money_unit) if total else None,
                    table.fiscal_year,
                )
            )
        self._look_for_money_unit()

    def _gather_head(self, cell: Plain) -> None:
        _, _, _, text, role, _, item_no, name = cell
        if role in _LIST_ROLES:
            self.list_no = item_no
        current = self.lists.setdefault(self.list_no, _List())
        if role in _LIST_HEADS:
            current.year = current.year or _year_named(text)
            # The unit of a further list is not that of the first one, nor of the tables.
            if role == "list_header" or item_no:
                current.unit = name or current.unit
            if not item_no:
                self.money_unit = self.money_unit or name
        match role:
            case "title":
                self.title = self.title or strip(text)
            case "money_unit":
                self.money_unit = self.money_unit or name
            case "total":
                current.total = cell
            case "list_field":
                column = f"{name}: " if name else ""
                self.further.setdefault(item_no, []).append(column + self._text(cell))
            case role if role in _LISTED_ROLES and item_no:
                if item_no not in self.listed:
                    current.rows.append(item_no)
                self.listed.setdefault(item_no, {})[role] = cell

    def _gather_table(self, table: _Table, cells: Iterator[Plain]) -> None:
        trees = _Trees(self.words.labels)
        labels: dict[int, tuple[str, str | None, str | None]] = {}
        headers: dict[str | None, str] = {}
        indicators: list[tuple[int, tuple[str | None, ...], list[Plain]]] = []
        number, period = 0, None
        for cell in cells:
            line, _, _, text, role, _, item_no, name = cell
            if role == "unread":
                continue
            table.last_line = line
            if role in _INDICATOR_ROLES:
                if item_no != number:
                    number, period = item_no, name if role == "indicator" else None
                    own: list[Plain] = []
                    indicators.append((number, trees.in_force(period), own))
                own.append(cell)
                if role == "attribute":
                    # A column that the vocabulary does not name goes by what its header prints.
                    field_name, _, header = (name or "").partition(":")
                    label = header or headers.get(field_name)
                    self._add_field(table, field_name or None, label, cell, self._text(cell), None, number)
            elif role == "indicator_header":
                heading, _, whole = (name or "").partition(":")
                headers[heading] = whole or strip(text)
                if heading in _PERIODS:
                    trees.read((*cell[:7], heading))
            elif role in _LABEL_ROLES:
                trees.read(cell)
                if item_no:
                    # It stands behind the name, and is of the same row.
                    indicators[-1] = number, trees.in_force(period), own
            elif role in _HEAD_ROLES or (role == "year" and item_no):
                self._gather_head(cell)
            else:
                self._gather_head_of_table(table, cell, labels)
        rows = [self._indicator_row(table.project_id, *indicator) for indicator in indicators]
        table.indicator_count, table.field_count = len(rows), len(table.fields)
        for column, values in zip(_INDICATOR_COLUMNS, zip(*rows, strict=True), strict=False):
            self.indicators[column].extend(values)
        for column, values in zip(_FIELD_COLUMNS, zip(*table.fields, strict=True), strict=False):
            self.fields[column].extend(values)
        table.fields.clear()

    def _indicator_row(
        self, project_id: str, number: int, in_force: tuple[str | None, ...], cells: list[Plain]
    ) -> tuple[Any, ...]:
        """The columns of `_INDICATOR_COLUMNS`."""
        level1_printed, level2, level2_printed, period = in_force
        labels, units = self.words.labels, self.words.units
        names, value, unit, operator = [], None, None, None
        for cell in cells:
            _, _, _, _, role, _, _, name = cell
            if role == "indicator":
                names.append(cell)
            elif role == "value":
                value = cell
            elif name == "unit":
                unit = self._text(cell)
            elif name == "operator" or (name == "direction" and operator is None):
                # Some forms print ≥ and ≤ under 指标方向; 正向 there says nothing of the target.
                operator = self._text(cell)
        if value is None or not names:
            raise AssertionError(f"an indicator row without a name or a value: {cells}")
        line, column, _, text, _, _, _, _ = names[0]
        value_line, value_column, _, value_text, _, _, _, _ = value
        printed = strip(text) if len(names) == 1 else "".join(strip(name[3]) for name in names)
        value_printed = strip(value_text)
        is_of_time = level2 == "时效指标"
        if self.corrections:
            says = "".join(self._text(name) for name in names)
            reading = read_indicator(says, self._text(value), units, unit, operator, is_of_time)
            reason = self._reason((cell[0], cell[1], strip(cell[3])) for cell in (value, *names))
        else:
            reading, reason = read_indicator(printed, value_printed, units, unit, operator, is_of_time), None
        for part, named in labels.named_level2:
            if part in reading[0] and _is_rate(reading, part, units):
                level2 = named
        return (
            f"{project_id}-i{number:03d}",
            number,
            labels.level1_of.get(level2) if level2 else None,
            level2,
            level1_printed,
            level2_printed,
            printed,
            value_printed,
            value_line,
            value_column,
            line,
            column,
            period,
            reason,
            *reading,
        )

    def _gather_head_of_table(
        self, table: _Table, cell: Plain, labels: dict[int, tuple[str, str | None, str | None]]
    ) -> None:
        line, column, _, text, role, _, item_no, name = cell
        match role:
            case "field_label":
                field_name, _, money_unit = (name or "").partition(":")
                labels[item_no] = (strip(text), field_name, self._unit_of_label(table, field_name, money_unit or None))
            case "field_value" if item_no == 0 and ":" in (name or ""):
                self._add_field_of_column(table, name or "", cell)
            case "field_value":
                table.label_unit = None
                label, labelled, unit = labels.get(item_no, ("", name, None))
                value = self._text(cell)
                self._add_field(table, name if item_no == 0 else labelled, label, cell, value, unit)
                if labelled == "fiscal_year" and table.year_printed is None:
                    self._set_year(table, value)
            case "table_title":
                table.title = table.title or cell
                year, _, declared = (name or "").partition(":")
                table.money_unit = table.money_unit or declared or None
                if year and table.year_printed is None:
                    self._set_year(table, year)
            case "year" if table.year_printed is None:
                self._set_year(table, self._text(cell))
            case "money_unit":
                table.money_unit = table.money_unit or name
            case "goal" if name and name != "annual":
                scope, _, label = name.partition(":")
                self._add_field(table, f"{scope}_goal", label, cell, strip(text))
            case "goal":
                table.goal.append((line, self._text(cell)))
                table.goal_correction = table.goal_correction or self._reason([(line, column, strip(text))])

    def _add_field_of_column(self, table: _Table, name: str, cell: Plain) -> None:
        """A field in a column before the levels of a table over many projects; unit and year may stand further up."""
        field_name, money_unit, label, *inherited = name.split(":", 6)
        self._add_field(table, field_name or None, label, cell, self._text(cell), money_unit or None)
        if not inherited:
            return
        year, line, column, printed = inherited
        if year and table.year_printed is None:
            self._set_year(table, year)
        if printed:
            above = (int(line), int(column), 0, printed, "field_value", table.number, 0, "budget_unit")
            found = _Field(self._text(above), None, strip(printed), int(line), int(column))
            table.named.setdefault("budget_unit", found)

    def _unit_of_label(self, table: _Table, name: str, printed: str | None) -> str | None:
        """The unit of money that a label prints, else the one of the total that it is a part of, or of its section."""
        if name not in self.words.labels.money_fields:
            return printed
        # 项目资金（元） ⇥ 年度资金总额: a label without an amount of its own heads those behind it.
        table.section_unit, table.label_unit = table.label_unit or table.section_unit, printed
        if name in _TOTAL_FALLBACKS:
            table.total_unit = printed
        return printed or table.total_unit or table.section_unit

    def _add_field(
        self,
        table: _Table,
        name: str | None,
        label: str | None,
        cell: Plain,
        value: str,
        unit: str | None = None,
        indicator_no: int = 0,
    ) -> None:
        """Add a field above the indicators, or a further cell beside an indicator's value."""
        line, column, printed = cell[0], cell[1], strip(cell[3])
        self.field_values.append(value)
        self.field_units.append(unit)
        indicator_id = f"{table.project_id}-i{indicator_no:03d}" if indicator_no else None
        number = len(table.fields) + 1
        table.fields.append((table.project_id, indicator_id, number, name, label or None, printed, line, column))
        if not indicator_no:
            known = table.named.get(name)
            # What stands above the title may be the signature of the table before it.
            if known is None or (table.title is not None and known.line < table.title[0] <= line):
                table.named[name] = _Field(value, unit, printed, line, column)

    @staticmethod
    def _field(table: _Table, *names: str) -> _Field | None:
        """The first field above the indicators that has the first of these names."""
        for name in names:
            if name in table.named:
                return table.named[name]
        return None

    @staticmethod
    def _set_year(table: _Table, printed: str) -> None:
        table.year_printed = strip(printed)
        table.fiscal_year = year_of(printed)

    def _look_for_money_unit(self) -> None:
        """Keep the first unit of money that a table, a label or an amount of a chunk prints, and the first amount."""
        if self.money_unit is not None:
            return
        columns = ("field", "value_printed", "source_line")
        fields = list(zip(self.field_values, *(self.fields[column] for column in columns), strict=True))
        amounts = [(value, printed, line) for value, name, printed, line in fields if self._is_money(name)]
        declared = [(table.first[0], table.money_unit) for table in self.tables]
        declared += [(line, unit) for unit, (_, _, _, line) in zip(self.field_units, fields, strict=True)]
        declared += [(line, money_unit_of(value)) for value, _, line in amounts]
        if self.first_unit is None:
            found = [(line, unit) for line, unit in declared if unit]
            self.first_unit = min(found, key=itemgetter(0), default=None)
        if self.first_amount is None and amounts:
            _, printed, line = amounts[0]
            self.first_amount = printed, line

    def _find_money_unit(self) -> None:
        """The unit of money of the release: declared once; else the first that is printed, in the list or below."""
        if self.money_unit is not None:
            return
        amounts = [(strip(row["amount"][3]), row["amount"][0]) for row in self.listed.values() if "amount" in row]
        declared = [(line, unit) for printed, line in amounts if (unit := money_unit_of(printed))]
        first = min([*([self.first_unit] if self.first_unit else []), *declared], key=itemgetter(0), default=None)
        self.money_unit = first[1] if first else self.assumed_money_unit
        first_amount = amounts[0] if amounts else self.first_amount
        if self.money_unit is None and first_amount:
            printed, line = first_amount
            raise Refusal(
                "no-money-unit",
                f"nothing says in which unit of money the amounts are printed, the first here: {printed}",
                "say it in corrections.yml under assume, for example money_unit: 万元",
                line,
            )

    def _is_money(self, field_name: str | None) -> bool:
        return field_name in self.words.labels.money_fields

    def _amount(self, printed: str, unit: str | None, table: _Table | None = None) -> Decimal | None:
        return read_amount(printed, unit or (table.money_unit if table else None) or self.money_unit or "万元")

    # -- rows ----------------------------------------------------------------------------------------------

    def _with_source(self, columns: Columns) -> Columns:
        """`columns` with those that are the same on every row of the release."""
        source, count = self.source, len(columns["source_line"])
        columns["release_year"] = [source.release_year] * count
        columns["release_id"] = [source.release_id] * count
        columns["source_path"] = [source.source_path] * count
        columns["source_sha256"] = [source.source_sha256] * count
        return columns

    def _listed_rows(self) -> Columns:
        columns = _columns(
            "listed_no", "department", "implementing_unit", "project_name", "amount_cny", "project_id", "release_year",
            "release_id", "source_path", "source_sha256", "source_line", "source_column", "amount_printed", "correction",
            "further_cells", "list_no", "list_total_cny",
        )  # fmt: skip
        department = unit = None
        list_of = {row: (number, of_row) for number, of_row in self.lists.items() for row in of_row.rows}
        for number, row in self.listed.items():
            list_no, of_row = list_of[number]
            columns["list_no"].append(list_no + 1)
            columns["list_total_cny"].append(self._total_of(of_row))
            columns["further_cells"].append("; ".join(self.further.get(number, [])) or None)
            texts = {_LISTED_ROLES[role]: self._text(token) for role, token in row.items()}
            # A merged cell's text stands in the first of its rows only.
            if "department" in texts or "implementing_unit" in texts:
                department, unit = texts.get("department", department), texts.get("implementing_unit")
            columns["listed_no"].append(number_of(texts.get("listed_no", "")))
            columns["department"].append(department)
            columns["implementing_unit"].append(unit)
            columns["project_name"].append(texts.get("project_name"))
            amount = texts.get("amount_printed")
            columns["amount_printed"].append(strip(row["amount"][3]) if "amount" in row else None)
            columns["amount_cny"].append(self._amount(amount, of_row.unit) if amount else None)
            columns["project_id"].append(None)
            columns["correction"].append(self._reason((cell[0], cell[1], strip(cell[3])) for cell in row.values()))
            cell = row.get("amount") or row.get("listed_project") or next(iter(row.values()))
            columns["source_line"].append(cell[0])
            columns["source_column"].append(cell[1])
        return self._with_source(columns)

    def _total_of(self, found: _List) -> Decimal | None:
        return self._amount(self._text(found.total), found.unit) if found.total else None

    def _listed_total(self, listed: Columns) -> Decimal | None:
        """The total of all lists: of each its own, added up; or the only one, unless it is of its own list alone."""
        printed = {number: self._total_of(found) for number, found in self.lists.items() if found.rows or found.total}
        totals = {number: total for number, total in printed.items() if total is not None}
        if len(totals) == len(printed):
            return sum(totals.values(), Decimal(0)) if totals else None
        if len(totals) > 1:
            return None
        ((number, total),) = totals.items() or ((None, None),)
        rows = zip(listed["list_no"], listed["amount_cny"], strict=True)
        own = sum(amount or 0 for list_no, amount in rows if list_no - 1 == number)
        return None if total == own else total

    def _table_rows(self, listed: Columns, matches: dict[int, int], done: int) -> Columns:
        """The rows of a chunk's tables, before which so many are done; `matches` are tables to rows of the list."""
        projects = _columns(
            "project_id", "project_key", "release_year", "fiscal_year", "table_no", "budget_unit", "budget_unit_printed",
            "project_name", "total_funds_cny", "fiscal_funds_cny", "other_funds_cny", "annual_goal", "listed_no",
            "listed_amount_cny", "indicator_count", "first_line", "last_line", "release_id", "source_path",
            "source_sha256", "source_line", "source_column", "year_printed", "total_funds_printed",
            "fiscal_funds_printed", "other_funds_printed", "correction",
        )  # fmt: skip
        for at, table in enumerate(self.tables, done):
            row = matches.get(at)
            shared = self._shared(table, listed, row)
            for column, common in shared.items():
                self.indicators[column].extend([common] * table.indicator_count)
            for column in ("project_key", "fiscal_year"):
                self.fields[column].extend([shared[column]] * table.field_count)
            self._add_amounts(table)
            self._project_row(projects, table, shared, listed, row)
        return self._with_source(projects)

    def _add_amounts(self, table: _Table) -> None:
        """Read the amounts of a table's fields, now that the unit of money is known."""
        amounts, names, indicators = (self.fields[name] for name in ("amount_cny", "field", "indicator_id"))
        money_fields = self.words.labels.money_fields
        for at in range(len(amounts), len(amounts) + table.field_count):
            is_money = names[at] in money_fields and indicators[at] is None
            amounts.append(self._amount(self.field_values[at], self.field_units[at], table) if is_money else None)

    def _match(self, listed: Columns) -> dict[int, int]:
        """Place among the release's tables to row of the list."""
        names = ("implementing_unit", "department", "project_name", "amount_cny", "list_no")
        entries = [
            Listed(
                tuple(name for name in (unit, department) if name), project or "", amount, self.lists[list_no - 1].year
            )
            for unit, department, project, amount, list_no in zip(*(listed[name] for name in names), strict=True)
        ]
        tables = [
            Tabled(unit, project, self._amount(*total) if total else None, year)
            for _, unit, project, total, year in self.subjects
        ]
        found = self.words.names.match(entries, tables)
        return {at: row for row, at in enumerate(found) if at is not None}

    def _total(self, table: _Table) -> tuple[Decimal | None, _Field | None]:
        for name in _TOTAL_FALLBACKS:
            found = self._field(table, name)
            if found is not None:
                return self._amount(found.value, found.unit, table), found
        return None, None

    def _shared(self, table: _Table, listed: Columns, row: int | None) -> dict[str, Any]:
        """What a table's own row shares with those of its indicators and fields."""
        unit_field, name_field = self._unit_field(table), self._field(table, "project_name")
        unit = self._budget_unit(unit_field.value if unit_field else None, listed, row)
        name = name_field.value if name_field else None
        # A table of a whole department names no project.
        is_whole = table.title is not None and WHOLE in squeeze(table.title[3])
        subject = name or (WHOLE if is_whole else None)
        return {
            "project_id": table.project_id,
            # A table that does not say whose or what it is, is like no other.
            "project_key": self.words.names.project_key(unit, subject) if unit and subject else table.project_id,
            "fiscal_year": table.fiscal_year,
            "budget_unit": unit,
            "project_name": name,
        }

    def _project_row(
        self, columns: Columns, table: _Table, shared: dict[str, Any], listed: Columns, row: int | None
    ) -> None:
        unit_field, name_field = self._unit_field(table), self._field(table, "project_name")
        total, total_field = self._total(table)
        fiscal_field, other_field = self._field(table, "fiscal_funds"), self._field(table, "other_funds")
        first = table.title or table.first
        values = {
            **shared,
            "table_no": table.number,
            "budget_unit_printed": unit_field.printed if unit_field else None,
            "total_funds_cny": total,
            "fiscal_funds_cny": self._amount(fiscal_field.value, fiscal_field.unit, table) if fiscal_field else None,
            "other_funds_cny": self._amount(other_field.value, other_field.unit, table) if other_field else None,
            "annual_goal": _joined(table.goal),
            "listed_no": listed["listed_no"][row] if row is not None else None,
            "listed_amount_cny": listed["amount_cny"][row] if row is not None else None,
            "indicator_count": table.indicator_count,
            "first_line": first[0],
            # Where no cell of a table was read, it ends where it begins.
            "last_line": max(table.last_line, first[0]),
            "source_line": first[0],
            "source_column": first[1],
            "year_printed": table.year_printed,
            "total_funds_printed": total_field.printed if total_field else None,
            "fiscal_funds_printed": fiscal_field.printed if fiscal_field else None,
            "other_funds_printed": other_field.printed if other_field else None,
            "correction": self._project_reason(table, unit_field, name_field, total_field, fiscal_field, other_field),
        }
        for column, value in values.items():
            columns[column].append(value)

    def _project_reason(self, table: _Table, *fields: _Field | None) -> str | None:
        reasons = [
            self._reason((found.line, found.column, found.printed) for found in fields if found),
            table.goal_correction,
        ]
        return "; ".join(reason for reason in reasons if reason) or None

    def _name_units(self, listed: Columns) -> None:
        """One name for each unit of the release, however it is written: the fullest, else the first that is printed."""
        names = self.words.names
        printed = dict.fromkeys((*listed["implementing_unit"], *listed["department"]))
        printed.update(dict.fromkeys(subject.unit for subject in self.subjects))
        for text in filter(None, printed):
            key, name = names.unit_key(text), names.budget_unit(text)
            if key not in self.unit_names or len(squeeze(name)) > len(squeeze(self.unit_names[key])):
                self.unit_names[key] = name

    def _unit_field(self, table: _Table) -> _Field | None:
        return self._field(table, *_UNIT_FALLBACKS)

    def _budget_unit(self, printed: str | None, listed: Columns, row: int | None) -> str | None:
        """The canonical unit: the vocabulary's; else the list's form of the name where only a character differs."""
        names = self.words.names
        if printed is None:
            return None
        key = names.unit_key(printed)
        unit = self.unit_names[key]
        if row is None or key in names.canonical:
            return unit
        unit_key = names.unit_key(unit)
        for written in dict.fromkeys((listed["implementing_unit"][row], listed["department"][row])):
            if written and _one_character_apart(written_key := names.unit_key(written), unit_key):
                return self.unit_names[written_key]
        return unit

    def _release_row(self, listed: Columns) -> Columns:
        source = self.source
        row = {
            "release_id": source.release_id,
            "release_year": source.release_year,
            "title": self.title,
            "source_path": source.source_path,
            "source_sha256": source.source_sha256,
            "size_bytes": source.size_bytes,
            "encoding": source.encoding,
            "line_count": source.line_count,
            "money_unit": self.money_unit,
            "listed_total_cny": self._listed_total(listed),
            "listed_count": len(listed["listed_no"]),
            "project_count": len(self.subjects),
            "indicator_count": self.counts["indicators"],
            "cell_count": self.counts["cells"],
            "unread_cell_count": self.counts["unread"],
            "error_count": 0,
            "warning_count": 0,
            "info_count": 0,
        }
        return {column: [value] for column, value in row.items()}


_INDICATOR_COLUMNS = (
    "indicator_id", "indicator_no", "level1", "level2", "level1_printed", "level2_printed", "indicator_printed",
    "value_printed", "source_line", "source_column", "indicator_line", "indicator_column", "target_period", "correction", *Reading._fields,
)  # fmt: skip
_FIELD_COLUMNS = (
    "project_id", "indicator_id", "field_no", "field", "label_printed", "value_printed", "source_line", "source_column",
)  # fmt: skip


def _year_named(printed: str) -> int | None:
    year = only_year_in(printed)
    return int(year) if year else None


def _columns(*names: str) -> Columns:
    return {name: [] for name in names}


def _is_rate(reading: Reading, part: str, units: Units) -> bool:
    """Whether an indicator called by a rate (…满意度…) is one, and not a number of questionnaires, their cost or their date."""
    if _ABOUT_SURVEY.match(reading.indicator_name.rpartition(part)[2]) or reading.value_kind == "date":
        return False
    unit = units.find(reading.unit) if reading.unit else None
    return unit is None or reading.value_kind == "percent" or unit.dimension not in _OF_SURVEYS


def _joined(goal: list[tuple[int, str]]) -> str | None:
    """The goal as printed: the cells of a line side by side, one line below the other."""
    lines: dict[int, list[str]] = {}
    for line, text in goal:
        lines.setdefault(line, []).append(text)
    return "\n".join(" ".join(texts) for texts in lines.values()) or None


def _one_character_apart(one: str, other: str) -> bool:
    """Whether one name is the other with a character lost."""
    if abs(len(one) - len(other)) != 1:
        return False
    short, long = sorted((one, other), key=len)
    return len(short) >= 4 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
