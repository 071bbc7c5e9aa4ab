"""What a rule is, and what it sees: a release, a chunk or a table of it, with the cells that the rows come from."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby
from typing import Any, NamedTuple

from kzz_pipeline.core.characters import strip
from kzz_pipeline.core.normalize import Rows, Source
from kzz_pipeline.core.tokens import Chunks, Parse, Plain, Token, Tokens, token_of
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

    `check` sees the release, or one chunk or table of it after the other, as `sees` says; it is None for a rule whose
    findings only a later stage, which sees several releases, can make.
    """

    code: str
    severity: str
    title: str
    why: str
    action: str
    check: "Check | ChunkCheck | TableCheck | None" = None
    sees: str = "release"


class Table:
    """A table of the release: its row, and its indicators, fields and cells as a rule asks for them."""

    def __init__(self, chunk: "Chunk", at: int) -> None:
        self.chunk = chunk
        self.row = chunk.project_rows[at]

    @property
    def is_last(self) -> bool:
        """Whether no table follows in the release."""
        return bool(self.row["table_no"] == self.chunk.parse.table_count)

    @cached_property
    def indicators(self) -> list[Row]:
        """The rows of the table's indicators."""
        return self.chunk.indicators_of(self.row["project_id"])

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
        return [row for row in self.chunk.fields_of(self.row["project_id"]) if row["indicator_id"] is None]

    def tokens(self, *roles: str) -> Iterator[Token]:
        """The cells of the table that have one of these roles."""
        return (token_of(plain) for plain in self._cells if plain[4] in roles)

    @cached_property
    def _cells(self) -> list[Plain]:
        return self.chunk.cells_of(self.row["table_no"])

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


class Chunk:
    """Some tables of a release that stand one after the other, with their cells; the first also with what is before them.

    Cells and columns are asked for when a rule looks at them: of a large release, one chunk is in memory at a time.
    """

    def __init__(self, parse: Parse, number: int, rows: Rows, last_lines: dict[int, int]) -> None:
        self.parse = parse
        self.number = number
        self.projects = rows["projects"]
        self.indicators = rows["indicators"]
        self.fields = rows["project_fields"]
        self._last_lines = last_lines

    @cached_property
    def cells(self) -> Tokens:
        """The cells, in reading order."""
        cells = self.parse.chunks[self.number]
        self._last_lines[self.number] = cells.line[-1] if cells.line else 0
        return cells

    @property
    def lines(self) -> range:
        """The numbers of the lines from the one behind the cells of the chunk before to that of this one's last cell.

        Of the last chunk, to the end of the document.
        """
        before = self.number - 1
        if self.number and before not in self._last_lines:
            self._last_lines[before] = self.parse.chunks[before].line[-1]
        stop = self.cells.line[-1] if self.cells.line else 0
        if self.number == len(self.parse.chunks) - 1:
            stop = max(stop, len(self.parse.document.lines))
        return range(self._last_lines[before] + 1 if self.number else 1, stop + 1)

    def tables(self) -> Iterator[Table]:
        """The tables, in order."""
        return map(self.table, range(len(self.project_rows)))

    def table(self, at: int) -> Table:
        """The table at a place among the chunk's, from 0. What it looked at goes with it: nothing here refers to it."""
        return Table(self, at)

    @cached_property
    def project_rows(self) -> list[Row]:
        """The rows of the tables, in order."""
        return _rows(self.projects)

    def tokens(self, role: str) -> Iterator[Token]:
        """The cells that have a role."""
        return (self.cells[at] for at, found in enumerate(self.cells.role) if found == role)

    def project_of(self, token: Token) -> Row | None:
        """The row of the table that a cell stands in."""
        numbers = self.projects["table_no"]
        at = token.table_no - numbers[0] if numbers else -1
        return self.project_rows[at] if 0 <= at < len(numbers) else None

    def indicators_of(self, project_id: str) -> list[Row]:
        """The rows of a table's indicators."""
        return _rows(self._all_indicators, *self._indicators_of.get(project_id, (0, 0)))

    def fields_of(self, project_id: str) -> list[Row]:
        """The rows of a table's fields."""
        return _rows(self._all_fields, *self._fields_of.get(project_id, (0, 0)))

    def cells_of(self, table_no: int) -> list[Plain]:
        """The cells of a table."""
        start = bisect_left(self.cells.table_no, table_no)
        return list(self.cells.plain(start, bisect_right(self.cells.table_no, table_no, start)))

    @cached_property
    def _all_indicators(self) -> dict[str, list[Any]]:
        return dict(self.indicators)

    @cached_property
    def _all_fields(self) -> dict[str, list[Any]]:
        return dict(self.fields)

    @cached_property
    def _indicators_of(self) -> dict[str, tuple[int, int]]:
        return _spans(self.indicators["project_id"])

    @cached_property
    def _fields_of(self) -> dict[str, tuple[int, int]]:
        return _spans(self.fields["project_id"])

    @cached_property
    def attributes(self) -> dict[str, dict[str, str]]:
        """What stands in the extra columns of each indicator (unit, operator), by its id and the column."""
        found: dict[str, dict[str, str]] = {}
        columns = (self.fields[name] for name in ("indicator_id", "field", "value_printed"))
        for indicator_id, name, printed in zip(*columns, strict=True):
            if indicator_id is not None and name:
                found.setdefault(indicator_id, {})[name] = printed
        return found


class Listed:
    """The rows of a list, or of all, each made as it is asked for."""

    def __init__(self, columns: Mapping[str, list[Any]]) -> None:
        self.columns = dict(columns)

    def __len__(self) -> int:
        return len(self.columns["release_id"])

    def __getitem__(self, at: int) -> Row:
        return {name: values[at] for name, values in self.columns.items()}

    def __iter__(self) -> Iterator[Row]:
        return map(self.__getitem__, range(len(self)))


class Release:
    """A release as the rules see it: its list, and its tables chunk by chunk."""

    def __init__(self, parse: Parse, source: Source, rows: Chunks[Rows], words: Words) -> None:
        self.document = parse.document
        self.table_count = parse.table_count
        self.source = source
        self.words = words
        self.row: Row = _rows(rows[0]["releases"])[0]
        self.listed = Listed(rows[0]["listed_projects"])
        last_lines: dict[int, int] = {}
        self.chunks = Chunks(len(rows), lambda number: Chunk(parse, number, rows[number], last_lines))

    def tables(self) -> Iterator[Table]:
        """The tables, in order."""
        return chain.from_iterable(chunk.tables() for chunk in self.chunks)

    def listed_for(self, table: Table) -> Row | None:
        """The row of the list that a table was matched to."""
        at = self._listed_at.get(table.row["project_id"])
        return None if at is None else self.listed[at]

    @cached_property
    def _listed_at(self) -> dict[str, int]:
        ids = enumerate(self.listed.columns["project_id"])
        return {project_id: at for at, project_id in ids if project_id is not None}

    @cached_property
    def lists(self) -> list[Listed]:
        """The lists, in order."""
        of_lists = _spans(self.listed.columns["list_no"]).values()
        columns = self.listed.columns.items()
        return [Listed({name: values[start:stop] for name, values in columns}) for start, stop in of_lists]

    @cached_property
    def total_cells(self) -> dict[int, tuple[int, int]]:
        """Line and cell of the printed total of each list, by the list's number, from 1."""
        totals = (token for chunk in self.chunks for token in chunk.tokens("total"))
        return {token.item_no + 1: (token.line, token.column) for token in totals}


Check = Callable[[Release], Iterator[Hit]]
ChunkCheck = Callable[[Chunk, Release], Iterator[Hit]]
TableCheck = Callable[[Table, Release], Iterator[Hit]]
_RULES: list[Rule] = []


def rule(code: str, severity: str, title: str, why: str, action: str) -> Callable[[Check], Check]:
    """Register the function below as the check of a rule on a whole release."""

    def register(check: Check) -> Check:
        _RULES.append(Rule(code, severity, title, why, action, check))
        return check

    return register


def chunk_rule(code: str, severity: str, title: str, why: str, action: str) -> Callable[[ChunkCheck], ChunkCheck]:
    """Register the function below as the check of a rule on each chunk of a release."""

    def register(check: ChunkCheck) -> ChunkCheck:
        _RULES.append(Rule(code, severity, title, why, action, check, "chunk"))
        return check

    return register


def table_rule(code: str, severity: str, title: str, why: str, action: str) -> Callable[[TableCheck], TableCheck]:
    """Register the function below as the check of a rule on each table of a release."""

    def register(check: TableCheck) -> TableCheck:
        _RULES.append(Rule(code, severity, title, why, action, check, "table"))
        return check

    return register


def announce(code: str, severity: str, title: str, why: str, action: str) -> None:
    """Register a rule whose findings a later stage makes."""
    _RULES.append(Rule(code, severity, title, why, action))


def registered() -> tuple[Rule, ...]:
    """Every rule, by code."""
    return tuple(sorted(_RULES, key=lambda found: found.code))


def _rows(columns: Mapping[str, list[Any]], start: int = 0, stop: int | None = None) -> list[Row]:
    names = list(columns)
    values = columns.values() if stop is None else [column[start:stop] for column in columns.values()]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _spans(ids: list[Any]) -> dict[Any, tuple[int, int]]:
    """Where the rows of each table, or list, begin and end, which stand together."""
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
