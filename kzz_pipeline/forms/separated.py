"""Values separated by commas, semicolons or TABs as lines: .csv and .tsv."""

import csv
import io
from collections.abc import Iterator

from kzz_pipeline.core.decoding import decode
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.forms import Form
from kzz_pipeline.forms.lines import Lines, reading


def read_csv(data: bytes) -> Form:
    text, encoding = decode(data)
    delimiter = max("\t,;", key=lambda mark: sum(len(row) > 1 for row in _loose(text, mark)))
    return _separated(text, delimiter, f"csv ({encoding})")


def read_tsv(data: bytes) -> Form:
    text, encoding = decode(data)
    return _separated(text, "\t", f"tsv ({encoding})")


def _loose(text: str, delimiter: str) -> Iterator[list[str]]:
    with reading("separated values"):
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _separated(text: str, delimiter: str, encoding: str) -> Form:
    out = Lines()
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in rows:
            out.add(row)
    except csv.Error as error:
        advice = "save it again from the spreadsheet, or as .txt, where quotes are plain text"
        raise Refusal("damaged-file", f"the quotes of a cell do not match ({error})", advice, rows.line_num) from None
    return out.form(encoding)
