"""An Excel workbook, new or old, as lines: the rows of its sheets, every cell as its number format shows it."""

import datetime as dt
import io
import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from kzz_pipeline.core.characters import has_ink
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.forms import Form
from kzz_pipeline.forms.archives import OLE, check_archive, require_magic
from kzz_pipeline.forms.lines import (
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_LINES,
    NO_PASSWORD,
    Lines,
    one_line,
    reading,
    too_many,
)

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


def read_xlsx(data: bytes) -> Form:
    check_archive(data, ".xlsx")
    with reading("an Excel workbook"):
        from openpyxl import load_workbook

        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        out = Lines()
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


def read_xls(data: bytes) -> Form:
    require_magic(data, OLE, ".xls")
    with reading("an old Excel workbook"):
        import xlrd

        try:
            book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), formatting_info=True, ragged_rows=True)
        except xlrd.XLRDError as error:
            if "encrypted" in str(error):
                raise Refusal("password", "the file is protected by a password", NO_PASSWORD) from None
            raise
        out = Lines()
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
    out: Lines, name: str, cells: dict[int, dict[int, str]], merged: Iterable[tuple[int, int, int, int]]
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
                raise too_many()


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
