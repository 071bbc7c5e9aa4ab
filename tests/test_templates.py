"""The forms of other localities, as their published documents print them (TAB shown as |), read by a person."""

from decimal import Decimal
from typing import Any

import pytest
from soundness import Rows, parsed, rows

# 武汉青山区 2020: upper funds, 指标内容, goals numbered over several lines
QINGSHAN = """2020年青山区部门预算项目支出绩效目标表
单位：万元

项目支出绩效目标表
（2020年度）
项目名称|社区戒毒康复专项经费||||
主管部门及代码|[042]武汉市青山区司法局||实施单位|武汉市青山区司法局|
项目资金（万元）|年度资金总额：||35.20||
|其中：财政拨款||30.00||
||其中：上级资金||12.00|
|其他资金||5.20||
年度总体目标|目标1：完成社区戒毒康复人员帮扶。||||
|目标2：开展禁毒宣传20场。||||
绩效指标|一级指标|二级指标|指标内容|指标值|
|产出指标|数量指标|开展禁毒宣传场次|≥20场|
||质量指标|社区戒毒执行率|98%以上|
||时效指标|完成时间|2020年12月31日前|
||成本指标|成本控制|不超过35.2万元|
|效益指标|社会效益指标|复吸率|≤10%|
||可持续影响指标|长效机制|建立健全|
|满意度指标|社会公众或服务对象满意度指标|社区群众满意度|≥85%|
"""

# 宁乡坝塘镇 2021: a whole department, two trees of indicators
NINGXIANG = """坝塘镇2021年部门整体支出绩效目标
部门整体支出绩效目标申报表
（2021年度）
填报单位：（盖章）宁乡市坝塘镇人民政府|||||单位：万元
部门（单位）名称|宁乡市坝塘镇人民政府||||
年度预算申请|资金总额|10606.7522|||
|按收入性质分：||按支出性质分：||
|其中：一般公共预算|9606.7522|其中：基本支出|2606.7522|
|政府性基金拨款|1000|项目支出|8000|
部门职能职责概述|贯彻执行党的路线方针政策，全年预算10606.7522万元。||||
整体绩效目标|保障机关正常运转，全年支出控制在10606.7522万元以内。||||
长期绩效指标|一级指标|二级指标|三级指标|指标值|备注
|产出指标|数量指标|道路硬化里程|≥30公里|
||质量指标|验收合格率|100%|
|效益指标|社会效益指标|群众出行条件|明显改善|
年度绩效指标|一级指标|二级指标|三级指标|指标值|备注
|产出指标|数量指标|道路硬化里程|≥10公里|
||时效指标|完成时间|2021年12月底前|
|满意度指标|服务对象满意度指标|群众满意度|≥95%|
"""

# 佳县 2016: other sources of funds, 环境效益指标
JIAXIAN = """佳县2016年项目支出绩效目标申报表
单位：万元
项目支出绩效目标申报表
（2016年度）
项目名称|农村饮水安全工程|||主管部门|佳县水利局
资金来源|财政拨款|120|事业收入|0
|经营性收入|0|其他|3.5
绩效目标|解决12个村1.2万人饮水安全问题。|||
绩效指标|一级指标|二级指标|三级指标|指标值
|产出|产出数量|受益村数|12个
|||受益人口|1.2万人
||产出质量|水质达标率|100%
|效益|环境效益指标|水源地保护|有效保护
|满意度|服务对象满意度指标|群众满意度|90%以上
"""

# 井研马踏镇 2023: yuan, and columns beside the value
JINGYAN = """单位名称：井研县马踏镇人民政府|||||||单位：元
项目支出绩效目标表
（2023年度）
项目名称|村级组织运转经费|||||||
年度目标|保障12个村正常运转。|||||||
一级指标|二级指标|三级指标|指标性质|指标值|度量单位|权重|指标方向性
产出指标|数量指标|村级组织数量|＝|12|个|20|正向指标
|质量指标|资金使用合规率|≥|98|%|20|正向指标
|时效指标|资金拨付时间|≤|12|月|10|反向指标
|成本指标|村级运转经费|≤|600000|元|10|反向指标
效益指标|社会效益指标|基层治理能力|定性|优良中低差||20|正向指标
满意度指标|满意度指标|村民满意度|≥|90|%|10|正向指标
年度资金总额|600000|财政拨款|600000|其他资金|0
"""

# 湘潭 2023: value and unit in one column, 成本指标 as first level
XIANGTAN = """湘潭市2023年部门预算项目绩效目标
金额单位：万元
项目支出绩效目标表（2023年）
预算单位|湘潭市大数据中心|项目名称|政务云租赁
年度资金总额|250|财政拨款|250
年度绩效目标|保障政务云稳定运行。
一级指标|二级指标|三级指标|指标值及单位
成本指标|经济成本指标|租赁成本|250万
|社会成本指标|对社会的负担|无
|生态环境成本指标|能耗|不超标
产出指标|数量指标|带宽|≥80M
|质量指标|运行质量|优良
|时效指标|服务期|2023.07-2024.01
效益指标|社会效益指标|办事效率|提升
满意度指标|服务对象满意度指标|使用单位满意度|≥95%
"""

# 鄂州 2022: no first level
EZHOU = """单位：万元
项目支出绩效目标表
(2022年)
预算单位|鄂州市文化馆|项目名称|群文活动经费
项目资金|年度资金总额|90|其中：财政拨款|90|其他资金|0
年度目标|开展群众文化活动。
二级指标|三级指标|指标值
数量指标|演出场次|50场
质量指标|完成率|292%
时效指标|完成及时率|100%
成本指标|项目成本|不超预算
社会效益指标|群众文化生活|丰富
满意度指标|观众满意度|≥92%
"""

# 池州棠溪镇 2022: weights in the labels
CHIZHOU = """池州市棠溪镇2022年项目绩效目标
单位：万元
项目支出绩效目标表
（2022年度）
项目名称|环境整治|实施单位|棠溪镇人民政府|
项目资金|年度资金总额：|0|其中：财政拨款|90
总体目标|改善人居环境。|||
绩效指标|一级指标|二级指标|三级指标|指标值
|产出指标(50分)|数量指标(20分)|整治村庄数|≥8个
||质量指标（15分）|合格率|≥100百分比
||时效指标（15分）|按期完成|及时
|效益指标(30分)|生态效益指标|环境质量|改善
|满意度指标（20分）|服务对象满意度指标|村民满意度|≥90百分比
"""

# 低保: masked numbers and compound units
DIBAO = """单位：万元
项目支出绩效目标表
（2021年）
预算单位|某县民政局|项目名称|城乡低保补助|
项目资金|年度资金总额：|1200|其中：财政拨款|1200|其他资金|0
年度目标|保障**名低保对象基本生活。||
绩效指标|一级指标|二级指标|三级指标|指标值
|项目完成|数量指标|保障城市低保对象|**人
|||城市低保标准（元/人·月）|≥500
||质量指标|补助发放准确率|100%
||时效指标|发放时间|每月10日前
||成本指标|低保补助资金（万元）|1200
|项目效益|社会效益指标|困难群众生活水平|有所提升
|满意度指标|满意度指标|低保对象满意度（%）|≥95
"""

# Since 2021: parts of the funds, two goals, 成本指标 as first level
PARTS = """2024年部门预算
单位:万元
项目支出绩效目标表
(2024年度)
项目名称|教育均衡发展||项目编码|6540231234|
主管部门|州教育局|实施单位|州第一中学|
项目负责人|张三|联系电话|0908-1234567|
项目属性|新增项目☑ 延续项目□|项目期限|1年|
项目资金（万元）|资金总额|500.00|||
|年度资金总额|300.00|其中：中央资金|100|自治区资金|100
|本级资金|50|上年结转|30|其他资金|20
总体目标|实施期目标||年度目标||
|改善办学条件|||建成教学楼1栋|
绩效指标|一级指标|二级指标|三级指标|指标值|备注
|成本指标|经济成本指标|建设成本|≤300万元|含设计
||社会成本指标|无|无|
|产出指标|数量指标|教学楼数量|1栋|
||质量指标|验收合格率|100%|
||时效指标|完工时间|2024年10月|
|效益指标|社会效益指标|办学条件|显著改善|
|满意度指标|服务对象满意度|师生满意度|≥90%|
"""

# A list and no table, in 亿元
LISTONLY = """某州2021年重点项目清单
单位：亿元
序号|部门单位|项目实施单位|项目名称|申请预算金额
合计||||0.30
1|州教育局|州教育局|营养改善计划|0.10
2|州交通局|公路段|农村公路养护|0.20
"""


HEAD = """单位：万元
项目支出绩效目标表
（2022年）
预算单位|甲局|项目名称|甲项目
项目资金|年度资金总额：|100|其中：财政拨款|80|其他资金|20
年度目标|保障运转，提高质量。
"""


def read(text: str) -> Rows:
    parse = parsed(text.replace("|", "\t"))
    assert not [token for token in parse.tokens if token.role in ("unread", "unknown_label")]
    found = rows(text.replace("|", "\t"))
    assert found is not None
    return found


def column(found: Rows, table: str, name: str) -> list[Any]:
    return found[table][name]


def project(found: Rows, *names: str) -> tuple[Any, ...]:
    return tuple(found["projects"][name][0] for name in names)


def fields(found: Rows, indicator: bool = False) -> dict[str, str]:
    table = found["project_fields"]
    return {
        name: value
        for name, value, of in zip(table["field"], table["value_printed"], table["indicator_id"], strict=True)
        if (of is not None) == indicator
    }


def test_upper_funds_and_numbered_goals() -> None:
    found = read(QINGSHAN)
    assert project(found, "budget_unit", "project_name", "fiscal_year") == (
        "武汉市青山区司法局",
        "社区戒毒康复专项经费",
        2020,
    )
    assert project(found, "total_funds_cny", "fiscal_funds_cny", "other_funds_cny") == (352000, 300000, 52000)
    assert fields(found)["upper_funds"] == "12.00"
    assert project(found, "annual_goal") == ("目标1：完成社区戒毒康复人员帮扶。\n目标2：开展禁毒宣传20场。",)
    assert column(found, "indicators", "level2") == [
        "数量指标", "质量指标", "时效指标", "成本指标", "社会效益指标", "可持续影响指标", "满意度指标",
    ]  # fmt: skip
    assert column(found, "indicators", "value_kind") == [
        "number",
        "percent",
        "date",
        "number",
        "percent",
        "text",
        "percent",
    ]
    assert column(found, "indicators", "target_max")[3] == 35.2


def test_whole_department_with_a_tree_for_the_period_and_one_for_the_year() -> None:
    found = read(NINGXIANG)
    assert project(found, "budget_unit", "project_name", "project_key") == (
        "宁乡市坝塘镇人民政府", None, "宁乡市坝塘镇人民政府/整体支出",
    )  # fmt: skip
    assert project(found, "total_funds_cny") == (Decimal("106067522"),)
    assert project(found, "annual_goal") == ("保障机关正常运转，全年支出控制在10606.7522万元以内。",)
    assert column(found, "indicators", "target_period") == ["long_term"] * 3 + ["annual"] * 3
    assert column(found, "indicators", "target_value")[0:4:3] == [30, 10]
    assert fields(found)["general_public_budget"] == "9606.7522"
    assert fields(found)["project_expenditure"] == "8000"
    assert "nameless-table" not in column(found, "findings", "rule")


# What stands in the first cells of two trees side by side, and which of them is for the whole period
BESIDE = [
    ("长期绩效指标|一级指标|二级指标|三级指标|指标值|年度绩效指标|一级指标|二级指标|三级指标|指标值", "", 0),
    ("|年度指标||||长期指标\n绩效指标|一级指标|二级指标|三级指标|指标值||一级指标|二级指标|三级指标|指标值", "", 1),
    ("绩效指标|一级指标|二级指标|三级指标|指标值||一级指标|二级指标|三级指标|指标值", "实施期目标|年度目标", 0),
    ("绩效指标|一级指标|二级指标|三级指标|指标值||一级指标|二级指标|三级指标|指标值", "年度目标|中期目标", 1),
]


@pytest.mark.parametrize(("header", "goals", "long_term"), BESIDE)
def test_a_tree_for_the_period_beside_one_for_the_year(header: str, goals: str, long_term: int) -> None:
    goal = f"总体目标|{goals}\n|修成道路|修路\n" if goals else "整体绩效目标|修路\n"
    found = read(
        f"{HEAD.rpartition('年度目标')[0]}{goal}{header}\n"
        "|产出指标|数量指标|里程|≥30公里||产出指标|数量指标|里程|≥10公里\n"
        "|||桥梁|3座||产出指标|质量指标|合格率|≥95%\n"
        "||质量指标|合格率|≥98%||||返工率|≤1%\n"
        "||时效指标|工期|36个月|||时效指标|工期|12个月\n"
        "|效益指标|社会效益指标|出行|明显改善||效益指标|社会效益指标|出行|改善\n"
        "满意度指标|满意度指标|群众|满意||满意度指标|满意度指标|群众|较满意|\n"
    )
    read_rows = list(zip(*(column(found, "indicators", name) for name in ("indicator_name", "level2")), strict=True))
    first, second = [
        [
            row
            for row, period in zip(read_rows, column(found, "indicators", "target_period"), strict=True)
            if period == own
        ]
        for own in (("annual", "long_term") if long_term else ("long_term", "annual"))
    ]
    shared = [("工期", "时效指标"), ("出行", "社会效益指标"), ("群众", "满意度指标")]
    assert first == [("里程", "数量指标"), ("桥梁", "数量指标"), ("合格率", "质量指标"), *shared]
    assert second == [("里程", "数量指标"), ("合格率", "质量指标"), ("返工率", "质量指标"), *shared]
    assert "indicator-twice" not in column(found, "findings", "rule")
    assert ("more-than-a-year" in column(found, "findings", "rule")) == bool(long_term)


def test_first_levels_that_two_trees_share() -> None:
    found = read(
        "单位：万元\n项目支出绩效目标表\n（2022年）\n预算单位|甲局|项目名称|甲项目\n年度资金总额|100\n"
        "总体目标|实施期目标||年度目标|\n|三年完成||当年完成|\n"
        "绩效指标|一级指标|二级指标|三级指标|指标值|二级指标|三级指标|指标值|备注\n"
        "|产出指标|数量指标|里程（公里）|100|数量指标|里程（公里）|30|新建\n"
        "|效益指标|社会效益指标|出行|明显改善|社会效益指标|出行|改善|\n"
    )
    assert column(found, "indicators", "level1_printed") == ["产出指标"] * 2 + ["效益指标"] * 2
    assert column(found, "indicators", "target_period") == ["long_term", "annual"] * 2
    assert column(found, "indicators", "value_printed") == ["100", "30", "明显改善", "改善"]
    assert fields(found, indicator=True) == {"remark": "新建"}


def test_other_sources_of_funds() -> None:
    found = read(JIAXIAN)
    assert project(found, "budget_unit", "total_funds_cny", "fiscal_funds_cny", "other_funds_cny") == (
        "佳县水利局", None, 1200000, 35000,
    )  # fmt: skip
    assert fields(found)["business_income"] == "0"
    assert column(found, "indicators", "level2")[3] == "生态效益指标"
    assert column(found, "indicators", "base_value")[1] == 12000


def test_columns_beside_the_value() -> None:
    found = read(JINGYAN)
    assert project(found, "budget_unit", "total_funds_cny") == ("井研县马踏镇人民政府", 600000)
    assert column(found, "indicators", "operator") == ["eq", "ge", "le", "le", None, "ge"]
    assert column(found, "indicators", "unit") == ["个", "%", "月", "元", None, "%"]
    assert column(found, "indicators", "target_value") == [12, 98, 12, 600000, None, 90]
    assert fields(found, indicator=True) == {"operator": "≥", "unit": "%", "weight": "10", "direction": "正向指标"}


def test_value_and_unit_in_one_column() -> None:
    found = read(XIANGTAN)
    assert column(found, "indicators", "level1_printed")[:3] == ["成本指标"] * 3
    assert column(found, "indicators", "level2")[:3] == ["成本指标"] * 3
    assert column(found, "indicators", "target_value")[:4] == [2500000, None, None, 80]
    assert column(found, "indicators", "value_kind") == [
        "number", "text", "text", "number", "text", "date", "text", "percent",
    ]  # fmt: skip


def test_no_first_level() -> None:
    found = read(EZHOU)
    assert column(found, "indicators", "level2") == [
        "数量指标", "质量指标", "时效指标", "成本指标", "社会效益指标", "满意度指标",
    ]  # fmt: skip
    assert column(found, "indicators", "level1") == ["项目完成"] * 4 + ["项目效益", "满意度指标"]
    rules = column(found, "findings", "rule")
    assert "percentage-over-100" in rules
    assert "level-under-wrong-level1" not in rules


def test_weights_in_the_labels_and_a_total_of_zero() -> None:
    found = read(CHIZHOU)
    assert project(found, "total_funds_cny", "fiscal_funds_cny") == (0, 900000)
    assert column(found, "indicators", "unit") == ["个", "百分比", None, None, "百分比"]
    assert column(found, "indicators", "value_kind") == ["number", "percent", "text", "text", "percent"]


def test_masked_numbers_are_text_with_a_finding() -> None:
    found = read(DIBAO)
    assert column(found, "indicators", "value_kind")[0] == "text"
    assert column(found, "indicators", "unit")[1] == "元/人·月"
    assert column(found, "findings", "rule").count("masked-text") == 2


def test_parts_of_the_funds_and_two_goals() -> None:
    found = read(PARTS)
    assert project(found, "budget_unit", "total_funds_cny", "fiscal_funds_cny", "other_funds_cny") == (
        "州第一中学", 3000000, None, 200000,
    )  # fmt: skip
    assert project(found, "annual_goal") == ("建成教学楼1栋",)
    own = fields(found)
    assert own["long_term_goal"] == "改善办学条件"
    assert (own["central_funds"], own["regional_funds"], own["local_funds"], own["carried_over_funds"]) == (
        "100", "100", "50", "30",
    )  # fmt: skip
    assert column(found, "indicators", "indicator_name")[-1] == "师生满意度"
    assert column(found, "indicators", "level2")[-1] == "满意度指标"


def test_a_release_of_only_a_list() -> None:
    found = read(LISTONLY)
    assert column(found, "releases", "listed_total_cny") == [30000000]
    assert column(found, "listed_projects", "amount_cny") == [10000000, 20000000]
    assert column(found, "projects", "project_id") == []


@pytest.mark.parametrize("text", [QINGSHAN, JIAXIAN, JINGYAN, XIANGTAN, EZHOU, CHIZHOU, DIBAO, PARTS])
def test_forms_of_all_localities_in_one_release(text: str) -> None:
    """Where tables of other forms stand before and behind it, a table is read the same."""
    alone = read(text)
    kzz = "项目支出绩效目标表|||\n（2020年）\n预算单位|克州财政局|项目名称|信息化\n项目资金|年度资金总额:|5|\n年度目标|保障运转\n|项目完成|数量指标|终端数(台)|≥3\n"
    together = read(text + "\n" + kzz)
    count = len(alone["indicators"]["indicator_id"])
    for name in ("level2", "indicator_printed", "value_printed", "unit", "target_value"):
        assert together["indicators"][name][:count] == alone["indicators"][name]
    assert together["indicators"]["value_printed"][count:] == ["≥3"]
    assert together["projects"]["budget_unit"][-1] == "克州财政局"


def rows_of(text: str) -> Rows:
    found = rows(text.replace("|", "\t"))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("指标值|权重", "|10"),
        ("上年实际值|指标值", "90%|"),
        ("指标值|备注", "|按规范"),
        ("指标值|分值|评分标准", "|10|"),
    ],
)
def test_an_empty_target_does_not_take_the_next_column(header: str, row: str) -> None:
    text = f"{HEAD}绩效指标|一级指标|二级指标|三级指标|{header}\n|产出指标|数量指标|培训人数|≥100|≥100\n||质量指标|合格率|{row}\n"
    found = rows_of(text)
    assert "合格率" not in column(found, "indicators", "indicator_name")
    assert column(found, "findings", "rule").count("unread-cell") == 2


def test_a_row_without_a_name_is_no_indicator() -> None:
    header = "绩效指标|一级指标|二级指标|三级指标|指标性质|指标值|度量单位"
    found = rows_of(f"{HEAD}{header}\n|产出指标|数量指标|培训人数|≥|100|人\n||||≤|3|天\n")
    assert column(found, "indicators", "indicator_name") == ["培训人数"]
    assert column(found, "project_fields", "label_printed")[-2:] == ["指标性质", "度量单位"]


def test_weights_and_numbers_before_the_name() -> None:
    header = "一级指标|分值|二级指标|分值|三级指标|分值|指标值"
    found = rows_of(
        f"{HEAD}{header}\n产出指标|50|数量指标|30|培训人数|10|≥100\n||||培训场次|10|≥5\n||质量指标|20|合格率|10|≥95%\n"
    )
    assert column(found, "indicators", "indicator_name") == ["培训人数", "培训场次", "合格率"]
    assert column(found, "indicators", "level2") == ["数量指标", "数量指标", "质量指标"]
    found = rows_of(
        f"{HEAD}序号|一级指标|二级指标|三级指标|指标值\n1|产出指标|数量指标|培训人数|≥100\n2|||培训场次|5\n"
    )
    assert column(found, "indicators", "value_printed") == ["≥100", "5"]


def test_labels_in_one_line_and_what_belongs_to_them_in_the_next() -> None:
    found = read(
        "单位：万元\n项目支出绩效目标表\n（2022年）\n预算单位|项目名称|项目负责人\n甲局|甲项目|张三\n"
        "项目资金|年度资金总额|财政拨款|其他资金\n|100|80|20\n年度目标|保障运转。\n目标3：|12月底前\n"
        "绩效指标|一级指标|二级指标|三级指标|指标值\n|产出指标|数量指标|培训人数|≥100\n注：|无\n"
    )
    assert project(found, "budget_unit", "project_name") == ("甲局", "甲项目")
    assert project(found, "total_funds_cny", "fiscal_funds_cny", "other_funds_cny") == (1000000, 800000, 200000)
    assert project(found, "annual_goal") == ("保障运转。\n目标3： 12月底前",)
    assert fields(found)["project_leader"] == "张三"
    assert fields(found)["note"] == "无"
    assert column(found, "indicators", "indicator_name") == ["培训人数"]


ROWS = "一级指标|二级指标|三级指标|指标值\n产出指标|数量指标|人数|≥3人\n满意度指标|满意度指标|群众满意度|≥90%\n"
FUNDS = ("total_funds_cny", "fiscal_funds_cny", "other_funds_cny")


def with_funds(lines: str) -> str:
    """A release whose table prints these lines of money."""
    return HEAD.replace("项目资金|年度资金总额：|100|其中：财政拨款|80|其他资金|20", lines) + ROWS


@pytest.mark.parametrize(
    "lines",
    [
        "资金来源|合计|财政拨款|其他资金\n|100|70|30",
        "预算金额（元）|合计|财政拨款|其他资金\n|1,000,000|700,000|300,000",
        "项目资金|总额|其中：财政拨款|其他资金\n|100|70|30",
        "年度|资金总额|财政拨款|其他资金\n2022年|100|70|30",
        "年度|资金总额|财政拨款|其他资金\n2021年|90|70|20\n2022年|100|70|30",
        "项目资金|合计|100|财政拨款|70|其他资金|30",
        "年度预算|金额：|100\n|财政拨款|70|其他资金|30",
        "项目资金|上年|本年\n年度资金总额|90|100\n财政拨款|80|70\n其他资金|10|30",
        "资金情况|项目|2021年|2022年\n|年度资金总额|90|100\n|财政拨款|80|70\n|其他资金|10|30",
        "年度资金总额|100.00|100\n财政拨款|70\n其他资金|30",
        "资金来源|金额\n财政拨款|70\n其他资金|30\n合计|100",
        "资金来源|金额（元）|备注\n财政拨款|700000|\n其他资金|300000|\n合计|1000000|",
        "项目资金|合计\n|100\n财政拨款|70\n其他资金|30",
        "主要任务|任务名称|内容|预算（万元）\n|||总额|财政拨款|其他资金\n|一|修路|60|50|10\n|二|架桥|40|20|20\n|金额合计||100|70|30",
        "年度资金总额|100\n其中：1.财政拨款|70\n2.其他资金|30",
        "2022年度资金总额|100|财政拨款|70|自筹|30",
        "年度资金总额（2022年）|100|财政拨款|70|单位自有资金|30",
        "2021年资金总额|90\n2022年资金总额|100|财政拨款|70|其他资金|30",
        "申请预算金额|100|财政拨款|70|县级配套|5|其他资金|30",
        "年度资金总额|100\n财政拨款|70|其他资金|\n30|项目周期|1年",
    ],
)
def test_amounts_and_the_labels_that_they_belong_to(lines: str) -> None:
    found = rows_of(with_funds(lines))
    assert project(found, *FUNDS) == (1000000, 700000, 300000)
    assert "amount-unreadable" not in column(found, "findings", "rule")


@pytest.mark.parametrize(
    ("lines", "amounts"),
    [
        # Whose year is whose, or where the first of several amounts belongs, is not said.
        ("项目资金|年度资金总额|90|100|财政拨款|70", (None, 700000, None)),
        ("2021年资金总额|90|财政拨款|70", (None, 700000, None)),
        ("合计|100\n财政拨款|70", (None, 700000, None)),
        ("项目资金|总额|年度资金总额\n|900|100\n财政拨款|70", (1000000, 700000, None)),
        ("项目资金|上年|前年\n年度资金总额|90|100", (None, None, None)),
        ("年度资金总额|100|财政拨款|70|其他资金|\n|30|其中：本级|20|上级补助|10", (1000000, 700000, None)),
        ("年度资金总额|100|财政拨款|70|其他资金|\n任务1|修路|30", (1000000, 700000, None)),
    ],
)
def test_amounts_that_may_belong_elsewhere_are_not_read(lines: str, amounts: tuple[int | None, ...]) -> None:
    found = rows_of(with_funds(lines))
    assert project(found, *FUNDS) == amounts
    assert "unread-cell" in column(found, "findings", "rule")
    assert "total-without-amount" not in column(found, "findings", "rule")


def test_years_side_by_side_without_amounts_are_no_headings() -> None:
    found = rows_of(HEAD.replace("（2022年）", "（2022年）|2022年") + ROWS)
    assert project(found, "fiscal_year", *FUNDS) == (2022, 1000000, 800000, 200000)
    beside = with_funds("项目资金|上年|本年\n年度资金总额|90|100\n项目属性|50|财政拨款|70|其他资金|30")
    assert project(rows_of(beside), *FUNDS) == (1000000, 700000, 300000)


def test_an_unknown_label_among_those_of_names() -> None:
    head = HEAD.replace("预算单位|甲局|项目名称|甲项目", "{}")
    found = rows_of(head.format("项目名称|项目代码|预算单位|科室\n甲项目|654|甲局|民生") + ROWS)
    assert project(found, "budget_unit", "project_name") == ("甲局", "甲项目")
    assert column(found, "findings", "rule").count("unread-cell") == 2
    beside = rows_of(head.format("预算单位|甲局|项目名称|甲项目\n科室|民生科|用途|民生") + ROWS)
    assert project(beside, "budget_unit", "project_name") == ("甲局", "甲项目")


@pytest.mark.parametrize(
    ("line", "name", "code"),
    [
        ("预算单位|甲局|项目名称||项目编码|654001", None, "654001"),
        ("预算单位|甲局|项目名称|公用经费|项目编码|654001", "公用经费", "654001"),
        ("预算单位|甲局|项目名称|项目概况", "项目概况", None),
    ],
)
def test_a_label_with_a_value_of_its_own_is_no_name(line: str, name: str | None, code: str | None) -> None:
    found = rows_of(HEAD.replace("预算单位|甲局|项目名称|甲项目", line) + ROWS)
    assert project(found, "project_name") == (name,)
    assert fields(found).get("project_code") == code
    assert ("nameless-table" in column(found, "findings", "rule")) == (name is None)


@pytest.mark.parametrize(
    "line",
    [
        "其他说明|无",
        "审核意见||||同意",
        "专项管理措施|建立台账",
        "测算依据|按人数",
        "是否政府采购|是",
        "是否公众项目|是",
        "责任人员|无",
        "受益群众|/",
        "审核人员|李四",
        "项目进展|正常",
        "审核：李四|制表：王五",
        "甲县财政局|2022年2月10日",
        "||甲县财政局|2022年2月10日",
        "预算执行率|10",
    ],
)
def test_a_line_below_the_satisfaction_indicators_is_none(line: str) -> None:
    found = rows_of(HEAD + ROWS + line + "\n")
    assert column(found, "indicators", "indicator_name") == ["人数", "群众满意度"]
    assert "note" in fields(found) or "unread-cell" in column(found, "findings", "rule")


@pytest.mark.parametrize(
    "row",
    [
        "||家长满意度|较高",
        "|群众认可度|高",
        "||安全感|高",
        "|投诉件数（件）|≤3",
        "|预算执行率指标|执行率|100%",
        "工作人员反响|良好",
        "工作人员反响|||良好",
        "受益群众|较满意",
        "社会各界反映|好",
    ],
)
def test_a_further_row_of_satisfaction_wherever_it_stands(row: str) -> None:
    assert len(column(rows_of(HEAD + ROWS + row + "\n"), "indicators", "indicator_name")) == 3


def test_labels_above_their_values_below_the_goal_too() -> None:
    found = read(
        "单位：万元\n项目支出绩效目标表\n（2022年）\n年度目标|保障运转。\n预算单位|项目名称\n甲局|200\n"
        "绩效指标|一级指标|二级指标|三级指标|指标值\n|产出指标|数量指标|培训人数|≥100\n联系人|张三\n"
    )
    assert project(found, "budget_unit", "project_name", "annual_goal") == ("甲局", "200", "保障运转。")
    assert column(found, "indicators", "indicator_name") == ["培训人数"]


def test_each_table_in_the_unit_of_money_above_it() -> None:
    table = "项目支出绩效目标表\n（2022年）\n预算单位|{unit}|项目名称|{unit}项目\n年度资金总额|5000\n年度目标|保障运转。\n|产出指标|数量指标|培训人数|≥100\n"
    text = f"单位：万元\n{table.format(unit='甲局')}\n单位：元\n{table.format(unit='乙局')}"
    assert column(read(text), "projects", "total_funds_cny") == [50000000, 5000]
    found = read(
        "2022年项目支出绩效目标表（单位：元）\n预算单位|甲局|项目名称|甲项目\n年度资金总额|100\n年度目标|保障运转。\n|产出指标|数量指标|培训人数|≥100\n"
    )
    assert column(found, "projects", "total_funds_cny") == [100]


@pytest.mark.parametrize(
    ("funds", "amounts"),
    [
        ("项目资金（元）|年度资金总额：|100|其中：财政拨款|80|其他资金|20", (100, 80, 20)),
        ("项目资金（元）|年度资金总额：|100|财政拨款（亿元）|80|其他资金|20", (100, 80 * 10**8, 20)),
        ("年度资金总额(元)|100|其中：财政拨款|80|其他资金|20", (100, 80, 20)),
        ("年度资金总额（元）|财政拨款|其他资金\n100|80|20", (100, 80, 20)),
        ("总投资（亿元）|3|年度资金总额|100|其中：财政拨款|80|其他资金|20", (1000000, 800000, 200000)),
        ("总投资（亿元）|3|其中：财政拨款|1|年度资金总额|100|其他资金|20", (1000000, 10**8, 200000)),
        ("年度资金总额|100|其中：财政拨款（元）|800000|其他资金|20", (1000000, 800000, 200000)),
    ],
)
def test_a_label_says_the_unit_of_the_money_below_it(funds: str, amounts: tuple[int, int, int]) -> None:
    text = (
        HEAD.replace("项目资金|年度资金总额：|100|其中：财政拨款|80|其他资金|20", funds)
        + "|产出指标|数量指标|人数|≥3人\n"
    )
    assert project(read(text), "total_funds_cny", "fiscal_funds_cny", "other_funds_cny") == amounts


def test_the_first_unit_of_money_counts_whatever_prints_it() -> None:
    table = "项目支出绩效目标表{unit}\n（2022年）\n预算单位|{name}局|项目名称|{name}项目\n{funds}\n|产出指标|数量指标|人数|≥3人\n"
    first = table.format(name="甲", unit="", funds="年度资金总额|100|财政拨款（万元）|80|其他资金|20")
    second = table.format(name="乙", unit="（单位：元）", funds="年度资金总额|100")
    assert column(read(first + second), "projects", "total_funds_cny") == [1000000, 100]


LIST_COLUMNS = "序号|部门单位|项目实施单位|项目名称|申请预算金额"


@pytest.mark.parametrize(
    ("head", "is_first"),
    [
        (f"单位：万元\n{LIST_COLUMNS}", False),
        (f"（2022年）|单位：万元\n{LIST_COLUMNS}", False),
        (f"{LIST_COLUMNS}（万元）", False),
        (f"{LIST_COLUMNS}（万元）", True),
    ],
)
def test_a_list_in_another_unit_of_money_than_the_tables(head: str, is_first: bool) -> None:
    """It stands in a column wherever the list stands, or above a list that stands behind the tables."""
    listed = f"{head}\n1|甲局|甲局|甲项目|0.01\n合计||||0.01\n"
    tables = HEAD.replace("单位：万元\n", "") + "|产出指标|数量指标|人数|≥3人\n"
    found = read("单位：元\n" + (listed + tables if is_first else tables + listed))
    assert column(found, "listed_projects", "amount_cny") == column(found, "projects", "total_funds_cny") == [100]
    assert column(found, "releases", "listed_total_cny") == [100]
    assert column(found, "releases", "money_unit") == ["元"]


@pytest.mark.parametrize(
    "title",
    ["2022年项目支出预算绩效目标表", "项目支出绩效目标公开表（2022年）", "甲县2022年项目支出绩效目标申报（批复）表"],
)
def test_titles_of_further_forms(title: str) -> None:
    found = read(HEAD.replace("项目支出绩效目标表\n（2022年）", title) + "|产出指标|数量指标|人数|≥3人\n")
    assert project(found, "fiscal_year", "budget_unit") == (2022, "甲局")


@pytest.mark.parametrize(
    ("title", "field", "unit"),
    [
        ("乙县财政局2022年项目支出绩效目标表", "", "乙县财政局"),
        ("乙县 财政局 项目支出绩效目标表（2022年）", "", "乙县 财政局"),
        ("乙县财政局2022年项目支出绩效目标表", "预算单位|甲局|", "甲局"),
        ("乙县2022年部门预算项目支出绩效目标表", "", None),
        ("乙县重点项目支出绩效目标表（2022年）", "", None),
    ],
)
def test_a_unit_that_the_title_names(title: str, field: str, unit: str | None) -> None:
    text = HEAD.replace("项目支出绩效目标表\n（2022年）", title).replace("预算单位|甲局|", field)
    found = read(text + "|产出指标|数量指标|人数|≥3人\n")
    assert project(found, "fiscal_year", "budget_unit_printed", "project_name") == (2022, unit, "甲项目")
    rules = column(found, "findings", "rule")
    assert ("unit-in-title" in rules, "nameless-table" in rules) == (unit not in (None, "甲局"), unit is None)


@pytest.mark.parametrize("cells", ["合格率|%|≥95", "合格率|%|≥|95", "合格率（%）|≥95", "合格率|(%)|≥|95"])
def test_a_unit_between_name_and_value(cells: str) -> None:
    found = read(f"{HEAD}|产出指标|质量指标|{cells}\n")
    names = ("indicator_name", "unit", "value_kind", "operator", "target_value")
    assert [column(found, "indicators", name) for name in names] == [["合格率"], ["%"], ["percent"], ["ge"], [95]]


@pytest.mark.parametrize(
    "goals",
    [
        "总体目标|实施期目标（2022年-2024年）|年度目标\n|修成道路|修路",
        "总体目标|中期目标（2022年—2024年）|年度目标（2022年度）\n|修成道路|修路",
        "中期目标（20XX年-20XX+n年）|年度目标\n修成道路|修路",
        "年度目标(2022年)：修路|实施期目标（2022-2024年）：修成道路",
    ],
)
def test_goals_whose_labels_say_their_years(goals: str) -> None:
    found = read(f"{HEAD.rpartition('年度目标')[0]}{goals}\n|产出指标|数量指标|人数|≥3人\n")
    assert project(found, "annual_goal") == ("修路",)
    assert fields(found)["long_term_goal"] == "修成道路"


@pytest.mark.parametrize(
    ("level1", "level2"),
    [("1.产出指标", "1.1数量指标"), ("一、产出指标", "（1）数量指标"), ("①产出指标", "② 数量指标")],
)
def test_numbered_levels(level1: str, level2: str) -> None:
    found = read(f"{HEAD}|{level1}|{level2}|人数|≥3人\n")
    assert column(found, "indicators", "level2") == ["数量指标"]
    assert column(found, "indicators", "level1_printed") == [level1]


@pytest.mark.parametrize(
    ("labels", "name", "level2"),
    [
        ("效益指标|社会效益指标", "社会效益", "社会效益指标"),
        ("产出指标|数量指标", "产出数量", "数量指标"),
        ("满意度指标|服务对象满意度指标", "满意度指标", "满意度指标"),
    ],
)
def test_an_indicator_named_as_its_level(labels: str, name: str, level2: str) -> None:
    found = read(f"{HEAD}|{labels}|{name}|达标\n")
    assert column(found, "indicators", "indicator_name") == [name]
    assert column(found, "indicators", "level2") == [level2]


def test_a_level_word_in_the_column_of_names_is_a_name() -> None:
    header = "一级指标|二级指标|三级指标|指标说明|单位|符号|指标值"
    found = read(
        f"{HEAD}{header}\n产出指标|数量指标|人数|含线上|人|≥|500\n满意度指标|满意度指标|满意度|问卷调查|%|≥|90\n"
    )
    assert column(found, "indicators", "indicator_name") == ["人数", "满意度"]
    assert column(found, "indicators", "unit") == ["人", "%"]
    assert column(found, "indicators", "target_min") == [500, 90]


@pytest.mark.parametrize("label", ["合计", "合计（2个项目）", "总计："])
def test_the_total_stands_in_the_column_of_the_amounts(label: str) -> None:
    found = read(
        "单位：元\n序号|部门单位|项目实施单位|项目名称|总投资|申请预算金额\n"
        f"{label}||||900|30\n1|甲局|甲局|甲项目|400|10\n2|甲局|甲局|乙项目|500|20\n"
    )
    assert column(found, "releases", "listed_total_cny") == [30]
    assert column(found, "listed_projects", "amount_cny") == [10, 20]


@pytest.mark.parametrize(
    "head",
    [
        "项目支出绩效目标表\n（2022年）      单位：元",
        "项目支出绩效目标表\n（2022年）单位：元",
        "项目支出绩效目标表\n　单位：元　　2022年",
        "2022年项目支出绩效目标表　　金额单位：元",
        "项目支出绩效目标表\n填报单位（盖章）：甲局    金额单位：（元）\n（2022年）",
        "甲县2022年重点项目绩效目标   单位：元\n项目支出绩效目标表\n(2022年)",
    ],
)
def test_a_unit_of_money_in_one_cell_with_what_stands_beside_it(head: str) -> None:
    found = read(HEAD.replace("单位：万元\n项目支出绩效目标表\n（2022年）", head) + "|产出指标|数量指标|人数|≥3人\n")
    names = ("fiscal_year", "budget_unit", "total_funds_cny", "other_funds_cny")
    assert project(found, *names) == (2022, "甲局", 100, 20)


@pytest.mark.parametrize(
    "head", ["单位：|元\n项目支出绩效目标表\n（2022年）", "项目支出绩效目标表\n（2022年）||金额单位|人民币元"]
)
def test_a_unit_of_money_over_two_cells(head: str) -> None:
    found = read(HEAD.replace("单位：万元\n项目支出绩效目标表\n（2022年）", head) + "|产出指标|数量指标|人数|≥3人\n")
    assert project(found, "fiscal_year", "total_funds_cny", "other_funds_cny") == (2022, 100, 20)
    assert column(found, "releases", "unread_cell_count") == [0]


@pytest.mark.parametrize(
    "unit",
    [
        "单位：万元、%",
        "（单位：万元、人）",
        "单位：万元，平方米",
        "金额单位：万元（保留两位小数）",
        "单位：万元  数量单位：个",
        "注：本表金额单位为万元。",
        "以万元为单位",
        "单位：人民币（万元）",
        "单位：万元（人民币）",
        "单位：萬元",
        "单位：万",
        "金额：万元",
        "（万元）",
    ],
)
def test_a_unit_of_money_however_it_is_said(unit: str) -> None:
    """The table above is in yuan, which must not go on."""
    first = (HEAD + ROWS).replace("单位：万元", "单位：元").replace("甲局", "乙局")
    second = HEAD.replace("单位：万元\n", "").replace("（2022年）", f"（2022年）|{unit}") + ROWS
    assert column(read(first + second), "projects", "total_funds_cny") == [100, 1000000]


def test_a_unit_of_money_behind_an_unknown_label() -> None:
    funds = "申报资金情况（元）|年度资金总额：100|其中：财政拨款80|其他资金20"
    found = read(with_funds(funds).replace("单位：万元\n", ""))
    assert project(found, *FUNDS) == (100, 80, 20)
    row = "产出指标|成本指标|维修费|（万元）|80\n"
    assert column(read(HEAD.replace("万元", "元") + row), "projects", "total_funds_cny") == [100]


@pytest.mark.parametrize("formula", ["（A+B）", "(A=B+C)", "（A）"])
def test_an_amount_whose_label_says_what_it_is_the_sum_of(formula: str) -> None:
    found = read(HEAD.replace("年度资金总额", f"年度资金总额{formula}") + "|产出指标|数量指标|人数|≥3人\n")
    assert project(found, "total_funds_cny") == (1000000,)


@pytest.mark.parametrize(
    "row",
    [
        "|产出数量|检查户数(户)   ≥7|绩效指标||产出质量|覆盖率(%)|85%-95%",
        "数 量 检查户数 (户)≥7|质量指标|覆盖率(%)|85%-95%",
    ],
)
def test_two_rows_on_a_line_the_first_of_them_glued(row: str) -> None:
    found = read(f"{HEAD}一级指标|二级指标|三级指标|指标值\n{row}\n")
    assert column(found, "indicators", "indicator_name") == ["检查户数", "覆盖率"]
    assert column(found, "indicators", "level2") == ["数量指标", "质量指标"]
    assert column(found, "indicators", "value_printed") == ["≥7", "85%-95%"]


def test_signs_in_the_column_of_directions() -> None:
    header = "一级指标|二级指标|三级指标|指标方向|指标值|计量单位"
    found = read(f"{HEAD}{header}\n产出指标|数量指标|人数|≥|500|人\n|成本指标|成本|≤|710|元/人\n||天数|正向|12|天\n")
    assert column(found, "indicators", "operator") == ["ge", "le", "eq"]
    assert column(found, "indicators", "target_max") == [None, 710, 12]


def test_a_label_that_heads_the_total_lacks_no_amount() -> None:
    found = read(NINGXIANG)
    assert "total-without-amount" not in column(found, "findings", "rule")
    apart = NINGXIANG.replace("项目支出|8000", "财政专户管理资金|33")
    assert fields(read(apart))["special_account_funds"] == "33"
    assert "funds-do-not-add-up" in column(read(apart.replace("9606", "9605")), "findings", "rule")


@pytest.mark.parametrize("cell", ["及时率100%", "及时率100%\u00a0 ", "　及时率 100 ％　"])
def test_a_name_and_its_percentage_in_one_cell(cell: str) -> None:
    found = read(f"{HEAD}|产出指标|时效指标|{cell}\n")
    assert column(found, "indicators", "indicator_name") == ["及时率"]
    assert column(found, "indicators", "target_value") == [100]


def test_what_is_left_of_a_vertical_label_before_the_levels() -> None:
    """绩效指标 down the first column, a character on each row: no indicator is called 效."""
    found = rows_of(
        f"{HEAD}绩|一级指标|二级指标|三级指标|指标值\n效|产出指标|数量指标|人数|≥3人\n指||质量指标|合格率|100%\n"
        "标|满意度指标|满意度指标|群众满意度|≥90%\n"
    )
    assert column(found, "indicators", "indicator_name") == ["人数", "合格率", "群众满意度"]
    assert column(found, "indicators", "level2") == ["数量指标", "质量指标", "满意度指标"]
    assert column(found, "findings", "rule").count("unread-cell") == 3


def test_a_header_that_broke_in_two_lines() -> None:
    found = read(
        f"{HEAD}绩效|一级|二级|三级|指标值\n指标|指标|指标|指标|\n|产出|数量|次数|≥3次\n|指标|指标|人数（人）|≥5\n"
        "||质量指标|合格率|100%\n|满意度|满意度指标|群众满意度|≥90%\n|指标|||\n"
    )
    assert column(found, "indicators", "indicator_name") == ["次数", "人数", "合格率", "群众满意度"]
    assert column(found, "indicators", "level2") == ["数量指标", "数量指标", "质量指标", "满意度指标"]
    assert "table-breaks-off" not in column(found, "findings", "rule")


def test_page_numbers_and_remarks_are_no_indicators_and_no_goal() -> None:
    found = read(
        f"{HEAD}第 1 页 共 3 页\n|产出指标|数量指标|人数|≥3人\n- 2 -\n||质量指标|合格率|100%\n备注：|无\n说明：本表公开。\n第3页\n"
    )
    assert column(found, "indicators", "indicator_name") == ["人数", "合格率"]
    assert project(found, "annual_goal") == ("保障运转，提高质量。",)
    assert column(found, "project_fields", "value_printed")[-2:] == ["无", "本表公开。"]


@pytest.mark.parametrize(
    ("remark", "field"),
    [
        ("其他说明：本项目为延续项目。", "note"),
        ("|其他说明|本项目为延续项目。", "note"),
        ("|负责人：张三", "project_leader"),
        ("说明：本项目为延续项目，由县财政局统筹安排资金，确保全年正常运转，按时拨付，不拖欠。", None),
    ],
)
def test_a_goal_goes_on_below_a_remark(remark: str, field: str | None) -> None:
    found = read(f"{HEAD}{remark}\n建立长效机制。\n实施单位|乙所\n{ROWS}")
    goal = ["保障运转，提高质量。", *([] if field else [remark]), "建立长效机制。"]
    assert project(found, "annual_goal") == ("\n".join(goal),)
    assert {"implementing_unit", *([field] if field else [])} <= fields(found).keys()


def test_a_goal_that_begins_as_a_level_does() -> None:
    goal = "数量指标：培训100人；质量指标：合格率95%以上。"
    text = HEAD.replace("年度目标|保障运转，提高质量。", f"总体目标|年度目标\n|{goal}")
    found = read(f"{text}|产出指标|数量指标：人数|≥3人\n")
    assert project(found, "annual_goal") == (goal,)
    assert column(found, "indicators", "indicator_name") == ["人数"]


@pytest.mark.parametrize(
    "lines",
    [
        "预算单位：甲局 项目名称：甲项目\n年度资金总额：100 其中：财政拨款：80 其他资金：20",
        "预算单位：甲局　　项目名称：甲项目|\n年度资金总额 100 财政拨款 80 其他资金 20",
        "预算单位：甲局|项目名称：甲项目  项目负责人：张三\n项目资金：年度资金总额：100 财政拨款：80|其他资金：20",
    ],
)
def test_several_fields_in_one_cell(lines: str) -> None:
    text = HEAD.replace(
        "预算单位|甲局|项目名称|甲项目\n项目资金|年度资金总额：|100|其中：财政拨款|80|其他资金|20", lines
    )
    found = read(text + "|产出指标|数量指标|人数|≥3人\n")
    assert project(found, "budget_unit", "project_name") == ("甲局", "甲项目")
    assert project(found, "total_funds_cny", "fiscal_funds_cny", "other_funds_cny") == (1000000, 800000, 200000)


@pytest.mark.parametrize("year", ["（2022年）", "（2022）年度", "2022年\n"])
def test_a_year_without_a_title(year: str) -> None:
    """The first table's title was lost, and no list stands before it."""
    found = read(HEAD.replace("项目支出绩效目标表\n（2022年）", year) + "|产出指标|数量指标|人数|≥3人\n")
    assert project(found, "fiscal_year", "budget_unit") == (2022, "甲局")


def test_a_unit_of_money_below_a_table_or_between_two() -> None:
    """It belongs to the table below it, or to the one above where none follows."""
    table = HEAD.replace("单位：万元\n", "") + "|产出指标|数量指标|人数|≥3人\n"
    assert column(read(f"{table}单位：万元\n"), "projects", "total_funds_cny") == [1000000]
    other = table.replace("甲局", "乙局")
    first = table.replace("项目资金|", "项目资金（元）|")
    assert column(read(f"{first}单位：万元\n{other}"), "projects", "total_funds_cny") == [100, 1000000]


def test_labels_with_the_year_before_them() -> None:
    text = HEAD.replace("年度目标|", "2022年度绩效目标|")
    header = "一级指标|二级指标|三级指标|单位|2022年指标值|备注"
    found = read(f"{text}{header}\n产出指标|数量指标|人数|人|500|\n|质量指标|合格率|%|95|抽查\n")
    assert project(found, "annual_goal") == ("保障运转，提高质量。",)
    assert column(found, "indicators", "target_value") == [500, 95]
    assert column(found, "indicators", "unit") == ["人", "%"]


def listed(text: str) -> tuple[Rows, list[tuple[Any, ...]]]:
    """The rows of a release that is a list, and its projects with their amounts in 万元."""
    found = rows_of(text)
    cells = zip(*(column(found, "listed_projects", name) for name in ("project_name", "amount_cny")), strict=True)
    return found, [(name, None if amount is None else amount / 10000) for name, amount in cells]


TWO = [("甲项目", 100), ("乙项目", 50)]


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("上年预算数|本年预算数", "80|{}"),
        ("2021年预算金额|2022年预算金额", "80|{}"),
        ("2022年度预算金额|2023年度预算金额", "{}|180"),
        ("2022年预算金额", "{}"),
        ("项目经费合计|页码", "{}|3"),
        ("资金来源|本级安排资金（万元）", "财政拨款|{}"),
        ("合计|财政拨款资金|自有资金", "{}|1|2"),
        ("上年预算数|本年预算数|增减", "80|{}|20"),
    ],
)
def test_the_lists_own_column_of_amounts(columns: str, cells: str) -> None:
    found, rows = listed(
        f"2022年重点项目\n单位：万元\n序号|单位|项目名称|{columns}\n1|甲局|甲项目|{cells.format(100)}\n"
        f"2|乙局|乙项目|{cells.format(50)}\n合计|||{cells.format(150).replace('财政拨款', '')}\n"
    )
    assert rows == TWO
    assert column(found, "releases", "listed_total_cny") == [1500000]


@pytest.mark.parametrize(
    "columns",
    ["2020年预算金额|2021年预算金额", "2021年预算金额|页码", "上年预算数|增减金额", "本级安排资金|上级安排资金"],
)
def test_amounts_that_may_not_be_the_lists_own_are_not_read(columns: str) -> None:
    found, rows = listed(
        f"2022年重点项目\n单位：万元\n序号|单位|项目名称|{columns}\n1|甲局|甲项目|100|7\n合计|||100|7\n"
    )
    assert rows == [("甲项目", None)]
    assert column(found, "releases", "listed_total_cny") == [None]
    assert "list-amounts-unread" in column(found, "findings", "rule")


@pytest.mark.parametrize(
    "heading",
    [
        "申请预算金额 单位：元",
        "申请预算金额，单位：元",
        "申请预算金额单位：元",
        "申请预算金额|单位：元",
        "单位：元|申请预算金额",
        "单位：元 申请预算金额",
        "申请预算金额|单位：|元",
        "2022年预算金额（元）",
        "2022年预算金额 单位：元",
        "预算金额/元",
        "本级安排资金（元）",
    ],
)
def test_the_unit_of_the_lists_amounts_in_its_header(heading: str) -> None:
    """The tables below are in 万元."""
    before = "|" if heading.startswith("单位：元|") else ""
    text = f"2022年重点项目\n序号|单位|项目名称|{heading}\n1|甲局|甲项目|{before}1000000\n合计|||{before}1000000\n"
    found, rows = listed(text + HEAD + ROWS)
    assert rows == [("甲项目", 100)]
    assert column(found, "releases", "listed_total_cny") == [1000000]
    assert column(found, "releases", "unread_cell_count") == [0]


@pytest.mark.parametrize("label", ["年度资金总额 单位：元", "年度资金总额/元", "资金总额，单位：元"])
def test_the_unit_of_money_behind_a_label(label: str) -> None:
    found = read(with_funds(f"项目资金|{label}|1000000|其中：财政拨款|800000|其他资金|200000"))
    assert project(found, *FUNDS) == (1000000, 800000, 200000)


@pytest.mark.parametrize(
    "lines",
    [
        "一|甲局||100\n1|甲局|甲项目|100\n二|乙局||50\n2|乙局|乙项目|50\n总合计|||150",
        "（一）|教育支出||100\n1|甲局|甲项目|100\n（二）|其他支出||50\n2|乙局|乙项目|50\n金额合计|||150",
        "|甲局（小计）||100\n1|甲局|甲项目|100\n|乙局小计||50\n2|乙局|乙项目|50\n累计|||150",
        "1|甲局|甲项目|100\n2|乙局|乙项目|50\n合计|||150\n其中：财政拨款|||120\n其他资金|||30",
    ],
)
def test_sums_within_the_list_are_no_projects(lines: str) -> None:
    found, rows = listed(f"单位：万元\n序号|单位|项目名称|金额\n{lines}\n")
    assert rows == TWO
    assert column(found, "releases", "listed_total_cny") == [1500000]
    assert column(found, "releases", "unread_cell_count") == [0]


def test_a_project_that_begins_like_a_part_of_a_sum() -> None:
    _, rows = listed("单位：万元\n单位|项目名称|金额\n甲局|甲项目|100\n|其中村改造|50\n合计||150\n")
    assert rows == [("甲项目", 100), ("其中村改造", 50)]


def test_a_chinese_number_before_a_project_is_its_own() -> None:
    _, rows = listed("单位：万元\n序号|单位|项目名称|金额\n一|甲局|甲项目|100\n二|乙局|乙项目|50\n合计|||150\n")
    assert rows == TWO


@pytest.mark.parametrize("glued", ["合计||||150|\n1|甲局|甲局|甲项目|100", "1|甲局|甲局|甲项目|100"])
def test_a_list_whose_header_lost_its_line_end(glued: str) -> None:
    lines = f"{LIST_COLUMNS}|{glued}\n2|乙局|乙局|乙项目|50\n"
    found, rows = listed(f"单位：万元\n{lines}" + ("" if "合计" in glued else "合计||||150\n"))
    assert rows == TWO
    assert column(found, "releases", "listed_total_cny") == [1500000]
    tables = HEAD.replace("单位：万元\n", "") + ROWS
    assert column(rows_of(f"单位：万元\n{lines}{tables}"), "projects", "project_name") == ["甲项目"]


@pytest.mark.parametrize(
    "header",
    [
        "序号|部门单位|项目实施单位|项目|名称|申请预算金额",
        "序|号|部门单位|项目实施单位|项目名称|申请预算金额",
        "序号|部门单位|项目实施|单位|项目|名称|申请预算金额",
        "序号|部门单位|项目实施单位|项目名称|申请预算|金额（万元）",
    ],
)
@pytest.mark.parametrize("is_moved", [False, True])
def test_a_heading_of_the_list_in_two_cells(header: str, is_moved: bool) -> None:
    """The rows stand where they stood before a TAB too many, or below the first cell of each heading."""
    columns, joined = [], ""
    for at, cell in enumerate(header.replace("（万元）", "").split("|")):
        columns += [] if joined else [at]
        joined = "" if joined + cell in LIST_COLUMNS.split("|") else joined + cell
    lines = []
    for row in ("合计||||150", "1|甲局|甲所|甲项目|100", "2|乙局|乙所|乙项目|50"):
        cells = [""] * (columns[-1] + 1)
        for at, cell in zip(columns if is_moved else range(5), row.split("|"), strict=True):
            cells[at] = cell
        lines.append("|".join(cells))
    unit = "" if "万元" in header else "单位：万元\n"
    found, rows = listed("\n".join([f"2022年重点项目\n{unit}{header}", *lines, ""]))
    assert rows == TWO
    assert column(found, "listed_projects", "listed_no") == [1, 2]
    assert column(found, "listed_projects", "implementing_unit") == ["甲所", "乙所"]
    assert column(found, "listed_projects", "further_cells") == [None, None]
    assert column(found, "releases", "listed_total_cny") == [1500000]


def test_headings_of_the_list_that_have_cells_of_their_own_below_are_two() -> None:
    found, rows = listed("单位：万元\n序号|单位|项目|内容|金额\n1|甲局|甲项目|修路|100\n2|乙局|乙项目|架桥|50\n")
    assert rows == TWO
    assert column(found, "listed_projects", "further_cells") == ["内容: 修路", "内容: 架桥"]


def test_a_line_of_fields_is_no_header_of_a_list() -> None:
    found = read(HEAD.replace("项目名称|甲项目\n项目资金|年度资金总额：", "项目名称|甲项目|项目资金") + ROWS)
    assert project(found, "budget_unit", "project_name", "total_funds_cny") == ("甲局", "甲项目", 1000000)


@pytest.mark.parametrize(
    ("labels", "row"),
    [
        ("实施单位|项目名称|项目经费", "甲局|甲项目|100"),
        ("预算单位|项目名称|项目经费（元）", "甲局|甲项目|1000000"),
        ("预算单位|项目名称|预算金额|其中：财政拨款", "甲局|甲项目|100|80"),
        ("主管部门|实施单位|项目名称|金额", "甲县|甲局|甲项目|100"),
        ("预算单位|项目名称|年度|预算数", "甲局|甲项目|2022年|100"),
    ],
)
@pytest.mark.parametrize("below", ["年度目标|保障运转，提高质量。\n", "项目类型|延续项目\n", ""])
def test_labels_above_one_row_of_a_table_are_no_header_of_a_list(labels: str, row: str, below: str) -> None:
    head = "单位：万元\n项目支出绩效目标表\n（2022年）\n"
    for above in ("", HEAD + ROWS):
        found = read(f"{above}{head}{labels}\n{row}\n{below}{ROWS}")
        own = [column(found, "projects", name)[-1] for name in ("budget_unit", "project_name", "total_funds_cny")]
        assert own == ["甲局", "甲项目", 1000000]
        assert column(found, "listed_projects", "project_name") == []


def test_a_list_without_numbers_above_a_table() -> None:
    text = "2022年重点项目\n单位：万元\n实施单位|项目名称|项目经费\n甲局|甲项目|100\n"
    tables = HEAD.replace("单位：万元\n", "") + ROWS
    for below in ("", "乙局|乙项目|50\n", "合计||100\n"):
        _, rows = listed(text + below + tables)
        assert rows == TWO[: 2 if "乙" in below else 1]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("预算单位|甲局|项目名称|预期目标", "预期目标"),
        ("预算单位|甲局\n项目名称：总体目标", "总体目标"),
        ("预算单位|甲局|项目名称||年度目标\n保障运转，提高质量。", None),
        ("预算单位|甲局|项目名称\n年度目标|保障运转，提高质量。", None),
    ],
)
def test_a_project_that_is_named_as_a_goal_is_labelled(line: str, name: str | None) -> None:
    found = read(HEAD.replace("预算单位|甲局|项目名称|甲项目", line) + ROWS)
    assert project(found, "budget_unit", "project_name", "total_funds_cny") == ("甲局", name, 1000000)
    assert project(found, "annual_goal")[0].startswith("保障运转，提高质量。")


def test_a_goal_is_no_row_of_a_list() -> None:
    found, rows = listed(
        f"2022年重点项目\n单位：万元\n{LIST_COLUMNS}\n1|甲局|甲局|甲项目|100\n年度目标|保障运转。\n{ROWS}"
    )
    assert rows == TWO[:1]
    assert project(found, "annual_goal") == ("保障运转。",)


def test_subtotals_are_no_projects() -> None:
    found = read(
        "2022年重点项目（单位：元）\n序号|部门单位|项目实施单位|项目名称|申请预算金额\n合计||||150\n一|甲局|||100\n"
        "1|甲局|甲局|甲项目|40\n2|甲局|甲局|乙项目|60\n小计||||100\n二|丙局|||50\n3|丙局|丙局|丙项目|50\n"
    )
    assert column(found, "listed_projects", "project_name") == ["甲项目", "乙项目", "丙项目"]
    assert "listed-total" not in column(found, "findings", "rule")


def test_a_total_whose_heading_was_lost_is_the_lists() -> None:
    head = "单位：万元\n序号|部门单位|项目实施单位|项目名称\n合计||||100\n1|甲局|甲局|甲项目|100\n"
    found = rows_of(
        head
        + HEAD.removeprefix("单位：万元\n")
        + "绩效指标|一级指标|二级指标|三级指标|指标值\n|产出指标|数量指标|人数|≥3人\n"
    )
    assert column(found, "releases", "listed_total_cny") == [1_000_000]


@pytest.mark.parametrize(
    "line",
    [
        "1.人员经费：6万元",
        "资金来源：财政拨款10万元，用于聘用保安。",
        "实施期限：1年",
        "实施单位：乙所",
        "主管部门：丙局",
        "成本指标：10万元",
        "1.数量指标：聘用20人",
        "社会效益：有所提升",
        "公用经费 4万元",
        "项目资金10万元",
    ],
)
@pytest.mark.parametrize("cell", ["", "|"])
def test_a_line_of_the_goal_that_looks_like_a_field_or_a_row(line: str, cell: str) -> None:
    """The money was printed above, and the header of the tree is still to come."""
    found = read(f"{HEAD}{cell}{line}\n{cell}建立长效机制。\n{ROWS}")
    assert project(found, "annual_goal") == (f"保障运转，提高质量。\n{line}\n建立长效机制。",)
    assert project(found, "budget_unit", *FUNDS) == ("甲局", 1000000, 800000, 200000)
    assert column(found, "indicators", "indicator_name") == ["人数", "群众满意度"]
    alone = read(f"{HEAD.rpartition('年度目标')[0]}总体目标|年度目标\n{cell}{line}\n{ROWS}")
    assert project(alone, "annual_goal") == (line,)


def test_a_line_below_the_goal_that_is_a_field() -> None:
    """Its label and its value stand in cells of their own, or no money was printed yet."""
    goal = "年度目标|保障运转。\n"
    found = read(f"{HEAD}实施期限|1年\n{ROWS}")
    assert fields(found)["project_period"] == "1年"
    money = "年度资金总额：100\n财政拨款：80\n其他资金：20\n"
    head = HEAD.replace(
        "项目资金|年度资金总额：|100|其中：财政拨款|80|其他资金|20\n年度目标|保障运转，提高质量。\n", goal
    )
    assert project(read(head + money + ROWS), *FUNDS) == (1000000, 800000, 200000)
    nameless = HEAD.replace("|项目名称|甲项目", "")
    assert project(read(f"{nameless}项目名称：甲项目\n{ROWS}"), "project_name", "annual_goal") == (
        "甲项目",
        "保障运转，提高质量。",
    )


NAMES = "预算单位|甲局|项目名称|甲项目"


@pytest.mark.parametrize(
    ("line", "unit"),
    [
        ("预算单位|甲局||||甲项目", "甲局"),
        ("甲局||||甲项目", "甲局"),
        ("甲局||项目名称||甲项目", "甲局"),
        ("甲项目", None),
        ("预算单位 甲局 项目名称 甲项目", "甲局"),
        ("项目名称　甲项目　主管部门　甲局", "甲局"),
        ("预算单位：甲局 项目名称 甲项目", "甲局"),
    ],
)
def test_a_unit_and_a_project_whose_labels_were_lost(line: str, unit: str | None) -> None:
    """As the list prints them, wherever they stand."""
    text = f"单位：万元\n{LIST_COLUMNS}\n1|甲局|甲局|甲项目|100\n{HEAD.removeprefix('单位：万元')}{ROWS}"
    found = read(text.replace(NAMES, line))
    assert project(found, "budget_unit", "project_name", "listed_no") == (unit, "甲项目", 1)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("预算单位|甲局||||校园安保经费", "校园安保经费"),
        ("预算单位 甲局 项目名称 甲项目", "甲项目"),
        ("预算单位|甲局||||654001", None),
        ("预算单位|甲局||||（盖章）", None),
        ("甲局||||校园安保经费", None),
        ("预算单位|甲局\n校园安保经费", None),
        ("预算单位|甲局|民生科|项目名称|甲项目", "甲项目"),
    ],
)
def test_a_cell_without_a_label_where_no_list_names_it(line: str, name: str | None) -> None:
    found = rows_of((HEAD + ROWS).replace(NAMES, line))
    assert project(found, "project_name") == (name,)
    assert ("nameless-table" in column(found, "findings", "rule")) == (name is None)
