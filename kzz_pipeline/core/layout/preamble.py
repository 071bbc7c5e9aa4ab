"""Before the tables: the list of projects, its total, and what stands above it."""

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.damaged_header import list_headings, over_rows
from kzz_pipeline.core.indicator_rows import is_tree_header
from kzz_pipeline.core.layout.ahead import ANCHORS, Ahead
from kzz_pipeline.core.layout.cells import all_kinds
from kzz_pipeline.core.listing import (
    DEFAULT_COLUMNS,
    header_columns,
    header_end,
    is_list_row,
    is_subtotal,
    parted_from_amount,
    row_roles,
    total_roles,
)
from kzz_pipeline.core.money import is_amount
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.vocabulary import (
    FIELD,
    GOAL,
    HEADER,
    LEVEL,
    LIST_COLUMN,
    MONEY_UNIT,
    SPLITS,
    STRONG,
    TOTAL,
    YEAR,
    declared_unit,
    only_year_in,
    unit_in_bracket,
    unit_in_title,
)

# A cell of a row, its role, and what is said of that.
RowCell = tuple[Item, tuple[str, str | None]]
_TITLE_WORDS = ("绩效", "目标", "预算", "项目")


class Preamble(Ahead):
    """Reads the list and the lines around it."""

    def _read_before_tables(self, index: int, items: list[Item], kinds: int) -> None:
        if self.zone == "list":
            items = self._with_total_apart(items)
        if kinds & LIST_COLUMN and self._heads_list_of_projects(index, items):
            self._read_list_header(index, items)
        elif (kinds & HEADER and is_tree_header(items)) or (
            kinds & (YEAR | FIELD | LEVEL | SPLITS | GOAL) and self._opens_without_title(index, items)
        ):
            self._open_table()
            self.read_line(index, items)
        elif all_kinds(items[:2]) & TOTAL:
            self._read_total(index, items)
        elif self.zone == "list" and len(items) > 1 and not (kinds & MONEY_UNIT and self._another_list_below(index)):
            self._read_list_row(index, items)
        elif is_list_row(items):
            self.zone, self.columns = "list", DEFAULT_COLUMNS
            self._read_list_row(index, items)
        else:
            self._read_preamble(index, items)

    def _opens_without_title(self, index: int, items: list[Item]) -> bool:
        if all(item.kinds & YEAR for item in items):
            return self._next_is(index, ("field",))
        if self._is_goal_line(items):
            return self._next_is(index, ("tree",))
        if items[0].label and items[0].label.list_column == "listed_no":
            return False
        parts = self._split(items)
        if all_kinds(parts) & STRONG:
            return True
        fields = {part.label.field for part in parts if part.label}
        if len(fields & ANCHORS) >= 2:
            return True
        is_alone = "budget_unit" in fields and len(items) <= 2 and self.zone == "list"
        return is_alone and not self._names_unit_below(index)

    def _read_list_header(self, index: int, items: list[Item]) -> None:
        if self.table_no:
            self.close_table()
        if self._is_another_list(index, items):
            self._begin_list()
        self.zone = "list"
        end = header_end(items)
        year = self.list_year or (str(self.year) if self.year else None)
        cells = [item for item in items[:end] if not item.kinds & MONEY_UNIT]
        rows = list(self._rows_below(index))
        headings = over_rows(list_headings(cells, self.vocabulary, rows), set(), rows)
        self.columns = header_columns([heading for heading, _ in headings], year, rows)
        units: list[str | None] = []
        for (heading, count), (_, name) in zip(headings, self.columns, strict=True):
            in_bracket = unit_in_bracket(heading.text) if name == "amount" else None
            units += [heading.label.unit if heading.label else in_bracket] * count
        own = iter(units)
        for item in items[:end]:
            unit = declared_unit(item.text) if item.kinds & MONEY_UNIT else next(own)
            self._emit(index, item, "list_header", self.list_no, unit)
            self.has_money_unit = self.has_money_unit or unit is not None
        if end < len(items):
            self._read_before_tables(index, items[end:], all_kinds(items[end:]))

    def _read_total(self, index: int, items: list[Item]) -> None:
        for item, role in zip(items, total_roles(items, self.columns), strict=True):
            if role == "total" and self.has_total:
                role = "unread"
            list_no = self.list_no if role == "total" else 0
            self._emit(index, item, role, list_no, "beside-total" if role == "unread" else None)
        self.has_total = self.has_total or any(item for item in items if is_amount(item.text))

    def _read_list_row(self, index: int, items: list[Item]) -> None:
        if is_subtotal(items, self.columns):
            for item in items:
                self._emit(index, item, "subtotal")
            return
        cells = list(zip(items, row_roles(items, self.columns), strict=True))
        if not any(role in ("amount", "listed_project") for _, (role, _) in cells):
            for item in items:
                self._read_preamble_cell(index, item)
            return
        self.listed += 1
        self.list_rows += 1
        for item, (role, name) in self._with_amount_apart(cells):
            self._emit(index, item, role, self.listed, name)
            if role == "listed_project":
                self.listed_projects.add(squeeze(item.text))
            elif role in ("department", "implementing_unit"):
                self.listed_units.add(squeeze(item.text))

    def _with_amount_apart(self, cells: list[RowCell]) -> list[RowCell]:
        """The cells of a row, with an amount that was pushed into the project's cell apart: nothing stands in its own."""
        roles = [role for _, (role, _) in cells]
        if "amount" in roles or "listed_project" not in roles or "amount" not in {name for _, name in self.columns}:
            return cells
        at = roles.index("listed_project")
        project = cells[at][0]
        if (two := parted_from_amount(project.text)) is None:
            return cells
        name, amount = (self._item(project.column, project.part + part, text) for part, text in enumerate(two, 1))
        return [*cells[:at], (name, ("listed_project", None)), (amount, ("amount", None)), *cells[at + 1 :]]

    def _with_total_apart(self, items: list[Item]) -> list[Item]:
        """`items` with 合计 30 in the first cell taken apart."""
        first = items[0]
        two = parted_from_amount(first.text) if len(items) == 1 else None
        if two is None or not self.vocabulary.word(two[0])[1] & TOTAL:
            return items
        return [self._item(first.column, first.part + part, text) for part, text in enumerate(two, 1)]

    def _read_title_of_list(self, index: int, items: list[Item]) -> bool:
        """Read a title, which would open a table, above the header of a list behind another one or behind the tables."""
        is_behind_tables = self.zone == "indicators" and self.indicators > 0
        is_behind_list = self.zone == "list" or (self.zone == "preamble" and self.list_no > 0)
        if not (is_behind_list or is_behind_tables) or not self._next_is(index, ("list",)):
            return False
        if is_behind_tables:
            self._read_behind_tables(index, items)
        else:
            self._read_preamble(index, items)
        return True

    def _read_behind_tables(self, index: int, items: list[Item]) -> None:
        """Read the first line behind the tables that stands above a list."""
        self.close_table()
        self.zone = "preamble"
        self._read_preamble(index, items)

    def _read_preamble(self, index: int, items: list[Item]) -> None:
        if self._another_list_below(index):
            self._begin_list()
        for item in items:
            self._read_preamble_cell(index, item)

    def _read_preamble_cell(self, index: int, item: Item) -> None:
        if item.kinds & MONEY_UNIT:
            # Behind the tables or another list it is the list's alone.
            role = "list_header" if self.table_no or self.list_no else "money_unit"
            self._emit(index, item, role, self.list_no, declared_unit(item.text))
            self.has_money_unit = True
        elif self.zone == "list":
            self._emit(index, item, "unread", 0, "stray")
        elif self._may_be_title() and any(word in squeeze(item.text) for word in _TITLE_WORDS):
            self._emit(index, item, "title", self.list_no, unit_in_title(item.text))
            self.has_title = True
            self.list_year = self.list_year or only_year_in(item.text)
        elif item.kinds & YEAR:
            self._emit(index, item, "year", self.list_no)
            self.list_year = self.list_year or only_year_in(item.text)
        else:
            self._read_unlabelled(index, item)

    def _may_be_title(self) -> bool:
        """Whether no title was read above the list that follows; the first one is the release's too."""
        return self.list_rows == 0 and (not self.has_title or (self.list_no > 0 and self.list_year is None))
