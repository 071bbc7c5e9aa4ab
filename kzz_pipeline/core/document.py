"""Text to lines and cells, losing nothing: what is split here is joined again to the same text."""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import overload

_LINE_END = re.compile(r"\r\n|\n|\r")
_SPLIT_AT_ENDS = re.compile(f"({_LINE_END.pattern})")
_COMPARED_LINES = 10_000
# Characters of a text whose lines are cut out of it as they are asked for.
_LARGE = 4_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """A release's text as lines; the cells of a line stand between its TABs.

    `lines[i]` is line i + 1 of the file and `ends[i]` what ended it (LF, CRLF, CR, or "" at the end of the
    file). A line end after the last line does not begin another line.
    """

    lines: Sequence[str]
    ends: Sequence[str]

    @classmethod
    def from_text(cls, text: str) -> "Document":
        if len(text) > _LARGE:
            return cls._cut_from(text)
        lines: list[str]
        if "\r" not in text:
            lines = text.split("\n")
            ends = ["\n"] * (len(lines) - 1)
        else:
            pieces = _SPLIT_AT_ENDS.split(text)
            lines, ends = pieces[::2], pieces[1::2]
        if len(ends) < len(lines):
            if lines[-1] or not ends:
                ends.append("")
            else:
                lines.pop()
        return cls(lines, ends)

    @classmethod
    def _cut_from(cls, text: str) -> "Document":
        starts, stops = array("L", [0]), array("L")
        for end in _LINE_END.finditer(text):
            stops.append(end.start())
            starts.append(end.end())
        if starts[-1] < len(text) or not stops:
            stops.append(len(text))
            starts.append(len(text))
        return cls(_Cuttings(text, starts[:-1], stops), _Cuttings(text, stops, starts[1:]))

    @property
    def text(self) -> str:
        return self._text_of(0, len(self.lines))

    def gives_back(self, text: str) -> bool:
        """Whether lines and ends are this text, without making it again in one piece."""
        at = 0
        for start in range(0, len(self.lines), _COMPARED_LINES):
            piece = self._text_of(start, start + _COMPARED_LINES)
            if not text.startswith(piece, at):
                return False
            at += len(piece)
        return at == len(text)

    def _text_of(self, start: int, stop: int) -> str:
        both = zip(self.lines[start:stop], self.ends[start:stop], strict=True)
        return "".join(chain.from_iterable(both))


class _Cuttings(Sequence[str]):
    """Pieces of a text, each cut out as it is asked for: as strings of their own, lines take three times the text."""

    def __init__(self, text: str, starts: "array[int]", stops: "array[int]") -> None:
        self._text = text
        self._starts = starts
        self._stops = stops

    def __len__(self) -> int:
        return len(self._stops)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self._text[start:stop] for start, stop in zip(self._starts[at], self._stops[at], strict=True)]
        return self._text[self._starts[at] : self._stops[at]]


def line_count(text: str) -> int:
    """How many lines `Document.from_text` makes of a text, without making them."""
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    return ends + (not text.endswith(("\n", "\r")))
