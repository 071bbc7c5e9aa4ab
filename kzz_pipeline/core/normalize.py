"""Tokens to rows: the fold that turns a parse into the rows of the contract's tables.

Nothing here looks at layout: labels in force, units of money, values and names follow from the roles of the
tokens alone. Printed text is kept beside what is made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from kzz_pipeline.core.characters import squeeze, strip
from kzz_pipeline.core.money import money_unit_of, read_amount
from kzz_pipeline.core.names import Listed, Tabled
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.tokens import Parse, Token
from kzz_pipeline.core.values import read_indicator
from kzz_pipeline.core.vocabulary import year_of
from kzz_pipeline.core.words import Words

Columns = dict[str, list[Any]]
_FUNDS = ("total_funds", "fiscal_funds", "other_funds")
# Where 年度资金总额 is not printed, what stands for the year's total instead, in this order.
_TOTAL_FALLBACKS = ("total_funds", "whole_period_funds", "project_funds")
_UNIT_FALLBACKS = ("budget_unit", "implementing_unit", "department")
_WHOLE = "整体支出"
_LISTED_ROLES = {
    "department": "department",
    "implementing_unit": "implementing_unit",
    "listed_project": "project_name",
    "amount": "amount_printed",
    "listed_no": "listed_no",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a release's bytes are from; these are the lineage columns that all of its rows share."""

    release_id: str
    release_year: int
    source_path: str
    source_sha256: str
    size_bytes: int
    encoding: str


@dataclass(frozen=True, slots=True)
class CellCorrection:
    """A person's reading of one cell (or part of one) that prints `expect`, and why."""

    expect: str
    value: str
    reason: str


Corrections = Mapping[tuple[int, int], CellCorrection]


@dataclass(slots=True)
class _Field:
    """A field above the indicators, or an extra column of an indicator, as printed."""

    name: str | None
    label: str
    token: Token
    value: str
    unit: str | None
    indicator_no: int | None = None


@dataclass(slots=True)
class _Indicator:
    """The cells of one indicator row, with the labels in force on it."""

    number: int
    level1_printed: str | None
    level2: str | None
    level2_printed: str | None
    period: str
    names: list[Token] = field(default_factory=list)
    value: Token | None = None
    unit: str | None = None
    operator: str | None = None


@dataclass(slots=True)
class _Table:
    """One 项目支出绩效目标表, gathered from its tokens."""

    number: int
    first: Token
    last_line: int = 0
    title: Token | None = None
    year_printed: str | None = None
    fiscal_year: int | None = None
    money_unit: str | None = None
    fields: list[_Field] = field(default_factory=list)
    goal: list[tuple[int, str]] = field(default_factory=list)
    goal_correction: str | None = None
    indicators: list[_Indicator] = field(default_factory=list)

    def field(self, *names: str) -> _Field | None:
        for name in names:
            for found in self.fields:
                if found.name == name and found.indicator_no is None:
                    return found
        return None


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
    return _Normalizer(parse, source, words, corrections or {}, money_unit).rows()


class _Normalizer:
    def __init__(
        self, parse: Parse, source: Source, words: Words, corrections: Corrections, money_unit: str | None
    ) -> None:
        self.parse = parse
        self.source = source
        self.words = words
        self.corrections = corrections
        self.assumed_money_unit = money_unit
        self.title: str | None = None
        self.money_unit: str | None = None
        self.total: Token | None = None
        self.listed: dict[int, dict[str, Token]] = {}
        self.further: dict[int, list[str]] = {}
        self.tables: list[_Table] = []

    # -- corrections ---------------------------------------------------------------------------------------

    def _text(self, token: Token) -> str:
        """What a token says: the person's reading where there is one, else as printed, ends stripped."""
        printed = strip(token.text)
        if self.corrections:
            corrected = self.corrections.get((token.line, token.column))
            if corrected is not None and corrected.expect == printed:
                return corrected.value
        return printed

    def _reason(self, *tokens: Token | None) -> str | None:
        """Why cells of a row were corrected; None where none was."""
        if not self.corrections:
            return None
        reasons = []
        for token in tokens:
            found = self.corrections.get((token.line, token.column)) if token is not None else None
            if found is not None and token is not None and found.expect == strip(token.text):
                reasons.append(found.reason)
        return "; ".join(dict.fromkeys(reasons)) or None

    # -- gathering -----------------------------------------------------------------------------------------

    def rows(self) -> dict[str, Columns]:
        for token in self.parse.tokens:
            if token.table_no == 0 or token.role in ("list_header", "list_field", "total", *_LISTED_ROLES):
                self._gather_head(token)
        self._gather_tables()
        self._find_money_unit()
        listed = self._listed_rows()
        projects, indicators, fields = self._table_rows(listed)
        return {
            "releases": self._release_row(listed, projects, indicators),
            "listed_projects": listed,
            "projects": projects,
            "indicators": indicators,
            "project_fields": fields,
        }

    def _gather_head(self, token: Token) -> None:
        match token.role:
            case "title":
                self.title = self.title or strip(token.text)
            case "money_unit":
                self.money_unit = self.money_unit or token.name
            case "list_header":
                self.money_unit = self.money_unit or token.name
            case "total":
                self.total = token
            case "list_field":
                column = f"{token.name}: " if token.name else ""
                self.further.setdefault(token.item_no, []).append(column + self._text(token))
            case role if role in _LISTED_ROLES and token.item_no:
                self.listed.setdefault(token.item_no, {})[role] = token

    def _gather_tables(self) -> None:
        table: _Table | None = None
        current: _Indicator | None = None
        pending: dict[int, tuple[str, str | None, str | None]] = {}
        level1 = level2 = level2_printed = None
        label_line = 0
        lone = False
        period = "annual"
        for token in self.parse.tokens:
            if token.table_no == 0:
                continue
            if table is None or token.table_no != table.number:
                table = _Table(token.table_no, token)
                self.tables.append(table)
                current, level1, level2, level2_printed, period, lone = None, None, None, None, "annual", False
                pending = {}
            role = token.role
            if role != "unread":
                table.last_line = token.line
            if role in ("indicator", "value", "attribute"):
                if current is None or current.number != token.item_no:
                    current = _Indicator(token.item_no, level1, level2, level2_printed, period)
                    table.indicators.append(current)
                self._gather_indicator(table, current, token)
            elif role == "level2_label":
                if lone and token.name != level2 and not self._is_either(token):
                    # 成本指标 printed alone was a second level of a form without first levels.
                    level1 = None
                lone = False
                level2, level2_printed, label_line = token.name, strip(token.text), token.line
                if level1 is None or (
                    level2 == self.words.labels.labels["满意度指标"].level2 and self._is_either(token)
                ):
                    lone = level1 is None
                    level1 = strip(token.text) if self._is_either(token) else level1
            elif role == "level1_label":
                level1, lone = strip(token.text), False
                if self._is_either(token) and label_line != token.line:
                    level2, level2_printed = self._either_level2(token)
            elif role == "unknown_label":
                level2, level2_printed = None, strip(token.text)
            elif role == "indicator_header":
                if token.name in ("tree", "long_term_tree"):
                    period = "long_term" if token.name == "long_term_tree" else "annual"
            else:
                self._gather_head_of_table(table, token, pending)

    def _is_either(self, token: Token) -> bool:
        label = self.words.labels.label(token.text)
        return label is not None and label.either

    def _either_level2(self, token: Token) -> tuple[str | None, str]:
        label = self.words.labels.label(token.text)
        return (label.level2 or label.level1 if label else None), strip(token.text)

    def _gather_indicator(self, table: _Table, current: _Indicator, token: Token) -> None:
        if token.role == "indicator":
            current.names.append(token)
        elif token.role == "value":
            current.value = token
        else:
            if token.name == "unit":
                current.unit = self._text(token)
            elif token.name == "operator":
                current.operator = self._text(token)
            label = token.name or ""
            table.fields.append(_Field(token.name, label, token, self._text(token), None, current.number))

    def _gather_head_of_table(
        self, table: _Table, token: Token, pending: dict[int, tuple[str, str | None, str | None]]
    ) -> None:
        match token.role:
            case "table_title":
                table.title = table.title or token
                if token.name and table.year_printed is None:
                    self._set_year(table, token.name)
            case "year" if table.year_printed is None:
                self._set_year(table, self._text(token))
            case "money_unit":
                table.money_unit = table.money_unit or token.name
            case "field_label":
                field_name, _, unit = (token.name or "").partition(":")
                pending[token.item_no] = (strip(token.text), field_name, unit or None)
            case "field_value":
                label, name, money_unit = pending.get(token.item_no, ("", token.name, None))
                value = self._text(token)
                table.fields.append(_Field(token.name if token.item_no == 0 else name, label, token, value, money_unit))
                if name == "fiscal_year" and table.year_printed is None:
                    self._set_year(table, value)
            case "goal":
                if token.name == "long_term":
                    table.fields.append(_Field("long_term_goal", "", token, strip(token.text), None))
                else:
                    table.goal.append((token.line, self._text(token)))
                    table.goal_correction = table.goal_correction or self._reason(token)

    @staticmethod
    def _set_year(table: _Table, printed: str) -> None:
        table.year_printed = strip(printed)
        table.fiscal_year = year_of(printed)

    def _find_money_unit(self) -> None:
        """The unit of money of the release: declared once, by a table, by a label, or printed with the amounts."""
        if self.money_unit is None:
            declared = [table.money_unit for table in self.tables if table.money_unit]
            declared += [found.unit for table in self.tables for found in table.fields if found.unit]
            amounts = [row["amount"] for row in self.listed.values() if "amount" in row]
            printed = [strip(token.text) for token in amounts]
            printed += [found.value for table in self.tables for found in table.fields if self._is_money(found)]
            declared += [unit for text in printed if (unit := money_unit_of(text))]
            self.money_unit = declared[0] if declared else self.assumed_money_unit
            if self.money_unit is None and printed:
                place = (
                    amounts[0] if amounts else next(f.token for t in self.tables for f in t.fields if self._is_money(f))
                )
                raise Refusal(
                    "no-money-unit",
                    f"nothing says in which unit of money the amounts are printed, the first here: {strip(place.text)}",
                    "say it in corrections.yml under assume, for example money_unit: 万元",
                    place.line,
                )

    def _is_money(self, found: _Field) -> bool:
        return found.name in self.words.labels.money_fields

    def _amount(self, printed: str, unit: str | None, table: _Table | None = None) -> Decimal | None:
        return read_amount(printed, unit or (table.money_unit if table else None) or self.money_unit or "万元")

    # -- rows ----------------------------------------------------------------------------------------------

    def _lineage(self, columns: Columns, token: Token) -> None:
        columns["release_id"].append(self.source.release_id)
        columns["source_path"].append(self.source.source_path)
        columns["source_sha256"].append(self.source.source_sha256)
        columns["source_line"].append(token.line)
        columns["source_column"].append(token.column)

    def _listed_rows(self) -> Columns:
        columns = _columns(
            "listed_no", "department", "implementing_unit", "project_name", "amount_cny", "project_id", "release_year",
            "release_id", "source_path", "source_sha256", "source_line", "source_column", "amount_printed", "correction",
            "further_cells",
        )  # fmt: skip
        department = unit = None
        for number, row in self.listed.items():
            columns["further_cells"].append("; ".join(self.further.get(number, [])) or None)
            texts = {_LISTED_ROLES[role]: self._text(token) for role, token in row.items()}
            # A merged cell's text stands in the first of its rows only.
            if "department" in texts or "implementing_unit" in texts:
                department, unit = texts.get("department", department), texts.get("implementing_unit")
            listed_no = texts.get("listed_no", "").rstrip(".、．")
            columns["listed_no"].append(int(listed_no) if listed_no.isdecimal() and len(listed_no) <= 9 else None)
            columns["department"].append(department)
            columns["implementing_unit"].append(unit)
            columns["project_name"].append(texts.get("project_name"))
            amount = texts.get("amount_printed")
            columns["amount_printed"].append(strip(row["amount"].text) if "amount" in row else None)
            columns["amount_cny"].append(self._amount(amount, None) if amount else None)
            columns["project_id"].append(None)
            columns["release_year"].append(self.source.release_year)
            columns["correction"].append(self._reason(*row.values()))
            self._lineage(columns, row.get("amount") or row.get("listed_project") or next(iter(row.values())))
        return columns

    def _table_rows(self, listed: Columns) -> tuple[Columns, Columns, Columns]:
        projects = _columns(
            "project_id", "project_key", "release_year", "fiscal_year", "table_no", "budget_unit", "budget_unit_printed",
            "project_name", "total_funds_cny", "fiscal_funds_cny", "other_funds_cny", "annual_goal", "listed_no",
            "listed_amount_cny", "indicator_count", "first_line", "last_line", "release_id", "source_path",
            "source_sha256", "source_line", "source_column", "year_printed", "total_funds_printed",
            "fiscal_funds_printed", "other_funds_printed", "correction",
        )  # fmt: skip
        indicators = _columns(
            "indicator_id", "project_id", "project_key", "release_year", "fiscal_year", "budget_unit", "project_name",
            "indicator_no", "level1", "level2", "level1_printed", "level2_printed", "indicator_name",
            "indicator_printed", "unit", "value_printed", "value_kind", "operator", "target_value", "target_min",
            "target_max", "base_unit", "base_value", "release_id", "source_path", "source_sha256", "source_line",
            "source_column", "indicator_line", "indicator_column", "target_period", "correction",
        )  # fmt: skip
        fields = _columns(
            "project_id", "indicator_id", "project_key", "release_year", "fiscal_year", "field_no", "field",
            "label_printed", "value_printed", "amount_cny", "release_id", "source_path", "source_sha256",
            "source_line", "source_column",
        )  # fmt: skip
        matches = self._match(listed)
        for at, table in enumerate(self.tables):
            row = matches.get(at)
            shared = self._project_row(projects, table, listed, row)
            if row is not None:
                listed["project_id"][row] = shared["project_id"]
            for indicator in table.indicators:
                self._indicator_row(indicators, indicator, shared)
            self._field_rows(fields, table, shared)
        return projects, indicators, fields

    def _match(self, listed: Columns) -> dict[int, int]:
        """Table index to row of the list."""
        entries = [
            Listed(tuple(name for name in (unit, department) if name), project or "", amount)
            for unit, department, project, amount in zip(
                listed["implementing_unit"],
                listed["department"],
                listed["project_name"],
                listed["amount_cny"],
                strict=True,
            )
        ]
        tables = []
        for table in self.tables:
            unit, project = table.field(*_UNIT_FALLBACKS), table.field("project_name")
            amount, _ = self._total(table)
            tables.append(Tabled(unit.value if unit else None, project.value if project else None, amount))
        found = self.words.names.match(entries, tables)
        return {at: row for row, at in enumerate(found) if at is not None}

    def _total(self, table: _Table) -> tuple[Decimal | None, _Field | None]:
        for name in _TOTAL_FALLBACKS:
            found = table.field(name)
            if found is not None:
                return self._amount(found.value, found.unit, table), found
        return None, None

    def _project_row(self, columns: Columns, table: _Table, listed: Columns, row: int | None) -> dict[str, Any]:
        source = self.source
        unit_field, name_field = table.field(*_UNIT_FALLBACKS), table.field("project_name")
        unit_printed = strip(unit_field.token.text) if unit_field else None
        name = name_field.value if name_field else None
        unit = self._budget_unit(unit_field.value if unit_field else None, listed, row)
        total, total_field = self._total(table)
        fiscal_field, other_field = table.field("fiscal_funds"), table.field("other_funds")
        project_id = f"{source.release_id}-t{table.number:03d}"
        # A table of a whole department names no project.
        is_whole = table.title is not None and _WHOLE in squeeze(table.title.text)
        subject = name or (_WHOLE if is_whole else None)
        shared = {
            "project_id": project_id,
            # A table that does not say whose or what it is, is like no other.
            "project_key": self.words.names.project_key(unit, subject) if unit and subject else project_id,
            "release_year": source.release_year,
            "fiscal_year": table.fiscal_year,
            "budget_unit": unit,
            "project_name": name,
        }
        values = {
            **shared,
            "table_no": table.number,
            "budget_unit_printed": unit_printed,
            "total_funds_cny": total,
            "fiscal_funds_cny": self._amount(fiscal_field.value, fiscal_field.unit, table) if fiscal_field else None,
            "other_funds_cny": self._amount(other_field.value, other_field.unit, table) if other_field else None,
            "annual_goal": _joined(table.goal),
            "listed_no": listed["listed_no"][row] if row is not None else None,
            "listed_amount_cny": listed["amount_cny"][row] if row is not None else None,
            "indicator_count": len(table.indicators),
            "first_line": (table.title or table.first).line,
            # Where no cell of a table was read, it ends where it begins.
            "last_line": max(table.last_line, (table.title or table.first).line),
            "year_printed": table.year_printed,
            "total_funds_printed": strip(total_field.token.text) if total_field else None,
            "fiscal_funds_printed": strip(fiscal_field.token.text) if fiscal_field else None,
            "other_funds_printed": strip(other_field.token.text) if other_field else None,
            "correction": self._project_reason(table, unit_field, name_field, total_field, fiscal_field, other_field),
        }
        for column, value in values.items():
            columns[column].append(value)
        self._lineage(columns, table.title or table.first)
        return shared

    def _project_reason(self, table: _Table, *fields: _Field | None) -> str | None:
        reasons = [self._reason(*(found.token for found in fields if found)), table.goal_correction]
        return "; ".join(reason for reason in reasons if reason) or None

    def _budget_unit(self, printed: str | None, listed: Columns, row: int | None) -> str | None:
        """The canonical unit: the vocabulary's; else the list's form of the name where only a character differs."""
        names = self.words.names
        if printed is None:
            return None
        unit = names.budget_unit(printed)
        if row is None or names.unit_key(printed) in names.canonical:
            return unit
        for written in (listed["implementing_unit"][row], listed["department"][row]):
            if written and _one_character_apart(names.unit_key(written), names.unit_key(unit)):
                return names.budget_unit(written)
        return unit

    def _indicator_row(self, columns: Columns, indicator: _Indicator, shared: dict[str, Any]) -> None:
        value = indicator.value
        if value is None or not indicator.names:
            raise AssertionError(f"an indicator row without a name or a value: {indicator}")
        printed = "".join(strip(token.text) for token in indicator.names)
        corrected = printed if not self.corrections else "".join(self._text(token) for token in indicator.names)
        reading = read_indicator(corrected, self._text(value), self.words.units, indicator.unit, indicator.operator)
        level2 = indicator.level2
        for part, named in self.words.labels.named_level2:
            if part in reading.indicator_name:
                level2 = named
        append = columns.__getitem__
        append("indicator_id").append(f"{shared['project_id']}-i{indicator.number:03d}")
        for column, common in shared.items():
            append(column).append(common)
        append("indicator_no").append(indicator.number)
        append("level1").append(self.words.labels.level1_of.get(level2) if level2 else None)
        append("level2").append(level2)
        append("level1_printed").append(indicator.level1_printed)
        append("level2_printed").append(indicator.level2_printed)
        append("indicator_printed").append(printed)
        append("value_printed").append(strip(value.text))
        for column, read in zip(_READING_COLUMNS, reading, strict=True):
            append(column).append(read)
        append("indicator_line").append(indicator.names[0].line)
        append("indicator_column").append(indicator.names[0].column)
        append("target_period").append(indicator.period)
        append("correction").append(self._reason(value, *indicator.names))
        self._lineage(columns, value)

    def _field_rows(self, columns: Columns, table: _Table, shared: dict[str, Any]) -> None:
        for number, found in enumerate(table.fields, 1):
            indicator = found.indicator_no
            columns["project_id"].append(shared["project_id"])
            columns["indicator_id"].append(f"{shared['project_id']}-i{indicator:03d}" if indicator else None)
            columns["project_key"].append(shared["project_key"])
            columns["release_year"].append(shared["release_year"])
            columns["fiscal_year"].append(shared["fiscal_year"])
            columns["field_no"].append(number)
            columns["field"].append(found.name)
            columns["label_printed"].append(found.label or None)
            columns["value_printed"].append(strip(found.token.text))
            is_money = indicator is None and self._is_money(found)
            columns["amount_cny"].append(self._amount(found.value, found.unit, table) if is_money else None)
            self._lineage(columns, found.token)

    def _release_row(self, listed: Columns, projects: Columns, indicators: Columns) -> Columns:
        source = self.source
        tokens = self.parse.tokens
        cells = sum(1 for token in tokens if token.part <= 1)
        unread = len({(token.line, token.column) for token in tokens if token.role == "unread"})
        row = {
            "release_id": source.release_id,
            "release_year": source.release_year,
            "title": self.title,
            "source_path": source.source_path,
            "source_sha256": source.source_sha256,
            "size_bytes": source.size_bytes,
            "encoding": source.encoding,
            "line_count": len(self.parse.document.lines),
            "money_unit": self.money_unit,
            "listed_total_cny": self._amount(self._text(self.total), None) if self.total else None,
            "listed_count": len(listed["listed_no"]),
            "project_count": len(projects["project_id"]),
            "indicator_count": len(indicators["indicator_id"]),
            "cell_count": cells,
            "unread_cell_count": unread,
            "error_count": 0,
            "warning_count": 0,
            "info_count": 0,
        }
        return {column: [value] for column, value in row.items()}


_READING_COLUMNS = (
    "indicator_name",
    "unit",
    "value_kind",
    "operator",
    "target_value",
    "target_min",
    "target_max",
    "base_unit",
    "base_value",
)


def _columns(*names: str) -> Columns:
    return {name: [] for name in names}


def _joined(goal: list[tuple[int, str]]) -> str | None:
    """The goal as printed: the cells of a line side by side, one line below the other."""
    lines: dict[int, list[str]] = {}
    for line, text in goal:
        lines.setdefault(line, []).append(text)
    return "\n".join(" ".join(texts) for texts in lines.values()) or None


def _one_character_apart(one: str, other: str) -> bool:
    """Whether one name is the other with a character lost."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) != 1 or len(short) < 4:
        return False
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
