"""What a rule is, and what it sees: a release or a table of it, with the cells that the rows come from."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

from kzz_pipeline.core.characters import strip
from kzz_pipeline.core.normalize import Columns, Source
from kzz_pipeline.core.tokens import Parse, Plain, Token, token_of
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

    `check` sees the release, or one table of it after the other; it is None for a rule whose findings only a later
    stage, which sees several releases, can make.
    """

    code: str
    severity: str
    title: str
    why: str
    action: str
    check: "Check | TableCheck | None" = None
    is_per_table: bool = False


class Table:
    """A table of the release: its row, and its indicators, fields and cells as a rule asks for them."""

    def __init__(self, release: "Release", at: int) -> None:
        self.release = release
        self.row = release.project(at)
        self.is_last = at == release.table_count - 1

    @cached_property
    def indicators(self) -> list[Row]:
        """The rows of the table's indicators."""
        return self.release.indicators_of(self.row["project_id"])

    @cached_property
    def fields(self) -> dict[str, Row]:
        """The row of each field above the indicators, the first where it is printed twice."""
        found: dict[str, Row] = {}
        for row in self._fields:
            found.setdefault(row["field"] or "", row)
        return found

    @property
    def money(self) -> list[Row]:
        """The rows of the fields that hold an amount."""
        return [row for row in self._fields if row["amount_cny"] is not None]

    @cached_property
    def _fields(self) -> list[Row]:
        return [row for row in self.release.fields_of(self.row["project_id"]) if row["indicator_id"] is None]

    def tokens(self, *roles: str) -> Iterator[Token]:
        """The cells of the table that have one of these roles."""
        return (token_of(plain) for plain in self._cells if plain[4] in roles)

    @cached_property
    def _cells(self) -> list[Plain]:
        return self.release.cells_of(self.row["table_no"])

    def cell(self, name: str) -> tuple[int, int]:
        """Line and cell of a field, or of the table's title where the field is not printed."""
        found = self.fields.get(name) or self.row
        return found["source_line"], found["source_column"]

    @property
    def goal_cell(self) -> tuple[int, int]:
        """Line and cell where the goal begins."""
        for token in self.tokens("goal"):
            return token.line, token.column
        return self.row["source_line"], self.row["source_column"]

    @property
    def name(self) -> str:
        """How a message names the table."""
        return f"{self.row['budget_unit_printed'] or 'a unit without name'}'s {self.row['project_name'] or 'project without name'}"


class Release:
    """A release as the rules see it: its list, its columns, and one table after the other.

    The rows of a table are put together when its turn comes: those of a whole release take many times its size.
    """

    def __init__(self, parse: Parse, source: Source, tables: dict[str, Columns], words: Words) -> None:
        self.document = parse.document
        self.cells = parse.cells
        self.source = source
        self.words = words
        self.row: Row = _rows(tables["releases"])[0]
        self.listed = _rows(tables["listed_projects"])
        self.projects = tables["projects"]
        self.indicators = tables["indicators"]
        self.fields = tables["project_fields"]
        self.table_count = len(self.projects["project_id"])
        self._indicators_of = _spans(self.indicators["project_id"])
        self._fields_of = _spans(self.fields["project_id"])

    def tables(self) -> Iterator[Table]:
        """The tables, in order."""
        return map(self.table, range(self.table_count))

    def table(self, at: int) -> Table:
        """The table at a place among the tables, from 0."""
        return Table(self, at)

    def indicators_of(self, project_id: str) -> list[Row]:
        """The rows of a table's indicators."""
        return _rows(self.indicators, *self._indicators_of.get(project_id, (0, 0)))

    def fields_of(self, project_id: str) -> list[Row]:
        """The rows of a table's fields."""
        return _rows(self.fields, *self._fields_of.get(project_id, (0, 0)))

    def cells_of(self, table_no: int) -> list[Plain]:
        """The cells of a table."""
        start = bisect_left(self.cells.table_no, table_no)
        return list(self.cells.plain(start, bisect_right(self.cells.table_no, table_no, start)))

    def project(self, at: int) -> Row:
        """The row of the table at a place among the tables, from 0."""
        return {name: values[at] for name, values in self.projects.items()}

    def tokens(self, role: str) -> Iterator[Token]:
        """The cells that have a role."""
        return (self.cells[at] for at, found in enumerate(self.cells.role) if found == role)

    def project_of(self, token: Token) -> Row | None:
        """The row of the table that a cell stands in."""
        return self.project(token.table_no - 1) if 0 < token.table_no <= self.table_count else None

    @cached_property
    def attributes(self) -> dict[str, dict[str, str]]:
        """What stands in the extra columns of each indicator (unit, operator), by its id and the column."""
        found: dict[str, dict[str, str]] = {}
        columns = (self.fields[name] for name in ("indicator_id", "field", "value_printed"))
        for indicator_id, name, printed in zip(*columns, strict=True):
            if indicator_id is not None and name:
                found.setdefault(indicator_id, {})[name] = printed
        return found

    @cached_property
    def listed_by_project(self) -> dict[str, Row]:
        """The row of the list that each table was matched to."""
        return {row["project_id"]: row for row in self.listed if row["project_id"] is not None}

    @cached_property
    def place_of(self) -> dict[str, int]:
        """The place of each table among the tables, by its id."""
        return {project_id: at for at, project_id in enumerate(self.projects["project_id"])}

    @cached_property
    def total_cell(self) -> tuple[int, int]:
        """Line and cell of the list's printed total."""
        return next(((token.line, token.column) for token in self.tokens("total")), (1, 1))


Check = Callable[[Release], Iterator[Hit]]
TableCheck = Callable[[Table, Release], Iterator[Hit]]
_RULES: list[Rule] = []


def rule(code: str, severity: str, title: str, why: str, action: str) -> Callable[[Check], Check]:
    """Register the function below as the check of a rule on a whole release."""

    def register(check: Check) -> Check:
        _RULES.append(Rule(code, severity, title, why, action, check))
        return check

    return register


def table_rule(code: str, severity: str, title: str, why: str, action: str) -> Callable[[TableCheck], TableCheck]:
    """Register the function below as the check of a rule on each table of a release."""

    def register(check: TableCheck) -> TableCheck:
        _RULES.append(Rule(code, severity, title, why, action, check, is_per_table=True))
        return check

    return register


def announce(code: str, severity: str, title: str, why: str, action: str) -> None:
    """Register a rule whose findings a later stage makes."""
    _RULES.append(Rule(code, severity, title, why, action))


def registered() -> tuple[Rule, ...]:
    """Every rule, by code."""
    return tuple(sorted(_RULES, key=lambda found: found.code))


def _rows(columns: Columns, start: int = 0, stop: int | None = None) -> list[Row]:
    names = list(columns)
    values = columns.values() if stop is None else [column[start:stop] for column in columns.values()]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _spans(ids: list[str]) -> dict[str, tuple[int, int]]:
    """Where the rows of each table begin and end, which stand together."""
    found = {}
    start = 0
    for project_id, rows in groupby(ids):
        stop = start + sum(1 for _ in rows)
        found[project_id] = (start, stop)
        start = stop
    return found


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
