"""What no person could accept: a file in which nothing of a release can be recognised."""

from kzz_pipeline.core.characters import strip
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.tokens import Parse

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


def require_a_release(parse: Parse) -> None:
    """Raise Refusal unless the parse holds a table or a list, and accounts for every cell of its document."""
    roles = set(parse.cells.role)
    if not any("\t" in line for line in parse.document.lines):
        raise Refusal(
            "no-columns",
            "no columns found: the file holds no TAB, which stands between the cells of a release",
            "copy the tables again with TABs between the cells",
        )
    if not parse.table_count and "amount" not in roles and "listed_project" not in roles:
        raise Refusal(
            "no-table",
            "no table 项目支出绩效目标表 and no list of projects found",
            "check that this is a release (kzz explain shows how each line was read)",
        )
    if "value" not in roles and "indicator" not in roles and parse.table_count:
        first = next(token for token in parse.tokens if token.table_no)
        header = next((token for token in parse.tokens if token.role == "indicator_header"), None)
        columns = [token for token in parse.tokens if header and token.line == header.line]
        if header and any(token.role == "unread" and token.line > header.line for token in parse.tokens):
            raise Refusal(
                "no-indicator",
                f"{parse.table_count} table(s) and not one indicator: none of the columns "
                f"{', '.join(strip(token.text) for token in columns)} is known to hold the targets",
                "if one of them does, add its header to value in labels.yml; else copy the release again, whole",
                header.line,
            )
        raise Refusal(
            "no-indicator",
            f"{parse.table_count} table(s) and not one indicator: the tables break off",
            "copy the release again, whole",
            first.line,
        )
