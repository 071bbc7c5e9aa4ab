"""Reading a release from its first line to its last: each line goes to the module of the zone that it is in."""

from collections.abc import Iterator
from math import inf

from kzz_pipeline.core.document import Document
from kzz_pipeline.core.garbage import no_cycles
from kzz_pipeline.core.indicator_rows import is_tree_header
from kzz_pipeline.core.layout.below import Below
from kzz_pipeline.core.layout.cells import TELLING, all_kinds
from kzz_pipeline.core.layout.furniture import begins_contents, is_furniture, is_of_contents, is_page_number
from kzz_pipeline.core.layout.joint import Joint
from kzz_pipeline.core.layout.preamble import Preamble
from kzz_pipeline.core.tokens import Chunks, Item, Parse, Tokens
from kzz_pipeline.core.units import Units
from kzz_pipeline.core.vocabulary import (
    BRACKET,
    FIELD,
    HEADER,
    LIST_COLUMN,
    MONEY_UNIT,
    SPLITS,
    TITLE,
    YEAR,
    Vocabulary,
)

# What a row of the tree or of the list ends with.
_ENDS_ROW = {"value", "attribute", "amount", "list_field", "subtotal", "total"}
_BEGINS_HEADER = TITLE | YEAR | MONEY_UNIT | FIELD | SPLITS


@no_cycles()
def read_layout(document: Document, vocabulary: Vocabulary, units: Units) -> Parse:
    """The tokens of a release, in reading order: every non-empty cell has a role, or one for each of its parts."""
    (tokens,) = read_chunks(document, vocabulary, units, inf)
    return Parse(document, Chunks.alone(tokens), max(tokens.table_no, default=0))


def read_chunks(document: Document, vocabulary: Vocabulary, units: Units, most_cells: float) -> Iterator[Tokens]:
    """The tokens of `read_layout` a chunk at a time: whole tables, until they have so many cells; at least one chunk."""
    reader = _Reader(document, vocabulary, units)
    for index, line in enumerate(document.lines):
        if line and index != reader.joined and (items := reader.items(line)):
            reader.read_line(index, items)
            # A list behind the tables still counts to the last of them.
            if len(reader.read) >= most_cells and reader.read.table_no[-1] != reader.table_no:
                yield reader.read
                reader.read = Tokens()
    reader.close_table()
    yield reader.read


class _Reader(Preamble, Below, Joint):
    """The reading of one release."""

    def read_line(self, index: int, items: list[Item]) -> None:
        if index < self.repeated_to:
            for item in items:
                self._emit(index, item, "repeated_header")
            return
        if self.label_row:
            self._read_values_below(index, items)
            return
        kinds = all_kinds(items)
        if self.joint is not None and self._reads_joint_row(index, items, kinds, self.joint):
            return
        if self.has_contents and self._reads_contents(index, items):
            return
        if (
            not kinds & ~BRACKET
            and (len(items) == 1 or items[0].text[0] in "第共")
            and self._is_around_tables(index, items)
        ):
            return
        if len(items) == 1 and kinds in (0, FIELD) and self._reads_title_over_two_lines(index, items[0]):
            return
        if self.zone == "indicators" and not kinds & TELLING:
            self._read_row_or_rest(index, items, kinds)
            return
        is_behind_indicators = self.zone == "indicators" and self.indicators > 0
        if is_behind_indicators and items[0].kinds & _BEGINS_HEADER and (end := self._end_of_repeated_header(index)):
            self.repeated_to = end
            self.read_line(index, items)
            return
        if is_behind_indicators and kinds & (FIELD | SPLITS) and self._reads_unit_line(index, items):
            return
        if items[0].kinds & (YEAR | MONEY_UNIT | FIELD | SPLITS) and self._heads_title(index, items, kinds):
            self._open_table()
            self.awaits_title = True
            if all(item.kinds & (YEAR | MONEY_UNIT) for item in items):
                for item in items:
                    self._read_loose(index, item, "")
            else:
                self._read_fields(index, items)
            return
        if (
            kinds & TITLE
            and len(items) <= 6
            and (self._read_title_of_list(index, items) or self._read_title(index, items))
        ):
            return
        if self.zone in ("preamble", "list"):
            self._read_before_tables(index, items, kinds)
            return
        if kinds & LIST_COLUMN and self._heads_list_of_projects(index, items):
            self._read_list_header(index, items)
            return
        if is_behind_indicators:
            if self._heads_list(index, items):
                self._read_behind_tables(index, items)
                return
            if self._is_next_table(index, items):
                self._open_table()
        if kinds & HEADER and is_tree_header(items):
            self._read_tree_header(index, items)
        elif self.zone == "indicators":
            if kinds & HEADER and self._reads_second_header(index, items):
                return
            if self._is_field_line(items):
                self._read_fields(index, items)
            elif self._is_goal_line(items):
                self._read_goal_labels(index, items)
            elif self.indicators and (self._is_signature(items) or all(item.kinds & MONEY_UNIT for item in items)):
                self._read_fields(index, items)
            else:
                self._read_row_or_rest(index, items, kinds)
        elif self.zone == "goal":
            self._read_in_goal(index, items, kinds)
        else:
            self._read_in_header(index, items, kinds)

    def _is_around_tables(self, index: int, items: list[Item]) -> bool:
        """Read a line that says nothing of the tables, if it is one."""
        role = None
        last = self.tokens[-1][4] if self.tokens else None
        is_below_row = last in _ENDS_ROW or (last == "field_value" and self.zone == "indicators")
        if is_page_number(items, is_below_row):
            role = "page_number"
        elif len(items) == 1 and self.zone != "goal" and is_furniture(items[0].text):
            role = "furniture"
            self.has_contents = begins_contents(items[0].text)
        if role is not None:
            for item in items:
                self._emit(index, item, role)
        return role is not None

    def _reads_contents(self, index: int, items: list[Item]) -> bool:
        """Read a line of the table of contents, which ends with the first that is none."""
        self.has_contents = self.zone == "preamble" and is_of_contents(items)
        if self.has_contents:
            for item in items:
                self._emit(index, item, "furniture")
        return self.has_contents
