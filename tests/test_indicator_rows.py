"""The indicator tree of further forms: its header line, its columns, its rows, and what stands between them."""

import pytest
from soundness import assert_every_cell_has_its_roles, parsed
from test_templates import HEAD, Rows, column, fields, project, read, rows_of

from kzz_pipeline.core.gate import require_a_release
from kzz_pipeline.core.refusal import Refusal

LEVELS = "一级指标|二级指标|三级指标"


def indicators(found: Rows) -> list[tuple[str, ...]]:
    """Second level, name and value of each indicator."""
    names = ("level2", "indicator_name", "value_printed")
    return list(zip(*(column(found, "indicators", name) for name in names), strict=True))


def tree(header: str, *rows: str) -> str:
    return f"{HEAD}{LEVELS}|{header}\n" + "".join(f"{row}\n" for row in rows)


# -- the header line -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "本年绩效指标值", "预期目标值", "绩效目标", "年度目标", "2022年目标", "2022年", "指标值/单位", "指标要求", "年度指标", "计划数",
        "预计当年实现",
    ],
)  # fmt: skip
@pytest.mark.parametrize("beside", ["备注", "本年权重"])
def test_a_column_of_targets_by_another_name(header: str, beside: str) -> None:
    rows = "产出指标|数量指标|人数|≥3人|50", "|质量指标|成效|显著|"
    found = read(tree(f"{header}|{beside}", *rows))
    assert indicators(found) == [("数量指标", "人数", "≥3人"), ("质量指标", "成效", "显著")]
    assert column(found, "project_fields", "value_printed")[-1] == "50"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("上年值|本年值", 1),
        ("历史标准|目标", 1),
        ("半年指标值|全年指标值", 1),
        ("实施期指标值|年度指标值", 1),
        ("长期指标|年度指标", 1),
        ("年度指标值|实际完成值", 0),
        ("计划数|完成数", 0),
        ("指标值|单价值", 0),
        ("2021年指标值|2022年指标值", 1),
        ("2022年指标值|2023年指标值", 0),
        ("2021年|2022年", 1),
    ],
)
def test_the_targets_of_the_year_among_others(header: str, value: int) -> None:
    row = ["≥2人", "≥3人"]
    found = read(tree(header, f"产出指标|数量指标|人数|{row[0]}|{row[1]}"))
    assert column(found, "indicators", "value_printed") == [row[value]]
    label, printed = (column(found, "project_fields", name)[-1] for name in ("label_printed", "value_printed"))
    assert (label, printed) == (header.split("|")[1 - value], row[1 - value])


DAMAGED = [
    "绩效指标|一级指标|二级指标|三级|指标|指标值|备注",
    "绩效指标|一级|指标|二级|指标|三级|指标|指标值|备注",
    "绩效|指标|一级指标|二级指标|三级指标|指标值|备注",
    "绩效指标|一级指标|二级指标|三级指标|指标|值|备注",
    "绩效指标|一级指标|二|级|指标|三级指标|指标值|备|注",
    "绩效指标|三级指标|一级指标|二级指标|指标值|备注",
    "绩效指标|三级指标|二级指标|一级指标|指标值|备注",
    "绩效指标|一级指标|三级指标|二级指标|指标值|备注",
    "绩效指标|三级|指标|一级指标|二级指标|指标值|备注",
]


@pytest.mark.parametrize("header", DAMAGED)
@pytest.mark.parametrize("is_moved", [False, True])
def test_headings_in_two_cells_or_out_of_order(header: str, is_moved: bool) -> None:
    """The rows stand where they stood before a TAB too many, or below the first cell of each heading."""
    whole = "绩效指标|一级指标|二级指标|三级指标|指标值|备注"
    columns, joined = [], ""
    for at, cell in enumerate(header.split("|")):
        columns += [] if joined else [at]
        joined = "" if joined + cell in whole.split("|") else joined + cell
    columns = columns if is_moved else list(range(6))
    rows = [
        ["", "产出指标", "数量指标", "培训人数（人）", "≥100", ""],
        ["", "", "", "培训场次（场）", "5", "含线上"],
        ["", "", "质量指标", "培训效果", "", "无"],
        ["满意度指标", "", "", "群众满意度（%）", "≥90", ""],
    ]
    lines = []
    for row in rows:
        cells = [""] * (columns[-1] + 1)
        for at, cell in zip(columns, row, strict=True):
            cells[at] = cell
        lines.append("|".join(cells))
    found = rows_of("\n".join([HEAD + header, *lines, ""]))
    assert indicators(found) == [
        ("数量指标", "培训人数", "≥100"), ("数量指标", "培训场次", "5"), ("满意度指标", "群众满意度", "≥90"),
    ]  # fmt: skip
    assert fields(found, indicator=True) == {"remark": "含线上"}
    assert "备注" in column(found, "project_fields", "label_printed")
    assert column(found, "findings", "rule").count("unread-cell") == 2


@pytest.mark.parametrize(
    "header", ["一级指标|二级指标|指标|值|备注", "一级|二级|指标|指标值|备注", "一级|二级|三级|指标值|备注"]
)
def test_headings_that_only_look_like_parts_of_one(header: str) -> None:
    found = read(f"{HEAD}{header}\n产出指标|数量指标|培训人数|≥100人|含线上\n||培训场次|5场|\n")
    assert indicators(found) == [("数量指标", "培训人数", "≥100人"), ("数量指标", "培训场次", "5场")]
    assert fields(found, indicator=True) == {"remark": "含线上"}


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (
            "指标名称|二级指标|一级指标|指标性质|指标值|度量单位",
            [
                "人数|数量指标|产出指标|≥|3|人",
                "场次|||≥|5|场",
                "合格率|质量指标|产出指标|≥|95|%",
                "满意度|满意度指标|满意度指标|≥|90|%",
            ],
        ),
        (
            "三级指标|指标值|一级指标|二级指标",
            ["人数|3|产出指标|数量指标", "场次|5||", "合格率|95|产出指标|质量指标", "满意度|90|满意度指标|满意度指标"],
        ),
    ],
)
def test_levels_behind_the_name_are_those_of_their_row(header: str, rows: list[str]) -> None:
    found = read("\n".join([HEAD + header, *rows, ""]))
    assert indicators(found) == [
        ("数量指标", "人数", "3"), ("数量指标", "场次", "5"), ("质量指标", "合格率", "95"), ("满意度指标", "满意度", "90"),
    ]  # fmt: skip
    assert column(found, "indicators", "level1_printed") == ["产出指标"] * 3 + ["满意度指标"]
    assert "table-breaks-off" not in column(found, "findings", "rule")


@pytest.mark.parametrize("levels", ["一级指标|二级|指标|三级指标", "三级指标|一级指标|二级指标"])
def test_a_damaged_header_of_a_table_over_many_projects(levels: str) -> None:
    found = read(
        f"单位：万元\n2022年项目绩效目标表\n单位名称|项目名称|预算数|{levels}|指标值|备注\n"
        "甲局|甲项目|50|产出指标|数量指标|人数|≥3人|含线上\n|||满意度指标|满意度指标|满意度|≥90%|\n"
        "乙局|乙项目|60|产出指标|数量指标|场次|≥5场|\n"
    )
    assert [row[:2] for row in funded(found)] == [("甲局", "甲项目"), ("乙局", "乙项目")]
    assert [row[0:2] for row in indicators(found)] == [
        ("数量指标", "人数"),
        ("满意度指标", "满意度"),
        ("数量指标", "场次"),
    ]
    assert fields(found, indicator=True) == {"remark": "含线上"}


@pytest.mark.parametrize("header", ["2023年指标值|2024年指标值", "计算方法|备注", "甲列|乙列"])
def test_no_target_is_taken_from_a_column_that_may_hold_something_else(header: str) -> None:
    text = tree(header, "产出指标|数量指标|人数|≥3人|≥4人")
    parse = parsed(text.replace("|", "\t"))
    with pytest.raises(Refusal, match=f"{LEVELS}|{header}".replace("|", ", ")):
        require_a_release(parse.document, {token.role for token in parse.tokens}, parse.tokens)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("指标类型|指标值", "定性|显著"),
        ("指标类别|指标值|计量单位", "定性指标|显著|"),
        ("指标内容|指标值", "问卷|显著"),
        ("指标性质|指标值|度量单位|指标属性|指标内容", "=|显著||定性指标|问卷"),
        ("指标值|实际完成值|分值", "显著|较显著|20"),
    ],
)
def test_columns_beside_the_target_that_have_no_name_of_their_own(header: str, row: str) -> None:
    found = read(tree(header, f"效益指标|社会效益指标|成效|{row}"))
    assert indicators(found) == [("社会效益指标", "成效", "显著")]
    assert column(found, "indicators", "unit") == [None]
    printed = dict(
        zip(*(column(found, "project_fields", name) for name in ("label_printed", "value_printed")), strict=True)
    )
    cells = {
        head: cell for head, cell in zip(header.split("|"), row.split("|"), strict=True) if cell and head != "指标值"
    }
    assert {head: printed.get(head) for head in cells} == cells
    assert None in fields(found, indicator=True)


@pytest.mark.parametrize("below", ["|||符号|数值|单位", "符号|数值|单位"])
@pytest.mark.parametrize("header", ["指标值|||备注", "指标值|备注"])
def test_a_second_header_line_below_the_targets(header: str, below: str) -> None:
    found = read(tree(header, below, "产出指标|数量指标|人数|≤|3|人|", "|质量指标|成效||显著||抽查"))
    assert indicators(found) == [("数量指标", "人数", "3"), ("质量指标", "成效", "显著")]
    assert column(found, "indicators", "operator") == ["le", None]
    assert column(found, "indicators", "unit") == ["人", None]
    assert fields(found, indicator=True) == {"operator": "≤", "unit": "人", "remark": "抽查"}


def test_words_of_columns_below_the_header_that_are_no_second_line() -> None:
    found = rows_of(tree("指标值|备注", "|||说明|备注", "产出指标|数量指标|人数|3人|含线上"))
    assert indicators(found) == [("数量指标", "人数", "3人")]
    assert fields(found, indicator=True) == {"remark": "含线上"}
    assert column(found, "findings", "rule").count("unread-cell") == 2


def test_a_sign_before_a_number_where_no_column_is_for_signs() -> None:
    rows = "产出指标|数量指标|次数|≥|50次", "|质量指标|合格率|≥|90%|抽查", "|时效指标|及时性|及时|每月"
    found = read(tree("指标值|备注", *rows))
    assert column(found, "indicators", "operator") == ["ge", "ge", None]
    assert column(found, "indicators", "value_printed") == ["50次", "90%", "及时"]
    assert fields(found, indicator=True)["remark"] == "每月"


HEADER = f"{LEVELS}|指标值"


@pytest.mark.parametrize(
    "lines",
    [
        f"{HEADER}|产出指标|数量指标|人数|3人\n|质量指标|合格率（%）|100%",
        f"{HEADER}|产出指标 数量指标|人数|3人\n|质量指标|合格率（%）|100%",
        f"{HEADER}|备注|产出指标|数量指标|人数|3人|无|质量指标|合格率（%）|100%",
        f"{HEADER}\n产出指标|数量指标|人数|3人\n|质量指标|合格率（%）|100%|{HEADER}",
    ],
)
def test_an_indicator_on_the_line_of_the_header(lines: str) -> None:
    found = read(f"{HEAD}{lines}\n||次数|3次\n")
    assert indicators(found) == [
        ("数量指标", "人数", "3人"), ("质量指标", "合格率", "100%"), ("质量指标", "次数", "3次"),
    ]  # fmt: skip


@pytest.mark.parametrize("goal", ["年度目标\n|保护档案", "年度目标|保护档案"])
def test_a_goal_on_the_line_of_the_header(goal: str) -> None:
    text = HEAD.replace("年度目标|保障运转，提高质量。\n", f"{goal}|绩效指标|{HEADER}\n")
    found = read(f"{text}|产出指标|数量指标|人数|3人\n")
    assert project(found, "annual_goal") == ("保护档案",)
    assert indicators(found) == [("数量指标", "人数", "3人")]


def test_amounts_on_the_line_of_the_header() -> None:
    text = HEAD.replace("其他资金|20\n年度目标|保障运转，提高质量。\n", f"其他资金|20|{HEADER}\n")
    assert project(read(f"{text}产出指标|数量指标|人数|3人\n"), "other_funds_cny") == (200000,)


@pytest.mark.parametrize(
    "header", [f"{HEADER}|优|良|中|差", f"{HEADER}|2021年|2022年", f"绩效指标设定|{HEADER}|3年规划"]
)
def test_columns_that_nobody_knows_are_no_indicators(header: str) -> None:
    before, _, _ = header.partition("一级")
    found = read(f"{HEAD}{header}\n{'|' if before else ''}产出指标|数量指标|人数|3人\n")
    assert indicators(found) == [("数量指标", "人数", "3人")]
    assert project(found, "annual_goal") == ("保障运转，提高质量。",)


# -- empty slots -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells",
    ["—|—", "/|/", "无|无", "……|……", "－|——", "不适用|无", "指标1：无|无", "指标1：|—", "指标1：", "—", "无|无|/|/"],
)
def test_a_sign_for_nothing_is_no_indicator(cells: str) -> None:
    header = "指标值|备注|分值" if cells.count("|") > 1 else "指标值"
    found = read(tree(header, f"产出指标|数量指标|{cells}", "|质量指标|合格率|100%"))
    assert indicators(found) == [("质量指标", "合格率", "100%")]
    assert column(found, "findings", "rule").count("empty-slot") == 1


@pytest.mark.parametrize("cells", ["投诉|无", "无害化处理|—", "指标1：人数|≥3人", "指标1：人数|无"])
def test_a_name_whose_target_is_a_sign_for_nothing_is_an_indicator(cells: str) -> None:
    found = read(tree("指标值", f"产出指标|数量指标|{cells}"))
    assert [row[1:] for row in indicators(found)] == [tuple(cells.split("|"))]
    assert "empty-slot" not in column(found, "findings", "rule")


def test_a_target_beside_a_sign_for_nothing_has_no_name() -> None:
    found = rows_of(tree("指标值", "产出指标|数量指标|—|≥90%", "|质量指标|合格率|100%"))
    assert indicators(found) == [("质量指标", "合格率", "100%")]
    assert column(found, "findings", "rule").count("unread-cell") == 2


# -- goals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goals", "annual", "others"),
    [
        ("总体目标|实施周期目标|年度目标\n|修成道路|修路", "修路", {"long_term_goal": "修成道路"}),
        ("总体目标|项目总体目标|本年度绩效目标\n|修成道路|修路", "修路", {"long_term_goal": "修成道路"}),
        ("绩效目标|预期目标|实际完成情况\n|修路|已修\n|养路|", "修路\n养路", {"other_goal": "已修"}),
        ("年度目标|完成情况\n修路|已修", "修路", {"other_goal": "已修"}),
        ("年度总体绩效目标|修路", "修路", {}),
        ("项目年度绩效目标|修路", "修路", {}),
        # Texts, though they end as labels do.
        ("总体目标|完成脱贫目标\n|修路", "完成脱贫目标\n修路", {}),
        ("年度目标|实现增收目标|完善路况情况", "实现增收目标 完善路况情况", {}),
    ],
)
def test_labels_of_goals_that_the_vocabulary_lacks(goals: str, annual: str, others: dict[str, str]) -> None:
    found = read(f"{HEAD.rpartition('年度目标')[0]}{goals}\n{HEADER}\n产出指标|数量指标|人数|≥3人\n")
    assert project(found, "annual_goal") == (annual,)
    assert {name: value for name, value in fields(found).items() if name.endswith("_goal")} == others


# -- satisfaction ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "is_rate"),
    [
        ("发放满意度问卷（份）|≥1000", False),
        ("满意度问卷|1000份", False),
        ("开展满意度调查次数|2", False),
        ("满意度调查费（万元）|5", False),
        ("满意度测评完成时间|12月底前", False),
        ("满意度问卷回收率|≥90%", False),
        ("群众满意度（%）|≥90%", True),
        ("群众满意度（人）|≥90%", True),
        ("满意度测评得分（分）|≥85", True),
        ("满意度调查|≥90%", True),
        ("提高满意度|有效提高", True),
    ],
)
def test_what_is_asked_about_satisfaction_is_no_rate_of_it(cells: str, is_rate: bool) -> None:
    found = read(tree("指标值", f"产出指标|数量指标|{cells}"))
    assert column(found, "indicators", "level2") == ["满意度指标" if is_rate else "数量指标"]
    assert ("satisfaction-by-name" in column(found, "findings", "rule")) == is_rate


# -- one table over many projects ------------------------------------------------------------------------------

JOINT = "2022年部门预算项目支出绩效目标表\n单位：万元\n单位名称|项目名称|预算数|年度目标|{header}|绩效指标性质|指标值|计量单位|指标属性\n"
JOINT = JOINT.format(header=LEVELS)


def funded(found: Rows) -> list[tuple[object, ...]]:
    names = ("budget_unit", "project_name", "fiscal_year", "total_funds_cny", "annual_goal", "indicator_count")
    return list(zip(*(column(found, "projects", name) for name in names), strict=True))


@pytest.mark.parametrize("below", ["||||", "甲局|甲项目|50.00|修路|"])
def test_a_table_over_many_projects(below: str) -> None:
    """The cells before the levels are printed on the first row of a project, or on all of them."""
    found = read(
        f"{JOINT}甲局|甲项目|50.00|修路|产出指标|数量指标|里程|≥|500|米|定量\n"
        f"{below}|质量指标|合格率|＝|100|%|定量\n{JOINT.splitlines()[2]}\n"
        f"{below}满意度指标|满意度指标|满意度|≥|90|%|定量\n合计||50.00\n"
        "|乙项目|30|养路|产出指标|数量指标|里程|≥|5|公里|定量\n第 2 页\n"
        "乙局|甲项目|20|护路|产出指标|质量指标|成效||显著||定性\n"
    )
    assert funded(found) == [
        ("甲局", "甲项目", 2022, 500000, "修路", 3),
        ("甲局", "乙项目", 2022, 300000, "养路", 1),
        ("乙局", "甲项目", 2022, 200000, "护路", 1),
    ]
    assert column(found, "indicators", "level2") == ["数量指标", "质量指标", "满意度指标", "数量指标", "质量指标"]
    assert column(found, "indicators", "target_value") == [500, 100, 90, 5, None]
    assert column(found, "project_fields", "label_printed").count("指标属性") == 5
    assert not {"nameless-table", "no-year"} & set(column(found, "findings", "rule"))


def test_lines_of_units_above_those_of_their_projects() -> None:
    found = read(
        f"2022年项目支出绩效目标表\n单位名称、项目名称|金额（元）|项目年度绩效目标|{LEVELS}|指标值\n甲局\n甲所\n"
        "甲项目|50|修路|产出指标|数量指标|里程|5公里\n||||质量指标|合格率|100%\n乙项目|30|养路|产出指标|数量指标|里程|3公里\n"
        "乙所|||||\n丙项目|20|护路|产出指标|数量指标|里程|2公里\n"
    )
    assert funded(found) == [
        ("甲所", "甲项目", 2022, 50, "修路", 2),
        ("甲所", "乙项目", 2022, 30, "养路", 1),
        ("乙所", "丙项目", 2022, 20, "护路", 1),
    ]


OF_ONE = "甲局|甲项目|50.00|修路|产出指标|数量指标|里程|≥|500|米|定量\n"


@pytest.mark.parametrize(
    "shifted",
    [
        "2|乙局|乙项目|30|产出指标|数量指标|里程|≥|5|公里|定量\n",
        "|乙局|“乙”项目|30|养路|产出指标|数量指标|里程|≥|5|公里|定量\n",
        "|乙局|《乙》杂志||养路|产出指标|数量指标|里程|≥|5|公里|定量\n",
        "||乙局|乙项目|30|养路|产出指标|数量指标|里程|≥|5|公里|定量\n",
        "|乙局|30|40|养路|产出指标|数量指标|里程|≥|5|公里|定量\n",
        "乙局||乙项目|30|养路|产出指标|数量指标|里程|≥|5|公里|定量\n",
    ],
)
def test_a_row_of_many_projects_whose_cells_were_shifted_is_nobodys(shifted: str) -> None:
    further = "||||产出指标|质量指标|合格率|＝|100|%|定量\n"
    for text, place in ((OF_ONE + shifted + further, 1), (shifted + further + OF_ONE, 0)):
        found = rows_of(JOINT + text)
        projects = funded(found)
        assert projects.pop(place) == (None, None, 2022 if place == 0 else None, None, None, 2)
        assert projects == [("甲局", "甲项目", 2022, 500000, "修路", 1)]
        assert column(found, "indicators", "indicator_name").count("里程") == 2
        assert {"nameless-table", "unread-cell"} <= set(column(found, "findings", "rule"))


def test_words_for_the_money_of_one_of_many_projects_are_no_shift() -> None:
    found = rows_of(f"{JOINT}{OF_ONE}乙局|乙项目|待定|养路|产出指标|数量指标|里程|≥|5|公里|定量\n小计||50\n")
    assert funded(found)[1:] == [("乙局", "乙项目", 2022, None, "养路", 1)]
    assert "amount-unreadable" in column(found, "findings", "rule")


def test_a_table_of_its_own_below_one_over_many_projects() -> None:
    row = "甲局|丁项目|50.00|修路|产出指标|数量指标|里程|≥|500|米|定量\n"
    found = read(f"{JOINT}{row}{HEAD.replace('单位：万元', '')}{HEADER}\n产出指标|数量指标|人数|≥3人\n")
    assert [row[:4] for row in funded(found)] == [("甲局", "丁项目", 2022, 500000), ("甲局", "甲项目", 2022, 1000000)]
    assert column(found, "indicators", "indicator_name") == ["里程", "人数"]


# -- rows cut in two -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("header", "tail"), [("指标值", ""), ("指标值|备注", "|抽查")])
def test_a_line_end_inside_a_cell(header: str, tail: str) -> None:
    found = read(
        tree(
            header,
            "产出指标|数量指标|受益人口（人）|≥",
            f"12000{tail}",
            "||管网长度",
            f"（公里）|≥35{tail}",
            f"|质量指标|合格率|100%{tail}",
        )
    )
    names = ("indicator_name", "unit", "operator", "target_value")
    assert list(zip(*(column(found, "indicators", name) for name in names), strict=True)) == [
        ("受益人口", "人", "ge", 12000), ("管网长度", "公里", "ge", 35), ("合格率", "%", "eq", 100),
    ]  # fmt: skip
    assert column(found, "project_fields", "value_printed").count("抽查") == (3 if tail else 0)


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        ("产出指标|数量指标|人口（人）|≥\n|质量指标|合格率|100%", ["100%"]),
        ("产出指标|数量指标|人口（人）|≥\n2|质量指标|合格率|100%", ["100%"]),
        ("产出指标|数量指标|人口|3\n（人）|≥35", ["3"]),
        ("产出指标|数量指标|完成\n（二期）|≥35", ["≥35"]),
    ],
)
def test_lines_that_are_no_two_halves_of_a_row(lines: str, values: list[str]) -> None:
    found = rows_of(tree("指标值", lines, "满意度指标|满意度指标|群众|满意"))
    assert column(found, "indicators", "value_printed") == [*values, "满意"]
    assert "unread-cell" in column(found, "findings", "rule")


def test_bare_figures_under_a_level_of_time() -> None:
    rows = "产出指标|时效指标|项目完工|2022.12", "|数量指标|完工|2022.12"
    assert column(read(tree("指标值", *rows)), "indicators", "value_kind") == ["date", "number"]


def test_a_word_for_names_before_the_levels_is_not_their_column() -> None:
    found = read(f"{HEAD}指标|{LEVELS}|目标值|备注\n|产出指标|数量指标|人数|≥3人|含线上\n")
    assert indicators(found) == [("数量指标", "人数", "≥3人")]
    assert fields(found, indicator=True) == {"remark": "含线上"}


def test_names_and_values_by_turns_are_as_many_indicators() -> None:
    cells = "档案（卷）|≥300|||字画（幅）|≥20|||装裱（件）|10"
    found = read(tree("指标值", f"产出指标|数量指标|{cells}"))
    assert column(found, "indicators", "indicator_name") == ["档案", "字画", "装裱"]
    assert column(found, "indicators", "value_printed") == ["≥300", "≥20", "10"]
    odd = rows_of(tree("指标值", f"产出指标|数量指标|{cells.rpartition('|')[0]}"))
    assert column(odd, "indicators", "indicator_name") == ["档案"]


def test_the_same_header_line_in_tables_of_other_years() -> None:
    table = tree("2021年指标值|2022年指标值", "产出指标|数量指标|人数|1人|2人")
    other = table.replace("（2022年）", "（2021年）").replace("甲", "乙")
    assert column(read(table + other), "indicators", "value_printed") == ["2人", "1人"]


@pytest.mark.parametrize("header", ["绩效指标|一级指标|指标值", f"{JOINT.splitlines()[2]}||质量指标|合格率|100%"])
def test_every_cell_on_the_line_of_a_header_is_accounted_for(header: str) -> None:
    text = f"{HEAD}{header}\n|产出指标|数量指标|人数|≥3人\n".replace("|", "\t")
    assert_every_cell_has_its_roles(parsed(text))


def test_a_sign_for_nothing_before_an_indicator_takes_nothing_from_it() -> None:
    found = rows_of(tree("指标值", "产出指标|数量指标|无|人数|≥3人", "|质量指标|—|—"))
    assert indicators(found) == [("数量指标", "人数", "≥3人")]


@pytest.mark.parametrize(
    ("funds", "total", "fiscal", "other"),
    [
        ("年度资金总额:|120||80|其他资金|40", 120, None, 40),
        ("年度资金总额:|120|其中：财政拨款|80|40", 120, 80, None),
        ("年度资金总额:|120|其中：财政拨款\n80|其他资金|40", 120, 80, 40),
        ("年度资金总额:\n120|其中：财政拨款|80|其他资金|40", 120, 80, 40),
        ("年度资金总额|70|100", None, None, None),
    ],
)
def test_a_lost_label_or_line_end_takes_no_amount_but_its_own(
    funds: str, total: int | None, fiscal: int | None, other: int | None
) -> None:
    names = HEAD.splitlines()
    text = tree("指标值", "产出指标|数量指标|人数|≥3人")
    at = next(line for line in names if "资金" in line)
    found = rows_of(text.replace(at, f"项目资金|{funds}"))
    got = [column(found, "projects", f"{name}_funds_cny")[0] for name in ("total", "fiscal", "other")]
    assert got == [None if amount is None else amount * 10_000 for amount in (total, fiscal, other)]


# -- labels, names and values in one cell ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "operator", "value"),
    [
        ("公众满意度|不 少于85%", "ge", 85),
        ("受益群众满意度|不低于 90%", "ge", 90),
        ("满意度|大于等于 90%", "ge", 90),
        ("满意度|达到　90%", "ge", 90),
        ("群众满意度|约 90 %", "eq", 90),
        ("成本|不超过 10万元", "le", 100000),
        ("成本|控制在 10万元以内", "le", 100000),
        ("社会效益|有效 提升", None, None),
        ("社会效益|进一步 增强", None, None),
        ("质量|达到 预期", None, None),
    ],
)
def test_a_value_with_a_space_in_it_is_no_name_and_value(cells: str, operator: str | None, value: int | None) -> None:
    found = read(tree("指标值", f"效益指标|社会效益指标|{cells}"))
    assert [row[1:] for row in indicators(found)] == [tuple(cells.split("|"))]
    assert column(found, "indicators", "operator") == [operator]
    assert column(found, "indicators", "base_value") == [value]


@pytest.mark.parametrize("cell", ["环境 明显改善", "满意度 显著提高", "合格率 大于等于95%", "社会稳定 长期"])
def test_a_name_and_its_value_in_one_cell_with_a_space_between_them(cell: str) -> None:
    found = read(tree("指标值", f"效益指标|社会效益指标|{cell}"))
    assert [row[1:] for row in indicators(found)] == [tuple(cell.split(" "))]


@pytest.mark.parametrize("sign", ["≥", "＞＝", " ≥ ", ">="])
@pytest.mark.parametrize("header", ["指标值", "指标值|权重", "指标值|备注|分值"])
def test_a_sign_behind_the_name_is_that_of_the_value(sign: str, header: str) -> None:
    beside = {"指标值": "", "指标值|权重": "|10", "指标值|备注|分值": "|抽查|10"}[header]
    rows = f"产出指标|数量指标|人数（人）{sign}|20{beside}", f"|质量指标|合格率{sign}|95%{beside}"
    found = read(tree(header, *rows))
    names = ("indicator_name", "unit", "operator", "target_min", "target_max")
    assert list(zip(*(column(found, "indicators", name) for name in names), strict=True)) == [
        ("人数", "人", "ge", 20, None), ("合格率", "%", "ge", 95, None),
    ]  # fmt: skip
    assert [fields(found, indicator=True).get(name) for name in ("weight", "remark")] == {
        "指标值": [None, None], "指标值|权重": ["10", None], "指标值|备注|分值": ["10", "抽查"],
    }[header]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "level2", "name"),
    [
        ("|质量指标持证率（%）|100%", "质量指标", "持证率"),
        ("|质量指标合格率|100%", "质量指标", "合格率"),
        ("|质量指标持证率（%）100%|", "质量指标", "持证率"),
        ("|社会效益指标就业人数|≥3人", "社会效益指标", "就业人数"),
        ("|产出指标-质量指标|合格率|100%", "质量指标", "合格率"),
        ("|产出指标—质量指标|合格率|100%", "质量指标", "合格率"),
        ("|产出指标/质量指标|合格率|100%", "质量指标", "合格率"),
        ("|质量指标（%）|合格率|100%", "质量指标", "合格率"),
        ("|时效指标（天）|工期|≤3", "时效指标", "工期"),
        # Names that begin with the word for a level.
        ("|质量指标|数量指标完成率|100%", "质量指标", "数量指标完成率"),
        ("|质量指标|数量指标精度|100%", "质量指标", "数量指标精度"),
        ("||质量指标达标率|100%", "数量指标", "质量指标达标率"),
        ("|产出指标|质量指标|质量指标（%）|100%", "质量指标", "质量指标"),
    ],
)
def test_a_level_with_nothing_but_a_dash_or_a_unit_behind_it(cells: str, level2: str, name: str) -> None:
    found = read(tree("指标值", "产出指标|数量指标|人数|3人", cells))
    assert [row[:2] for row in indicators(found)] == [("数量指标", "人数"), (level2, name)]


@pytest.mark.parametrize(
    ("cell", "name", "value"),
    [
        ("持证率（%）\u200b ≥95%", "持证率", "≥95%"),
        ("持证率（%） \u200b　≥95%", "持证率", "≥95%"),
        ("持证人数：20人", "持证人数", "20人"),
        ("持证率: ≥95%", "持证率", "≥95%"),
        ("持证率大于等于95%", "持证率", "大于等于95%"),
        ("持证人数（人）不低于20", "持证人数", "不低于20"),
    ],
)
def test_a_name_and_its_value_in_one_cell(cell: str, name: str, value: str) -> None:
    found = read(tree("指标值", f"产出指标|质量指标|{cell}"))
    assert indicators(found) == [("质量指标", name, value)]


@pytest.mark.parametrize("cell", ["指标1：100", "比例：良好：3", "说明：见附件", "不低于95%", "人数（人）"])
def test_a_cell_that_is_no_name_and_value(cell: str) -> None:
    found = rows_of(tree("指标值", f"产出指标|质量指标|{cell}", "|数量指标|人数|3人"))
    assert indicators(found) == [("数量指标", "人数", "3人")]
