"""A page of HTML as lines: its blocks of text, and the rows of its tables."""

import re
from dataclasses import dataclass, field
from typing import Any

from kzz_pipeline.core.characters import has_ink
from kzz_pipeline.core.decoding import decode
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.forms import Form
from kzz_pipeline.forms.archives import OLE, require_magic, wrong_form
from kzz_pipeline.forms.lines import MOST_COLUMNS, MOST_LINES, MOST_TAGS, Lines, reading, too_many

_MOST_DEPTH = 200
_UNSEEN = {"script", "style", "head", "noscript", "template", "svg", "iframe", "object", "select", "textarea"}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "title", "ul",
}  # fmt: skip
_HTML_SPACE = re.compile(r"[ \t\r\n\f]+")


def read_html(data: bytes) -> Form:
    for magic in (b"PK\x03\x04", OLE, b"%PDF", b"{\\rtf"):
        if data.startswith(magic):
            require_magic(data, b"<", ".html")
    text, encoding = _markup(data)
    if "<" not in text:
        raise wrong_form("the file is named .html and holds no HTML")
    if text.count("<") > MOST_TAGS:
        raise Refusal("too-large", f"the page has more than {MOST_TAGS:,} tags", "check what the file is")
    with reading("an HTML page"):
        from lxml import etree

        parser = etree.HTMLParser(
            encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
        )
        root = etree.fromstring(text.encode(), parser)
        found = _Html()
        if root is not None:
            found.walk(root)
        return found.out.form(f"html ({encoding})")


def _markup(data: bytes) -> tuple[str, str]:
    """The text of a page, decoded as any text is: a charset that the page names is not believed."""
    try:
        return decode(data)
    except Refusal as refusal:
        # `decode` refuses a page last of all, when it has decoded the whole of it.
        if refusal.code != "not-text":
            raise
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding), encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    with reading("an HTML page"):
        return data.decode("gb18030"), "gb18030"


@dataclass
class _Row:
    """A row of an HTML table as it is read; `blocks` where a cell of it holds a table, so that it is no line."""

    blocks: bool
    cells: list[str] = field(default_factory=list)
    in_cell: bool = False
    span: int = 1


@dataclass
class _Table:
    name: str
    below: dict[int, int] = field(default_factory=dict)
    """The columns that cells of rows above cover, and for how many rows more."""
    row: _Row | None = None


class _Html:
    """Walks a page once, flat, whatever its depth."""

    def __init__(self) -> None:
        self.out = Lines()
        self.buffer: list[str] = []
        self.tables: list[_Table] = []
        self.count = 0
        self.pre = 0
        self.holders: set[Any] = set()

    def walk(self, root: Any) -> None:
        from lxml import etree

        for table in root.iter("table"):
            above = table.getparent()
            while above is not None and above.tag not in ("tr", "table"):
                above = above.getparent()
            if above is not None and above.tag == "tr":
                self.holders.add(above)
        depth = 0
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, node in walker:
            if event == "start":
                depth += 1
                if depth > _MOST_DEPTH:
                    message = f"the page nests more than {_MOST_DEPTH} tags in each other"
                    raise Refusal("too-deep", message, "save the page again with an office program")
                if node.tag in _UNSEEN:
                    walker.skip_subtree()
                    continue
                self.start(node)
                self.text(node.text)
            else:
                depth -= 1
                if node.tag not in _UNSEEN:
                    self.end(node)
                self.text(node.tail)
        self.flush()

    @property
    def row(self) -> _Row | None:
        return self.tables[-1].row if self.tables else None

    @property
    def in_line(self) -> bool:
        """Whether text goes into a cell of a line, where breaks are spaces."""
        return self.row is not None and not self.row.blocks

    def text(self, text: str | None) -> None:
        if text:
            self.buffer.append(text if self.pre else _HTML_SPACE.sub(" ", text))

    def taken(self) -> str:
        text = "".join(self.buffer)
        self.buffer.clear()
        return text

    def break_line(self, even_blank: bool = False) -> None:
        if self.in_line:
            self.buffer.append("\n")
        else:
            self.flush(even_blank)

    def flush(self, even_blank: bool = False) -> None:
        """The text so far becomes a line, or lines inside <pre>."""
        text = self.taken()
        lines = re.split(r"\r\n|\n|\r", text.strip("\r\n")) if self.pre else [_tidy(text)]
        for line in lines:
            if even_blank or has_ink(line):
                self.out.add([line])

    def start(self, node: Any) -> None:
        tag = node.tag
        if tag == "table":
            self.flush()
            self.count += 1
            self.tables.append(_Table(f"table {self.count} of the file"))
            self.out.begin(self.tables[-1].name)
        elif tag == "tr" and self.tables:
            self.end_row()
            if has_ink("".join(self.buffer)):
                self.flush()
            self.tables[-1].row = _Row(node in self.holders)
        elif tag in ("td", "th") and self.tables:
            self.start_cell(node)
        elif tag in _BLOCKS:
            self.break_line()
        if tag == "pre":
            self.pre += 1

    def end(self, node: Any) -> None:
        tag = node.tag
        if tag == "br":
            self.break_line(even_blank=True)
        elif tag == "table" and self.tables:
            self.end_row()
            self.flush()
            self.tables.pop()
            self.out.begin("")
        elif tag == "tr" and self.tables:
            self.end_row()
        elif tag in ("td", "th") and self.tables:
            self.end_cell()
        elif tag in _BLOCKS:
            self.break_line(even_blank=tag == "p")
        if tag == "pre":
            self.pre -= 1

    def start_cell(self, node: Any) -> None:
        table = self.tables[-1]
        if table.row is None:
            table.row = _Row(blocks=False)
        row = table.row
        if row.blocks:
            self.flush()
            return
        self.end_cell()
        self.skip_covered(table, row)
        row.in_cell, row.span = True, _span(node, "colspan")
        rows = _span(node, "rowspan")
        if rows > 1:
            table.below.update(dict.fromkeys(range(len(row.cells), len(row.cells) + row.span), rows))

    def end_cell(self) -> None:
        row = self.row
        if row is None or row.blocks:
            self.flush()
        elif row.in_cell:
            row.cells += [_tidy(self.taken()), *[""] * (row.span - 1)]
            row.in_cell = False
            if len(row.cells) > MOST_COLUMNS * 2:
                raise too_many()

    def skip_covered(self, table: _Table, row: _Row) -> None:
        while table.below.get(len(row.cells), 0) > 0:
            row.cells.append("")

    def end_row(self) -> None:
        if not self.tables or self.tables[-1].row is None:
            return
        table = self.tables[-1]
        row = table.row
        assert row is not None
        self.end_cell()
        if not row.blocks:
            self.skip_covered(table, row)
            if has_ink("".join(self.buffer)):
                row.cells.append(_tidy(self.taken()))
            self.buffer.clear()
            self.out.add(row.cells)
        table.below = {column: rows - 1 for column, rows in table.below.items() if rows > 1}
        table.row = None


def _tidy(text: str) -> str:
    return " ".join(piece for piece in re.split(r"[ \t\n\v\f\r]+", text) if piece)


def _span(node: Any, name: str) -> int:
    digits = re.match(r"\s*(\d{1,6})", node.get(name) or "")
    count = int(digits[1]) if digits else 1
    if name == "colspan":
        return min(max(count, 1), MOST_COLUMNS)
    # 0 is the rest of the table.
    return count or MOST_LINES
