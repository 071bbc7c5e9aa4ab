"""A Word document as lines: its paragraphs, and the rows of its tables."""

import io
from collections.abc import Iterator
from typing import Any

from kzz_pipeline.forms import Form
from kzz_pipeline.forms.archives import check_archive
from kzz_pipeline.forms.lines import BREAK_CHARACTERS, MOST_COLUMNS, Lines, reading, too_many

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# Deleted text, properties, and the reading printed above a word.
_NOT_PRINTED = {
    *(f"{_W}{name}" for name in ("del", "moveFrom", "pPr", "rPr", "tblPr", "trPr", "tcPr", "tblGrid", "sectPr", "rt")),
    _FALLBACK,
}
_INSTEAD = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
# Signs that Word takes from the font Symbol.
_SYMBOLS = {0xB3: "≥", 0xA3: "≤", 0xB1: "±", 0xB4: "×", 0xB8: "÷", 0xB9: "≠", 0xBB: "≈", 0xA5: "∞", 0xB7: "·"}


def read_docx(data: bytes) -> Form:
    check_archive(data, ".docx")
    with reading("a Word document"):
        import docx

        found = _Docx()
        found.blocks(docx.Document(io.BytesIO(data)).element.body)
        return found.out.form("docx")


class _Docx:
    """Walks the body of a Word document: python-docx opens it, but passes over content controls and insertions."""

    def __init__(self) -> None:
        self.out = Lines()
        self.tables = 0

    def blocks(self, container: Any) -> None:
        for child in container:
            if child.tag == f"{_W}p":
                # A release pasted into Word as text keeps the TABs between its cells.
                self.out.add(self.printed(child).rstrip(BREAK_CHARACTERS).split("\t"))
            elif child.tag == f"{_W}tbl":
                self.table(child)
            elif isinstance(child.tag, str) and child.tag not in _NOT_PRINTED:
                self.blocks(child)

    def printed(self, node: Any) -> str:
        return "".join(self.pieces(node))

    def pieces(self, node: Any) -> Iterator[str]:
        for child in node:
            tag = child.tag
            if tag in (f"{_W}t", _MATH_TEXT):
                yield child.text or ""
            elif tag in _INSTEAD:
                yield _INSTEAD[tag]
            elif tag == f"{_W}sym":
                yield _symbol(child)
            elif isinstance(tag, str) and tag not in _NOT_PRINTED:
                if tag == f"{_W}p":
                    yield "\n"
                yield from self.pieces(child)

    def table(self, table: Any) -> None:
        self.tables += 1
        name = f"table {self.tables} of the file"
        self.out.begin(name)
        merged: set[int] = set()
        for row in _down_to(table, f"{_W}tr"):
            properties = row.find(f"{_W}trPr")
            if properties is None or properties.find(f"{_W}del") is None:
                self.row(row, properties, merged)
        self.out.begin("")

    def row(self, row: Any, properties: Any, merged: set[int]) -> None:
        """One line of the row; a cell that holds a table makes its cells blocks of their own."""
        cells = list(_down_to(row, f"{_W}tc"))
        if any(cell.find(f".//{_W}tbl") is not None for cell in cells):
            for cell in cells:
                self.blocks(cell)
            return
        texts = [""] * _count(properties, "gridBefore", 0)
        for cell in cells:
            properties_of_cell = cell.find(f"{_W}tcPr")
            span = max(_count(properties_of_cell, "gridSpan", 1), 1)
            covered = _continues(properties_of_cell, "hMerge") or (
                _continues(properties_of_cell, "vMerge") and len(texts) in merged
            )
            columns = set(range(len(texts), len(texts) + span))
            if properties_of_cell is not None and properties_of_cell.find(f"{_W}vMerge") is not None:
                merged |= columns
            else:
                merged -= columns
            texts += ["" if covered else self.printed(cell), *[""] * (span - 1)]
        self.out.add(texts + [""] * _count(properties, "gridAfter", 0))


def _down_to(node: Any, tag: str) -> Iterator[Any]:
    """The nearest descendants of a tag, through content controls and the like, but not through other tables."""
    for child in node:
        if child.tag == tag:
            yield child
        elif isinstance(child.tag, str) and child.tag not in _NOT_PRINTED:
            yield from _down_to(child, tag)


def _count(properties: Any, name: str, default: int) -> int:
    found = properties.find(f"{_W}{name}") if properties is not None else None
    count = int(found.get(f"{_W}val", default)) if found is not None else default
    if count > MOST_COLUMNS:
        raise too_many()
    return count


def _continues(properties: Any, name: str) -> bool:
    found = properties.find(f"{_W}{name}") if properties is not None else None
    return found is not None and found.get(f"{_W}val", "continue") == "continue"


def _symbol(node: Any) -> str:
    code = int(node.get(f"{_W}char", "fffd"), 16)
    if node.get(f"{_W}font", "").startswith("Symbol") and (found := _SYMBOLS.get(code & 0xFF)):
        return found
    return chr(code)
