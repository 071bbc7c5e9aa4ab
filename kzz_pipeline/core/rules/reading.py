"""Reading: what this pipeline could not read, or must not publish. Blocking where it would be our own defect."""

import re
from collections.abc import Iterator

from kzz_pipeline.core.characters import has_ink, squeeze, strip
from kzz_pipeline.core.rules.model import (
    Chunk,
    Hit,
    Release,
    Table,
    at_indicator,
    chunk_rule,
    rule,
    shown,
    table_rule,
)
from kzz_pipeline.core.tokens import Token
from kzz_pipeline.core.values import reads_like_a_number
from kzz_pipeline.core.vocabulary import UNIT_FIELDS

_REASONS = {
    "name-without-value": "an indicator without a value",
    "value-without-name": "a value without an indicator",
    "second-value": "a second value",
    "text-behind-value": "text behind a value",
    "text-before-name": "text before an indicator",
    "another-column": "not in the column of this year's budget",
    "below-tree": "text below the indicators",
    "several-amounts": "several amounts behind one label",
}
_BRACKET = re.compile(r"[(（]([^()（）]{1,4})[)）]$")
# What only a line below the last table ends with or is: a sentence, a bracket, a stamp, a signature, a date.
_FOOTER = re.compile(r"[。]|^[(\[][^()\[\]]+[)\]]$|[(\[](?:盖章|公章|签字|签章)[)\]]|签字|盖章|日期|^[^:]{2,14}:")
# And what an indicator that lost its value may hold, or the title of a further table that breaks off.
_MAY_GO_ON = re.compile(r"满意|率|数|度|[)\]]$|绩效|项目|目标")
_OUTPUTS, _SATISFACTION = "项目完成", "满意度指标"
# What the last cell of a text is where nothing stands below the tree of its last table.
_IN_TREE = {"value", "attribute", "level1_label", "level2_label", "page_number"}
_PRIVATE = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")


@chunk_rule(
    "unread-cell", "warning", "A cell was not read",
    "What it says is in no table but this one.",
    "See kzz explain; often a synonym is missing in labels.yml, or the line was damaged in copying.",
)  # fmt: skip
def unread_cell(chunk: Chunk, release: Release) -> Iterator[Hit]:
    for token in chunk.tokens("unread"):
        reason = _REASONS.get(token.name or "", "text that has no place")
        message, project = f"not read: {shown(token.text)} ({reason})", chunk.project_of(token)
        yield Hit(message, token.line, token.column, None, shown(token.text, 200), project)


@rule(
    "table-breaks-off", "error", "The last table breaks off",
    "The file is most likely a half copy.",
    "Copy the whole release again; if this is how it was published, accept the finding in corrections.yml.",
)  # fmt: skip
def table_breaks_off(release: Release) -> Iterator[Hit]:
    if not release.table_count:
        return
    chunk = release.chunks[len(release.chunks) - 1]
    last, tail = chunk.table(len(chunk.project_rows) - 1), chunk.cells[-1]
    why = None
    if not last.indicators:
        why = "has no indicator"
    elif tail.role == "unread" and tail.name == "name-without-value" and not _is_footer(tail, last, release):
        why = f"ends with {shown(tail.text)} and no value"
    elif (
        tail.role in ("level1_label", "level2_label")
        and not tail.item_no
        and (tail.name or "").partition(":")[0] == _SATISFACTION
    ):
        why = f"ends with the label {shown(tail.text)}"
    else:
        why = _lacks_a_level(release, last, tail)
    if why:
        message = f"{last.name}, the last table, {why}"
        yield Hit(message, tail.line, tail.column, "a whole table", shown(tail.text), last.row)


def _is_footer(tail: Token, last: Table, release: Release) -> bool:
    """Whether the last cell is a line below a table that is whole: who published it and when, a page, a remark.

    The table ends with satisfaction, the cell stands alone before the columns of names, and nothing that a release
    goes on with begins like it.
    """
    own_columns = [row["indicator_column"] for row in last.indicators]
    is_alone = "\t" not in strip(release.document.lines[tail.line - 1])
    if last.indicators[-1]["level2"] != _SATISFACTION or not is_alone or tail.column >= min(own_columns):
        return False
    text, labels = squeeze(tail.text), release.words.labels
    names = map(squeeze, release.chunks[len(release.chunks) - 1].indicators["indicator_printed"])
    if any(known.startswith(text) for known in (*labels.titles, *labels.labels, *names)):
        return False
    is_open = sum(map(text.count, "([")) > sum(map(text.count, ")]"))
    return not is_open and bool(_FOOTER.search(text) or not _MAY_GO_ON.search(text))


def _lacks_a_level(release: Release, last: Table, tail: Token) -> str | None:
    """What the last table most likely lost with its last rows, by the levels of its indicators and of the others'."""
    if tail.role not in _IN_TREE:
        return None  # what is signed below its tree does not break off in it
    *others, (is_satisfied, has_only_outputs) = (levels for chunk in release.chunks for levels in _levels(chunk))
    satisfied = sum(is_satisfied for is_satisfied, _ in others)
    # Of three tables one may lack satisfaction and be whole. So may one of two; but hardly where no line end follows.
    is_told = len(others) >= 2 or (len(others) == 1 and release.document.ends[-1] == "")
    if not is_satisfied and is_told and satisfied * 3 >= len(others) * 2:
        return "lacks the satisfaction indicators that the other tables end with"
    # Effect and satisfaction are asked of every project (财预〔2015〕88号), and stand below the outputs in every form. A
    # table by itself, such as a person makes to try something, may do without.
    if others and has_only_outputs and not any(only_outputs for _, only_outputs in others):
        level1_of = release.words.labels.level1_of
        labels = (token for token in last.tokens("level1_label", "level2_label") if token.line < tail.line)
        names = {(token.name or "").partition(":")[0] for token in labels}
        if all(level1_of.get(name, name) == _OUTPUTS for name in names):
            return "ends with output indicators (产出), and has none of effect or satisfaction"
    return None


def _levels(chunk: Chunk) -> Iterator[tuple[bool, bool]]:
    """Of each table, whether it has an indicator of satisfaction, and whether it has only such of outputs."""
    found: dict[str, set[str | None]] = {project_id: set() for project_id in chunk.projects["project_id"]}
    for project_id, level1 in zip(chunk.indicators["project_id"], chunk.indicators["level1"], strict=True):
        found[project_id].add(level1)
    return ((_SATISFACTION in levels, levels == {_OUTPUTS}) for levels in found.values())


@rule(
    "list-without-tables", "error", "A release is a list and no table",
    "Nothing says what the listed projects must achieve: the file is most likely a half copy.",
    "Copy the whole release again; if only the list was published, accept the finding in corrections.yml.",
)  # fmt: skip
def list_without_tables(release: Release) -> Iterator[Hit]:
    if release.listed and not release.table_count:
        first = release.listed[0]
        message = f"the list names {len(release.listed)} project(s), and no 项目支出绩效目标表 follows"
        yield Hit(message, first["source_line"], first["source_column"], "a table per project", "no table")


@table_rule(
    "table-without-indicators", "warning", "A table has no indicator",
    "It says nothing of what the project must achieve.",
    "See kzz explain; compare with the printed document.",
)  # fmt: skip
def table_without_indicators(table: Table, release: Release) -> Iterator[Hit]:
    if not table.indicators and not table.is_last:
        message = f"{table.name} has no indicator"
        yield Hit(message, table.row["source_line"], table.row["source_column"], "indicators", "none", table.row)


@table_rule(
    "nameless-table", "warning", "A table names no unit or no project",
    "It cannot be joined with the list or with other years.",
    "See kzz explain; perhaps a label is missing in labels.yml.",
)  # fmt: skip
def nameless_table(table: Table, release: Release) -> Iterator[Hit]:
    # A table of a whole department (整体支出) is of no single project, and its key says so.
    wanted = [("budget_unit", "预算单位"), ("project_name", "项目名称")]
    if table.row["project_key"] != table.row["project_id"]:
        wanted = wanted[:1]
    missing = [zh for name, zh in wanted if not table.row[name]]
    if missing:
        message = f"the table that begins on line {table.row['first_line']} prints no {' and no '.join(missing)}"
        yield Hit(message, table.row["source_line"], table.row["source_column"], "、".join(missing), None, table.row)


@table_rule(
    "unit-in-title", "info", "A unit is named in the title of its table only",
    "The title may name who published the table; a label for the unit may not be known.",
    "Compare with the printed document; if a label is missing, add it to labels.yml.",
)  # fmt: skip
def unit_in_title(table: Table, release: Release) -> Iterator[Hit]:
    printed = table.row["budget_unit_printed"]
    if "title_unit" in table.fields and table.fields.keys().isdisjoint(UNIT_FIELDS):
        message = f"the table that begins on line {table.row['first_line']} names {printed} in its title only"
        yield Hit(message, *table.cell("title_unit"), "预算单位", printed, table.row)


@table_rule(
    "empty-slot", "info", "A sign for nothing stands where an indicator could",
    "No indicator is counted there.",
    "Nothing, unless the printed form shows an indicator.",
)  # fmt: skip
def empty_slot(table: Table, release: Release) -> Iterator[Hit]:
    slots = list(table.tokens("empty_slot"))
    if slots:
        lines, first = {token.line for token in slots}, slots[0]
        message = (
            f"{len(lines)} row(s) of {table.name} print a sign in place of an indicator, the first {strip(first.text)}"
        )
        yield Hit(message, first.line, first.column, None, strip(first.text), table.row)


@table_rule(
    "number-left-text", "info", "A value that begins like a number was left as text",
    "It is not counted among the quantified targets.",
    "If the form is usual, its reading belongs into the grammar (docs/values.md).",
)  # fmt: skip
def number_left_text(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        if row["value_kind"] == "text" and reads_like_a_number(row["value_printed"]):
            message = f"{row['indicator_printed']} of {table.name}: {row['value_printed']} was left as text"
            yield Hit(message, *at_indicator(row), None, row["value_printed"], table.row, row)


@table_rule(
    "unknown-unit", "info", "A bracket behind an indicator is no known unit",
    "It stays part of the name, and the number has no unit.",
    "If it is a unit, add it to units.yml.",
)  # fmt: skip
def unknown_unit(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        match = _BRACKET.search(squeeze(row["indicator_printed"]))
        if match and row["unit"] is None and row["value_kind"] in ("number", "range"):
            message = f"({match[1]}) behind {row['indicator_printed']} of {table.name} is no known unit"
            yield Hit(message, row["indicator_line"], row["indicator_column"], "a unit", match[1], table.row, row)


@table_rule(
    "unknown-label", "warning", "A label is not known",
    "The indicators under it have no level.",
    "If it is a second level by another name, add it to labels.yml.",
)  # fmt: skip
def unknown_label(table: Table, release: Release) -> Iterator[Hit]:
    for token in table.tokens("unknown_label"):
        text = strip(token.text)
        yield Hit(f"unknown label {text}", token.line, token.column, "a known label", text, table.row)
    bare = [row for row in table.indicators if row["level2"] is None and not row["level2_printed"]]
    if bare:
        message = f"{len(bare)} indicator(s) of {table.name} stand under no second level, the first is {bare[0]['indicator_name']}"
        yield Hit(message, bare[0]["indicator_line"], bare[0]["indicator_column"], "a label", None, table.row, bare[0])


@chunk_rule(
    "damaged-characters", "warning", "A text holds damaged characters",
    "They stand for what was lost when the file was converted.",
    "Copy the release again from its source.",
)  # fmt: skip
def damaged_characters(chunk: Chunk, release: Release) -> Iterator[Hit]:
    for at, text in enumerate(chunk.cells.text):
        # Of all these only the replacement character is printable, and nearly every text is.
        if ("\ufffd" in text or not text.isprintable()) and _PRIVATE.search(text):
            token = chunk.cells[at]
            message = f"replacement or private-use characters in {shown(text)}"
            yield Hit(message, token.line, token.column, None, shown(text, 200), chunk.project_of(token))


@chunk_rule(
    "cells-conserved", "error", "Cells were lost in reading",
    "Every non-empty cell must be read or listed as unread; this is our defect.",
    "Report the release.",
)  # fmt: skip
def cells_conserved(chunk: Chunk, release: Release) -> Iterator[Hit]:
    cells, lines = chunk.cells, release.document.lines
    # The cells read of each line, as bits.
    seen = dict.fromkeys(chunk.lines, 0)
    for line, column in zip(cells.line, cells.column, strict=True):
        seen[line] = seen.get(line, 0) | 1 << column
    differing = []
    for line, read in seen.items():
        printed = _printed(lines[line - 1]) if 0 < line <= len(lines) else 0
        if read != printed:
            columns = range((read | printed).bit_length())
            differing += [(line, column, read >> column & 1) for column in columns if (read ^ printed) >> column & 1]
    for line, column, is_read in differing[:10]:
        yield Hit(f"the cell is {'read but not printed' if is_read else 'printed but not read'}", line, column)


def _printed(line: str) -> int:
    """The cells of a line that hold ink, as bits."""
    found, bit = 0, 2
    for cell in line.split("\t") if line else ():
        # Nearly every text begins with a Chinese character or a sign of ASCII.
        if cell and ("\u3000" < cell[0] < "\ue000" or " " < cell[0] < "\x7f" or has_ink(cell)):
            found |= bit
        bit <<= 1
    return found


@chunk_rule(
    "rows-conserved", "error", "Indicators were lost between reading and publishing",
    "Every indicator that was read must be a row; this is our defect.",
    "Report the release.",
)  # fmt: skip
def rows_conserved(chunk: Chunk, release: Release) -> Iterator[Hit]:
    cells = chunk.cells
    places = zip(cells.line, cells.column, cells.role, strict=True)
    read = [(line, column) for line, column, role in places if role == "value"]
    rows = list(zip(chunk.indicators["source_line"], chunk.indicators["source_column"], strict=True))
    if read != rows:
        for line, column in sorted(set(read) ^ set(rows))[:10]:
            yield Hit("an indicator's value and its row do not correspond", line, column)
