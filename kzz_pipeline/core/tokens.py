"""What a parse is made of: one token per non-empty cell, or one per part of a cell that merges several."""

from dataclasses import dataclass
from typing import NamedTuple

from kzz_pipeline.core.document import Document
from kzz_pipeline.core.vocabulary import Label

ROLES = (
    "title", "money_unit", "list_header", "listed_no", "department", "implementing_unit", "listed_project",
    "amount", "list_field", "total_label", "total", "table_title", "year", "field_label", "field_value", "goal_label",
    "goal", "indicator_header", "level1_label", "level2_label", "unknown_label", "indicator", "value", "attribute",
    "repeated_header", "unread",
)  # fmt: skip


class Item(NamedTuple):
    """A non-empty cell, or a part of one, before it has a role. `part` is 0 where it is the whole cell."""

    column: int
    part: int
    text: str
    label: Label | None


class Token(NamedTuple):
    """A cell (or part of one) with its role.

    `line` and `column` count from 1 in the file as it stands, `table_no` from 1 in the release (0 before the
    first table), `item_no` numbers the indicator, the listed row or the field that the token belongs to (0 for
    none), `name` is the canonical label or field, or for an unread token the reason.
    """

    line: int
    column: int
    part: int
    text: str
    role: str
    table_no: int
    item_no: int
    name: str | None


@dataclass(frozen=True, slots=True)
class Parse:
    """A release read: its document, the tokens in reading order and the number of tables."""

    document: Document
    tokens: list[Token]
    table_count: int
