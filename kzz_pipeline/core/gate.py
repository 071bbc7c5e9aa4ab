"""What no person could accept: a file in which nothing of a release can be recognised."""

from collections.abc import Container, Iterable
from itertools import dropwhile

from kzz_pipeline.core.characters import strip
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.tokens import Token

# A release's lines have some ten cells; a goal may have some thousand characters.
_MOST_CELLS = 1_000
_MOST_CHARACTERS = 100_000


def require_lines(document: Document) -> None:
    """Raise Refusal where a line is longer than any of a release could be: reading it would take memory for nothing."""
    for number, line in enumerate(document.lines, 1):
        if len(line) > _MOST_CHARACTERS or (len(line) > _MOST_CELLS and line.count("\t") >= _MOST_CELLS):
            raise Refusal(
                "line-too-long",
                f"the line has {len(line):,} characters in {line.count(chr(9)) + 1:,} cells, which is no line of a release",
                "check that line ends were not lost, and copy the release again",
                number,
            )


def require_a_release(document: Document, roles: Container[str], tokens: Iterable[Token]) -> None:
    """Raise Refusal unless a document was read as a release.

    `roles` are those of all its cells; `tokens` its cells in reading order, those of its first table at least.
    """
    if not any("\t" in line for line in document.lines):
        raise Refusal(
            "no-columns",
            "no columns found: the file holds no TAB, which stands between the cells of a release",
            "copy the tables again with TABs between the cells",
        )
    cells = list(dropwhile(lambda token: not token.table_no, tokens))
    if not cells and "amount" not in roles and "listed_project" not in roles:
        raise Refusal(
            "no-table",
            "no table 项目支出绩效目标表 and no list of projects found",
            "check that this is a release (kzz explain shows how each line was read)",
        )
    if not cells or "value" in roles or "indicator" in roles:
        return
    header = next((token.line for token in cells if token.role == "indicator_header"), None)
    if header is not None and any(token.role == "unread" and token.line > header for token in cells):
        columns = ", ".join(strip(token.text) for token in cells if token.line == header)
        raise Refusal(
            "no-indicator",
            f"not one indicator in any table: none of the columns {columns} is known to hold the targets",
            "if one of them does, add its header to value in labels.yml; else copy the release again, whole",
            header,
        )
    raise Refusal(
        "no-indicator",
        "not one indicator in any table: the tables break off",
        "copy the release again, whole",
        cells[0].line,
    )
