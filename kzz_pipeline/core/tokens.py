"""What a parse is made of: one token per non-empty cell, or one per part of a cell that merges several."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar

from kzz_pipeline.core.document import Document
from kzz_pipeline.core.vocabulary import Label

ROLES = (
    "title", "money_unit", "list_header", "listed_no", "department", "implementing_unit", "listed_project",
    "amount", "list_field", "total_label", "total", "table_title", "year", "field_label", "field_value", "goal_label",
    "goal", "indicator_header", "level1_label", "level2_label", "unknown_label", "indicator", "value", "attribute",
    "empty_slot", "repeated_header", "subtotal", "tree_number",
    "page_number", "furniture", "unread",
)  # fmt: skip


class Item(NamedTuple):
    """A non-empty cell, or a part of one, before it has a role. `part` is 0 where it is the whole cell.

    `kinds` says what the text may be by itself (the bits of `vocabulary`).
    """

    column: int
    part: int
    text: str
    label: Label | None
    kinds: int = 0


class Token(NamedTuple):
    """A cell (or part of one) with its role.

    `line` and `column` count from 1 in the file as it stands, `table_no` from 1 in the release (0 before the
    first table), `item_no` numbers the indicator, the listed row or the field that the token belongs to (0 for
    none) and, of what stands around the rows of a list, the list (from 0); `name` is the canonical label or field,
    or for an unread token the reason. Where two trees stand side by side, it says of an indicator which of them it
    is in, and of a label so behind a colon.
    """

    line: int
    column: int
    part: int
    text: str
    role: str
    table_no: int
    item_no: int
    name: str | None


# A token's values in order, as they come out of the columns.
Plain = tuple[int, int, int, str, str, int, int, str | None]
# What Token(...) does with such a tuple, without the cost of binding each argument.
token_of: Callable[[Plain], Token] = partial(tuple.__new__, Token)


class Tokens:
    """Tokens in reading order, held by column: half the memory of as many tuples.

    What is no tuple need not be looked at when Python collects garbage.
    """

    __slots__ = ("column", "columns", "item_no", "line", "name", "part", "role", "table_no", "text")

    def __init__(self, tokens: Iterable[Plain] = ()) -> None:
        self.line: list[int] = []
        self.column: list[int] = []
        self.part: list[int] = []
        self.text: list[str] = []
        self.role: list[str] = []
        self.table_no: list[int] = []
        self.item_no: list[int] = []
        self.name: list[str | None] = []
        self.columns: tuple[list[Any], ...] = (
            self.line, self.column, self.part, self.text, self.role, self.table_no, self.item_no, self.name,
        )  # fmt: skip
        self.extend(tokens)

    @classmethod
    def from_columns(cls, columns: Iterable[Iterable[Any]]) -> "Tokens":
        """The tokens whose values stand in these columns, in the order of a token's names."""
        tokens = cls()
        for column, values in zip(tokens.columns, columns, strict=True):
            column.extend(values)
        return tokens

    def extend(self, tokens: Iterable[Plain]) -> None:
        """Add tokens at the end."""
        for column, values in zip(self.columns, zip(*tokens, strict=True), strict=False):
            column.extend(values)

    def plain(self, start: int = 0, stop: int | None = None) -> Iterator[Plain]:
        """The tokens from `start` up to `stop` as plain tuples, which is the fastest way through them."""
        columns = self.columns
        if start or stop is not None:
            columns = tuple(column[start:stop] for column in columns)
        return zip(*columns, strict=True)

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, at: int) -> Token:
        return Token(*(column[at] for column in self.columns))

    def __iter__(self) -> Iterator[Token]:
        return map(token_of, self.plain())


Made = TypeVar("Made")


class Chunks(Generic[Made]):
    """What is made of each chunk of a release, by the chunk's number, from 0.

    A chunk is some tables, whole, one after the other, the first with what stands before the tables. A small release
    is one chunk. Of a large one each is made when it is asked for, and only the latest is kept.
    """

    def __init__(self, count: int, make: Callable[[int], Made]) -> None:
        self._count = count
        self._make = make
        self._latest: tuple[int, Made] | None = None

    @classmethod
    def alone(cls, made: Made) -> "Chunks[Made]":
        """A single chunk, which is there already."""
        return cls(1, lambda _: made)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Made:
        if self._latest is None or self._latest[0] != number:
            # Not two of them at a time.
            self._latest = None
            self._latest = number, self._make(number)
        return self._latest[1]

    def __iter__(self) -> Iterator[Made]:
        return map(self.__getitem__, range(self._count))


class Parse:
    """A release read: its document, its tokens in reading order and the number of tables."""

    __slots__ = ("chunks", "document", "table_count")

    def __init__(self, document: Document, chunks: Chunks[Tokens], table_count: int) -> None:
        self.document = document
        self.chunks = chunks
        self.table_count = table_count

    @property
    def tokens(self) -> Iterator[Token]:
        """The tokens, one after the other."""
        return chain.from_iterable(self.chunks)
