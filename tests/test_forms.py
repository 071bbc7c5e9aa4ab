"""The same release in every form that is read, and what a file of each form may do wrong."""

import contextlib
import csv
import datetime as dt
import io
import re
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pandas as pd
import pytest
from conftest import REAL, REAL_ID, Workplace
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from lxml import etree
from lxml.builder import E
from release_text import Table, Text

from kzz_pipeline.core.document import Document
from kzz_pipeline.core.layout import read_layout
from kzz_pipeline.core.normalize import Columns, Source, normalize
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.explanation import explain
from kzz_pipeline.forms import Form, read_form
from kzz_pipeline.forms.spreadsheets import shown
from kzz_pipeline.vocabulary import words

Rows = list[list[str]]
# What differs from form to form: the file itself, and the ids made from it.
OF_THE_FILE = {"source_sha256", "source_path", "size_bytes", "encoding"}
OF_THE_PLACE = {"source_line", "source_column", "indicator_line", "indicator_column", "first_line", "last_line"}
OF_THE_LENGTH = {"line_count"}


def cells_of(text: str) -> Rows:
    return [line.split("\t") for line in Document.from_text(text).lines]


def blocks(rows: Rows) -> Iterator[str | Rows]:
    """Paragraphs, and the tables that rows of more than one cell make, each row as wide as the widest."""
    table: Rows = []
    for row in [*rows, [""]]:
        if len(row) > 1:
            table.append(row)
            continue
        if table:
            width = max(map(len, table))
            yield [found + [""] * (width - len(found)) for found in table]
            table = []
        yield row[0]


# -- the same text in each form ------------------------------------------------------------------------------


def as_docx(rows: Rows) -> bytes:
    document = docx.Document()
    for block in blocks(rows):
        if isinstance(block, str):
            document.add_paragraph(block)
            continue
        table = document.add_table(0, len(block[0]))
        for row in block:
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.text = text
    return saved(document)


def as_xlsx(rows: Rows) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "绩效目标"
    for number, row in enumerate(rows, 1):
        for column, text in enumerate(row, 1):
            if text:
                sheet.cell(number, column, text).data_type = "s"
    return saved(book)


def as_html(rows: Rows) -> bytes:
    body = E.body()
    for block in blocks(rows):
        if isinstance(block, str):
            body.append(E.p(block))
        else:
            body.append(E.table(*(E.tr(*(E.td(text) for text in row)) for row in block)))
    page = E.html(E.head(E.meta(charset="utf-8"), E.title("发布"), E.style("td {color: red}")), body)
    return etree.tostring(page, encoding="utf-8", method="html", doctype="<!DOCTYPE html>", pretty_print=True)


def as_separated(rows: Rows, delimiter: str, encoding: str = "utf-8-sig") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


class Pdf:
    """A PDF of ruled tables and lines, written by hand: no library that writes one is installed.

    The font is not embedded: its characters are named by the Unicode codes that every reader of PDF knows.
    """

    size, leading, width, height = 8, 14, 6000, 1200

    def __init__(self) -> None:
        self.pages: list[list[str]] = [[]]
        self.y = self.height - 40.0

    def need(self, height: float) -> None:
        if self.y - height < 20:
            self.pages.append([])
            self.y = self.height - 40.0

    def print(self, x: float, y: float, text: str) -> None:
        code = text.encode("utf-16-be").hex()
        self.pages[-1].append(f"BT /F1 {self.size} Tf {x:.1f} {y:.1f} Td <{code}> Tj ET")

    def line(self, text: str) -> None:
        self.need(self.leading)
        self.y -= self.leading
        if text.strip():
            self.print(40, self.y + 4, text)

    def table(self, rows: Rows, widths: list[float] | None = None) -> None:
        """A ruled table; a line break in a cell is where the page wraps it."""
        longest = [max(len(line) for row in rows for line in row[at].split("\n")) for at in range(len(rows[0]))]
        widths = widths or [self.size * length + 12 for length in longest]
        heights = [self.leading * max(text.count("\n") + 1 for text in row) for row in rows]
        self.need(sum(heights) + 10)
        self.y -= 6
        for row, height in zip(rows, heights, strict=True):
            x = 40.0
            for text, width in zip(row, widths, strict=True):
                self.pages[-1].append(f"{x:.1f} {self.y - height:.1f} {width:.1f} {height:.1f} re S")
                for at, line in enumerate(text.split("\n"), 1):
                    if line:
                        self.print(x + 4, self.y - at * self.leading + 4, line)
                x += width
            self.y -= height
        self.y -= 4

    def save(self, picture: bool = False, encrypt: bool = False) -> bytes:
        first = 6 if not picture else 7
        kids = " ".join(f"{first + 2 * at} 0 R" for at in range(len(self.pages)))
        objects = [
            "<< /Type /Catalog /Pages 2 0 R >>",
            f"<< /Type /Pages /Kids [{kids}] /Count {len(self.pages)} >>",
            "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [4 0 R] >>",
            "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /FontDescriptor 5 0 R"
            " /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> >>",
            "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [0 -120 1000 880] /ItalicAngle 0"
            " /Ascent 880 /Descent -120 /CapHeight 880 /StemV 80 >>",
        ]
        if picture:
            objects.append(
                "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
                " /Length 1 >>\nstream\n0\nendstream"
            )
        images = " /XObject << /Im1 6 0 R >>" if picture else ""
        for at, page in enumerate(self.pages):
            content = "\n".join(["q 500 0 0 500 20 20 cm /Im1 Do Q"] * picture + page)
            objects.append(
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {self.width} {self.height}]"
                f" /Resources << /Font << /F1 3 0 R >>{images} >> /Contents {first + 2 * at + 1} 0 R >>"
            )
            objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
        out, places = b"%PDF-1.4\n", []
        for number, body in enumerate(objects, 1):
            places.append(len(out))
            out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
        locked = (
            f" /ID [<{'00' * 16}> <{'00' * 16}>]"
            f" /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'11' * 32}> /U <{'22' * 32}> >>"
        )
        table = "".join(f"{place:010} 00000 n \n" for place in places)
        out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode()
        start = len(out) - len(table) - len(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n")
        out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R{locked if encrypt else ''} >>\n".encode()
        return out + f"startxref\n{start}\n%%EOF\n".encode()


def as_pdf(rows: Rows) -> bytes:
    pdf = Pdf()
    for block in blocks(rows):
        if isinstance(block, str):
            pdf.line(block)
        else:
            pdf.table(block)
    return pdf.save()


# The number formats of the workbooks below, by the index of their cell style.
XLS_FORMATS = {0: "General", 9: "0%", 14: "yyyy-mm-dd", 57: "General", 164: "#,##0.00"}


def xls_of(
    cells: dict[tuple[int, int], str | tuple[float, int]],
    merged: Sequence[tuple[int, int, int, int]] = (),
    name: str = "绩效目标",
    more: bytes = b"",
) -> bytes:
    """An old Excel workbook of one sheet, written by hand: no library that writes one is installed.

    A cell is a text, or a number and the number of its format; `more` are records at the head of the workbook.
    """

    def record(kind: int, body: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def wide(text: str, lengths: str = "<H") -> bytes:
        return struct.pack(lengths, len(text)) + b"\1" + text.encode("utf-16-le")

    def begin(kind: int) -> bytes:
        return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0xDBB, 0x7CC, 0, 6))

    styles = list(XLS_FORMATS)
    head = begin(5) + more + record(0x42, struct.pack("<H", 1200))
    head += record(0x31, struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0) + wide("宋体", "<B")) * 5
    for number, text in XLS_FORMATS.items():
        head += record(0x41E, struct.pack("<H", number) + wide(text)) if number > 100 else b""
    for number in styles:
        head += record(0xE0, struct.pack("<HHHBBBBIIH", 0, number, 1, 0x20, 0, 0, 0, 0, 0, 0))
    sheet = begin(0x10)
    for (row, column), value in sorted(cells.items()):
        if isinstance(value, str):
            sheet += record(0x204, struct.pack("<HHH", row, column, 0) + wide(value))
        else:
            sheet += record(0x203, struct.pack("<HHHd", row, column, styles.index(value[1]), value[0]))
    if merged:
        sheet += record(0xE5, struct.pack("<H", len(merged)) + b"".join(struct.pack("<4H", *area) for area in merged))
    named = wide(name, "<B")
    length = len(head) + 4 + 6 + len(named) + 4
    book = head + record(0x85, struct.pack("<IBB", length, 0, 0) + named) + record(0x0A) + sheet + record(0x0A)
    return in_ole("Workbook", book)


def in_ole(name: str, stream: bytes) -> bytes:
    """The stream in a compound file, the container of old Office documents."""
    stream = stream.ljust(4096, b"\0")  # a shorter one would be kept elsewhere
    stream += bytes(-len(stream) % 512)
    count = len(stream) // 512
    fats = -(-(count + 2) // 127)
    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    chain = [*range(1, count), end, end, *[0xFFFFFFFD] * fats]
    chain += [free] * (fats * 128 - len(chain))

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        label = name.encode("utf-16-le") + b"\0\0"
        head = label.ljust(64, b"\0") + struct.pack("<HBBIII", len(label), kind, 1, free, free, child)
        return head + bytes(36) + struct.pack("<III", start, size, 0)

    folder = entry("Root Entry", 5, 1, end, 0) + entry(name, 2, free, 0, len(stream)) + bytes(256)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, fats, count, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", *range(count + 1, count + 1 + fats), *[free] * (109 - fats))
    return header + stream + folder + struct.pack(f"<{len(chain)}I", *chain)


def as_xls(rows: Rows) -> bytes:
    return xls_of({(row, column): text for row, texts in enumerate(rows) for column, text in enumerate(texts) if text})


def saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


FORMS: dict[str, Callable[[Rows], bytes]] = {
    ".docx": as_docx,
    ".xlsx": as_xlsx,
    ".xls": as_xls,
    ".html": as_html,
    ".htm": as_html,
    ".csv": lambda rows: as_separated(rows, ","),
    ".tsv": lambda rows: as_separated(rows, "\t", "gb18030"),
    ".pdf": as_pdf,
}


def tables_of(form: Form) -> dict[str, Columns]:
    known = words()
    parse = read_layout(Document.from_text(form.text), known.labels, known.units)
    return normalize(
        parse, Source(REAL_ID, 2020, "2020/a", "0" * 64, 1, form.encoding, len(parse.document.lines)), known
    )


@pytest.fixture(scope="module")
def real_rows() -> Rows:
    return cells_of(REAL.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def real_tables() -> dict[str, Columns]:
    return tables_of(read_form(REAL.read_bytes(), ".txt"))


@pytest.mark.parametrize("suffix", FORMS)
def test_every_form_of_the_real_release_gives_the_same_rows(
    suffix: str, real_rows: Rows, real_tables: dict[str, Columns]
) -> None:
    form = read_form(FORMS[suffix](real_rows), suffix)
    # A PDF has no blank lines, so that its lines count otherwise.
    moved = OF_THE_PLACE | OF_THE_LENGTH if suffix == ".pdf" else OF_THE_LENGTH
    found = tables_of(form)
    for name in ("indicators", "projects", "listed_projects", "project_fields", "releases"):
        for column, expected in real_tables[name].items():
            if column not in OF_THE_FILE | moved:
                assert found[name][column] == expected, (name, column)
    assert len(found["indicators"]["indicator_id"]) == 292


@pytest.mark.parametrize("suffix", [suffix for suffix in FORMS if suffix != ".pdf"])
def test_every_form_gives_the_same_lines(suffix: str, real_rows: Rows) -> None:
    form = read_form(FORMS[suffix](real_rows), suffix)

    def inked(rows: Rows) -> Rows:
        return [line.rstrip("\t").split("\t") for line in map("\t".join, rows)]

    found = inked(cells_of(form.text))
    assert found[: len(real_rows)] == inked(real_rows)
    assert all(row == [""] for row in found[len(real_rows) :])


def test_text_is_what_decoding_gives() -> None:
    data = REAL.read_bytes()
    assert read_form(data, ".TXT") == Form(data.decode(), "utf-8")
    assert read_form(data, ".txt").place(50) is None


# -- merged cells --------------------------------------------------------------------------------------------

MERGED = [["一", "", "二"], ["三", "四", ""], ["", "五", "六"]]


def merged_docx() -> bytes:
    document = docx.Document()
    table = document.add_table(3, 3)
    for cell, text in (((0, 0), "一"), ((0, 2), "二"), ((1, 0), "三"), ((1, 1), "四"), ((2, 1), "五"), ((2, 2), "六")):
        table.cell(*cell).text = text
    table.cell(0, 0).merge(table.cell(0, 1))
    table.cell(1, 0).merge(table.cell(2, 0))
    for row, column in ((0, 0), (1, 0)):
        cell = table.cell(row, column)
        cell.text = cell.text.strip()
    return saved(document)


def merged_xlsx() -> bytes:
    book = openpyxl.Workbook()
    for row in MERGED:
        book.active.append([text or None for text in row])
    book.active.merge_cells("A1:B1")
    book.active.merge_cells("A2:A3")
    return saved(book)


def merged_pdf() -> bytes:
    pdf = Pdf()
    for x, y, width, height, text in (
        (40, 1100, 100, 20, "一"), (140, 1100, 50, 20, "二"), (40, 1060, 50, 40, "三"), (90, 1080, 50, 20, "四"),
        (140, 1080, 50, 20, ""), (90, 1060, 50, 20, "五"), (140, 1060, 50, 20, "六"),
    ):  # fmt: skip
        pdf.pages[-1].append(f"{x} {y} {width} {height} re S")
        pdf.print(x + 4, y + height - 12, text)
    return pdf.save()


def merged_html() -> bytes:
    return (
        "<table><tr><td colspan=2>一</td><td>二</td><tr><td rowspan='2'>三<td>四<td><tr><td>五<td>六</table>".encode()
    )


def merged_xls() -> bytes:
    cells = {(row, column): text for row, texts in enumerate(MERGED) for column, text in enumerate(texts) if text}
    return xls_of(cells, merged=[(0, 0, 0, 1), (1, 2, 0, 0)])


MERGED_FORMS = {
    ".docx": merged_docx, ".xlsx": merged_xlsx, ".xls": merged_xls, ".html": merged_html, ".pdf": merged_pdf,
}  # fmt: skip


@pytest.mark.parametrize("suffix", MERGED_FORMS)
def test_merged_cell_stands_once_and_covers_empty_cells(suffix: str) -> None:
    found = [row for row in cells_of(read_form(MERGED_FORMS[suffix](), suffix).text) if any(row)]
    width = max(map(len, found))
    assert [row + [""] * (width - len(row)) for row in found] == MERGED


def test_text_that_a_program_left_under_a_merged_cell_is_not_read() -> None:
    stale = '<c r="B1" t="str"><v>旧</v></c><c r="C1"'
    data = edited(merged_xlsx(), "xl/worksheets/sheet1.xml", '<c r="C1"', stale)
    assert read_form(data, ".xlsx") == read_form(merged_xlsx(), ".xlsx")


def edited(archive: bytes, name: str, old: str, new: str) -> bytes:
    """The archive with a part of it changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.namelist():
            text = source.read(member)
            if member == name:
                assert old.encode() in text, text[:2000]
                text = text.replace(old.encode(), new.encode(), 1)
            target.writestr(member, text)
    return out.getvalue()


# -- .docx ---------------------------------------------------------------------------------------------------


def test_docx_reads_what_stands_on_the_page() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("年度")
    paragraph.add_run("目标")
    for tag, text in (("w:ins", "插入"), ("w:del", "删除")):
        change = OxmlElement(tag)
        run = OxmlElement("w:r")
        printed = OxmlElement("w:t")
        printed.text = text
        run.append(printed)
        change.append(run)
        paragraph._p.append(change)
    symbol = OxmlElement("w:sym")
    symbol.set(qn("w:font"), "Symbol")
    symbol.set(qn("w:char"), "F0B3")
    paragraph.add_run()._r.append(symbol)
    paragraph.add_run("90%")
    document.add_paragraph()
    document.add_paragraph("甲\t乙\n丙")
    found = read_form(saved(document), ".docx")
    assert found == Form("年度目标插入≥90%\n\n甲\t乙 丙\n", "docx")


def test_docx_table_in_a_content_control_and_a_table_in_a_cell_are_read() -> None:
    document = docx.Document()
    wrapped = document.add_table(1, 2)
    wrapped.cell(0, 0).text, wrapped.cell(0, 1).text = "甲", "乙\n丙"
    control, content = OxmlElement("w:sdt"), OxmlElement("w:sdtContent")
    wrapped._tbl.addprevious(control)
    content.append(wrapped._tbl)
    control.append(content)
    outer = document.add_table(1, 1)
    inner = outer.cell(0, 0).add_table(2, 2)
    for number, text in enumerate("丁戊己庚"):
        inner.cell(number // 2, number % 2).text = text
    found = read_form(saved(document), ".docx")
    assert [row for row in cells_of(found.text) if any(row)] == [["甲", "乙 丙"], ["丁", "戊"], ["己", "庚"]]
    assert found.place(1) == "table 1 of the file, row 1"
    assert [found.place(line) for line, row in enumerate(cells_of(found.text), 1) if row[0] == "己"] == [
        "table 3 of the file, row 2"
    ]


# -- .xlsx ---------------------------------------------------------------------------------------------------


def xlsx_of(*cells: tuple[str, object, str]) -> bytes:
    book = openpyxl.Workbook()
    for place, value, number_format in cells:
        book.active[place] = value
        book.active[place].number_format = number_format
    return saved(book)


MORNING = dt.datetime.fromisoformat("2020-03-01T08:05")
NUMBERS = [
    (12, "General", "12"),
    (12.0, "General", "12"),
    (0.1 + 0.2, "General", "0.3"),
    (469.37, "General", "469.37"),
    (1e-7, "General", "0.0000001"),
    (10**15, "General", "1000000000000000"),
    (-3.5, "General", "-3.5"),
    (True, "General", "TRUE"),
    (0.9, "0%", "90%"),
    (0.9, "0.00%", "90.00%"),
    (0.985, "0.0%", "98.5%"),
    (2523.7, "#,##0.00", "2,523.70"),
    (-2523.7, "#,##0.00_ ", "-2,523.70"),
    (2523.7, '_ * #,##0.00_ ;_ * \\-#,##0.00_ ;_ * "-"??_ ;_ @_ ', "2,523.70"),
    (0, '_ * #,##0.00_ ;_ * \\-#,##0.00_ ;_ * "-"??_ ;_ @_ ', "0.00"),
    (2.5, "0", "3"),
    (1.005, "0.00", "1.01"),
    (-0.001, "0.00", "0.00"),
    (46, "0.##", "46"),
    (46.5, "0.0#", "46.5"),
    (7, "000", "007"),
    (90, '"≥"0"%"', "≥90%"),
    (0.9, '"≥"0%', "≥90%"),
    (12, "0.00_);[Red]\\(0.00\\)", "12.00"),
    (12, 'General"人"', "12人"),
    (469.37, "[$¥-804]#,##0.00", "¥469.37"),
    (0.5, "# ?/?", "0.5"),
    (12345, "0.00E+00", "12345"),
    (12345, "0,", "12345"),
    (123456, "0!.0,", "123456"),
    (12, "[>=10]0.0;0", "12"),
    (12, "@", "12"),
    (12, ";;;", "12"),
    (dt.date(2020, 3, 1), "yyyy-mm-dd", "2020年3月1日"),
    (dt.date(2020, 3, 1), 'yyyy"年"m"月"', "2020年3月"),
    (MORNING, "m/d", "3月1日"),
    (MORNING, "yyyy/m/d h:mm", "2020年3月1日 8:05"),
    (MORNING, "h:mm", "8:05"),
    (dt.time(8, 5), "h:mm", "8:05"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "number_format", "expected"), NUMBERS)
def test_value_is_shown_as_a_person_sees_it(value: object, number_format: str, expected: str) -> None:
    assert shown(value, number_format) == expected


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [(0.9, "0%", "90%"), (2523.7, "#,##0.00", "2,523.70"), (12.0, "General", "12"), ("第1行\n第2行\t三", "@", "第1行 第2行 三"),
     (dt.date(2021, 12, 31), "yyyy-mm-dd", "2021年12月31日"), ("#DIV/0!", "General", "#DIV/0!")],
)  # fmt: skip
def test_xlsx_cell_is_one_cell_as_a_person_sees_it(value: object, number_format: str, expected: str) -> None:
    assert read_form(xlsx_of(("B2", value, number_format)), ".xlsx").text == f"\n\t{expected}\n\n"


def test_xlsx_date_of_a_format_that_only_excel_knows() -> None:
    data = xlsx_of(("A1", 44197, "0.00"))
    data = edited(data, "xl/styles.xml", 'numFmtId="2"', 'numFmtId="57"')
    assert read_form(data, ".xlsx").text == "2021年1月\n\n"


def test_formula_gives_the_value_that_was_last_computed() -> None:
    data = xlsx_of(("A1", "=1+1", "General"))
    known = edited(data, "xl/worksheets/sheet1.xml", "<f>1+1</f><v></v>", "<f>1+1</f><v>2</v>")
    assert read_form(known, ".xlsx").text == "2\n\n"
    with pytest.raises(Refusal) as caught:
        read_form(data, ".xlsx")
    assert caught.value.code == "blank-file"


def test_hidden_sheets_are_read_and_every_line_knows_its_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "项目表"
    book.active["A3"] = "甲"
    hidden = book.create_sheet("隐藏")
    hidden.sheet_state = "veryHidden"
    hidden["B1"] = "乙"
    book.create_sheet("空")
    form = read_form(saved(book), ".xlsx")
    assert form.text == "\n\n甲\n\n\t乙\n\n"
    assert form.place(3) == "sheet 项目表, row 3"
    assert form.place(4) is None
    assert form.place(5) == "sheet 隐藏, row 1"


def test_far_cell_costs_nothing() -> None:
    started = time.perf_counter()
    assert read_form(xlsx_of(("A1", "甲", "@"), ("XFD1048576", " ", "@")), ".xlsx").text == "甲\n\n"
    assert code_of(xlsx_of(("A1", "甲", "@"), ("XFD1048576", "乙", "@")), ".xlsx") == "far-cell"
    assert code_of(xlsx_of(("A1", "甲", "@"), ("XFD1", "乙", "@")), ".xlsx") == "far-cell"
    with pytest.raises(Refusal, match="row 1048576, column 16384"):
        read_form(xlsx_of(("XFD1048576", "乙", "@")), ".xlsx")
    assert time.perf_counter() - started < 5


def test_merged_range_over_a_whole_sheet_costs_nothing() -> None:
    data = edited(merged_xlsx(), "xl/worksheets/sheet1.xml", "A2:A3", "A1:XFD1048576")
    assert read_form(data, ".xlsx").text == "一\n\n"


def test_xls_numbers_and_dates_are_shown_as_a_person_sees_them() -> None:
    numbers = {(0, 0): (0.9, 9), (0, 1): (2523.7, 164), (0, 2): (12.0, 0), (1, 0): (44197.0, 14), (1, 1): (44197.0, 57)}
    form = read_form(xls_of({**numbers, (2, 1): "第1行\n第2行"}), ".xls")
    assert form.text == "90%\t2,523.70\t12\n2021年1月1日\t2021年1月\n\t第1行 第2行\n\n"
    assert form.place(2) == "sheet 绩效目标, row 2"


def test_strings_that_cells_share_are_read() -> None:
    data = xlsx_of(("A1", 0, "General"), ("B1", 1, "General"))
    data = edited(data, "xl/worksheets/sheet1.xml", '<c r="A1" t="n">', '<c r="A1" t="s">')
    data = edited(data, "xl/worksheets/sheet1.xml", '<c r="B1" t="n">', '<c r="B1" t="s">')
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    rich = "<si><r><t>指</t></r><r><t>标</t></r><rPh sb='0' eb='1'><t>zhi</t></rPh></si><si><t>甲_x000D_\n乙</t></si>"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    named = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    data = edited(data, "[Content_Types].xml", "</Types>", named)
    whole = io.BytesIO(data)
    with zipfile.ZipFile(whole, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", f"<sst {main}>{rich}</sst>")
    data = whole.getvalue()
    assert read_form(data, ".xlsx").text == "指标\t甲 乙\n\n"


# -- .html ---------------------------------------------------------------------------------------------------


def html(body: str) -> str:
    return read_form(
        f"<!DOCTYPE html><html><head><title>不读</title></head><body>{body}</body></html>".encode(), ".html"
    ).text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>甲<p>乙<br>丙", "甲\n乙\n丙\n"),
        ("甲<!-- 注 -->乙<script>丙</script>丁", "甲乙丁\n"),
        ("<h1>题</h1>文\n字<div>块<span>内</span></div>尾", "题\n文 字\n块内\n尾\n"),
        ("<table><caption>题</caption><tr><td>甲<br>乙<td><p>丙</p><p>丁</p></table>", "题\n甲 乙\t丙 丁\n"),
        ("<table><thead><tr><th>甲<th>乙<tbody><tr><td>丙<td>&ge;90%</table>尾", "甲\t乙\n丙\t≥90%\n尾\n"),
        ("<table><tr><td>栏<td><table><tr><td>甲<td>乙</table>尾<tr><td>丙<td>丁</table>", "栏\n甲\t乙\n尾\n丙\t丁\n"),
        ("<pre>一\n 二\t三</pre>", "一\n 二 三\n"),
        (
            "<table><tr><td rowspan=0>甲<td>乙<tr><td>丙</table><table><tr><td>丁<td>戊</table>",
            "甲\t乙\n\t丙\n丁\t戊\n",
        ),
    ],
)
def test_html_gives_the_lines_that_a_browser_shows(body: str, expected: str) -> None:
    assert html(body) == expected


def test_html_encoding_is_decided_on_its_bytes() -> None:
    page = "<html><head><meta charset='utf-8'></head><body><table><tr><td>项目支出绩效目标表</td></tr></table></body></html>"
    assert read_form(page.encode("gb18030"), ".htm") == Form(
        "项目支出绩效目标表\n", "html (gb18030)", read_form(page.encode(), ".htm").parts
    )
    assert read_form(page.encode("utf-16"), ".htm").encoding == "html (utf-16)"


# -- .csv and .tsv -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_delimiter_is_the_one_that_splits_most_rows(delimiter: str) -> None:
    text = as_separated([["甲", "2,5;3", "一\n二"], ["", '说"好"', "丁"], ["戊"], ["己", "庚", ""]], delimiter, "utf-8")
    assert read_form(text, ".csv") == Form('甲\t2,5;3\t一 二\n\t说"好"\t丁\n戊\n己\t庚\t\n', "csv (utf-8)")


# -- .pdf ----------------------------------------------------------------------------------------------------


def test_pdf_cell_is_rejoined_where_the_page_wraps_it() -> None:
    pdf = Pdf()
    pdf.line("题")
    pdf.table([["深入开展妇\n幼健康", "ab\ncd"], ["甲", "乙"]])
    pdf.line("尾")
    pdf.need(5000)
    pdf.line("次页")
    form = read_form(pdf.save(), ".pdf")
    assert form == Form("题\n深入开展妇幼健康\tab cd\n甲\t乙\n尾\n次页\n", "pdf", form.parts)
    assert [form.place(line) for line in (1, 4, 5)] == ["page 1", "page 1", "page 2"]


# -- what is refused -----------------------------------------------------------------------------------------


def code_of(data: bytes, suffix: str) -> str:
    with pytest.raises(Refusal) as caught:
        read_form(data, suffix)
    refusal = caught.value
    assert refusal.message
    assert refusal.advice
    assert "\n" not in str(refusal)
    assert len(refusal.message) < 300
    return refusal.code


SMALL: Rows = [["甲", "乙"], ["丙", "丁"]]


@pytest.mark.parametrize("suffix", FORMS)
def test_empty_file_is_refused(suffix: str) -> None:
    assert code_of(b"", suffix) == "empty-file"


@pytest.mark.parametrize("suffix", FORMS)
def test_form_without_text_is_refused(suffix: str) -> None:
    expected = "scanned-pdf" if suffix == ".pdf" else "blank-file"
    assert code_of(FORMS[suffix]([[" "]]), suffix) == expected


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("made", [*FORMS, ".ole"])
def test_file_named_as_another_form_is_refused(made: str, suffix: str) -> None:
    if made == suffix or {made, suffix} <= {".csv", ".tsv"} or {made, suffix} <= {".html", ".htm"}:
        pytest.skip("the same form")
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096) if made == ".ole" else FORMS[made](SMALL)
    expected = {"wrong-form"}
    if suffix in (".csv", ".tsv"):
        expected = {"not-text"}
    elif (made, suffix) == (".ole", ".xls"):
        expected = {"damaged-file"}
    assert code_of(data, suffix) in expected


@pytest.mark.parametrize("suffix", [".docx", ".xlsx", ".xls", ".pdf"])
def test_damaged_file_is_refused(suffix: str) -> None:
    data = FORMS[suffix](SMALL)
    for cut in (10, len(data) // 3, len(data) // 2, len(data) - 30):
        assert code_of(data[:cut], suffix) in ("damaged-file", "scanned-pdf", "wrong-form")
    if suffix in (".docx", ".xlsx"):
        middle = len(data) // 2
        assert code_of(data[:middle] + bytes(64) + data[middle + 64 :], suffix) == "damaged-file"


def test_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = io.BytesIO(as_docx(SMALL))
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("word/more.xml", "w") as stream:
        for _ in range(64):
            stream.write(bytes(1 << 20))
    started = time.perf_counter()
    assert code_of(bomb.getvalue(), ".docx") == "too-large"
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("suffix", [".docx", ".xlsx"])
def test_archive_of_too_many_members_or_tags_is_refused(suffix: str) -> None:
    for name, content in (("a{}.bin", b""), ("word/a{}.xml", b"<a/>" * 2000)):
        many = io.BytesIO(FORMS[suffix](SMALL))
        with zipfile.ZipFile(many, "a", zipfile.ZIP_STORED) as archive:
            for number in range(6000 if not content else 4000):
                archive.writestr(name.format(number), content)
        assert code_of(many.getvalue(), suffix) == "too-large"


LAUGHS = '<!DOCTYPE x [<!ENTITY a "哈哈哈哈哈哈哈哈哈哈">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("suffix", "name"),
    [
        (".docx", "word/document.xml"),
        (".docx", "_rels/.rels"),
        (".xlsx", "xl/worksheets/sheet1.xml"),
        (".xlsx", "xl/workbook.xml"),
    ],
)
@pytest.mark.parametrize("entities", [LAUGHS + "]>", '<!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/passwd">]>'])
def test_entities_in_an_office_document_are_refused(suffix: str, name: str, entities: str) -> None:
    data = FORMS[suffix](SMALL)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = re.search(rb"<(?!\?)[^>]{1,20}", archive.read(name))
    assert root is not None
    assert code_of(edited(data, name, root[0].decode(), entities + root[0].decode()), suffix) == "entities"


@pytest.mark.parametrize("entities", [LAUGHS + "]>", '<!DOCTYPE html [<!ENTITY j SYSTEM "file:///etc/hostname">]>'])
def test_entities_in_a_page_are_not_followed(entities: str) -> None:
    text = read_form(f"{entities}<html><body><p>甲&j;乙</p></body></html>".encode(), ".html").text
    assert "甲" in text
    assert "哈哈哈哈哈哈哈哈哈哈哈" not in text
    assert Path("/etc/hostname").read_text().strip() not in text


def test_page_of_many_tags_in_each_other_is_refused() -> None:
    assert code_of(f"<html>{'<div>' * 100_000}甲".encode(), ".html") == "too-deep"


def test_page_of_a_million_spanned_cells_is_bounded() -> None:
    cells = "<td colspan=1000 rowspan=60000>甲" * 10
    assert code_of(f"<html><table>{f'<tr>{cells}' * 5000}</table>".encode(), ".html") == "too-many-cells"


@pytest.mark.parametrize(
    ("suffix", "plain", "macro"),
    [
        (".docx", "wordprocessingml.document.main+xml", "application/vnd.ms-word.document.macroEnabled.main+xml"),
        (".xlsx", "spreadsheetml.sheet.main+xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
    ],
)
def test_file_with_macros_is_refused(suffix: str, plain: str, macro: str) -> None:
    data = FORMS[suffix](SMALL)
    known = f"application/vnd.openxmlformats-officedocument.{plain}"
    assert code_of(edited(data, "[Content_Types].xml", known, macro), suffix) == "macros"
    carrier = io.BytesIO(data)
    with zipfile.ZipFile(carrier, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
    assert code_of(carrier.getvalue(), suffix) == "macros"


def test_office_document_with_a_password_is_refused() -> None:
    assert code_of(xls_of({(0, 0): "甲"}, more=struct.pack("<HHHH", 0x2F, 4, 0, 0)), ".xls") == "password"
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + "EncryptedPackage".encode("utf-16-le")
    assert code_of(locked, ".docx") == "password"
    assert code_of(locked, ".xlsx") == "password"


def test_encrypted_archive_is_refused() -> None:
    data = bytearray(as_xlsx(SMALL))
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    assert code_of(bytes(data), ".xlsx") == "password"


def test_pdf_without_text_is_refused() -> None:
    assert code_of(Pdf().save(picture=True), ".pdf") == "scanned-pdf"
    mixed = Pdf()
    mixed.pages.append([])
    mixed.line("第二页")
    with pytest.raises(Refusal, match="page 1 of the PDF is a picture"):
        read_form(mixed.save(picture=True), ".pdf")


def test_pdf_bomb_is_refused() -> None:
    squeezer = zlib.compressobj(9)
    content = b"".join(squeezer.compress(bytes(1 << 20)) for _ in range(256)) + squeezer.flush()
    pdf = Pdf()
    pdf.line("甲")
    bomb = b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(content), content)
    data = re.sub(rb"<< /Length \d+ >>\nstream.*?endstream", lambda _: bomb, pdf.save(), count=1, flags=re.DOTALL)
    assert code_of(data, ".pdf") == "too-large"


def test_pdf_with_a_password_is_refused() -> None:
    pdf = Pdf()
    pdf.line("甲")
    assert code_of(pdf.save(encrypt=True), ".pdf") == "password"


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_quote_that_is_never_closed_is_refused(suffix: str) -> None:
    mark = "," if suffix == ".csv" else "\t"
    assert code_of(f'甲{mark}乙\n丙{mark}"丁\n戊{mark}己\n'.encode(), suffix) == "damaged-file"


@pytest.mark.parametrize(
    "data", [b"\x00", b"PK\x03\x04", b"%PDF-1.4", b"<", b"<html", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b'"']
)
@pytest.mark.parametrize("suffix", FORMS)
def test_nothing_but_a_refusal_is_raised(data: bytes, suffix: str) -> None:
    for more in (b"", bytes(600), b"\xff" * 600, b"\n<<>>[[{{" * 50):
        with contextlib.suppress(Refusal):
            read_form(data + more, suffix)


# -- whole runs ----------------------------------------------------------------------------------------------


def test_run_publishes_word_and_excel_as_it_does_text(
    published: Workplace, tmp_path_factory: pytest.TempPathFactory, real_rows: Rows
) -> None:
    expected = published.read("indicators")
    for suffix in (".docx", ".xlsx"):
        place = Workplace(tmp_path_factory.mktemp("form"))
        place.put(f"2020/kzz-key-projects{suffix}", FORMS[suffix](real_rows))
        done = place.kzz("run")
        assert done.returncode == 0, done.stderr
        same = [name for name in expected.columns if name not in OF_THE_FILE]
        pd.testing.assert_frame_equal(place.read("indicators")[same], expected[same])
        assert set(place.read("indicators")["source_path"]) == {f"2020/kzz-key-projects{suffix}"}
        assert set(place.read("releases")["encoding"]) == {suffix[1:]}
        assert len(place.read("findings")) == len(published.read("findings"))


def test_run_names_a_form_that_it_refuses_and_publishes_the_others(workplace: Workplace) -> None:
    rows = cells_of(Text([Table()]).text())
    for suffix in (".csv", ".html", ".pdf"):
        named = [[text.replace("教师培训", f"教师培训{suffix[1:]}") for text in row] for row in rows]
        workplace.put(f"2020/good-{suffix[1:]}{suffix}", FORMS[suffix](named))
    workplace.put("2020/scan.pdf", Pdf().save(picture=True))
    workplace.put("2020/cut.docx", as_docx(rows)[:5000])
    done = workplace.kzz("run")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "refused 2020/scan.pdf: the PDF holds pictures of pages" in done.stderr
    assert "refused 2020/cut.docx: the file cannot be read" in done.stderr
    assert set(workplace.read("releases")["release_id"]) == {"2020-good-csv", "2020-good-html", "2020-good-pdf"}


def test_explain_says_where_a_line_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(as_xlsx(cells_of(Text([Table()]).text())))
    lines = list(explain(path))
    assert ": xlsx, " in lines[0]
    assert any(line.endswith("(sheet 绩效目标, row 1)") for line in lines)
