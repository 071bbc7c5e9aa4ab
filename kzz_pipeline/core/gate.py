"""What no person could accept: a file in which nothing of a release can be recognised."""

from kzz_pipeline.core.document import Document
from kzz_pipeline.core.refusal import Refusal

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


def require_a_release(document: Document, roles: set[str], first_table: int | None) -> None:
    """Raise Refusal unless a document was read as a release: `roles` are those of its cells, all together.

    `first_table` is the line on which its first table begins, None where there is no table.
    """
    if not any("\t" in line for line in document.lines):
        raise Refusal(
            "no-columns",
            "no columns found: the file holds no TAB, which stands between the cells of a release",
            "copy the tables again with TABs between the cells",
        )
    if first_table is None and "amount" not in roles and "listed_project" not in roles:
        raise Refusal(
            "no-table",
            "no table 项目支出绩效目标表 and no list of projects found",
            "check that this is a release (kzz explain shows how each line was read)",
        )
    if "value" not in roles and "indicator" not in roles and first_table is not None:
        raise Refusal(
            "no-indicator",
            "not one indicator in any table: the tables break off",
            "copy the release again, whole",
            first_table,
        )
