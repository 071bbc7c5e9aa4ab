"""Names: of units, projects and indicators, and the goals' texts."""

import re
from collections.abc import Iterator

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.rules.model import Hit, Release, Row, Table, at_indicator, rule, shown

_MASK = re.compile(r"[*＊×]{2,}|某某")
_PAIRS = {"《": "》", "“": "”", "（": "）", "「": "」", "【": "】", "〔": "〕"}
_SAME = str.maketrans("()[]", "（）〔〕")
_LONG = 20


@rule(
    "unit-misspelt", "warning", "A unit's name lacks a character",
    "By its printed name the unit would be another one in every sum and comparison.",
    "Nothing, if the canonical name is right; else add the unit to names.yml.",
)  # fmt: skip
def unit_misspelt(release: Release) -> Iterator[Hit]:
    for table in release.tables:
        printed, unit = table.row["budget_unit_printed"], table.row["budget_unit"]
        if printed and unit and _is_cut(squeeze(printed), squeeze(unit)):
            message = f"the unit is printed as {printed}, a character short of {unit}"
            yield Hit(message, *table.cell("budget_unit"), unit, printed, table.row)


def _is_cut(short: str, long: str) -> bool:
    """Whether one name is the other with a character lost."""
    return len(long) == len(short) + 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


@rule(
    "unit-written-differently", "warning", "The list and the table name the unit differently",
    "The two may be different units, or one of the names is misprinted.",
    "If they are the same unit, add the other name to names.yml.",
)  # fmt: skip
def unit_written_differently(release: Release) -> Iterator[Hit]:
    for table in release.tables:
        row, printed = release.listed_by_project.get(table.row["project_id"]), table.row["budget_unit_printed"]
        if row is None or not printed:
            continue
        listed = [name for name in (row["implementing_unit"], row["department"]) if name]
        if listed and squeeze(printed) not in {squeeze(name) for name in listed}:
            if any(_is_cut(squeeze(printed), squeeze(name)) for name in listed):
                continue  # unit-misspelt says so
            message = f"{table.row['project_name']} is listed for {listed[0]} (line {row['source_line']}), its table says {printed}"
            yield Hit(message, *table.cell("budget_unit"), listed[0], printed, table.row)


@rule(
    "masked-text", "warning", "A text is masked",
    "Part of a name, goal or value was blanked out, or a form's placeholder was never filled in.",
    "Ask the unit for the text; a placeholder in a value means that there is no target.",
)  # fmt: skip
def masked_text(release: Release) -> Iterator[Hit]:
    for token in release.parse.tokens:
        if token.role in ("listed_project", "field_value", "goal", "indicator", "value") and _MASK.search(token.text):
            message = f"masked text: {shown(token.text)}"
            yield Hit(
                message, token.line, token.column, None, shown(token.text, 200), _table_of(release, token.table_no)
            )


def _table_of(release: Release, number: int) -> Row | None:
    return release.tables[number - 1].row if 0 < number <= len(release.tables) else None


@rule(
    "unbalanced-brackets", "warning", "A bracket or quotation mark lacks its other half",
    "A piece of the text was lost, or a sign was forgotten.",
    "Compare with the printed document.",
)  # fmt: skip
def unbalanced_brackets(release: Release) -> Iterator[Hit]:
    for table in release.tables:
        texts: list[tuple[str | None, tuple[int, int], str, Row | None]] = [
            (table.row["annual_goal"], table.goal_cell, "the goal", None)
        ]
        texts.append((table.row["project_name"], table.cell("project_name"), "the name of the project", None))
        for row in table.indicators:
            texts.append(
                (row["indicator_printed"], (row["indicator_line"], row["indicator_column"]), "the indicator", row)
            )
        for text, (line, column), what, indicator in texts:
            if text and (sign := _unbalanced(text)):
                message = f"{what} of {table.name} has {sign}: {_around(text, sign[0])}"
                yield Hit(message, line, column, "pairs", sign, table.row, indicator)


def _unbalanced(text: str) -> str | None:
    """The sign whose other half is missing, said in words."""
    folded = text.translate(_SAME)
    for opening, closing in _PAIRS.items():
        depth = 0
        for char in folded:
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
    first: dict[str, Table] = {}
    for table in release.tables:
        goal = squeeze(table.row["annual_goal"] or "")
        if len(goal) < _LONG:
            continue
        same = first.setdefault(goal, table)
        if same.row["budget_unit"] != table.row["budget_unit"]:
            message = (
                f"{table.name} has the goal of {same.name} (table from line {same.row['first_line']}): {shown(goal)}"
            )
            yield Hit(message, *table.goal_cell, "a goal of its own", shown(goal, 200), table.row)


@rule(
    "indicator-twice", "warning", "An indicator stands twice in a table",
    "It counts twice, or one of the two should be another indicator.",
    "Ask the unit.",
)  # fmt: skip
def indicator_twice(release: Release) -> Iterator[Hit]:
    for table in release.tables:
        first: dict[tuple[str, str, str], Row] = {}
        for row in table.indicators:
            key = (row["target_period"], row["level2"] or "", squeeze(row["indicator_name"]))
            same = first.setdefault(key, row)
            if same is not row:
                message = f"{row['indicator_name']} stands again in {table.name}, first on line {same['source_line']}"
                yield Hit(message, *at_indicator(row), same["value_printed"], row["value_printed"], table.row, row)
