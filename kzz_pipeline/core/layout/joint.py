"""One table over many projects: its header, and the project that each of its rows is of.

What such a table is, as data, stands in `core/joint_table.py`.
"""

from itertools import takewhile

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.indicator_rows import TREE_HEADERS, is_nothing, is_tree_header
from kzz_pipeline.core.joint_table import (
    NUMBER,
    PROJECT,
    PROJECT_GOAL,
    UNIT_OR_PROJECT,
    JointTable,
    ProjectColumn,
    project_columns,
)
from kzz_pipeline.core.layout.ahead import Ahead
from kzz_pipeline.core.layout.cells import all_kinds
from kzz_pipeline.core.layout.tree import Tree, header_names
from kzz_pipeline.core.money import is_amount
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.vocabulary import HEADER, LIST_COLUMN, STRONG, TITLE, TOTAL, UNIT_FIELDS, year_of

# Columns that hold words, never an amount.
_WORDS = {PROJECT, PROJECT_GOAL, "long_term_goal", *UNIT_FIELDS}


def _first_level(items: list[Item]) -> int:
    """How many cells stand before the first level that a row prints; 0 where it prints none."""
    return next((at for at, item in enumerate(items) if item.kinds & STRONG), 0)


class Joint(Tree, Ahead):
    """Reads the rows of such a table; each of its projects becomes a table of its own."""

    def _begins_joint_table(self, index: int, items: list[Item]) -> bool:
        """Read a header line of a table over many projects, if it is one."""
        first = next(at for at, item in enumerate(items) if item.label and item.label.header in TREE_HEADERS)
        columns = project_columns(items[:first]) if first else None
        if columns is None:
            return False
        year = self.joint.year if self.joint else self._year_printed()
        front, levels = items[:first], items[first:]
        _, header, names = self._read_headings(index, levels, year_of(year) if year else None, front)
        if self.joint is None or self.joint.columns != columns:
            above = (token for token in self.tokens if token[4] == "field_value" and token[7] in UNIT_FIELDS)
            unit = next(((line, column, text) for line, column, _, text, *_ in above), None)
            self.joint = JointTable(columns, items[first].column, header, year, unit)
        self.zone, self.pending, self.header = "indicators", None, header
        for item, name in zip(items, [*header_names(header, front), *names], strict=True):
            self._emit(index, item, "indicator_header", 0, name)
        return True

    def _reads_joint_row(self, index: int, items: list[Item], kinds: int, joint: JointTable) -> bool:
        """Read a row of a table over many projects, if a line is one."""
        if items[0].kinds & TITLE or (kinds & LIST_COLUMN and self._heads_list_of_projects(index, items)):
            self.joint = None
            return False
        if kinds & HEADER and is_tree_header(items):
            self._read_tree_header(index, items)
            return True
        cut = self._end_of_project(items, joint)
        front, row = items[:cut], items[cut:]
        is_signed = not row and (self._is_signature(items) or self._names_only_unit(self._split(items)))
        if not row and (is_signed or (len(front) == 1 and not joint.has_lines_of_units)):
            return False
        if front and (front[0].kinds & TOTAL or (not row and squeeze(front[0].text).endswith("小计"))):
            for item in items:
                self._emit(index, item, "subtotal")
            return True
        names = [self._project_field(index, item, bool(row), joint) for item in front]
        if front and self._is_shifted(items, names, joint):
            row = self._read_nobodys(index, items, cut, joint)
        elif front:
            self._read_project(index, front, names, joint)
        if row:
            self._read_indicator_row(index, row, all_kinds(row))
        return True

    @staticmethod
    def _end_of_project(items: list[Item], joint: JointTable) -> int:
        """How many cells of a row stand before its levels."""
        return sum(1 for _ in takewhile(lambda item: item.column < joint.start and not item.kinds & STRONG, items))

    def _read_nobodys(self, index: int, items: list[Item], cut: int, joint: JointTable) -> list[Item]:
        """A row whose project cannot be told: no other one's, and not the one above. Returns what stands in the tree."""
        self._begin_project({}, joint)
        # Cells that were shifted past the first level are before it still.
        cut = _first_level(items) or cut
        for item in items[:cut]:
            self._emit(index, item, "unread", 0, "stray")
        return items[cut:]

    def _read_project(self, index: int, front: list[Item], names: list[str | None], joint: JointTable) -> None:
        """The cells before the levels: of a further project, which begins a table, or the same as in the rows above."""
        said = {name: squeeze(item.text) for name, item in zip(names, front, strict=True) if name}
        is_new = joint.is_new(said)
        if is_new:
            self._begin_project(said, joint)
        for item, name in zip(front, names, strict=True):
            column = joint.columns.get(item.column)
            if column is None or name is None:
                self._emit(index, item, "unread", 0, "stray")
            elif name == NUMBER:
                self._emit(index, item, "tree_number")
            elif not is_new and joint.said.get(name) == squeeze(item.text):
                self._emit(index, item, "repeated_header")
            elif name in (PROJECT_GOAL, "long_term_goal"):
                self._emit(index, item, "goal", 0, "annual" if name == PROJECT_GOAL else "long_term")
                self.has_goal = True
            elif not is_new and name in joint.said:
                self._emit(index, item, "unread", 0, "stray")
            else:
                self._emit_project_field(index, item, name, column, joint)
            if name:
                joint.said[name] = squeeze(item.text)

    def _begin_project(self, said: dict[str, str], joint: JointTable) -> None:
        if self.indicators or PROJECT in self.fields:
            self._open_table()
            self.zone, self.header, self.has_year = "indicators", joint.header, True
        joint.begin(said)

    def _is_shifted(self, items: list[Item], names: list[str | None], joint: JointTable) -> bool:
        """Whether the cells before the levels stand under other columns than their own.

        An amount stands for a name; where a column is empty, words for an amount or a number; or as many cells as there
        are columns begin further right.
        """
        for name, item in zip(names, items, strict=False):
            if name in _WORDS and is_amount(item.text):
                return True
            if len(names) == len(joint.columns) or is_nothing(item.text):
                continue
            if name in self.vocabulary.money_fields and not is_amount(item.text):
                return True
            if name == NUMBER and not any(map(str.isnumeric, item.text)):
                return True
        return items[0].column > min(joint.columns) and len(names) < len(joint.columns) == _first_level(items)

    def _project_field(self, index: int, item: Item, has_row: bool, joint: JointTable) -> str | None:
        """Which field a cell before the levels is; None where no column stands above it."""
        column = joint.columns.get(item.column)
        if column is None:
            return None
        if column.name != UNIT_OR_PROJECT:
            return column.name or column.printed
        if has_row:
            return PROJECT
        further = range(index + 1, len(self.lines))
        below = next((found for at in further if (found := self.items(self.lines[at]))), [])
        # A department stands above its units.
        is_unit = self._end_of_project(below, joint) < len(below)
        return "budget_unit" if is_unit else "department"

    def _emit_project_field(self, index: int, item: Item, name: str, column: ProjectColumn, joint: JointTable) -> None:
        inherited: tuple[str, ...] = ()
        if name in UNIT_FIELDS:
            joint.unit = index + 1, item.column, item.text
        elif name == PROJECT:
            # Unit and year are printed once for all of their projects.
            inherited = ((joint.year or "").replace(":", ""), *map(str, joint.unit or ("", "", "")))
        self.fields[name] = squeeze(item.text)
        field_name = "" if name == column.printed else name
        self._emit(index, item, "field_value", 0, column.field_name(field_name, *inherited))
