"""Reading a release from its first line to its last: each line goes to the module of the zone that it is in."""

import re
from collections.abc import Iterator
from math import inf

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.garbage import no_cycles
from kzz_pipeline.core.indicator_rows import is_tree_header
from kzz_pipeline.core.layout.below import Below
from kzz_pipeline.core.layout.cells import TELLING, all_kinds
from kzz_pipeline.core.layout.joint import Joint
from kzz_pipeline.core.layout.preamble import Preamble
from kzz_pipeline.core.tokens import Chunks, Item, Parse, Tokens
from kzz_pipeline.core.units import Units
from kzz_pipeline.core.vocabulary import FIELD, HEADER, LIST_COLUMN, MONEY_UNIT, SPLITS, TITLE, YEAR, Vocabulary

# Such as - 5 - and 第 6 页 共 10 页, alone on a line.
_PAGE_NUMBER = re.compile(
    r"^(?:[-·]\d{1,4}[-·]|第\d{1,4}页(?:[,/]?共\d{1,4}页)?|共\d{1,4}页[,/]?第\d{1,4}页"
    r"|(?i:page|p\.)\d{1,4}(?:(?:of|/)\d{1,4})?)$",
    re.ASCII,
)
# The same without a word: 3, 1/5. Elsewhere it may be what is left of a cell.
_BARE_PAGE_NUMBER = re.compile(r"^\d{1,3}(?:/\d{1,3})?$", re.ASCII)
_ENDS_ROW = {"value", "attribute", "amount", "list_field", "subtotal", "total"}
_LONGEST_PAGE_NUMBER = 20
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
        if not kinds and (len(items) == 1 or items[0].text[0] in "第共") and self._is_page_number(items):
            for item in items:
                self._emit(index, item, "page_number")
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
        if kinds & TITLE and len(items) <= 6 and self._read_title(index, items):
            return
        if self.zone in ("preamble", "list"):
            self._read_before_tables(index, items, kinds)
            return
        if kinds & LIST_COLUMN and self._heads_list_of_projects(index, items):
            self._read_list_header(index, items)
            return
        if is_behind_indicators:
            if self._heads_list(index, items):
                self.close_table()
                self.zone = "preamble"
                self._read_preamble(index, items)
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

    def _is_page_number(self, items: list[Item]) -> bool:
        """Whether a line is the number of a page, perhaps with that of all pages in a cell of its own."""
        if sum(len(item.text) for item in items) > _LONGEST_PAGE_NUMBER:
            return False
        text = squeeze("".join(item.text for item in items))
        if _PAGE_NUMBER.match(text):
            return True
        is_bare = len(items) == 1 and items[0].column == 1 and _BARE_PAGE_NUMBER.match(text) is not None
        return is_bare and bool(self.tokens) and self.tokens[-1][4] in _ENDS_ROW
