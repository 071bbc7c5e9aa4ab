"""Labels: what stands under which heading, and what a table lacks."""

import re
from collections.abc import Iterator

from kzz_pipeline.core.rules.model import Hit, Release, Table, at_indicator, table_rule

# Endings of indicators' names that say by themselves where the indicator belongs.
_OF_TIME = re.compile(r"(?:及时|按时|按期|准时|如期)[^，,]{0,6}率$|(?:及时|准时)性$")
_OF_QUALITY = re.compile(r"(?:合格|合规|达标|准确|优良|正确|验收通过)率$")
_REQUIRED = ("数量指标", "质量指标", "时效指标", "成本指标", "满意度指标")


@table_rule(
    "level-under-wrong-level1", "warning", "A second level stands under a first level that is not its own",
    "A label slipped a row, so the indicators near it may be filed wrongly.",
    "Compare with the printed form. The published first level follows the second.",
)  # fmt: skip
def level_under_wrong_level1(table: Table, release: Release) -> Iterator[Hit]:
    labels = release.words.labels
    for row in table.indicators:
        printed, level1 = row["level1_printed"], row["level1"]
        found = labels.label(printed) if printed else None
        if found is None or level1 is None or found.level1 in (None, level1):
            continue
        if found.either and found.level2 == row["level2"]:
            continue  # 成本指标 is a first level in templates from 2021 on
        second = labels.label(row["level2_printed"] or "")
        if second is None or second.level2 != row["level2"]:
            continue  # filed by its name, whatever the label
        message = f"{row['indicator_name']} of {table.name} is a {row['level2']} under {printed}, which belongs under {level1}"
        yield Hit(message, *at_indicator(row), level1, printed, table.row, row)


@table_rule(
    "label-carried-over", "info", "A new first level begins without a second level",
    "The second level in force is of another first level.",
    "Compare with the printed form.",
)  # fmt: skip
def label_carried_over(table: Table, release: Release) -> Iterator[Hit]:
    labels = release.words.labels
    by_cell = {(row["indicator_line"], row["indicator_column"]): row for row in table.indicators}
    is_new = False
    for token in table.tokens("level1_label", "level2_label", "unknown_label", "indicator"):
        if token.role == "level1_label":
            is_new = True
        elif token.role in ("level2_label", "unknown_label"):
            is_new = False
        elif token.role == "indicator" and is_new:
            row = by_cell.get((token.line, token.column))
            first = labels.label(row["level1_printed"]) if row and row["level1_printed"] else None
            if row is None or not row["level2_printed"] or row["level2"] == "满意度指标":
                continue
            # Printed a row late, a first level stands over its own second level.
            is_own = first is not None and (first.level1 == row["level1"] or first.level2 == row["level2"])
            if not is_own:
                message = f"{row['indicator_name']} of {table.name} stands under {row['level1_printed']} and no second level of it"
                yield Hit(message, token.line, token.column, None, row["level2_printed"], table.row, row)


@table_rule(
    "name-says-other-level", "warning", "An indicator's name belongs under another second level",
    "Aggregates by level count it where it was printed.",
    "Ask the unit to file it where it belongs.",
)  # fmt: skip
def name_says_other_level(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        level2, name = row["level2"], row["indicator_name"]
        if level2 in ("数量指标", "质量指标", "成本指标") and _OF_TIME.search(name):
            meant = "时效指标"
        elif level2 in ("数量指标", "时效指标", "成本指标") and _OF_QUALITY.search(name) and not _OF_TIME.search(name):
            meant = "质量指标"
        else:
            continue
        message = f"{name} of {table.name} stands under {row['level2_printed']}, its name says {meant}"
        yield Hit(message, row["indicator_line"], row["indicator_column"], meant, level2, table.row, row)


@table_rule(
    "satisfaction-by-name", "info", "A satisfaction rate stands under another label",
    "It is published as 满意度指标, by its name.",
    "Nothing, unless the name misleads.",
)  # fmt: skip
def satisfaction_by_name(table: Table, release: Release) -> Iterator[Hit]:
    labels = release.words.labels
    for row in table.indicators:
        found = labels.label(row["level2_printed"] or "")
        if row["level2"] == "满意度指标" and found is not None and found.level2 not in (None, "满意度指标"):
            message = f"{row['indicator_name']} of {table.name} stands under {row['level2_printed']}"
            yield Hit(message, *at_indicator(row), "满意度指标", row["level2_printed"], table.row, row)


@table_rule(
    "level-missing", "info", "A table has no indicator of a level that each should have",
    "The rules on performance targets ask for quantity, quality, time and cost, and for satisfaction.",
    "Ask the unit to complete the table; look for misfiled indicators first.",
)  # fmt: skip
def level_missing(table: Table, release: Release) -> Iterator[Hit]:
    levels = {row["level2"] for row in table.indicators}
    missing = [level for level in _REQUIRED if level not in levels]
    if missing and table.indicators:
        message = f"{table.name} has no {', '.join(missing)}"
        yield Hit(message, table.row["source_line"], table.row["source_column"], "、".join(missing), None, table.row)
