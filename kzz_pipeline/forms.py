"""The forms of a release, as the text of lines and cells that every stage reads.

A `.txt` is decoded and stays as it is. A `.csv`, `.tsv`, `.docx`, `.xlsx`, `.xls`, `.html` or `.pdf` becomes lines of
cells between TABs, one line per row of a table and per paragraph outside tables. A merged cell's text stands in its
first cell and the other cells that it covers are empty. Nothing in a file is run, and nothing that it refers to is
fetched. What cannot be read whole is refused. docs/forms.md says what each form becomes.
"""

import bisect
import csv
import datetime as dt
import hashlib
import io
import logging
import re
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from kzz_pipeline.core.characters import has_ink
from kzz_pipeline.core.decoding import decode
from kzz_pipeline.core.refusal import Refusal

# A release has some thousand cells; these bound what a hostile or runaway file costs.
MOST_LINES = 200_000
MOST_CELLS = 2_000_000
MOST_COLUMNS = 1_000
MOST_UNPACKED_BYTES = 200 * 1024 * 1024
_MOST_RATIO = 100
_RATIO_FROM_BYTES = 20 * 1024 * 1024
_MOST_MEMBERS = 5_000
_MOST_TAGS = 6_000_000
_MOST_DEPTH = 200
_MOST_PAGES = 2_000
_MOST_STROKES = 20_000
_CHUNK = 1 << 20
_MOST_KEPT = 64
_LONGEST_KEPT = 200_000

_COPY_AGAIN = "copy the release again, whole"
_SAVE_AGAIN = "open it, save it in that form again, and put it there"
_NO_PASSWORD = "save it without a password"
_BREAKS = re.compile(r"[\t\n\v\f\r]+")
_BREAK_CHARACTERS = "\t\n\v\f\r"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of lines that stand in one place of the file: a sheet, a page, a table.

    `name` is what a person looks for ("sheet 项目表"); where `rows`, its lines are rows that count from 1.
    """

    first_line: int
    name: str
    rows: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """A release's text as lines of cells, the form it was read from ("docx", "html (utf-8)") and where lines stand."""

    text: str
    encoding: str
    parts: tuple[Part, ...] = ()

    def place(self, line: int) -> str | None:
        """Where in the file a line stands ("sheet 项目表, row 12", "page 3"); None where the line number says it."""
        at = bisect.bisect_right(self.parts, line, key=lambda part: part.first_line) - 1
        if at < 0 or not self.parts[at].name:
            return None
        part = self.parts[at]
        return f"{part.name}, row {line - part.first_line + 1}" if part.rows else part.name


def read_form(data: bytes, suffix: str) -> Form:
    """The lines and cells of a file, read as the form that its suffix (".docx") names.

    Raises Refusal where the file is empty, damaged, protected by a password, not what its suffix says, larger unpacked
    than a release could be, or holds macros or pictures in place of text; and where `decode` does.
    """
    known = suffix.lower()
    if known == ".txt":
        return Form(*decode(data))
    if known not in _READERS:
        raise Refusal("unknown-form", f"{suffix or 'no ending'} is not a form that is read", "save it as text")
    if not data:
        raise Refusal("empty-file", "the file holds no byte", "copy the release again")
    return _converted(data, known)


def _converted(data: bytes, suffix: str) -> Form:
    """The converted file, kept for a while: every stage asks for it again, and a PDF takes seconds."""
    key = (hashlib.sha256(data).digest(), suffix)
    kept = _kept.get(key)
    if kept is not None:
        return kept
    form = _READERS[suffix](data)
    if not has_ink(form.text):
        raise Refusal("blank-file", "the file holds no text", "copy the release again")
    if len(form.text) <= _LONGEST_KEPT:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = form
    return form


_kept: dict[tuple[bytes, str], Form] = {}


# -- lines ---------------------------------------------------------------------------------------------------


@dataclass
class _Lines:
    """The converted lines as they grow, within bounds."""

    lines: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    cells: int = 0

    def add(self, cells: Sequence[str]) -> None:
        self.cells += len(cells)
        if self.cells > MOST_CELLS or len(self.lines) >= MOST_LINES:
            raise _too_many()
        self.lines.append("\t".join(map(one_line, cells)))

    def begin(self, name: str, rows: bool = True) -> None:
        """The lines that follow stand in the part of this name; "" for none."""
        part = Part(len(self.lines) + 1, name, rows)
        if self.parts and self.parts[-1].first_line == part.first_line:
            self.parts.pop()
        if name or self.parts:
            self.parts.append(part)

    def form(self, encoding: str) -> Form:
        return Form("".join(f"{line}\n" for line in self.lines), encoding, tuple(self.parts))


def one_line(text: str) -> str:
    """A cell's text without line breaks and TABs: a run of them becomes one space, and goes at the ends."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isprintable():
        return text
    return _BREAKS.sub(" ", text.strip(_BREAK_CHARACTERS))


def _too_many() -> Refusal:
    message = f"the file holds more than {MOST_LINES:,} lines or {MOST_CELLS:,} cells, which no release does"
    return Refusal("too-many-cells", message, "delete what is no part of the release, or split it")


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Whatever a library raises on a file becomes one refusal."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Refusal:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file raises anything, from any depth of a library
        if error.args and isinstance(error.args[0], Refusal):  # so pdfplumber passes on what it met
            raise error.args[0] from None
        said = " ".join(str(error).split())
        why = f"{type(error).__name__}: {said[:160]}" if said else type(error).__name__
        raise Refusal("damaged-file", f"the file cannot be read as {what} ({why})", _SAVE_AGAIN) from None


# -- what a file is ------------------------------------------------------------------------------------------

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = ("EncryptedPackage".encode("utf-16-le"), "EncryptionInfo".encode("utf-16-le"))


def _require_magic(data: bytes, magic: bytes, suffix: str) -> None:
    if data.startswith(magic):
        return
    if data.startswith(_OLE) and any(name in data for name in _ENCRYPTED):
        raise Refusal("password", "the file is protected by a password", _NO_PASSWORD)
    kinds = (
        (b"PK\x03\x04", "a zip archive (perhaps .docx or .xlsx)"),
        (_OLE, "an old Office document (.doc or .xls)"),
        (b"%PDF", "a PDF"),
        (b"{\\rtf", "an RTF document"),
    )
    is_page = re.match(
        rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|meta|table|\?xml)", data[:1024], re.IGNORECASE
    )
    page = "an HTML or XML page" if is_page else "something else"
    what = next((name for start, name in kinds if data.startswith(start)), page)
    raise _wrong_form(f"the file is named {suffix} and is {what}")


def _wrong_form(message: str) -> Refusal:
    return Refusal("wrong-form", message, "name it by what it is, or save it in the form that its name says")


# -- archives: .docx and .xlsx -------------------------------------------------------------------------------

_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_MAIN_TYPES = {
    ".docx": (b"wordprocessingml.document.main", b"wordprocessingml.template.main"),
    ".xlsx": (b"spreadsheetml.sheet.main", b"spreadsheetml.template.main"),
}
_MACRO_TYPES = (b"macroEnabled", b"vbaProject")


def _check_archive(data: bytes, suffix: str) -> None:
    """Raise Refusal unless the archive is whole, of the kind its suffix says, and small and plain enough to open."""
    _require_magic(data, b"PK\x03\x04", suffix)
    # Counted before the directory is read, which takes memory for each entry.
    if data.count(b"PK\x01\x02") > _MOST_MEMBERS:
        raise _bomb("too many members")
    with _reading(f"{suffix}: the archive is damaged"), zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        total = sum(member.file_size for member in members)
        if total > MOST_UNPACKED_BYTES or (total > _RATIO_FROM_BYTES and total > _MOST_RATIO * len(data)):
            raise _bomb(f"{total / 2**20:,.0f} MiB from {len(data) / 2**20:,.1f}")
        types = b""
        tags = 0
        for member in members:
            if member.flag_bits & 0x1:
                raise Refusal("password", "the archive is encrypted", _NO_PASSWORD)
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _wrong_form(f"the archive is packed in a way that no {suffix} is")
            is_types = member.filename == "[Content_Types].xml"
            is_xml = is_types or member.filename.lower().endswith((".xml", ".rels", ".vml"))
            tags += _scan(archive, member, is_xml)
            if tags > _MOST_TAGS:
                raise _bomb(f"more than {_MOST_TAGS:,} XML tags")
            if is_types:
                types = archive.read(member).replace(b"\0", b"")
        _check_kind(types, [member.filename for member in members], suffix)


def _scan(archive: zipfile.ZipFile, member: zipfile.ZipInfo, is_xml: bool) -> int:
    """Read a member to its end, which proves it whole, and count its tags.

    No part of an Office document declares entities; one that does is refused unread.
    """
    tags, tail = 0, b""
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK):
            if not is_xml:
                continue
            plain = chunk.replace(b"\0", b"")  # UTF-16
            tags += plain.count(b"<")
            if _DTD.search(tail + plain):
                raise Refusal("entities", f"{member.filename} in the file declares XML entities", _SAVE_AGAIN)
            tail = plain[-16:]
    return tags


def _check_kind(types: bytes, names: list[str], suffix: str) -> None:
    if any(mark in types for mark in _MACRO_TYPES) or any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Refusal("macros", "the file holds macros", f"save it as {suffix} without macros")
    if any(main in types for main in _MAIN_TYPES[suffix]):
        return
    for other, mains in _MAIN_TYPES.items():
        if any(main in types for main in mains):
            raise _wrong_form(f"the file is named {suffix} and is a {other}")
    raise _wrong_form(f"the file is named {suffix} and is another kind of archive")


def _bomb(what: str) -> Refusal:
    return Refusal("too-large", f"the file unpacks to more than a release has: {what}", "check what the file is")


# -- .docx ---------------------------------------------------------------------------------------------------

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


def _read_docx(data: bytes) -> Form:
    _check_archive(data, ".docx")
    with _reading("a Word document"):
        import docx

        found = _Docx()
        found.blocks(docx.Document(io.BytesIO(data)).element.body)
        return found.out.form("docx")


class _Docx:
    """Walks the body of a Word document: python-docx opens it, but passes over content controls and insertions."""

    def __init__(self) -> None:
        self.out = _Lines()
        self.tables = 0

    def blocks(self, container: Any) -> None:
        for child in container:
            if child.tag == f"{_W}p":
                # A release pasted into Word as text keeps the TABs between its cells.
                self.out.add(self.printed(child).rstrip(_BREAK_CHARACTERS).split("\t"))
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
        raise _too_many()
    return count


def _continues(properties: Any, name: str) -> bool:
    found = properties.find(f"{_W}{name}") if properties is not None else None
    return found is not None and found.get(f"{_W}val", "continue") == "continue"


def _symbol(node: Any) -> str:
    code = int(node.get(f"{_W}char", "fffd"), 16)
    if node.get(f"{_W}font", "").startswith("Symbol") and (found := _SYMBOLS.get(code & 0xFF)):
        return found
    return chr(code)


# -- .xlsx and .xls ------------------------------------------------------------------------------------------

# The numbers that Excel keeps for formats of East Asia: a file may use them and not say what they are.
_EAST_ASIAN_DATES = {
    **dict.fromkeys((27, 36, 50, 52, 57), "yyyy年m月"),
    **dict.fromkeys((28, 29, 51, 53, 54, 58), "m月d日"),
    **dict.fromkeys((30, 31), "yyyy年m月d日"),
    **dict.fromkeys((32, 33, 34, 35, 55, 56), "h:mm"),
}
_QUOTED = re.compile(
    r'"([^"]*)"|\\(.)|[_*].|\[\$([^\]-]*)[^\]]*\]|(\[[^\]]*\])|(General|G/通用格式)|(.)', re.IGNORECASE
)
_DIGITS = re.compile(r"(?P<whole>[#0?,]*)(?:\.(?P<decimals>[0#?]*))?")


def _read_xlsx(data: bytes) -> Form:
    _check_archive(data, ".xlsx")
    with _reading("an Excel workbook"):
        from openpyxl import load_workbook

        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        out = _Lines()
        for sheet in book.worksheets:
            cells, merged = _xlsx_sheet(book, sheet)
            _add_sheet(out, sheet.title, cells, merged)
        return out.form("xlsx")


def _xlsx_sheet(book: Any, sheet: Any) -> tuple[dict[int, dict[int, str]], list[tuple[int, int, int, int]]]:
    """The cells of a sheet that hold anything, by row and column, and its merged ranges.

    openpyxl's own sheets fill every gap up to the farthest cell, and leave merged ranges out or fill them; its parser,
    which they are made from, gives the cells that there are.
    """
    from openpyxl.cell.read_only import ReadOnlyCell
    from openpyxl.utils.datetime import from_excel
    from openpyxl.utils.escape import unescape
    from openpyxl.worksheet._reader import WorkSheetParser

    cells: dict[int, dict[int, str]] = {}
    with book._archive.open(sheet._worksheet_path) as source:
        parser = WorkSheetParser(
            source,
            sheet._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for number, row in parser.parse():
            for found in row:
                value = found["value"]
                if value is None:
                    continue
                if isinstance(value, str):
                    text = unescape(value)
                else:
                    cell = ReadOnlyCell(sheet, **found)
                    number_format = cell.number_format
                    if known := _EAST_ASIAN_DATES.get(cell.style_array.numFmtId):
                        number_format = known
                        if not isinstance(value, bool | dt.date | dt.time | dt.timedelta):
                            value = from_excel(value, book.epoch)
                    text = shown(value, number_format)
                if text:
                    cells.setdefault(number, {})[found["column"]] = text
    merged = parser.merged_cells.mergeCell if parser.merged_cells is not None else ()
    return cells, [found.bounds for found in merged]


def _read_xls(data: bytes) -> Form:
    _require_magic(data, _OLE, ".xls")
    with _reading("an old Excel workbook"):
        import xlrd

        try:
            book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), formatting_info=True, ragged_rows=True)
        except xlrd.XLRDError as error:
            if "encrypted" in str(error):
                raise Refusal("password", "the file is protected by a password", _NO_PASSWORD) from None
            raise
        out = _Lines()
        for sheet in book.sheets():
            cells: dict[int, dict[int, str]] = {}
            for row in range(sheet.nrows):
                for column in range(sheet.row_len(row)):
                    if text := _xls_text(book, sheet, row, column):
                        cells.setdefault(row + 1, {})[column + 1] = text
            merged = [(left + 1, top + 1, right, bottom) for top, bottom, left, right in sheet.merged_cells]
            _add_sheet(out, sheet.name, cells, merged)
        return out.form("xls")


def _xls_text(book: Any, sheet: Any, row: int, column: int) -> str:
    import xlrd

    kind, value = sheet.cell_type(row, column), sheet.cell_value(row, column)
    if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return ""
    if kind == xlrd.XL_CELL_TEXT:
        return str(value)
    if kind == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(value, "#ERROR!"))
    if kind == xlrd.XL_CELL_BOOLEAN:
        return shown(bool(value), "General")
    key = book.xf_list[sheet.cell_xf_index(row, column)].format_key
    number_format = _EAST_ASIAN_DATES.get(key) or book.format_map[key].format_str
    if kind == xlrd.XL_CELL_DATE:
        value = xlrd.xldate.xldate_as_datetime(value, book.datemode)
    return shown(value, number_format)


def _add_sheet(
    out: _Lines, name: str, cells: dict[int, dict[int, str]], merged: Iterable[tuple[int, int, int, int]]
) -> None:
    """The rows of a sheet as lines, from row 1 to the last that holds ink; a blank line after it.

    `merged` are ranges (first column, first row, last column, last row).
    """
    _clear_covered(cells, merged)
    widths = {
        row: max((column for column, text in of_row.items() if has_ink(text)), default=0)
        for row, of_row in cells.items()
    }
    last = max((row for row, width in widths.items() if width), default=0)
    for row, width in sorted(widths.items()):
        if width and (width > MOST_COLUMNS or row > MOST_LINES):
            message = f"sheet {one_line(name)} has a cell at row {row}, column {width}, far from any table of a release"
            raise Refusal("far-cell", message, "delete what stands there")
    out.begin(f"sheet {one_line(name)}")
    for row in range(1, last + 1):
        width = widths.get(row, 0)
        of_row = cells.get(row, {})
        out.add([of_row.get(column, "") for column in range(1, width + 1)])
    out.begin("")
    if last:
        out.add([""])


def _clear_covered(cells: dict[int, dict[int, str]], merged: Iterable[tuple[int, int, int, int]]) -> None:
    """Empty what merged ranges cover but their first cell: a program may leave text there that nobody sees."""
    work = 0
    for left, top, right, bottom in merged:
        rows = range(top, bottom + 1) if bottom - top < len(cells) else sorted(cells)
        for row in rows:
            work += 1
            of_row = cells.get(row)
            if of_row is None or not top <= row <= bottom:
                continue
            work += len(of_row)
            for column in [column for column in of_row if left <= column <= right]:
                if (row, column) != (top, left):
                    del of_row[column]
            if work > 10 * MOST_CELLS:
                raise _too_many()


def shown(value: object, number_format: str) -> str:
    """A cell's value as a person sees it, where the number format is simple; else the value in full.

    0.9 formatted `0%` is `90%`, 12.0 is `12`, a date is `2020年3月1日` with the parts that its format shows.
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime | dt.date):
        return _date(value, number_format)
    if isinstance(value, dt.time):
        return f"{value.hour}:{value.minute:02}"
    if isinstance(value, dt.timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60}:{minutes % 60:02}"
    if isinstance(value, int | float):
        return _number(value, number_format)
    return str(value)


def _date(value: dt.datetime | dt.date, number_format: str) -> str:
    pattern = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", number_format.split(";", maxsplit=1)[0]).lower()
    clock = "h" in pattern or "s" in pattern
    year, day = "y" in pattern or "e" in pattern, "d" in pattern
    month = "m" in pattern and (year or day or not clock)
    if "general" in pattern or not (year or month or day or clock):
        year = month = day = True
    text = (
        (f"{value.year}年" if year else "") + (f"{value.month}月" if month else "") + (f"{value.day}日" if day else "")
    )
    if clock and isinstance(value, dt.datetime):
        text = f"{text} {value.hour}:{value.minute:02}".strip()
    return text


def _number(value: float, number_format: str) -> str:
    plain = Decimal(value) if isinstance(value, int) else Decimal(f"{value:.15g}")
    if not plain.is_finite():
        return str(value)
    # What Excel's sections say of signs and zeros is decoration: "-" for 0 would look like no number at all.
    before, digits, after, percent = _simple(number_format.split(";", maxsplit=1)[0])
    if digits is None:
        text = f"{abs(plain):f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = _digits(abs(plain) * (100 if percent else 1), digits)
    sign = "-" if plain < 0 and any(character in "123456789" for character in text) else ""
    return f"{before}{sign}{text}{after}"


@lru_cache(maxsize=1024)
def _simple(section: str) -> tuple[str, str | None, str, bool]:
    """A number format as the text before the digits, their pattern, the text behind, and whether they are percent.

    The pattern is None for a number as it is; so it is, without texts, where the format is not simple.
    """
    not_simple = ("", None, "", False)
    before, digits, after = "", "", ""
    general = percent = False
    for quoted, escaped, currency, condition, whole, other in _QUOTED.findall(section):
        if condition and not condition[1:-1].isalpha():  # [Red] is decoration, [>=100] and [h] are not
            return not_simple
        if whole:
            if digits or general:
                return not_simple
            general = True
        elif other and other in "#0?,.":
            if after.strip() or general:
                return not_simple
            digits += other
        elif other and (other in "@/!" or (other.isascii() and other.isalpha())):
            return not_simple
        else:
            percent = percent or other == "%"
            if digits or general:
                after += quoted or escaped or currency or other
            else:
                before += quoted or escaped or currency or other
    if general:
        return (before.strip(), None, after.strip(), False) if not percent else not_simple
    found = _DIGITS.fullmatch(digits)
    if found is None or not digits or found["whole"].endswith(","):
        return not_simple
    return before.strip(), digits, after.strip(), percent


def _digits(value: Decimal, pattern: str) -> str:
    found = _DIGITS.fullmatch(pattern)
    whole, decimals = (found["whole"], found["decimals"] or "") if found else ("0", "")
    rounded = value.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    text = f"{rounded:,f}" if "," in whole else f"{rounded:f}"
    if decimals:
        head, _, tail = text.partition(".")
        least = decimals.rfind("0") + 1
        tail = tail[:least] + tail[least:].rstrip("0")
        text = f"{head}.{tail}" if tail else head
    return text.zfill(whole.count("0")) if "," not in whole and not decimals else text


# -- .html ---------------------------------------------------------------------------------------------------

_UNSEEN = {"script", "style", "head", "noscript", "template", "svg", "iframe", "object", "select", "textarea"}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "title", "ul",
}  # fmt: skip
_HTML_SPACE = re.compile(r"[ \t\r\n\f]+")


def _read_html(data: bytes) -> Form:
    for magic in (b"PK\x03\x04", _OLE, b"%PDF", b"{\\rtf"):
        if data.startswith(magic):
            _require_magic(data, b"<", ".html")
    text, encoding = _markup(data)
    if "<" not in text:
        raise _wrong_form("the file is named .html and holds no HTML")
    if text.count("<") > _MOST_TAGS:
        raise Refusal("too-large", f"the page has more than {_MOST_TAGS:,} tags", "check what the file is")
    with _reading("an HTML page"):
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
    with _reading("an HTML page"):
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
        self.out = _Lines()
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
                raise _too_many()

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


# -- .csv and .tsv -------------------------------------------------------------------------------------------


def _read_csv(data: bytes) -> Form:
    text, encoding = decode(data)
    delimiter = max("\t,;", key=lambda mark: sum(len(row) > 1 for row in _loose(text, mark)))
    return _separated(text, delimiter, f"csv ({encoding})")


def _read_tsv(data: bytes) -> Form:
    text, encoding = decode(data)
    return _separated(text, "\t", f"tsv ({encoding})")


def _loose(text: str, delimiter: str) -> Iterator[list[str]]:
    with _reading("separated values"):
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _separated(text: str, delimiter: str, encoding: str) -> Form:
    out = _Lines()
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in rows:
            out.add(row)
    except csv.Error as error:
        advice = "save it again from the spreadsheet, or as .txt, where quotes are plain text"
        raise Refusal("damaged-file", f"the quotes of a cell do not match ({error})", advice, rows.line_num) from None
    return out.form(encoding)


# -- .pdf ----------------------------------------------------------------------------------------------------

_UNKNOWN_GLYPH = re.compile(r"\(cid:\d+\)")
_SCANNED = "have it copied or exported as text"


def _read_pdf(data: bytes) -> Form:
    # The mark may stand behind a few other bytes.
    if b"%PDF" not in data[:1024]:
        _require_magic(data, b"%PDF", ".pdf")
    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    with _reading("a PDF"), _bounded_inflation():
        import pdfplumber
        from pdfplumber.utils.exceptions import PdfminerException

        try:
            book = pdfplumber.open(io.BytesIO(data))
        except PdfminerException as error:
            cause = error.args[0] if error.args else error
            if any(word in type(cause).__name__ for word in ("Password", "Encryption")):
                raise Refusal("password", "the PDF is protected by a password", _NO_PASSWORD) from None
            raise
        with book:
            return _pdf_form(book)


class _Inflation:
    """zlib as pdfminer uses it, with a bound on what one file may unpack to."""

    error = zlib.error
    decompressobj = staticmethod(zlib.decompressobj)

    def __init__(self) -> None:
        self.left = MOST_UNPACKED_BYTES

    def decompress(self, data: bytes) -> bytes:
        inflater = zlib.decompressobj()
        found = inflater.decompress(data, self.left + 1)
        self.left -= len(found)
        if self.left < 0:
            raise _bomb(f"over {MOST_UNPACKED_BYTES / 2**20:,.0f} MiB")
        if not inflater.eof:
            raise zlib.error("incomplete or truncated stream")
        return found


@contextmanager
def _bounded_inflation() -> Iterator[None]:
    """pdfminer unpacks a stream whole, whatever its size, and has no setting for it."""
    from pdfminer import pdftypes

    pdftypes.zlib = _Inflation()  # type: ignore[assignment, attr-defined]
    try:
        yield
    finally:
        pdftypes.zlib = zlib  # type: ignore[attr-defined]


def _pdf_form(book: Any) -> Form:
    if len(book.pages) > _MOST_PAGES:
        raise Refusal("too-large", f"the PDF has more than {_MOST_PAGES:,} pages", "split the release")
    out = _Lines()
    pictures = []
    characters = unknown = 0
    for page in book.pages:
        characters += len(page.chars)
        unknown += sum(1 for character in page.chars if _UNKNOWN_GLYPH.fullmatch(character["text"]))
        if not page.chars and page.images:
            pictures.append(page.page_number)
        if len(page.rects) + len(page.lines) + len(page.curves) > _MOST_STROKES:
            message = f"page {page.page_number} of the PDF is a drawing of more than {_MOST_STROKES:,} strokes"
            raise Refusal("too-large", message, _SCANNED)
        out.begin(f"page {page.page_number}", rows=False)
        for cells in _pdf_lines(page):
            out.add([_UNKNOWN_GLYPH.sub("\ufffd", cell) for cell in cells])
        page.close()
    if not characters:
        raise Refusal("scanned-pdf", "the PDF holds pictures of pages, no text", _SCANNED)
    if pictures:
        message = f"page {pictures[0]} of the PDF is a picture without text"
        raise Refusal("scanned-pdf", message, _SCANNED)
    if unknown * 10 > characters:
        raise Refusal("no-characters", "the PDF's fonts do not say which characters they print", _SCANNED)
    return out.form("pdf")


def _pdf_lines(page: Any) -> Iterator[list[str]]:
    """The lines of a page from top to bottom: rows of its ruled tables, and the text between them."""
    tables = page.find_tables()
    boxes = [table.bbox for table in tables]

    def outside(thing: Any) -> bool:
        across, down = (thing["x0"] + thing["x1"]) / 2, (thing["top"] + thing["bottom"]) / 2
        return not any(left <= across <= right and top <= down <= bottom for left, top, right, bottom in boxes)

    blocks = [(table.bbox[1], [[_rejoined(cell or "") for cell in row] for row in table.extract()]) for table in tables]
    rest = page.filter(outside)
    if rest.chars:
        blocks += [(line["top"], [[line["text"]]]) for line in rest.extract_text_lines(return_chars=False)]
    for _, rows in sorted(blocks, key=lambda block: block[0]):
        yield from rows


def _rejoined(cell: str) -> str:
    """A cell's text without the breaks at which the page wraps it: Chinese has no space there."""
    pieces = [piece for piece in cell.split("\n") if piece]
    text = pieces[0] if pieces else ""
    for piece in pieces[1:]:
        narrow = not (_is_wide(text[-1]) or _is_wide(piece[0]))
        text += (" " if narrow else "") + piece
    return text


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WFA"


_READERS: dict[str, Callable[[bytes], Form]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".docx": _read_docx,
    ".xlsx": _read_xlsx,
    ".xls": _read_xls,
    ".html": _read_html,
    ".htm": _read_html,
    ".pdf": _read_pdf,
}
