"""The cells of a line: each as an item with its label, and what merges a label and its value taken apart.

What is asked of the cells of one line alone stands here too.
"""

import re
from functools import lru_cache
from operator import getitem

from kzz_pipeline.core.characters import strip
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.money import is_amount
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.units import Units
from kzz_pipeline.core.vocabulary import (
    FIELD,
    GOAL,
    HEADER,
    LIST_COLUMN,
    MONEY_UNIT,
    SPLITS,
    TITLE,
    UNIT_FIELDS,
    YEAR,
    Vocabulary,
    is_unit_over_two,
    parted_from_unit,
)

_GAP = re.compile(r"(?<=\S)\s+(?=\S)")
# A line between indicators that holds none of these is a row of the tree.
TELLING = YEAR | MONEY_UNIT | TITLE | SPLITS | FIELD | GOAL | HEADER | LIST_COLUMN
# Fields that say whose a table is and what it is for.
NAME_FIELDS = {"project_name", *UNIT_FIELDS}
# So many texts of a column are kept ready; labels that were forgotten are soon there again.
_MOST_KEPT, _LONGEST_KEPT = 5_000, 500
# Of a line's cells; further columns are added where a line has more.
_COLUMNS = 16


def all_kinds(items: list[Item]) -> int:
    """What the cells of a line may be, all together."""
    kinds = 0
    for _, _, _, _, own in items:
        kinds |= own
    return kinds


def is_year_line(items: list[Item]) -> bool:
    """Whether a line prints a year, perhaps with the unit of money, and nothing else."""
    return bool(items[0].kinds & YEAR) and all(item.kinds & (YEAR | MONEY_UNIT) for item in items)


class _Column(dict[str, Item | None]):
    """The items of one column of cells, by what is printed in them; None where that is no ink."""

    def __init__(self, column: int, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.column = column
        self.vocabulary = vocabulary

    def __missing__(self, printed: str) -> Item | None:
        if len(self) >= _MOST_KEPT:
            self.clear()
        found = Item(self.column, 0, printed, *self.vocabulary.word(printed)) if strip(printed) else None
        if len(printed) <= _LONGEST_KEPT:
            self[printed] = found
        return found


@lru_cache(maxsize=8)
def _columns(vocabulary: Vocabulary) -> list[_Column]:
    """The first columns of any release; labels stand in the same ones in every table."""
    return [_Column(column, vocabulary) for column in range(1, _COLUMNS + 1)]


class Cells:
    """The lines of a release, and what makes items of their cells."""

    def __init__(self, document: Document, vocabulary: Vocabulary, units: Units) -> None:
        self.lines = document.lines
        self.vocabulary = vocabulary
        self.units = units
        self.known = _columns(vocabulary)

    def items(self, line: str) -> list[Item]:
        """The cells of a line that hold ink."""
        cells = line.split("\t")
        if len(cells) > len(self.known):
            further = range(len(self.known) + 1, len(cells) + 1)
            self.known = [*self.known, *(_Column(column, self.vocabulary) for column in further)]
        items = list(filter(None, map(getitem, self.known, cells)))
        # Every unit of money ends in 元.
        return self._parted_from_unit(items) if "元" in line and "单位" in line else items

    def _item(self, column: int, part: int, text: str) -> Item:
        return Item(column, part, text, *self.vocabulary.word(text))

    def _parted_from_unit(self, items: list[Item]) -> list[Item]:
        """`items` with every cell that prints a unit of money beside something else taken apart."""
        found: list[Item] = []
        for item in items:
            is_label = item.kinds & SPLITS or (item.label and item.label.unit)
            two = None if is_label else parted_from_unit(item.text)
            part = item.part or 1
            found += (
                [item] if two is None else [self._item(item.column, part + at, text) for at, text in enumerate(two)]
            )
        for at in range(len(found) - 1):
            if is_unit_over_two(found[at].text, found[at + 1].text):
                found[at : at + 2] = [item._replace(label=None, kinds=MONEY_UNIT) for item in found[at : at + 2]]
        return found

    def _split(self, items: list[Item]) -> list[Item]:
        """`items` with every cell that merges a label and what stood beside it taken apart."""
        for item in items:
            if item.kinds & SPLITS:
                return [part for item in items for part in (self._parts(item) if item.kinds & SPLITS else (item,))]
        return items

    def _parts(self, item: Item, weak: bool = False) -> list[Item]:
        """The label and what stood beside it, in one cell that merges them."""
        spans = self.vocabulary.split(item.text, weak)
        assert spans is not None, item
        (_, head_end), (tail_start, _) = spans
        first = item.part or 1
        head = self._item(item.column, first, item.text[:head_end])
        tail = self._item(item.column, first + 1, item.text[tail_start:])
        is_field = head.kinds & FIELD and not head.kinds & GOAL and not tail.kinds & SPLITS
        is_name = head.label is not None and head.label.field in NAME_FIELDS
        at = self._next_label(tail.text, is_name) if is_field else None
        if at is not None:
            value = self._item(item.column, first + 1, tail.text[:at])
            return [head, value, *self._split([self._item(item.column, first + 2, tail.text[at:].lstrip())])]
        return [head, *self._split(self._parted_from_unit([tail]))]

    def _next_label(self, text: str, is_name: bool) -> int | None:
        """Where a further field begins behind a field's value in one cell: 甲局 项目名称：甲项目, 120 财政拨款 100.

        `is_name` says that the value is a unit's or a project's name, behind which the other needs no colon.
        """
        for gap in _GAP.finditer(text):
            rest = text[gap.end() :]
            spans = self.vocabulary.split(rest)
            label = self.vocabulary.label(rest[: spans[0][1]]) if spans else None
            if spans and label is not None and label.field:
                has_colon = any(sign in rest[spans[0][1] : spans[1][0]] for sign in ":：")
                is_other_name = is_name and label.field in NAME_FIELDS
                if has_colon or is_other_name or (label.money and is_amount(text[: gap.start()])):
                    return gap.start()
        return None
