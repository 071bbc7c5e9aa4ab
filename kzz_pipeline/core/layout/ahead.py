"""Looking ahead: what a line is by its labels and by the lines below it, before it is read."""

from kzz_pipeline.core.indicator_rows import is_tree_header
from kzz_pipeline.core.layout.cells import all_kinds, is_year_line
from kzz_pipeline.core.layout.state import State
from kzz_pipeline.core.listing import is_list_header
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.vocabulary import (
    FIELD,
    HEADER,
    LEVEL,
    LIST_COLUMN,
    MONEY_UNIT,
    SPLITS,
    STRONG,
    UNIT_FIELDS,
    YEAR,
)

NAME_FIELDS = {"project_name", *UNIT_FIELDS}
# Fields that open a table's header: a line with one of them is a line of fields wherever it stands.
ANCHORS = {"total_funds", "project_funds", *NAME_FIELDS}
# Fields whose text may go on in further cells and lines.
BLOCK_FIELDS = {"main_duties", "main_tasks", "project_summary", "project_basis"}
# Fields that stand below the indicators: who filled the table in.
_SIGNATURE = {"form_filler", "contact", "project_leader", "note"}
LOOKAHEAD_LINES = 12


class Ahead(State):
    """Questions about a line and what follows it; nothing is read."""

    def _heads_title(self, index: int, items: list[Item], kinds: int) -> bool:
        """Whether a line is of a table whose title stands below it: its year, its unit of money, whose it is."""
        if len(items) > 4 or self.zone == "goal":
            return False
        if len(items) > 2 and not kinds & (YEAR | MONEY_UNIT | SPLITS):
            return False
        if self.zone == "header" and not self.has_year and not self.fields:
            return False
        # The first unit of money above the first table is the release's.
        is_unit = (self.has_money_unit or self.indicators > 0) and all(item.kinds & MONEY_UNIT for item in items)
        if not (is_unit or is_year_line(items) or self._names_unit(items)):
            return False
        for at in range(index + 1, len(self.lines)):
            below = self.items(self.lines[at])
            if below:
                is_title = len(below) <= 6 and any(self.vocabulary.title(item.text) for item in below[:2])
                return is_title and self._next_is(at, ("field", "tree"))
        return False

    def _names_unit(self, items: list[Item]) -> bool:
        """Whether a line says whose a table is: 填报单位：某局, perhaps with the unit of money."""
        if not items[0].kinds & (FIELD | SPLITS):
            return False
        parts = self._split(items)
        label = parts[0].label
        if len(parts) < 2 or label is None or label.field not in UNIT_FIELDS or parts[1].label is not None:
            return False
        return all(part.kinds & (YEAR | MONEY_UNIT) for part in parts[2:])

    def _next_is(self, index: int, kinds: tuple[str, ...]) -> bool:
        return self._next_structure(index) in kinds

    def _next_structure(self, index: int) -> str:
        """What the next telling line is: `list`, `field`, `tree`, `title`, `end` of the file or `none`."""
        seen = 0
        for at in range(index + 1, len(self.lines)):
            line = self.lines[at]
            items = self.items(line) if line else None
            if not items:
                continue
            kinds = all_kinds(items)
            if kinds & LIST_COLUMN and self._heads_list_of_projects(at, items):
                return "list"
            if kinds & HEADER and is_tree_header(items):
                return "tree"
            if kinds & (FIELD | LEVEL | SPLITS):
                parts = self._split(items)
                if any(part.label.field in ANCHORS for part in parts if part.label):
                    return "field"
                if all_kinds(parts) & STRONG:
                    return "tree"
            if len(items) <= 3 and "标" in line and any(self.vocabulary.title(item.text) for item in items):
                return "title"
            seen += 1
            if seen >= LOOKAHEAD_LINES:
                return "none"
        return "end"

    def _heads_list_of_projects(self, index: int, items: list[Item]) -> bool:
        """Whether a line names the columns of the list.

        The same labels, without that of a number, may be a table's own, over one row and what a table goes on with.
        """
        if not is_list_header(items):
            return False
        if any(item.label and item.label.list_column == "listed_no" for item in items):
            return True
        further = range(index + 1, min(index + 1 + LOOKAHEAD_LINES, len(self.lines)))
        row, below = [*filter(None, (self.items(self.lines[at]) for at in further)), [], []][:2]
        columns = {item.column for item in items}
        if not row or not below or not columns.issuperset(item.column for item in row):
            return True
        first = self._split(below[:1])[0].label
        goes_on = first is not None and first.field is not None and first.field not in NAME_FIELDS
        return not (goes_on or self._is_goal_line(below) or is_tree_header(below))

    def _is_next_table(self, index: int, items: list[Item]) -> bool:
        """Whether a line behind indicators opens a further table whose title was lost: its header begins again."""
        if all(item.kinds & (YEAR | MONEY_UNIT) for item in items):
            return self._next_is(index, ("field",))
        names = [part for part in self._split(items) if part.label and part.label.field in NAME_FIELDS]
        return any(self._is_anchor(part, items) and part.label.field in self.fields for part in names if part.label)

    def _heads_list(self, index: int, items: list[Item]) -> bool:
        """Whether a line behind indicators is the year or the unit of money of a list that follows."""
        return all(item.kinds & (YEAR | MONEY_UNIT) for item in items) and self._next_is(index, ("list",))

    @staticmethod
    def _is_anchor(part: Item, items: list[Item]) -> bool:
        label = part.label
        if label is None or label.field not in ANCHORS or label.unit:
            return False
        return not all_kinds(items) & STRONG

    def _has_level(self, items: list[Item], kinds: int) -> bool:
        """Whether a line prints a level of the indicator tree that can be nothing else."""
        if items[0].kinds & SPLITS:
            kinds |= all_kinds(self._split(items[:1]))
        return bool(kinds & STRONG)

    def _is_field_line(self, items: list[Item]) -> bool:
        return any(self._is_anchor(part, items) for part in self._split(items) if part.kinds & FIELD)

    def _is_signature(self, items: list[Item]) -> bool:
        """Whether a line below the indicators says who filled the table in."""
        first = self._split(items[:1])[0].label
        return first is not None and first.field in _SIGNATURE

    @staticmethod
    def _is_goal_line(items: list[Item]) -> bool:
        return items[0].label is not None and items[0].label.goal is not None and not items[0].label.header
