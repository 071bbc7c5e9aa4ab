"""What a rule is, and what it sees: a release's rows, put together once, with the cells that they come from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from kzz_pipeline.core.characters import strip
from kzz_pipeline.core.normalize import Columns, Source
from kzz_pipeline.core.tokens import Parse, Token
from kzz_pipeline.core.words import Words

Row = dict[str, Any]


class Hit(NamedTuple):
    """Something that a rule found: a sentence, the cell it points at, the figures, and the rows it is about."""

    message: str
    line: int
    column: int
    expected: str | None = None
    actual: str | None = None
    project: Row | None = None
    indicator: Row | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A property that releases should have. `why` says why it matters, `action` what a person should do.

    `check` is None for a rule whose findings only a later stage, which sees several releases, can make.
    """

    code: str
    severity: str
    title: str
    why: str
    action: str
    check: "Check | None" = None


@dataclass(slots=True)
class Table:
    """A table of the release: its row, its indicators, and the cells of its fields and goal."""

    row: Row
    indicators: list[Row] = field(default_factory=list)
    fields: dict[str, Row] = field(default_factory=dict)
    money: list[Row] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)

    def cell(self, name: str) -> tuple[int, int]:
        """Line and cell of a field, or of the table's title where the field is not printed."""
        found = self.fields.get(name) or self.row
        return found["source_line"], found["source_column"]

    @property
    def goal_cell(self) -> tuple[int, int]:
        """Line and cell where the goal begins."""
        for token in self.tokens:
            if token.role == "goal":
                return token.line, token.column
        return self.row["source_line"], self.row["source_column"]

    @property
    def name(self) -> str:
        """How a message names the table."""
        return f"{self.row['budget_unit_printed'] or 'a unit without name'}'s {self.row['project_name'] or 'project without name'}"


class Release:
    """A release as the rules see it. Everything is put together once; no rule walks the parse by itself.

    `attributes` holds what stands in an indicator's extra columns (unit, operator), by its id and the column.
    """

    def __init__(self, parse: Parse, source: Source, tables: dict[str, Columns], words: Words) -> None:
        self.parse = parse
        self.source = source
        self.words = words
        self.row: Row = _rows(tables["releases"])[0]
        self.listed = _rows(tables["listed_projects"])
        self.indicators = _rows(tables["indicators"])
        self.tables = [Table(row) for row in _rows(tables["projects"])]
        by_id = {table.row["project_id"]: table for table in self.tables}
        by_number = {table.row["table_no"]: table for table in self.tables}
        self.attributes: dict[str, dict[str, str]] = {}
        for indicator in self.indicators:
            by_id[indicator["project_id"]].indicators.append(indicator)
        for found in _rows(tables["project_fields"]):
            table = by_id[found["project_id"]]
            if found["indicator_id"] is None:
                table.fields.setdefault(found["field"] or "", found)
                if found["amount_cny"] is not None:
                    table.money.append(found)
            elif found["field"]:
                self.attributes.setdefault(found["indicator_id"], {})[found["field"]] = found["value_printed"]
        for token in parse.tokens:
            if token.table_no in by_number:
                by_number[token.table_no].tokens.append(token)

    @cached_property
    def listed_by_project(self) -> dict[str, Row]:
        """The row of the list that each table was matched to."""
        return {row["project_id"]: row for row in self.listed if row["project_id"] is not None}

    @cached_property
    def total_cell(self) -> tuple[int, int]:
        """Line and cell of the list's printed total."""
        return next(((t.line, t.column) for t in self.parse.tokens if t.role == "total"), (1, 1))


Check = Callable[[Release], Iterator[Hit]]
_RULES: list[Rule] = []


def rule(code: str, severity: str, title: str, why: str, action: str) -> Callable[[Check], Check]:
    """Register the function below as the check of a rule."""

    def register(check: Check) -> Check:
        _RULES.append(Rule(code, severity, title, why, action, check))
        return check

    return register


def announce(code: str, severity: str, title: str, why: str, action: str) -> None:
    """Register a rule whose findings a later stage makes."""
    _RULES.append(Rule(code, severity, title, why, action))


def registered() -> tuple[Rule, ...]:
    """Every rule, by code."""
    return tuple(sorted(_RULES, key=lambda found: found.code))


def _rows(columns: Columns) -> list[Row]:
    names = list(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def at_indicator(indicator: Row) -> tuple[int, int]:
    """Line and cell of an indicator's value."""
    return indicator["source_line"], indicator["source_column"]


def shown(text: str, most: int = 40) -> str:
    """A printed text for a message, cut where it is long."""
    text = strip(text).replace("\n", " ")
    return text if len(text) <= most else text[: most - 1] + "…"


def yuan(amount: Any) -> str:
    """An amount for a message, in 万元 as these documents print it."""
    return f"{(amount / 10000).normalize():f} 万元"
