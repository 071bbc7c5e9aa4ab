"""A PDF that holds text as lines: the rows of its ruled tables, and the text between them."""

import io
import logging
import re
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.forms import Form
from kzz_pipeline.forms.archives import bomb, require_magic
from kzz_pipeline.forms.lines import MOST_UNPACKED_BYTES, NO_PASSWORD, Lines, reading

_MOST_PAGES = 2_000
_MOST_STROKES = 20_000
_UNKNOWN_GLYPH = re.compile(r"\(cid:\d+\)")
_SCANNED = "have it copied or exported as text"


def read_pdf(data: bytes) -> Form:
    # The mark may stand behind a few other bytes.
    if b"%PDF" not in data[:1024]:
        require_magic(data, b"%PDF", ".pdf")
    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    with reading("a PDF"), _bounded_inflation():
        import pdfplumber
        from pdfplumber.utils.exceptions import PdfminerException

        try:
            book = pdfplumber.open(io.BytesIO(data))
        except PdfminerException as error:
            cause = error.args[0] if error.args else error
            if any(word in type(cause).__name__ for word in ("Password", "Encryption")):
                raise Refusal("password", "the PDF is protected by a password", NO_PASSWORD) from None
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
            raise bomb(f"over {MOST_UNPACKED_BYTES / 2**20:,.0f} MiB")
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
    out = Lines()
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
