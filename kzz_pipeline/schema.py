"""Every column of every table, defined once.

The Arrow schema with its descriptions, the Pandera model, the Dagster table schema and the data dictionary all derive
from `TABLES`. pandas, pandera and dagster are imported where they are used, so that reading the definitions is cheap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pandera
    from dagster import TableSchema

MONEY = pa.decimal128(20, 4)
_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "money": MONEY,
    "strings": pa.list_(pa.string()),
}
LEVEL1 = ("项目完成", "项目效益", "满意度指标")
LEVEL2 = (
    "数量指标", "质量指标", "时效指标", "成本指标", "经济效益指标", "社会效益指标", "生态效益指标", "可持续影响指标", "满意度指标",
)  # fmt: skip
VALUE_KINDS = ("number", "percent", "range", "date", "text")
OPERATORS = ("eq", "ge", "gt", "le", "lt", "between")
SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type, Chinese name, meaning, where it comes from, and what its values may be."""

    name: str
    type: str
    zh: str
    description: str
    source: str
    nullable: bool = False
    allowed: tuple[str, ...] | None = None
    at_least: int | None = None

    @property
    def arrow_type(self) -> pa.DataType:
        return _TYPES[self.type]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what a row is, its columns in order, its key, and the column that names its folder's year."""

    name: str
    zh: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    year_column: str = "fiscal_year"
    published: bool = True

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]


def _c(name: str, type_: str, zh: str, description: str, source: str, **rest: Any) -> Column:
    return Column(name, type_, zh, description, source, **rest)


def _lineage(cell: str) -> tuple[Column, ...]:
    return (
        _c("release_id", "string", "发布文件", "Release that the row is from: <release year>-<file name>.", "path of the file"),
        _c("source_path", "string", "来源路径", "Path of the file, relative to the raw root, with '/'.", "path of the file"),
        _c("source_sha256", "string", "来源哈希", "SHA-256 of the file's bytes, hexadecimal.", "bytes of the file"),
        _c("source_line", "int32", "来源行", f"Line of {cell} in the file, from 1.", cell, at_least=1),
        _c("source_column", "int32", "来源列", f"Cell of {cell} in its line, from 1.", cell, at_least=1),
    )  # fmt: skip


_RELEASE_YEAR = _c(
    "release_year", "int16", "发布年份", "Year of the folder that the release stands in.", "path of the file"
)
_FISCAL_YEAR = _c("fiscal_year", "int16", "预算年度", "Year that the table prints, such as (2020年); null if none is printed.", "year line of the table", nullable=True)  # fmt: skip
_YEAR = _c("fiscal_year", "int16", "预算年度", "Fiscal year.", "projects.fiscal_year")
_PROJECT_ID = _c(
    "project_id", "string", "项目编号", "Table of a release: <release_id>-t<table_no>.", "order in the release"
)
_PROJECT_KEY = _c("project_key", "string", "项目键", "The same for the same unit's same project in every release and year.", "budget_unit and project_name in compared form")  # fmt: skip
_UNIT = _c("budget_unit", "string", "预算单位", "Budget unit, canonical name; null if none is printed.", "预算单位 (or 实施单位, 主管部门)", nullable=True)  # fmt: skip
_PROJECT = _c("project_name", "string", "项目名称", "Name of the project as printed.", "项目名称", nullable=True)
_CORRECTION = _c("correction", "string", "更正原因", "Why a person corrected a cell of this row; null if none was corrected.", "corrections.yml", nullable=True)  # fmt: skip
_SHA256S = _c("source_sha256s", "strings", "来源哈希", "SHA-256 of every file behind the row, sorted.", "source_sha256 of the rows")  # fmt: skip


def _count(name: str, zh: str, description: str, source: str = "counted") -> Column:
    return _c(name, "int32", zh, description, source, at_least=0)


def _money(name: str, zh: str, description: str, source: str) -> Column:
    return _c(name, "money", zh, description + " CNY yuan.", source, nullable=True)


_FUNDS = (
    _money("total_funds_cny", "年度资金总额", "Total funds of the year.", "年度资金总额"),
    _money("fiscal_funds_cny", "财政拨款", "Funds from the fiscal budget.", "财政拨款"),
    _money("other_funds_cny", "其他资金", "Other funds.", "其他资金"),
)

_ALL = (
    Table(
        "releases", "发布文件", "One row per release.",
        (
            _c("release_id", "string", "发布文件", "<release year>-<file name>.", "path of the file"),
            _RELEASE_YEAR,
            _c("title", "string", "标题", "Title of the document as printed.", "first title line", nullable=True),
            _c("source_path", "string", "来源路径", "Path of the file, relative to the raw root, with '/'.", "path of the file"),
            _c("source_sha256", "string", "来源哈希", "SHA-256 of the file's bytes.", "bytes of the file"),
            _c("size_bytes", "int64", "字节数", "Size of the file in bytes.", "the file", at_least=1),
            _c("encoding", "string", "编码", "Encoding that the file was decoded from.", "bytes of the file"),
            _count("line_count", "行数", "Lines of the file."),
            _c("money_unit", "string", "金额单位", "Unit of money that the document declares.", "单位：万元", nullable=True),
            _money("listed_total_cny", "合计", "Printed total of the list, or of all lists; null if none, or not of each.", "合计"),
            _count("listed_count", "清单项目数", "Rows of the list."),
            _count("project_count", "绩效目标表数", "Tables of the release."),
            _count("indicator_count", "指标数", "Third-level indicators."),
            _count("cell_count", "单元格数", "Non-empty cells of the file."),
            _count("unread_cell_count", "未读单元格数", "Non-empty cells that no rule could read; each has a finding."),
            _count("error_count", "错误数", "Open findings of severity error that the release shows by itself.", "findings"),
            _count("warning_count", "警告数", "Open findings of severity warning that the release shows by itself.", "findings"),
            _count("info_count", "提示数", "Open findings of severity info that the release shows by itself.", "findings"),
        ),
        ("release_id",), year_column="release_year",
    ),
    Table(
        "listed_projects", "项目清单", "One row per line of the list (or lists) of a release.",
        (
            _c("listed_no", "int32", "序号", "Number of the row as printed.", "序号", nullable=True),
            _c("department", "string", "部门单位", "Department as printed.", "部门单位", nullable=True),
            _c("implementing_unit", "string", "项目实施单位", "Implementing unit as printed.", "项目实施单位", nullable=True),
            _c("project_name", "string", "项目名称", "Project as printed.", "项目名称", nullable=True),
            _money("amount_cny", "申请预算金额", "Amount asked for.", "申请预算金额"),
            _c("project_id", "string", "项目编号", "The matching table's; null if none.", "matched by unit and name", nullable=True),
            _RELEASE_YEAR,
            *_lineage("the amount"),
            _c("amount_printed", "string", "金额(原文)", "Amount as printed.", "申请预算金额", nullable=True),
            _CORRECTION,
            _c("further_cells", "string", "其他列", "Cells of further columns of the list, as <column>: <text>, joined by '; '.", "further columns", nullable=True),
            _c("list_no", "int32", "清单号", "Which of the release's lists the row stands in, from 1.", "order", at_least=1),
            _money("list_total_cny", "清单合计", "Printed total of that list; null if none.", "合计"),
        ),
        ("release_id", "source_line"), year_column="release_year",
    ),
    Table(
        "projects", "项目支出绩效目标表", "One row per 项目支出绩效目标表.",
        (
            _PROJECT_ID, _PROJECT_KEY, _RELEASE_YEAR, _FISCAL_YEAR,
            _c("table_no", "int32", "表序", "Order in the release, from 1.", "order", at_least=1),
            _UNIT,
            _c("budget_unit_printed", "string", "预算单位(原文)", "Budget unit as printed.", "预算单位", nullable=True),
            _PROJECT, *_FUNDS,
            _c("annual_goal", "string", "年度目标", "Goal of the year as printed, without its label.", "年度目标", nullable=True),
            _c("listed_no", "int32", "清单序号", "Number of the matching row of the list.", "listed_projects", nullable=True),
            _money("listed_amount_cny", "清单金额", "Amount of the matching row of the list.", "listed_projects"),
            _count("indicator_count", "指标数", "Third-level indicators of the table."),
            _c("first_line", "int32", "首行", "First line of the table.", "title line", at_least=1),
            _c("last_line", "int32", "末行", "Last line of the table that was read.", "last cell", at_least=1),
            *_lineage("the table's title"),
            _c("year_printed", "string", "年度(原文)", "Year as printed.", "year line", nullable=True),
            _c("total_funds_printed", "string", "年度资金总额(原文)", "As printed.", "年度资金总额", nullable=True),
            _c("fiscal_funds_printed", "string", "财政拨款(原文)", "As printed.", "财政拨款", nullable=True),
            _c("other_funds_printed", "string", "其他资金(原文)", "As printed.", "其他资金", nullable=True),
            _CORRECTION,
        ),
        ("project_id",),
    ),
    Table(
        "indicators", "绩效指标", "One row per third-level indicator.",
        (
            _c("indicator_id", "string", "指标编号", "<project_id>-i<indicator_no>.", "order in the table"),
            _PROJECT_ID, _PROJECT_KEY, _RELEASE_YEAR, _FISCAL_YEAR, _UNIT, _PROJECT,
            _c("indicator_no", "int32", "指标序", "Order in its table, from 1.", "order", at_least=1),
            _c("level1", "string", "一级指标", "Canonical first level; null if no known label is in force.", "level2", nullable=True, allowed=LEVEL1),
            _c("level2", "string", "二级指标", "Canonical second level; null if no known label is in force.", "label on the row or in force from above; 满意度 by name", nullable=True, allowed=LEVEL2),
            _c("level1_printed", "string", "一级指标(原文)", "First-level label as printed, or in force from above.", "label", nullable=True),
            _c("level2_printed", "string", "二级指标(原文)", "Second-level label as printed, or in force from above.", "label", nullable=True),
            _c("indicator_name", "string", "指标名称", "三级指标 without its trailing unit.", "三级指标"),
            _c("indicator_printed", "string", "三级指标(原文)", "The whole cell, ends stripped.", "三级指标"),
            _c("unit", "string", "计量单位", "Unit in the trailing bracket, else the value's own, folded to half width.", "三级指标 or 指标值", nullable=True),
            _c("value_printed", "string", "指标值(原文)", "Value as printed, ends stripped.", "指标值"),
            _c("value_kind", "string", "指标值类型", "number, percent, range, date or text.", "指标值", allowed=VALUE_KINDS),
            _c("operator", "string", "比较符", "eq, ge, gt, le, lt or between; null for text.", "指标值", nullable=True, allowed=OPERATORS),
            _c("target_value", "float64", "目标值", "The target, in `unit`; null for a range, a date or text, and where it is printed in a unit that is not exactly convertible.", "指标值", nullable=True),
            _c("target_min", "float64", "下限", "Lower bound, in `unit`.", "指标值", nullable=True),
            _c("target_max", "float64", "上限", "Upper bound, in `unit`.", "指标值", nullable=True),
            _c("base_unit", "string", "基准单位", "Canonical unit that `unit`, or the unit printed with the value, is a multiple of.", "unit vocabulary", nullable=True),
            _c("base_value", "float64", "基准值", "The target in base_unit.", "target_value and the unit's scale", nullable=True),
            *_lineage("the value"),
            _c("indicator_line", "int32", "指标行", "Line of the indicator's own cell.", "三级指标", at_least=1),
            _c("indicator_column", "int32", "指标列", "Cell of the indicator in its line.", "三级指标", at_least=1),
            _c("target_period", "string", "目标期", "annual, or long_term where the table has a tree for the whole period.", "tree label", allowed=("annual", "long_term")),
            _CORRECTION,
        ),
        ("indicator_id",),
    ),
    Table(
        "project_fields", "其他栏目", "One row per field above the indicators, and per extra cell beside an indicator's value.",
        (
            _PROJECT_ID,
            _c("indicator_id", "string", "指标编号", "Indicator that the cell stands beside; null for a field of the table.", "row", nullable=True),
            _PROJECT_KEY, _RELEASE_YEAR, _FISCAL_YEAR,
            _c("field_no", "int32", "栏目序", "Order in its table, from 1.", "order", at_least=1),
            _c("field", "string", "栏目", "Canonical name of the field; null if the vocabulary has none.", "label", nullable=True),
            _c("label_printed", "string", "栏目(原文)", "Label as printed.", "label", nullable=True),
            _c("value_printed", "string", "内容(原文)", "Content as printed.", "cell"),
            _money("amount_cny", "金额", "The amount, where the field holds money.", "cell"),
            *_lineage("the content"),
        ),
        ("project_id", "field_no"),
    ),
    Table(
        "findings", "核查发现", "One row per thing that a person should look at.",
        (
            _c("finding_id", "string", "发现编号", "The same on every run of the same bytes.", "rule and place"),
            _c("rule", "string", "规则", "Code of the rule (kzz rules).", "rule"),
            _c("severity", "string", "级别", "error, warning or info.", "rule", allowed=SEVERITIES),
            _c("release_id", "string", "发布文件", "Release that the finding is about.", "row"),
            _RELEASE_YEAR, _FISCAL_YEAR,
            _c("project_id", "string", "项目编号", "Table that the finding is about.", "row", nullable=True),
            _c("indicator_id", "string", "指标编号", "Indicator that the finding is about; null if none.", "row", nullable=True),
            _c("message", "string", "说明", "One sentence with the figures and the printed terms.", "rule"),
            _c("expected", "string", "应为", "What was expected.", "rule", nullable=True),
            _c("actual", "string", "实为", "What is printed.", "rule", nullable=True),
            *_lineage("the cell that the finding points at")[1:],
            _c("accepted_reason", "string", "接受原因", "Why a person accepted the finding; null while it is open.", "corrections.yml", nullable=True),
        ),
        ("finding_id",),
    ),
    Table(
        "yearly_summary", "年度汇总", "One row per fiscal year.",
        (
            _YEAR,
            _count("release_count", "发布文件数", "Releases with a table of this year."),
            _count("project_count", "项目数", "Tables of this year."),
            _count("unit_count", "单位数", "Budget units."),
            _count("indicator_count", "指标数", "Indicators."),
            _count("quantified_indicator_count", "量化指标数", "Indicators whose value is not text."),
            *_FUNDS,
            _count("error_count", "错误数", "Open findings of severity error.", "findings"),
            _count("warning_count", "警告数", "Open findings of severity warning.", "findings"),
            _count("info_count", "提示数", "Open findings of severity info.", "findings"),
            _SHA256S,
        ),
        ("fiscal_year",),
    ),
    Table(
        "yearly_by_unit", "年度分单位汇总", "One row per fiscal year and budget unit.",
        (
            _YEAR, _UNIT,
            _count("project_count", "项目数", "Tables."),
            _count("indicator_count", "指标数", "Indicators."),
            *_FUNDS,
            _count("finding_count", "发现数", "Open findings.", "findings"),
            _SHA256S,
        ),
        ("fiscal_year", "budget_unit"),
    ),
    Table(
        "yearly_by_indicator", "年度分指标汇总", "One row per fiscal year, first and second level.",
        (
            _YEAR,
            _c("level1", "string", "一级指标", "Canonical first level.", "indicators", nullable=True, allowed=LEVEL1),
            _c("level2", "string", "二级指标", "Canonical second level.", "indicators", nullable=True, allowed=LEVEL2),
            _count("indicator_count", "指标数", "Indicators."),
            _count("quantified_indicator_count", "量化指标数", "Indicators whose value is not text."),
            _count("project_count", "项目数", "Tables with such an indicator."),
            _SHA256S,
        ),
        ("fiscal_year", "level1", "level2"),
    ),
    Table(
        "project_years", "项目年度", "One row per project and fiscal year, over all releases, with the year before.",
        (
            _YEAR,
            _PROJECT_KEY,
            _UNIT,
            _PROJECT,
            *_FUNDS,
            _count("indicator_count", "指标数", "Indicators of the year."),
            _count("quantified_indicator_count", "量化指标数", "Indicators whose value is not text."),
            _money("previous_total_funds_cny", "上年资金总额", "Total funds of the fiscal year before; null if the project has none.", "project_years"),
            _money("change_cny", "增减额", "Total funds less those of the year before.", "project_years"),
            _c("change_ratio", "float64", "增减率", "change_cny as a fraction of the year before.", "project_years", nullable=True),
            _count("previous_indicator_count", "上年指标数", "Indicators of the fiscal year before; 0 if none."),
            _c("project_ids", "strings", "项目编号", "The tables that count for this row.", "projects"),
            _c("superseded_project_ids", "strings", "被取代项目编号", "Tables of the same project and year in earlier releases, which do not count.", "projects"),
            _c("release_ids", "strings", "发布文件", "The releases that the row and its year before stem from.", "projects"),
            _SHA256S,
        ),
        ("fiscal_year", "project_key"),
    ),
    Table(
        "release_changes", "发布文件变更", "One row per difference between a release and the version of itself that it replaced.",
        (
            _c("release_id", "string", "发布文件", "Release.", "path of the file"),
            _RELEASE_YEAR,
            _c("old_sha256", "string", "原哈希", "SHA-256 of the bytes that were replaced.", "bytes of the file", nullable=True),
            _c("new_sha256", "string", "新哈希", "SHA-256 of the bytes that replaced them (the same where reading or a correction changed).", "bytes of the file"),
            _c("table_name", "string", "表", "listed_projects, projects or indicators.", "changes", allowed=("listed_projects", "projects", "indicators")),
            _c("row_key", "string", "行", "What identifies the row in both versions.", "changes"),
            _c("change", "string", "变更", "added, removed or changed.", "changes", allowed=("added", "removed", "changed")),
            _c("column_name", "string", "列", "Column that changed; null for a row added or removed.", "changes", nullable=True),
            _c("old_value", "string", "原值", "Value before.", "changes", nullable=True),
            _c("new_value", "string", "新值", "Value now.", "changes", nullable=True),
            _c("old_line", "int32", "原行号", "Line in the old file.", "source_line", nullable=True),
            _c("old_column", "int32", "原列号", "Cell in the old file.", "source_column", nullable=True),
            _c("new_line", "int32", "新行号", "Line in the new file.", "source_line", nullable=True),
            _c("new_column", "int32", "新列号", "Cell in the new file.", "source_column", nullable=True),
        ),
        ("release_id", "old_sha256", "new_sha256", "table_name", "row_key", "column_name"), year_column="release_year",
    ),
    Table(
        "raw_texts", "原始文本", "Intermediate: one row per release that was read.",
        (
            _c("release_id", "string", "发布文件", "Release.", "path of the file"),
            _c("source_path", "string", "来源路径", "Path of the file, relative to the raw root.", "path of the file"),
            _c("source_sha256", "string", "来源哈希", "SHA-256 of the file's bytes.", "bytes of the file"),
            _c("size_bytes", "int64", "字节数", "Size of the file in bytes.", "the file", at_least=1),
            _c("encoding", "string", "编码", "Encoding that the file was decoded from.", "bytes of the file"),
            _count("line_count", "行数", "Lines of the file."),
        ),
        ("release_id",), published=False,
    ),
    Table(
        "cells", "单元格", "Intermediate: one row per non-empty cell (or part of a merged one) with its role.",
        (
            _c("release_id", "string", "发布文件", "Release.", "path of the file"),
            _c("line", "int32", "行", "Line in the file, from 1.", "the file", at_least=1),
            _c("column", "int32", "列", "Cell in its line, from 1.", "the file", at_least=1),
            _c("part", "int32", "部分", "0 for a whole cell; 1, 2 … for the parts of a merged one.", "layout", at_least=0),
            _c("text", "string", "原文", "Text as printed.", "the file"),
            _c("role", "string", "角色", "What the cell is.", "layout"),
            _c("table_no", "int32", "表序", "Table, from 1; 0 before the first.", "layout", at_least=0),
            _c("item_no", "int32", "项序", "Indicator, listed row or field that the cell belongs to; of what stands around a list, the list, from 0.", "layout", at_least=0),
            _c("name", "string", "名称", "Canonical label or field; for an unread cell the reason.", "vocabulary", nullable=True),
        ),
        ("release_id", "line", "column", "part"), published=False,
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {table.name: table for table in _ALL}
# Tables that hold the rows of one release each, in the order in which they are published.
RELEASE_TABLES = ("releases", "listed_projects", "projects", "indicators", "project_fields", "findings")
YEARLY_TABLES = ("yearly_summary", "yearly_by_unit", "yearly_by_indicator", "project_years")


@cache
def arrow_schema(name: str) -> pa.Schema:
    """The Arrow schema of a table; each field's metadata holds its description, source and Chinese name."""
    fields = [
        pa.field(
            column.name,
            column.arrow_type,
            nullable=True,
            metadata={"description": column.description, "source": column.source, "name_zh": column.zh},
        )
        for column in TABLES[name].columns
    ]
    return pa.schema(fields, metadata={"description": TABLES[name].description, "name_zh": TABLES[name].zh})


def to_arrow(name: str, columns: Mapping[str, Any]) -> pa.Table:
    """Columns, as lists of Python values or from Arrow, as a table with its exact schema; None is null."""
    schema = arrow_schema(name)
    arrays = [
        column.cast(field.type)
        if isinstance(column := columns[field.name], pa.Array | pa.ChunkedArray)
        else pa.array(column, type=field.type, from_pandas=False)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def to_values(column: pa.ChunkedArray) -> list[Any]:
    """A column as Python values, equal ones shared: most of a large release's stand in many of its rows."""
    encoded = column.combine_chunks().dictionary_encode()
    known = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    return known[encoded.indices.fill_null(len(known) - 1).to_numpy()].tolist()


def to_frame(table: pa.Table) -> "pd.DataFrame":
    """An Arrow table as a pandas frame whose columns keep their Arrow types."""
    import pandas as pd

    return table.to_pandas(types_mapper=pd.ArrowDtype)


@cache
def pandera_schema(name: str) -> "pandera.DataFrameSchema":
    """The Pandera model of a table: strict, ordered, typed, its key unique, its values as defined."""
    import pandas as pd
    import pandera.pandas as pandera

    columns = {}
    for column in TABLES[name].columns:
        checks = []
        if column.allowed is not None:
            checks.append(pandera.Check.isin(column.allowed))
        if column.at_least is not None:
            checks.append(pandera.Check.ge(column.at_least))
        columns[column.name] = pandera.Column(
            pd.ArrowDtype(column.arrow_type), checks, nullable=column.nullable, description=column.description
        )
    return pandera.DataFrameSchema(columns, strict=True, ordered=True, unique=list(TABLES[name].key), name=name)


def validate(name: str, table: pa.Table) -> list[str]:
    """What is wrong with a table by its Pandera model, a sentence each with the rows by file and line; [] if nothing."""
    import pandera.errors

    frame = to_frame(table)
    try:
        pandera_schema(name).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        return _sentences(name, errors.failure_cases, table)
    return []


def validate_releases(name: str, table: pa.Table) -> dict[str, list[str]]:
    """What is wrong with the rows of several releases, by release id; the model is applied to all rows at once."""
    if not table.num_rows or not validate(name, table):
        return {}
    found = {}
    for release_id in pc.unique(table["release_id"]).to_pylist():
        if sentences := validate(name, table.filter(pc.equal(table["release_id"], release_id))):
            found[release_id] = sentences
    return found


def _sentences(name: str, cases: "pd.DataFrame", table: pa.Table) -> list[str]:
    sentences = []
    for (column, check), group in cases.groupby(["column", "check"], dropna=False, sort=True):
        rows = [int(row) for row in group["index"].dropna().unique()]
        places = ", ".join(_place(table, row) for row in rows[:5])
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        values = ", ".join(f"{value!r:.60}" for value in group["failure_case"].head(3))
        sentences.append(
            f"{name}.{column}: {check} fails in {len(rows) or len(group)} row(s) ({values}) at {places or name}{more}"
        )
    return sentences


def _place(table: pa.Table, row: int) -> str:
    names = table.column_names
    if "source_path" in names:
        line = f" line {table['source_line'][row].as_py()}" if "source_line" in names else ""
        return f"{table['source_path'][row].as_py()}{line}"
    if "line" in names:
        return f"{table['release_id'][row].as_py()} line {table['line'][row].as_py()}"
    return f"row {row + 1}"


def table_schema(name: str) -> "TableSchema":
    """The columns of a table as the Dagster UI shows them."""
    from dagster import TableColumn, TableColumnConstraints, TableSchema

    unique = TABLES[name].key if len(TABLES[name].key) == 1 else ()
    return TableSchema(
        columns=[
            TableColumn(
                column.name,
                str(column.arrow_type),
                description=f"{column.zh}: {column.description} From: {column.source}.",
                constraints=TableColumnConstraints(
                    nullable=column.nullable,
                    unique=column.name in unique,
                    other=[f"one of {', '.join(column.allowed)}"] if column.allowed else [],
                ),
            )
            for column in TABLES[name].columns
        ]
    )
