"""Names: of units, projects and indicators, and the goals' texts."""

import hashlib
import re
from collections.abc import Iterator

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.names import project_name_key
from kzz_pipeline.core.rules.model import (
    Chunk,
    Hit,
    Release,
    Row,
    Table,
    at_indicator,
    chunk_rule,
    rule,
    shown,
    table_rule,
)

_MASK = re.compile(r"[*＊×]{2,}|某某")
_MASKED_ROLES = {"listed_project", "field_value", "goal", "indicator", "value"}
_PAIRS = {"《": "》", "“": "”", "（": "）", "「": "」", "【": "】", "〔": "〕"}
_SAME = str.maketrans("()[]", "（）〔〕")
_PAIRED = re.compile(f"[{''.join(_PAIRS)}{''.join(_PAIRS.values())}()\\[\\]]")
_LONG = 20


@table_rule(
    "unit-misspelt", "warning", "A unit's name lacks a character",
    "By its printed name the unit would be another one in every sum and comparison.",
    "Nothing, if the canonical name is right; else add the unit to names.yml.",
)  # fmt: skip
def unit_misspelt(table: Table, release: Release) -> Iterator[Hit]:
    printed, unit = table.row["budget_unit_printed"], table.row["budget_unit"]
    if printed and unit and _is_cut(squeeze(printed), squeeze(unit)):
        message = f"the unit is printed as {printed}, a character short of {unit}"
        yield Hit(message, *table.cell("budget_unit"), unit, printed, table.row)


def _is_cut(short: str, long: str) -> bool:
    """Whether one name is the other with a character lost."""
    return len(long) == len(short) + 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


@table_rule(
    "unit-written-differently", "warning", "The list and the table name the unit differently",
    "The two may be different units, or one of the names is misprinted.",
    "If they are the same unit, add the other name to names.yml.",
)  # fmt: skip
def unit_written_differently(table: Table, release: Release) -> Iterator[Hit]:
    row, printed = release.listed_for(table), table.row["budget_unit_printed"]
    if row is None or not printed:
        return
    listed = [name for name in (row["implementing_unit"], row["department"]) if name]
    if listed and squeeze(printed) not in {squeeze(name) for name in listed}:
        if any(_is_cut(squeeze(printed), squeeze(name)) for name in listed):
            return  # unit-misspelt says so
        message = f"{table.row['project_name']} is listed for {listed[0]} (line {row['source_line']}), its table says {printed}"
        yield Hit(message, *table.cell("budget_unit"), listed[0], printed, table.row)


@table_rule(
    "project-written-differently", "warning", "The list and the table name the project differently",
    "The two may be different projects of one unit, such as two phases, or one of the names is misprinted.",
    "Compare with the printed document; if they are two projects, one table and one row of the list are missing.",
)  # fmt: skip
def project_written_differently(table: Table, release: Release) -> Iterator[Hit]:
    row, printed = release.listed_for(table), table.row["project_name"]
    if row is None or not printed or not row["project_name"]:
        return
    if project_name_key(row["project_name"]) != project_name_key(printed):
        message = f"{row['project_name']} (line {row['source_line']}) has the table of {printed}, of {table.row['budget_unit_printed']}"
        yield Hit(message, *table.cell("project_name"), row["project_name"], printed, table.row)


@chunk_rule(
    "masked-text", "warning", "A text is masked",
    "Part of a name, goal or value was blanked out, or a form's placeholder was never filled in.",
    "Ask the unit for the text; a placeholder in a value means that there is no target.",
)  # fmt: skip
def masked_text(chunk: Chunk, release: Release) -> Iterator[Hit]:
    cells = chunk.cells
    for at, (role, text) in enumerate(zip(cells.role, cells.text, strict=True)):
        if role in _MASKED_ROLES and _MASK.search(text):
            token = cells[at]
            message = f"masked text: {shown(text)}"
            yield Hit(message, token.line, token.column, None, shown(text, 200), chunk.project_of(token))


@table_rule(
    "unbalanced-brackets", "warning", "A bracket or quotation mark lacks its other half",
    "A piece of the text was lost, or a sign was forgotten.",
    "Compare with the printed document.",
)  # fmt: skip
def unbalanced_brackets(table: Table, release: Release) -> Iterator[Hit]:
    goal, project = table.row["annual_goal"], table.row["project_name"]
    if goal and (sign := _unbalanced(goal)):
        yield _unbalanced_hit(table, table.goal_cell, goal, sign, "the goal")
    if project and (sign := _unbalanced(project)):
        yield _unbalanced_hit(table, table.cell("project_name"), project, sign, "the name of the project")
    for row in table.indicators:
        printed = row["indicator_printed"]
        if sign := _unbalanced(printed):
            place = row["indicator_line"], row["indicator_column"]
            yield _unbalanced_hit(table, place, printed, sign, "the indicator", row)


def _unbalanced_hit(
    table: Table, place: tuple[int, int], text: str, sign: str, what: str, indicator: Row | None = None
) -> Hit:
    message = f"{what} of {table.name} has {sign}: {_around(text, sign[0])}"
    return Hit(message, *place, "pairs", sign, table.row, indicator)


def _unbalanced(text: str) -> str | None:
    """The sign whose other half is missing, said in words."""
    signs = "".join(_PAIRED.findall(text)).translate(_SAME)
    if not signs or signs == "（）":
        return None
    for opening, closing in _PAIRS.items():
        depth = 0
        for char in signs:
            depth += (char == opening) - (char == closing)
            if depth < 0:
                return f"{closing} without {opening}"
        if depth:
            return f"{opening} without {closing}"
    return None


def _around(text: str, sign: str) -> str:
    at = text.translate(_SAME).rfind(sign)
    return shown(text[max(at - 12, 0) : at + 12])


@rule(
    "goal-shared", "warning", "Different units' projects share a goal",
    "A text was copied from another unit's table: it does not describe this project.",
    "Ask the unit for the project's own goal.",
)  # fmt: skip
def goal_shared(release: Release) -> Iterator[Hit]:
    first: dict[bytes, tuple[str | None, str, int]] = {}
    for table in release.tables():
        goal = squeeze(table.row["annual_goal"] or "")
        if len(goal) < _LONG:
            continue
        unit = table.row["budget_unit"]
        # Goals are long, and a large release has many.
        digest = hashlib.blake2b(goal.encode(errors="surrogatepass"), digest_size=16).digest()
        of_unit, name, line = first.setdefault(digest, (unit, table.name, table.row["first_line"]))
        if of_unit != unit:
            message = f"{table.name} has the goal of {name} (table from line {line}): {shown(goal)}"
            yield Hit(message, *table.goal_cell, "a goal of its own", shown(goal, 200), table.row)


@table_rule(
    "indicator-twice", "warning", "An indicator stands twice in a table",
    "It counts twice, or one of the two should be another indicator.",
    "Ask the unit.",
)  # fmt: skip
def indicator_twice(table: Table, release: Release) -> Iterator[Hit]:
    first: dict[tuple[str, str, str], Row] = {}
    for row in table.indicators:
        key = (row["target_period"], row["level2"] or "", squeeze(row["indicator_name"]))
        same = first.setdefault(key, row)
        if same is not row:
            message = f"{row['indicator_name']} stands again in {table.name}, first on line {same['source_line']}"
            yield Hit(message, *at_indicator(row), same["value_printed"], row["value_printed"], table.row, row)
