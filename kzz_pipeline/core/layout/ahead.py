"""Looking ahead: what a line is by its labels and by the lines below it, before it is read."""

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import NamedTuple

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.indicator_rows import is_tree_header
from kzz_pipeline.core.layout.cells import NAME_FIELDS, all_kinds, is_year_line
from kzz_pipeline.core.layout.state import State
from kzz_pipeline.core.listing import is_list_header, number_of
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
    TITLE,
    TOTAL,
    UNIT_FIELDS,
    YEAR,
    year_of,
)

# Fields that open a table's header: a line with one of them is a line of fields wherever it stands.
ANCHORS = {"total_funds", "project_funds", *NAME_FIELDS}
# Fields whose text may go on in further cells and lines.
BLOCK_FIELDS = {"main_duties", "main_tasks", "project_summary", "project_basis"}
# Fields that stand below the indicators: who filled the table in.
_SIGNATURE = {"form_filler", "contact", "project_leader", "note"}
LOOKAHEAD_LINES = 12


class HeaderBelow(NamedTuple):
    """What the lines below print of a table's header, as far as its tree.

    `fields` are the labels below the title, if there is one, each with what stands behind it, without white space;
    `has_more` says that there is a goal or a cell without a label. `end` is the first line of the tree, None where none
    follows near by.
    """

    has_title: bool
    fields: dict[str, str]
    years: set[int]
    has_more: bool
    end: int | None

    @property
    def begins_table(self) -> bool:
        """Whether a table begins there: a unit alone may sign the table above."""
        return self.has_title or not self.fields.keys().isdisjoint(ANCHORS.difference(UNIT_FIELDS))


class Ahead(State):
    """Questions about a line and what follows it; nothing is read."""

    def _heads_title(self, index: int, items: list[Item], kinds: int) -> bool:
        """Whether a line is of a table whose title stands below it: its year, its unit of money, whose it is."""
        if len(items) > 4 or self.zone == "goal" or self.awaits_title:
            return False
        if len(items) > 2 and not kinds & (YEAR | MONEY_UNIT | SPLITS):
            return False
        if self.zone == "header" and not self.has_year and not self.fields:
            return False
        # The first unit of money above the first table is the release's.
        is_unit = (self.has_money_unit or self.indicators > 0) and all(item.kinds & MONEY_UNIT for item in items)
        names_unit = self._names_unit(items)
        if not (is_unit or is_year_line(items) or names_unit):
            return False
        if names_unit and self.zone == "list" and self._names_unit_below(index):
            return False  # who drew up the list
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

    def _names_unit_below(self, index: int) -> bool:
        """Whether the header of the next table, which begins below a line, prints a unit."""
        return not self._header_below(index + 1).fields.keys().isdisjoint(UNIT_FIELDS)

    def _header_below(self, start: int, own: Mapping[str, str] | None = None) -> HeaderBelow:
        """What the lines from `start` on print of a table's header, as far as they say the same as `own`, if it is given."""
        has_title = has_more = False
        fields: dict[str, str] = {}
        years: set[int] = set()
        end = None
        seen = 0
        for at in range(start, len(self.lines)):
            line = self.lines[at]
            items = self.items(line) if line else []
            if not items:
                continue
            kinds = all_kinds(items)
            titles = [title for item in items[:2] if (title := self.vocabulary.title(item.text))]
            if titles and len(items) <= 6:
                if has_title or not fields.keys() <= {*UNIT_FIELDS, *_SIGNATURE}:
                    break
                has_title = True
                fields.clear()
                years.update(year for title in titles if title.year and (year := year_of(title.year)))
            elif kinds & LIST_COLUMN and self._heads_list_of_projects(at, items):
                break
            parts = self._split(items)
            if (kinds & HEADER and is_tree_header(items)) or all_kinds(parts) & STRONG:
                end = at
                break
            pending: str | None = None
            for part in parts:
                label = part.label
                if label and label.field and not label.goal:
                    pending = label.field
                    fields.setdefault(pending, "")
                elif part.kinds & YEAR and (year := year_of(part.text)):
                    years.add(year)
                elif pending is not None and not label:
                    fields[pending] = fields[pending] or squeeze(part.text)
                    pending = None
                elif not part.kinds & (TITLE | MONEY_UNIT):
                    has_more = True
            if own is not None and (has_more or any(own.get(name) != text for name, text in fields.items())):
                break
            seen += 1
            if seen >= LOOKAHEAD_LINES:
                break
        return HeaderBelow(has_title, fields, years, has_more, end)

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

    def _has_header_of_tree_below(self, index: int) -> bool:
        """Whether the header of a tree follows near by, and no row of one before it."""
        for items in self._near_below(index):
            kinds = all_kinds(items)
            if kinds & HEADER and is_tree_header(items):
                return True
            if kinds & (STRONG | TITLE):
                return False
        return False

    def _heads_list_of_projects(self, index: int, items: list[Item]) -> bool:
        """Whether a line names the columns of the list.

        The same labels, without that of a number, may be a table's own, over one row and what a table goes on with.
        """
        if not is_list_header(items):
            return False
        if any(item.label and item.label.list_column == "listed_no" for item in items):
            return True
        row, below = [*self._near_below(index), [], []][:2]
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
        parts = self._split(items)
        names = [part.label.field for part in parts if part.label and self._is_anchor(part, items)]
        names = [name for name in names if name in NAME_FIELDS]
        if not names:
            return False
        below = self._header_below(index + 1)
        begins_here = below.end is not None and not below.has_title
        if all(part.label for part in parts):
            # 项目名称： and nothing behind it
            return begins_here and below.fields.keys().isdisjoint(names)
        return begins_here or not self.fields.keys().isdisjoint(names)

    def _heads_list(self, index: int, items: list[Item]) -> bool:
        """Whether a line behind indicators is the year or the unit of money of a list that follows."""
        return all(item.kinds & (YEAR | MONEY_UNIT) for item in items) and self._next_is(index, ("list",))

    def _another_list_below(self, index: int) -> bool:
        """Whether a loose line behind rows of a list stands above a further list."""
        for at in range(index + 1, min(index + 1 + LOOKAHEAD_LINES, len(self.lines))) if self.list_rows else ():
            items = self.items(self.lines[at])
            if items and self._heads_list_of_projects(at, items):
                return self._is_another_list(at, items)
            if len(items) > 2:
                return False
        return False

    def _is_another_list(self, index: int, header: list[Item]) -> bool:
        """Whether a header behind rows of a list is a further list's, and not the same again on the next page.

        The numbers of a further list begin again; where there are none, it has a total beside the one that was read.
        """
        if not self.list_rows:
            return False
        is_numbered = header[0].label is not None and header[0].label.list_column == "listed_no"
        has_total = False
        for items in self._rows_below(index):
            if all_kinds(items[:2]) & TOTAL:
                has_total = True
            elif is_numbered and (number := number_of(items[0].text)) is not None:
                return number == 1
        return has_total and self.has_total

    def _rows_below(self, index: int) -> Iterator[list[Item]]:
        """The first lines below the header of the list that hold ink, as far as the tables."""
        return takewhile(lambda items: not all_kinds(items) & (TITLE | HEADER), self._near_below(index))

    def _near_below(self, index: int) -> Iterator[list[Item]]:
        """The next few lines below one, those of them that hold ink."""
        return filter(None, map(self.items, self.lines[index + 1 : index + 1 + LOOKAHEAD_LINES]))

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

    def _names_only_unit(self, parts: list[Item]) -> bool:
        """Whether a line names a unit, perhaps with who signed for it, and neither a project nor money."""
        fields = {part.label.field for part in parts if part.kinds & FIELD and part.label}
        if fields.isdisjoint(UNIT_FIELDS) or not fields <= {*UNIT_FIELDS, *_SIGNATURE}:
            return False
        return not all_kinds(parts) & (STRONG | GOAL)

    def _is_signature(self, items: list[Item]) -> bool:
        """Whether a line below the indicators says who filled the table in."""
        first = self._split(items[:1])[0].label
        return first is not None and first.field in _SIGNATURE

    @staticmethod
    def _is_goal_line(items: list[Item]) -> bool:
        return items[0].label is not None and items[0].label.goal is not None and not items[0].label.header
