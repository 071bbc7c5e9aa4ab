"""What stands below a table's indicators, or between two tables: who signed, sums, pages, a header printed again."""

import pytest
from test_templates import Rows, column, read, rows_of

TABLE = """项目支出绩效目标表
（2022年）
{names}
年度资金总额|100|财政拨款|100
年度目标|保障运转。
一级指标|二级指标|三级指标|指标值
产出指标|数量指标|人数（人）|≥3
满意度指标|满意度指标|群众满意度|≥90%
"""
MONEY = "单位：万元\n"
OWN = "预算单位|{unit}|项目名称|{unit}项目"
NAMELESS = "项目名称|{unit}项目|项目负责人|李四"


def table(unit: str, names: str = OWN, without: str = "") -> str:
    return TABLE.replace(without, "", 1).format(names=names.format(unit=unit))


def projects(found: Rows) -> list[tuple[object, ...]]:
    names = ("budget_unit", "project_name", "fiscal_year", "indicator_count")
    return list(zip(*(column(found, "projects", name) for name in names), strict=True))


TWO = [("甲局", "甲局项目", 2022, 2), ("乙局", "乙局项目", 2022, 2)]


# -- who signed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "填报单位（盖章）：{}",
        "填报单位（盖章）：{}||日期：2022年3月1日",
        "填报单位：{}|填报人：张三",
        "填报单位：（公章）{}||2022年3月1日",
        "填报单位（公章）：",
        "预算单位：{}",
        "预算单位|{}",
        "主管部门（盖章）|{}\n单位负责人：王五",
        "单位名称（签章）：{}",
        "单位（盖章）：{}",
        "申报单位|{}\n主管部门（盖章）：丁局",
        "填报日期：2022年3月1日|填报单位：{}",
        "项目名称：",
    ],
)
@pytest.mark.parametrize("unit", ["甲局", "丙局"])
@pytest.mark.parametrize("gap", ["", "\n"])
@pytest.mark.parametrize("without", ["", "项目支出绩效目标表\n"])
def test_a_line_that_names_a_unit_below_a_table_is_its_signature(line: str, unit: str, gap: str, without: str) -> None:
    """The same line stands below the last table, where nothing follows it."""
    signature = gap + line.format(unit) + "\n"
    found = read(MONEY + table("甲局") + signature + gap + table("乙局", without=without) + signature)
    assert projects(found) == TWO
    signed = column(found, "project_fields", "field").count("form_filler")
    assert signed >= 2 or "{}" not in line
    assert not {"nameless-table", "table-breaks-off"} & set(column(found, "findings", "rule"))


@pytest.mark.parametrize("line", ["填报单位（盖章）：{}", "填报单位：{}|单位：万元", "预算单位|{}"])
@pytest.mark.parametrize("gap", ["", "\n"])
@pytest.mark.parametrize("gap_below", ["", "\n"])
def test_tables_whose_unit_stands_above_their_titles(line: str, gap: str, gap_below: str) -> None:
    text = "".join(f"{gap}{line.format(unit)}\n{gap_below}{table(unit, NAMELESS)}" for unit in ("甲局", "乙局"))
    assert projects(read(MONEY + text)) == TWO


@pytest.mark.parametrize("line", ["填报单位（盖章）：{}", "预算单位|{}"])
@pytest.mark.parametrize("gap", ["", "\n"])
@pytest.mark.parametrize("gap_below", ["", "\n"])
def test_tables_whose_unit_stands_only_below_them(line: str, gap: str, gap_below: str) -> None:
    text = "".join(f"{table(unit, NAMELESS)}{gap}{line.format(unit)}\n{gap_below}" for unit in ("甲局", "乙局"))
    assert projects(read(MONEY + text)) == TWO


@pytest.mark.parametrize("line", ["填报单位（盖章）：{}", "主管部门：{}|||单位：万元"])
@pytest.mark.parametrize("without", ["", "项目支出绩效目标表\n", "项目支出绩效目标表\n（2022年）\n"])
def test_tables_whose_unit_stands_below_their_titles(line: str, without: str) -> None:
    """That of the second table may be lost."""
    own = line.format("{unit}") + "\n" + NAMELESS
    found = read(MONEY + table("甲局", own) + "\n" + table("乙局", own, without))
    year = None if "2022" in without else 2022
    assert projects(found) == [TWO[0], ("乙局", "乙局项目", year, 2)]


@pytest.mark.parametrize(
    ("between", "unit"),
    [("\n填报单位：乙局\n", "乙局"), ("填报单位：乙局\n\n", None), ("填报单位：乙局\n", None)],
)
def test_a_line_between_a_table_that_names_its_unit_and_one_that_does_not(between: str, unit: str | None) -> None:
    """It is of the table that it stands next to; where no line is blank, it is nobody's but the signer's."""
    found = read(MONEY + table("甲局") + between + table("乙局", NAMELESS))
    assert projects(found) == [TWO[0], (unit, *TWO[1][1:])]


def test_a_unit_below_the_title_goes_before_one_above_it() -> None:
    text = f"2022年重点项目绩效目标\n{MONEY}填报单位：甲县财政局\n{table('甲局')}"
    assert projects(read(text)) == TWO[:1]
    listed = "序号|单位|项目名称|金额\n1|甲局|甲局项目|100\n填报单位（盖章）：甲县财政局\n"
    assert projects(rows_of(MONEY + listed + table("甲局"))) == TWO[:1]


@pytest.mark.parametrize("without", ["项目支出绩效目标表\n", "项目支出绩效目标表\n（2022年）\n"])
@pytest.mark.parametrize("names", [OWN, "主管部门|丁局\n" + OWN, "预算单位|{unit}\n项目名称|{unit}项目"])
def test_a_table_without_a_title_begins_with_its_unit(without: str, names: str) -> None:
    found = read(MONEY + table("甲局", names) + table("乙局", names, without))
    assert [row[:2] for row in projects(found)] == [row[:2] for row in TWO]


# -- what is no row --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "合计|100",
        "总分||||100",
        "小计|20",
        "||小计|20",
        "权重合计|100分",
        "分值合计（分）|100",
        "|||合计（万元）|100",
        "第1页|共5页",
        "第 1 页|",
        "Page 3",
        "3",
        "1/5",
        "财政拨款|10",
        "项目属性|延续项目",
    ],
)
@pytest.mark.parametrize("rows", ["", "工作人员满意度（%）|||≥90%\n"])
def test_sums_pages_and_fields_below_the_indicators_are_none(line: str, rows: str) -> None:
    text = MONEY + table("甲局") + rows
    found = read(text + line + "\n" + table("乙局"))
    assert [row[:3] for row in projects(found)] == [row[:3] for row in TWO]
    assert column(found, "indicators", "indicator_name") == column(
        read(text + table("乙局")), "indicators", "indicator_name"
    )


@pytest.mark.parametrize(
    "line",
    [
        "公开日期：2022年3月1日",
        "监督电话：0912-1234567",
        "监督电话|0912-1234567",
        "单位|甲县教育局",
        "支出明细|金额\n办公费|5",
        "一、部门概况|1",
        "邮编|719200",
        "附表张数|3",
    ],
)
@pytest.mark.parametrize("rows", ["", "工作人员满意度（%）|||≥90%\n"])
def test_other_lines_below_the_indicators_are_left_unread(line: str, rows: str) -> None:
    text = MONEY + table("甲局") + rows
    found = rows_of(text + line + "\n" + table("乙局"))
    assert [row[:3] for row in projects(found)] == [row[:3] for row in TWO]
    assert column(found, "indicators", "indicator_name") == column(
        read(text + table("乙局")), "indicators", "indicator_name"
    )
    assert column(found, "findings", "rule").count("unread-cell") == line.count("|") + line.count("\n") + 1


def test_a_sum_of_costs_is_no_cost() -> None:
    costs = "|成本指标|工资（万元）|60\n|||设备（万元）|40\n|||合计（万元）|100\n"
    found = read(MONEY + table("甲局").replace("满意度指标|", costs + "满意度指标|", 1))
    assert column(found, "indicators", "indicator_name") == ["人数", "工资", "设备", "群众满意度"]
    assert "cost-indicators" not in column(found, "findings", "rule")


def test_a_total_beside_its_level_is_an_indicator() -> None:
    costs = "|成本指标|合计（万元）|100\n"
    found = read(MONEY + table("甲局").replace("满意度指标|", costs + "满意度指标|", 1))
    assert column(found, "indicators", "indicator_name") == ["人数", "合计", "群众满意度"]


# -- the header again ------------------------------------------------------------------------------------------

TREE_HEADER = "一级指标|二级指标|三级指标|指标值\n"
NAMES = "预算单位|甲局|项目名称|甲局项目\n"


@pytest.mark.parametrize(
    "again",
    [
        f"项目支出绩效目标表\n（2022年）\n{NAMES}{TREE_HEADER}",
        f"单位：万元\n项目支出绩效目标表\n（2022年）\n{NAMES}{TREE_HEADER}",
        f"2022年项目支出绩效目标表\n{NAMES}{TREE_HEADER}",
        f"{NAMES}{TREE_HEADER}",
        f"（2022年）\n{NAMES}{TREE_HEADER}",
        f"预算单位：甲局 项目名称：甲局项目\n{TREE_HEADER}",
        f"项目支出绩效目标表\n项目名称|甲局项目\n{TREE_HEADER}",
        f"项目支出绩效目标表\n（2022年）\n{TREE_HEADER}",
        f"项目支出绩效目标表\n（2022年）\n{NAMES}",
        f"- 3 -\n\n{NAMES}{TREE_HEADER}",
    ],
)
def test_a_header_printed_again_on_the_next_page_goes_on_with_its_table(again: str) -> None:
    text = table("甲局")
    at = text.index("满意度指标|")
    found = read(f"{MONEY}{text[:at]}{again}|质量指标|合格率|100%\n{text[at:]}{table('乙局')}")
    assert projects(found) == [("甲局", "甲局项目", 2022, 3), TWO[1]]


@pytest.mark.parametrize("title", ["", "项目支出绩效目标表\n（2022年）\n"])
def test_a_header_printed_again_among_the_satisfaction_indicators(title: str) -> None:
    found = read(f"{MONEY}{table('甲局')}{title}{NAMES}{TREE_HEADER}||家长满意度|≥90%\n{table('乙局')}")
    assert projects(found) == [("甲局", "甲局项目", 2022, 3), TWO[1]]
    assert column(found, "indicators", "level2")[2] == "满意度指标"


@pytest.mark.parametrize(
    "header",
    [
        f"项目支出绩效目标表\n（2022年）\n{NAMES}年度资金总额|50\n",
        f"项目支出绩效目标表\n（2022年）\n{NAMES}年度目标|保障运转。\n",
        f"{NAMES}年度资金总额|50\n",
    ],
)
def test_a_second_table_of_the_same_project_is_one(header: str) -> None:
    rest = "产出指标|数量指标|人数（人）|≥3\n满意度指标|满意度指标|群众满意度|≥90%\n"
    found = read(MONEY + table("甲局") + header + TREE_HEADER + rest)
    assert [row[:2] for row in projects(found)] == [TWO[0][:2]] * 2
    assert "project-twice" in column(found, "findings", "rule") or "2022" not in header


@pytest.mark.parametrize(
    "header",
    [
        f"项目支出绩效目标表\n（2023年）\n{NAMES}",
        "项目支出绩效目标表\n（2022年）\n预算单位|乙局|项目名称|甲局项目\n",
        "项目支出绩效目标表\n（2022年）\n预算单位|甲局|项目名称|乙项目\n",
        "项目支出绩效目标表\n（2022年）\n项目名称|甲局项目\n",
        "项目支出绩效目标表\n（2022年）\n",
    ],
)
def test_a_header_that_says_something_else_begins_a_table(header: str) -> None:
    rest = "产出指标|数量指标|人数（人）|≥3\n满意度指标|满意度指标|群众满意度|≥90%\n"
    assert len(projects(read(MONEY + table("甲局") + header + TREE_HEADER + rest))) == 2


# -- titles, and what stands around the tables -----------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        "2022年项目支出绩效目标表\n（2022年）",
        "2022年项目支出绩效目标表\n2022年度|单位：万元",
        "项目支出绩效目标表（二〇二二年）\n2022年",
        "项目支出绩效目标表（一）\n（2022年）",
        "2022年项目支出绩效目标表（续）",
        "项目支出绩效目标表（乙局项目）\n2022年",
        "项目支出\n绩效目标表\n（2022年）",
        "甲县2022年项目支出绩效\n目标表",
        "附件2\n2022年项目支出绩效目标表",
        "附件2-1：|2022年项目支出绩效目标表",
        "附表\n2022年项目支出绩效目标表",
        "（续表）\n2022年项目支出绩效目标表",
        "（以下无正文）\n\n2022年项目支出绩效目标表",
    ],
)
def test_titles_and_years_however_they_are_printed(title: str) -> None:
    for above in ("", table("甲局")):
        found = read(MONEY + above + table("乙局").replace("项目支出绩效目标表\n（2022年）", title))
        assert projects(found) == (TWO if above else TWO[1:])


def test_another_year_than_the_titles_is_left_unread() -> None:
    found = rows_of(MONEY + table("甲局").replace("项目支出绩效目标表", "2021年项目支出绩效目标表"))
    assert column(found, "projects", "fiscal_year") == [2021]
    assert "unread-cell" in column(found, "findings", "rule")


def test_the_name_of_an_office_above_a_title_is_no_part_of_it() -> None:
    found = rows_of(MONEY + "丙局\n" + table("甲局"))
    assert projects(found) == TWO[:1]
    assert column(found, "projects", "source_line") == [3]


@pytest.mark.parametrize("heading", ["目录", "目　录"])
@pytest.mark.parametrize("above", ["", "2022年甲县预算公开\n"])
def test_a_table_of_contents_says_nothing_of_the_tables(heading: str, above: str) -> None:
    contents = "一、重点项目绩效目标|1\n二、项目支出绩效目标表……3\n三、2022年度项目支出绩效目标表 12\n"
    title = "2022年甲县重点项目绩效目标\n" if not above else ""
    listed = "序号|单位|项目名称|金额\n1|甲局|甲局项目|100\n合计|||100\n1\n"
    found = read(f"{above}{heading}\n{contents}{title}{MONEY}{listed}{table('甲局')}2/3\n")
    assert projects(found) == TWO[:1]
    assert column(found, "releases", "title") == [(above or title).strip()]
    assert column(found, "releases", "listed_total_cny") == [1000000]


def test_a_page_number_below_a_signature() -> None:
    assert projects(read(MONEY + table("甲局") + "填表日期：2022年1月15日\n1\n" + table("乙局"))) == TWO


def test_a_figure_that_is_no_page_number() -> None:
    """It may be what is left of the row above it, or of the line of the money."""
    found = rows_of(MONEY + table("甲局").replace("群众满意度|≥90%", "群众满意度\n90"))
    assert "unread-cell" in column(found, "findings", "rule")
    assert column(
        read(MONEY + table("甲局").replace("年度资金总额|100|", "年度资金总额|\n100\n")), "projects", "total_funds_cny"
    ) == [1000000]
