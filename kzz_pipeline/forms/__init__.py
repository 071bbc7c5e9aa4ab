"""The forms of a release, as the text of lines and cells that every stage reads.

A `.txt` is decoded and stays as it is. A `.csv`, `.tsv`, `.docx`, `.xlsx`, `.xls`, `.html` or `.pdf` becomes lines of
cells between TABs, one line per row of a table and per paragraph outside tables. A merged cell's text stands in its
first cell and the other cells that it covers are empty. Nothing in a file is run, and nothing that it refers to is
fetched. What cannot be read whole is refused. docs/forms.md says what each form becomes.
"""

import bisect
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from kzz_pipeline.core.characters import has_ink
from kzz_pipeline.core.decoding import decode
from kzz_pipeline.core.refusal import Refusal

_MOST_KEPT = 64
_LONGEST_KEPT = 200_000


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
    if known not in _readers():
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
    form = _readers()[suffix](data)
    if not has_ink(form.text):
        raise Refusal("blank-file", "the file holds no text", "copy the release again")
    if len(form.text) <= _LONGEST_KEPT:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = form
    return form


_kept: dict[tuple[bytes, str], Form] = {}


@cache
def _readers() -> dict[str, Callable[[bytes], Form]]:
    """The reader of each suffix, imported when it is asked for: the readers' modules import the Form above."""
    from kzz_pipeline.forms.docx import read_docx
    from kzz_pipeline.forms.html import read_html
    from kzz_pipeline.forms.pdf import read_pdf
    from kzz_pipeline.forms.separated import read_csv, read_tsv
    from kzz_pipeline.forms.spreadsheets import read_xls, read_xlsx

    return {
        ".csv": read_csv,
        ".tsv": read_tsv,
        ".docx": read_docx,
        ".xlsx": read_xlsx,
        ".xls": read_xls,
        ".html": read_html,
        ".htm": read_html,
        ".pdf": read_pdf,
    }
