"""Releases that nobody has seen, each with its right answer.

`generate(seed)` makes up content, prints it by the form of some locality and damages the print as copying out of
Word and Excel does. What is to be read follows from the cells as they stand after the damage, by the contract: a
satisfaction rate by its name is 满意度指标, else the label printed on the row or in force from the rows above stands.
`python -m tests.generator --report 1000` prints, per kind of damage, how much of it was read right.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

from kzz_pipeline.core.characters import strip
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.layout import read_layout
from kzz_pipeline.core.money import read_amount
from kzz_pipeline.core.normalize import Source, normalize
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.tokens import Parse
from kzz_pipeline.vocabulary import words

# -- what is to be read ------------------------------------------------------------------------------------------


class ExpectedIndicator(NamedTuple):
    """An indicator as it is to be read; `line` and `column` are those of its value's cell."""

    level1: str | None
    level2: str | None
    name: str
    value: str
    line: int
    column: int
    name_line: int
    name_column: int
    attributes: tuple[tuple[str, str], ...]


class ExpectedTable(NamedTuple):
    """A table as it is to be read; `fields` holds what is printed above the indicators, by canonical name."""

    unit: str
    project: str
    year: int
    fields: dict[str, str]
    goal: str
    indicators: list[ExpectedIndicator]


class ExpectedListed(NamedTuple):
    """A row of the list as it is to be read."""

    number: int
    unit: str
    project: str
    amount: Decimal


class Generated(NamedTuple):
    """A release, what is to be read from it, and the kinds of damage it holds."""

    text: str
    expected: list[ExpectedTable]
    listed: list[ExpectedListed]
    total: Decimal | None
    kinds: tuple[str, ...]


# -- what is printed ---------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Cell:
    """A cell, or with `parts` several merged into one. `level` and `means` say what a label of the tree is."""

    text: str
    level: int = 0
    means: str = ""
    parts: tuple["Cell", ...] = ()

    @property
    def printed(self) -> str:
        return self.text.join(part.printed for part in self.parts) if self.parts else self.text

    def leaves(self) -> Iterator["Cell"]:
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


Cells = list[Cell | None]


@dataclass(slots=True, eq=False)
class Indicator:
    """The cells of one indicator: a name may stand in several."""

    names: list[Cell]
    value: Cell
    attributes: list[tuple[str, Cell]]


@dataclass(slots=True, eq=False)
class Line:
    """A printed line: its cells and what it is (title, year, fields, goal_label, goal, tree, row, slot, blank, stray)."""

    kind: str
    cells: Cells
    indicators: list[Indicator] = field(default_factory=list)

    @property
    def indicator(self) -> Indicator | None:
        return self.indicators[0] if self.indicators else None


@dataclass(slots=True, eq=False)
class Table:
    """A table as printed, and the cells that carry what is to be read."""

    form: "Form"
    lines: list[Line]
    year: Cell
    fields: dict[str, Cell]
    goal: list[list[Cell]] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> list[Line]:
        return [line for line in self.lines if line.kind in kinds]

    @property
    def rows(self) -> list[Line]:
        return self.of_kind("row")


@dataclass(slots=True, eq=False)
class ListRow:
    """A row of the list and its cells."""

    number: Cell
    department: Cell
    unit: Cell
    project: Cell
    amount: Cell


@dataclass(slots=True, eq=False)
class Release:
    """A release as printed."""

    head: list[Line]
    listing: list[Line]
    rows: list[ListRow]
    total: Cell | None
    tables: list[Table]
    money_unit: str
    list_last: bool = False


# -- the forms of the localities -----------------------------------------------------------------------------------


class Form(NamedTuple):
    """How a locality prints its tables. `header` lines hold labels and {slots}; `columns` stand behind 三级指标."""

    titles: tuple[str, ...]
    header: tuple[tuple[str, ...], ...]
    goal: tuple[str, ...]
    tree: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    level1: dict[str, str]
    level2: dict[str, tuple[str, ...]]


_KZZ_LEVEL2 = {
    "数量指标": ("数量指标",),
    "质量指标": ("质量指标",),
    "时效指标": ("时效指标",),
    "成本指标": ("成本指标",),
    "经济效益指标": ("经济效益指标",),
    "社会效益指标": ("社会效益指标",),
    "生态效益指标": ("生态效益指标",),
    "可持续影响指标": ("可持续影响指标", "可持续发展指标"),
    "满意度指标": ("满意度指标",),
}
_NATIONAL_LEVEL2 = {
    **_KZZ_LEVEL2,
    "生态效益指标": ("生态效益指标", "环境效益指标"),
    "满意度指标": ("服务对象满意度指标", "社会公众或服务对象满意度指标", "社会公众满意度指标", "受益群众满意度指标"),
}
_SHORT_LEVEL2 = {
    "数量指标": ("产出数量", "数量"),
    "质量指标": ("产出质量", "质量"),
    "时效指标": ("产出时效", "时效", "进度指标"),
    "成本指标": ("产出成本", "成本"),
    "经济效益指标": ("经济效益",),
    "社会效益指标": ("社会效益",),
    "生态效益指标": ("生态效益",),
    "可持续影响指标": ("可持续影响",),
    "满意度指标": ("服务对象满意度指标", "满意度"),
}
_2021_LEVEL2 = {
    **_NATIONAL_LEVEL2,
    "成本指标": ("经济成本指标", "社会成本指标", "生态环境成本指标"),
}
_KZZ_LEVEL1 = {"项目完成": "项目完成", "项目效益": "项目效益", "满意度指标": "满意度指标"}
_NATIONAL_LEVEL1 = {"项目完成": "产出指标", "项目效益": "效益指标", "满意度指标": "满意度指标"}
_KZZ_HEADER = (
    ("预算单位", "{budget_unit}", "", "", "项目名称", "{project_name}"),
    ("项目资金", "年度资金总额:", "{total_funds}", "其中:财政拨款", "{fiscal_funds}", "其他资金", "{other_funds}"),
)
_NATIONAL_HEADER = (
    ("项目名称", "{project_name}"),
    ("主管部门", "{department}", "", "实施单位", "{implementing_unit}"),
    ("项目负责人", "{project_leader}", "", "联系电话", "{contact}"),
    ("项目属性", "{project_attribute}", "", "项目期限", "{project_period}"),
    ("项目资金(万元)", "年度资金总额:", "{total_funds}"),
    ("", "其中:财政拨款", "{fiscal_funds}"),
    ("", "其他资金", "{other_funds}"),
)
_PARTS_HEADER = (
    ("项目名称", "{project_name}", "", "预算单位", "{budget_unit}"),
    ("年度资金总额", "{total_funds}", "其中:中央资金", "{central_funds}", "自治区资金", "{regional_funds}"),
    ("", "本级资金", "{local_funds}", "上年结转", "{carried_over_funds}", "其他资金", "{other_funds}"),
)
_INCOME_HEADER = (
    ("申报单位", "{budget_unit}", "", "项目名称", "{project_name}"),
    ("项目资金", "资金总额", "{whole_period_funds}", "财政拨款", "{fiscal_funds}"),
    ("", "事业收入", "{business_income}", "经营性收入", "{operating_income}", "其他", "{other_funds}"),
)
_UPPER_HEADER = (
    ("预算单位", "{budget_unit}"),
    ("项目名称", "{project_name}", "", "项目编码", "{project_code}"),
    ("年度资金总额", "{total_funds}", "其中:上级资金", "{upper_funds}", "财政拨款", "{fiscal_funds}"),
)
_VALUE_HEADER = "指标值(包含数字及文字描述)"
FORMS: dict[str, Form] = {
    "form-kzz": Form(
        ("项目支出绩效目标表",),
        _KZZ_HEADER,
        ("总体目标", "年度目标"),
        ("绩效指标", "一级指标", "二级指标", "三级指标"),
        (("value", _VALUE_HEADER),),
        _KZZ_LEVEL1,
        _KZZ_LEVEL2,
    ),
    "form-national": Form(
        ("项目支出绩效目标表", "项目支出绩效目标申报表"),
        _NATIONAL_HEADER,
        ("年度总体目标",),
        ("绩效指标", "一级指标", "二级指标", "三级指标"),
        (("value", "指标值"),),
        _NATIONAL_LEVEL1,
        _NATIONAL_LEVEL2,
    ),
    "form-2021": Form(
        ("项目支出绩效目标表", "部门预算项目支出绩效目标表"),
        _PARTS_HEADER,
        ("年度绩效目标",),
        ("绩效指标", "一级指标", "二级指标", "三级指标"),
        (("value", "年度指标值"),),
        {**_NATIONAL_LEVEL1, "成本指标": "成本指标"},
        _2021_LEVEL2,
    ),
    "form-columns": Form(
        ("项目绩效目标表", "项目支出绩效目标表"),
        _NATIONAL_HEADER,
        ("总体目标", "年度目标"),
        ("绩效指标", "一级指标", "二级指标", "三级指标"),
        (("operator", "指标性质"), ("value", "指标值"), ("unit", "度量单位"), ("weight", "权重"), ("remark", "备注")),
        {**_NATIONAL_LEVEL1, "成本指标": "成本指标"},
        _2021_LEVEL2,
    ),
    "form-unit-column": Form(
        ("预算项目绩效目标表",),
        _UPPER_HEADER,
        ("绩效目标",),
        ("一级指标", "二级指标", "指标内容"),
        (("operator", "运算符号"), ("value", "目标值"), ("unit", "计量单位")),
        _NATIONAL_LEVEL1,
        _NATIONAL_LEVEL2,
    ),
    "form-weights": Form(
        ("项目支出绩效目标表",),
        _UPPER_HEADER,
        ("年度目标",),
        ("年度绩效指标", "一级指标", "二级指标", "三级指标"),
        (("value", "指标值及单位"),),
        {"项目完成": "产出指标(50分)", "项目效益": "效益指标(30分)", "满意度指标": "满意度指标(10分)"},
        _NATIONAL_LEVEL2,
    ),
    "form-short": Form(
        ("项目绩效目标表", "绩效目标表"),
        _INCOME_HEADER,
        ("项目绩效目标",),
        ("绩效指标", "一级指标", "二级指标", "指标内容"),
        (("value", "目标值"),),
        {"项目完成": "产出", "项目效益": "效益", "满意度指标": "满意度"},
        _SHORT_LEVEL2,
    ),
}
_LEVEL1_OF = {
    **dict.fromkeys(("数量指标", "质量指标", "时效指标", "成本指标"), "项目完成"),
    **dict.fromkeys(("经济效益指标", "社会效益指标", "生态效益指标", "可持续影响指标"), "项目效益"),
    "满意度指标": "满意度指标",
}
_EITHER = ("满意度指标", "成本指标")
_OWN_LINES = ("budget_unit", "project_name")

# -- content -------------------------------------------------------------------------------------------------------

_PLACES = (
    "克州", "克孜勒苏柯尔克孜自治州", "恩施州", "武汉市青山区", "宁乡市", "佳县", "井研县", "湘潭市", "鄂州市", "池州市",
    "阿图什市", "乌恰县", "中共克孜勒苏柯尔克孜自治州委员会", "巴州", "伊犁哈萨克自治州", "喀什地区",
)  # fmt: skip
_BODIES = (
    "财政局", "住建局（人防办）", "文联", "农机局", "教育局", "卫生健康委员会", "公安局交警支队", "应急管理局", "档案馆",
    "网络安全和信息化委员会办公室", "第一中学", "疾病预防控制中心", "残疾人联合会", "水利局", "总工会", "妇幼保健院",
    "市场监督管理局(知识产权局)", "红十字会", "融媒体中心", "机关事务服务中心", "地震局", "交通运输局", "气象局",
)  # fmt: skip
_THINGS = (
    "业务系统维护", "“专网”租赁", "免费开放", "基层组织工作", "《文学》杂志", "12329热线", "农产品质量安全检测", "扶贫项目管理",
    "办公设备采购", "群众工作", "人才培训", "道路养护", "危房改造", "疫苗接种", "宣传教育", "档案数字化", "公益林管护",
    "防汛抗旱", "五小工程", "冬季取暖", "大型机械、设备维修", "三县一市督查", "“访惠聚”驻村", "乡村振兴衔接资金",
    "贫困学生资助", "文物保护", "信访维稳", "网格化管理", "智慧城市(二期)", "高层次人才引进", "残疾人就业",
)  # fmt: skip
_PROJECT_ENDS = ("经费", "项目", "补助", "费用", "专项经费", "工作经费", "资金", "服务费", "项目(第二批)", "、维保费")
_VERBS = (
    "开展",
    "完成",
    "举办",
    "购置",
    "维护",
    "印刷",
    "慰问",
    "培训",
    "督查",
    "建设",
    "改造",
    "租赁",
    "聘请",
    "组织",
    "",
    "",
)
_COUNTED = (
    ("次数", "次"), ("人数", "人"), ("数量", "个"), ("面积", "平方米"), ("户数", "户"), ("里程", "公里"), ("份数", "份"),
    ("批次", "批次"), ("人次", "人次"), ("设备台套数", "台/套"), ("标准", "元/人"), ("场次", "场"), ("期数", "期"),
    ("林地面积", "万亩"), ("机构数", "个"), ("服务时长", "小时"), ("册数", "册"), ("车辆数", "辆"), ("村数", "个"),
)  # fmt: skip
_RATES = (
    "验收合格率",
    "覆盖率",
    "达标率",
    "完成率",
    "出勤率",
    "使用合规率",
    "政府采购率",
    "优良率",
    "准确率",
    "质量指标达标率",
)
_PROMPT = ("及时率", "拨付及时率", "按时完成率", "响应及时率", "完成时间", "建设期限", "办结时限", "资金支付进度")
_COSTS = (
    "费用",
    "成本",
    "支出",
    "所需经费",
    "租赁费",
    "差旅费",
    "办公费",
    "培训费",
    "补助标准",
    "成本控制率",
    "其他支出",
)
_EFFECTS = (
    "提升{}水平", "保障{}正常运转", "促进{}发展", "提高{}能力", "改善{}条件", "增强{}意识", "推动{}规范化", "{}知晓率(%)",
    "有效减轻{}负担", "{}影响力", "树立{}良好形象, 发挥示范作用", "{}持续发挥作用",
)  # fmt: skip
_EFFECT_OF = (
    "公共服务",
    "群众文化生活",
    "机关",
    "农村经济",
    "社会治理",
    "生态环境",
    "基层治理",
    "“专网”",
    "行业管理",
    "就业",
)
_PLEASED = (
    "受益群众", "服务对象", "工作人员", "参训学员", "受益残疾人", "公众", "使用部门", "各级领导对工作的", "社会公众或服务对象",
    "国家公益林管护区人员", "缴存单位及职工", "家长",
)  # fmt: skip
_NUMBERS = (
    "{n}",
    "≥{n}",
    "≤{n}",
    "{n}",
    "≥{n}",
    ">{n}",
    "不少于{n}",
    "不低于{n}",
    "{n}以上",
    "不超过{n}",
    "=={n}",
    ">={n}",
    "≧{n}",
)
_PERCENTS = (
    "100%",
    "≥90%",
    "≥95%",
    "95%以上",
    "不低于90%",
    "≤3%",
    "0%",
    "85%-95%",
    "85％～90％",
    "百分之九十",
    "98.5%",
    "100/%",
)
_DATES = (
    "2021年12月31日前",
    "12月底前",
    "1-12月",
    "全年",
    "2023.07-2024.01",
    "2021年6月",
    "12",
    "≤30",
    "第四季度",
    "及时",
)
_MONEY = (
    "{n}.{d}",
    "{n}",
    "≤{n}",
    "≤{n}.{d}",
    "{n}万元",
    "1.{d}亿元",
    "≤{n}元",
    "0.5万元/人",
    "不超预算",
    "1,234.{d}",
    "{n}.{d}",
)
_QUALITIES = (
    "有效提高", "有效提升", "效果显著", "长期", "有所提高", "明显改善", "有效保障", "显著提升", "逐步提升", "长期坚持", "持续",
    "优良", "达标", "是", "良好", "较好", "符合规定", "持续提升", "部分达到", "不断增强", "中长期", "提高", "保障", "明显",
)  # fmt: skip
_WORDS = (
    *_QUALITIES, "优良中低差", "**人", "/", "—", "较上年有所提高", "不发生重大事故", "达到国家标准", "无", "保障工作需要",
    "全部完成，验收合格", "受益人口不断增加", "按合同约定执行", "是/否", "影响深远",
)  # fmt: skip
_SENTENCES = (
    "该项目资金主要用于{}", "通过该项目的实施, 提升{}", "确保{}正常开展", "项目资金用于支付{}", "完成2020年{}任务",
    "保障{}各项工作顺利进行（含县市）", "全年开展{}活动12次, 覆盖率达到100%", "按照《{}管理办法》要求，抓好落实",
    "不断提高{}质量和效率", "推进{}建设", "为{}提供保障；做好“一站式”服务", "维护社会稳定、{}",
)  # fmt: skip


def _project(rng: Random) -> str:
    name = rng.choice(_THINGS) + rng.choice(_PROJECT_ENDS)
    return f"{rng.choice((2019, 2020, 2021))}年{name}" if rng.random() < 0.15 else name


def _amount(rng: Random) -> str:
    match rng.randrange(6):
        case 0:
            return str(rng.randrange(1, 400))
        case 1:
            return f"{rng.randrange(1000, 90000):,}.{rng.randrange(100):02d}"
        case 2:
            return f"{rng.randrange(1000, 90000):,}"
        case _:
            return f"{rng.randrange(1, 900)}.{rng.randrange(100):02d}"


def _sentence(rng: Random) -> str:
    return rng.choice(_SENTENCES).format(rng.choice(_THINGS))


def _goal(rng: Random) -> str:
    return rng.choice(("，", "。", ";", "；")).join(_sentence(rng) for _ in range(rng.randrange(1, 5))) + rng.choice(
        ("。", "")
    )


def _filled(rng: Random, values: tuple[str, ...]) -> str:
    return rng.choice(values).format(
        n=rng.choice((rng.randrange(1, 10), rng.randrange(10, 6000))), d=rng.randrange(1, 100)
    )


def _bracketed(rng: Random, name: str, unit: str) -> str:
    return f"{name}{rng.choice(('', '', ' '))}({unit})" if unit and rng.random() < 0.85 else name


def _indicator(rng: Random, level2: str) -> tuple[str, str, str]:
    """Name, value and unit of an indicator under a second level."""
    thing = rng.choice(_THINGS)
    match level2:
        case "数量指标":
            end, unit = rng.choice(_COUNTED)
            return _bracketed(rng, rng.choice(_VERBS) + thing + end, unit), _filled(rng, _NUMBERS), unit
        case "质量指标":
            value = rng.choice(_PERCENTS if rng.random() < 0.85 else _WORDS)
            return _bracketed(rng, thing + rng.choice(_RATES), "%"), value, "%"
        case "时效指标":
            end = rng.choice(_PROMPT)
            if end.endswith("率"):
                return _bracketed(rng, thing + end, "%"), rng.choice(_PERCENTS), "%"
            return thing + end, rng.choice(_DATES), ""
        case "成本指标":
            unit = rng.choice(("万元", "元", "万元/年", "元/人"))
            return _bracketed(rng, thing + rng.choice(_COSTS), unit), _filled(rng, _MONEY), unit
        case "满意度指标":
            name = rng.choice(_PLEASED) + rng.choice(("满意度", "满意度", "的满意度", "满意率", "投诉率"))
            return _bracketed(rng, name, "%"), rng.choice(_PERCENTS), "%"
        case _:
            name = rng.choice(_EFFECTS).format(rng.choice(_EFFECT_OF))
            if name.endswith("(%)"):
                return name, rng.choice(_PERCENTS), "%"
            return name, rng.choice(_WORDS), ""


# -- printing a table by its form ------------------------------------------------------------------------------------


def _field_value(rng: Random, slot: str, listed: tuple[str, str, str]) -> str:
    unit, project, amount = listed
    match slot:
        case "budget_unit" | "implementing_unit":
            return unit
        case "department":
            return unit if rng.random() < 0.5 else rng.choice(_PLACES) + rng.choice(_BODIES)
        case "project_name":
            return project
        case "total_funds" | "whole_period_funds":
            return amount
        case "project_leader":
            return rng.choice(("张三", "阿依古丽·买买提", "李四", "王小明"))
        case "contact":
            return str(rng.randrange(13_000_000_000, 19_000_000_000))
        case "project_attribute":
            return rng.choice(("新增项目", "延续性项目", "经常性项目", "一次性项目"))
        case "project_period":
            return rng.choice(("2020年1月-2020年12月", "1年", "2021年-2023年", "一年"))
        case "project_code":
            return f"6530{rng.randrange(10**12):012d}"
        case _:
            return "0" if rng.random() < 0.3 else _amount(rng)


def _header(rng: Random, form: Form, listed: tuple[str, str, str]) -> tuple[list[Line], dict[str, Cell]]:
    lines, fields = [], {}
    for pieces in form.header:
        cells: Cells = []
        for piece in pieces:
            if piece.startswith("{"):
                slot = piece[1:-1]
                fields[slot] = Cell(_field_value(rng, slot, listed))
                cells.append(fields[slot])
            else:
                cells.append(Cell(piece) if piece else None)
        lines.append(Line("fields", cells))
    return lines, fields


def _tree_row(rng: Random, form: Form, level2: str, labels: tuple[Cell | None, Cell | None]) -> Line:
    name_text, value_text, unit = _indicator(rng, level2)
    name = Cell(name_text)
    cells: Cells = [*([None] if len(form.tree) == 4 else []), *labels, name]
    if len(form.columns) == 1:
        value = Cell(value_text)
        cells.append(value)
        return Line("row", cells, [Indicator([name], value, [])])
    indicator = Indicator([name], Cell(""), [])
    if value_text[0] in "≥≤>" and value_text[1:].rstrip("%").isdecimal():
        operator, number = value_text[0], value_text[1:].rstrip("%")
    elif value_text.rstrip("%").isdecimal():
        operator, number = "=", value_text.rstrip("%")
    else:
        operator, number, unit = "定性", value_text, ""
    name.text = name_text.removesuffix(f"({unit})").strip() if unit else name_text
    for column, _ in form.columns:
        text = {
            "operator": operator,
            "value": number,
            "unit": unit,
            "weight": str(rng.choice((5, 10, 15, 20))),
            "remark": rng.choice(("", "", "依据年度工作计划", "见附件")),
        }[column]
        cell = Cell(text) if text else None
        cells.append(cell)
        if column == "value" and cell:
            indicator.value = cell
        elif cell:
            indicator.attributes.append((column, cell))
    return Line("row", cells, [indicator])


def _level1_printed(form: Form, level2: str) -> tuple[str, str]:
    """Canonical and printed first level over a second level in this form."""
    canonical = level2 if level2 in form.level1 else _LEVEL1_OF[level2]
    return canonical, form.level1[canonical]


def _tree(rng: Random, form: Form, shuffled: bool) -> list[Line]:
    header = [*form.tree, *(word for _, word in form.columns)]
    lines = [Line("tree", [Cell(word) for word in header])]
    order = list(form.level2)
    if form.level1.get("成本指标"):
        order.insert(0, order.pop(order.index("成本指标")))
    if shuffled:
        rng.shuffle(order)
    before = ""
    for level2 in order:
        level1, printed1 = _level1_printed(form, level2)
        printed2 = [rng.choice(form.level2[level2])]
        if level2 == "成本指标" and "成本指标" in form.level1 and rng.random() < 0.4:
            printed2 = list(form.level2[level2])
        for printed in printed2:
            label1 = Cell(printed1, 1, level1) if level1 != before else None
            label2 = Cell(printed, 2, level2)
            before = level1
            empty = level2 in ("经济效益指标", "生态效益指标", "可持续影响指标", "时效指标") and rng.random() < 0.4
            if empty:
                lines.append(Line("slot", [*([None] if len(form.tree) == 4 else []), label1, label2, None, None]))
                continue
            for number in range(rng.choice((1, 1, 1, 2, 3, 4) if level2 != "数量指标" else (1, 2, 3, 5, 8))):
                labels = (label1, label2) if number == 0 else (None, None)
                lines.append(_tree_row(rng, form, level2, labels))
    return lines


def _table(rng: Random, form: Form, listed: tuple[str, str, str], kinds: frozenset[str]) -> Table:
    year = Cell(f"({rng.choice((2019, 2020, 2021, 2022, 2023))}年)")
    header, fields = _header(rng, form, listed)
    goal = Cell(_goal(rng))
    width = len(form.tree) + len(form.columns)
    goal_lines = [
        Line("goal_label", [Cell(label) for label in form.goal]),
        Line("goal", [None, goal]),
    ]
    if len(form.goal) == 1:
        goal_lines = [Line("goal", [Cell(form.goal[0]), goal])]
    lines = [
        Line("title", [Cell(rng.choice(form.titles))]),
        Line("blank", []),
        Line("year", [year]),
        *header,
        *goal_lines,
        *_tree(rng, form, "group-order" in kinds),
    ]
    for line in lines:
        if line.kind not in ("title", "blank"):
            line.cells += [None] * max(0, width - len(line.cells))
    return Table(form, lines, year, fields, [[goal]])


# -- damage ----------------------------------------------------------------------------------------------------------
# Each kind changes some of a table's lines, as far as the table has what it takes.


def _some(rng: Random, lines: list[Line], share: float = 0.4) -> list[Line]:
    chosen = [line for line in lines if rng.random() < share]
    return chosen or ([rng.choice(lines)] if lines else [])


def _at(line: Line, cell: Cell) -> int:
    """Where a cell, or the one it was merged into, stands on its line."""
    return next(at for at, found in enumerate(line.cells) if found and any(leaf is cell for leaf in found.leaves()))


def _labels(line: Line, level: int) -> list[int]:
    return [at for at, cell in enumerate(line.cells) if cell and cell.level == level]


def _trim(line: Line) -> None:
    while line.cells and line.cells[-1] is None:
        line.cells.pop()


def _merge(line: Line, first: int, last: int, joint: str) -> None:
    """Put the filled cells from `first` to `last` into one, the places of the others left out or left empty."""
    parts = tuple(cell for cell in line.cells[first : last + 1] if cell)
    line.cells[first : last + 1] = [Cell(joint, parts=parts)]


def _no_level1(rng: Random, table: Table) -> None:
    """The first level is printed nowhere, as in forms without it."""
    for line in table.of_kind("row", "slot"):
        for at in _labels(line, 1):
            line.cells[at] = None
    for line in table.of_kind("tree"):
        line.cells = [cell for cell in line.cells if cell is None or cell.text != "一级指标"]


def _missing_level1(rng: Random, table: Table) -> None:
    for line in _some(rng, [line for line in table.of_kind("row", "slot") if _labels(line, 1)]):
        for at in _labels(line, 1):
            line.cells[at] = None


def _missing_level2(rng: Random, table: Table) -> None:
    """The second level is not printed where its row is the first of its group: the one above stays in force."""
    for line in _some(rng, [line for line in table.rows if _labels(line, 2)], 0.1):
        for at in _labels(line, 2):
            line.cells[at] = None


def _repeated_labels(rng: Random, table: Table) -> None:
    """Labels stand on every row of their group, as where merged cells were filled."""
    levels = rng.choice(((1,), (2,), (1, 2)))
    current: dict[int, Cell] = {}
    place: dict[int, int] = {}
    for line in table.of_kind("row", "slot"):
        own = {level: _labels(line, level) for level in (1, 2)}
        for level in (1, 2):
            if own[level]:
                current[level], place[level] = line.cells[own[level][0]], own[level][0]  # type: ignore[assignment]
        for level in levels:
            # A first level is repeated within its group only: above another second level it would be wrong.
            if not own[level] and level in current and line.cells[place[level]] is None:
                label = current[level]
                if level == 1 and 2 in current and _LEVEL1_OF.get(current[2].means) not in (label.means, None):
                    continue
                line.cells[place[level]] = Cell(label.text, level, label.means)


def _wrong_row_labels(rng: Random, table: Table) -> None:
    """A label stands on the row above or below its own."""
    rows = table.of_kind("row", "slot")
    for at in range(1, len(rows)):
        line = rows[at]
        for level in (1, 2):
            found = _labels(line, level)
            if not found or rng.random() > 0.15:
                continue
            other = rows[at - 1] if rng.random() < 0.5 or at + 1 == len(rows) else rows[at + 1]
            if found[0] < len(other.cells) and other.cells[found[0]] is None:
                other.cells[found[0]], line.cells[found[0]] = line.cells[found[0]], None


def _three_labels(rng: Random, table: Table) -> None:
    """The first level of the next group, once or twice, before the labels of a row."""
    rows = [line for line in table.rows if _labels(line, 2)]
    for line in _some(rng, rows, 0.15):
        at = (_labels(line, 1) or _labels(line, 2))[0]
        printed = table.form.level1["满意度指标"]
        line.cells[at:at] = [Cell(printed, 1, "满意度指标") for _ in range(rng.choice((1, 2)))]


def _satisfaction_first(rng: Random, table: Table) -> None:
    """Satisfaction labels stand in the first cell, or are lost."""
    for line in table.rows:
        if any(cell and cell.means == "满意度指标" for cell in line.cells):
            while line.cells[0] is None:
                del line.cells[0]
            if rng.random() < 0.3 and line.indicator and "满意度" in line.indicator.names[0].text:
                line.cells = [cell for cell in line.cells if cell is None or not cell.level]
                line.cells[1:1] = [None] * rng.randrange(3)


def _empty_slots(rng: Random, table: Table) -> None:
    """Rows that hold only their second level."""
    for line in [line for line in table.rows if _labels(line, 2)]:
        if rng.random() < 0.15:
            at = table.lines.index(line)
            label = line.cells[_labels(line, 2)[0]]
            assert label is not None
            slot: Cells = [
                None if cell is None or not cell.level else Cell(cell.text, cell.level, cell.means)
                for cell in line.cells
            ]
            table.lines.insert(at, Line("slot", slot))
            for place in _labels(line, 1):
                line.cells[place] = None


def _goal_merged(rng: Random, table: Table) -> None:
    """年度目标 and the goal in one cell."""
    labels, goal = table.of_kind("goal_label"), table.of_kind("goal")[0]
    if labels:
        last = labels[0].cells[1]
        assert last is not None
        labels[0].cells[1] = Cell(rng.choice((" ", "　", ":", "：")), parts=(last, table.goal[0][0]))
        labels[0].kind = "goal"
        table.lines.remove(goal)
    else:
        _merge(goal, 0, 1, rng.choice((" ", "：", ":")))


def _goal_repeated(rng: Random, table: Table) -> None:
    """总体目标 printed again before the goal."""
    labels = table.of_kind("goal_label")
    goal = table.of_kind("goal")[0]
    if labels and goal.cells[0] is None:
        goal.cells[0] = Cell(labels[0].cells[0].text)  # type: ignore[union-attr]


def _goal_lines(rng: Random, table: Table) -> None:
    """The goal goes on over further lines."""
    at = table.lines.index(table.of_kind("goal")[-1]) + 1
    numbered = rng.choice(("", "", "{}.", "目标{}：", "（{}）", "{}、"))
    for number in range(rng.randrange(1, 4)):
        cell = Cell(numbered.format(number + 2) + _goal(rng))
        table.lines.insert(at + number, Line("goal", [*[None] * rng.choice((0, 1, 1, 1)), cell]))
        table.goal.append([cell])


def _goal_split(rng: Random, table: Table) -> None:
    """The goal in two cells of one line."""
    line = table.of_kind("goal")[-1]
    cell = table.goal[-1][-1]
    place = _at(line, cell)
    if line.cells[place] is cell and len(cell.text) > 20:
        middle = rng.randrange(8, len(cell.text) - 8)
        cell.text, rest = cell.text[:middle].rstrip(), Cell(cell.text[middle:].strip())
        line.cells.insert(place + 1, rest)
        table.goal[-1].append(rest)


def _header_order(rng: Random, table: Table) -> None:
    """Lines above the indicators in another order; the goal keeps its lines together."""
    header = table.of_kind("fields")
    goal = table.of_kind("goal_label", "goal")
    year = table.of_kind("year")
    first = min(table.lines.index(line) for line in header + year)
    rest = [line for line in table.lines if line not in header and line not in goal and line not in year]
    blocks = [[line] for line in header]
    # Lines that go on with the one above (其中…) stay below it.
    joined: list[list[Line]] = []
    for block in blocks:
        if joined and block[0].cells[0] is None:
            joined[-1] += block
        else:
            joined.append(block)
    rng.shuffle(joined)
    if rng.random() < 0.4:
        joined.insert(rng.randrange(len(joined) + 1), goal)
    else:
        joined.append(goal)
    joined.insert(rng.choice((0, 0, rng.randrange(len(joined)))), year)
    tree = [line for line in rest if line.kind in ("tree", "row", "slot")]
    above = [line for line in rest if line not in tree]
    table.lines = [*above[:first], *(line for block in joined for line in block), *above[first:], *tree]


def _header_split(rng: Random, table: Table) -> None:
    """A line of several fields printed as one line each."""
    for line in _some(rng, table.of_kind("fields")):
        at = table.lines.index(line)
        cells = [cell for cell in line.cells if cell]
        pieces: list[Cells] = []
        for cell in cells:
            is_value = any(cell is value for value in table.fields.values())
            if is_value and pieces:
                pieces[-1].append(cell)
            else:
                pieces.append([None] * rng.randrange(2) + [cell])
        table.lines[at : at + 1] = [Line("fields", piece) for piece in pieces]


def _merged_fields(rng: Random, table: Table) -> None:
    """A label and its value in one cell: 其他资金 0, 预算单位：克州财政局."""
    for line in _some(rng, table.of_kind("fields"), 0.6):
        values = [cell for cell in line.cells if cell and any(cell is value for value in table.fields.values())]
        for value in rng.sample(values, rng.randrange(1, len(values) + 1)) if values else []:
            at = line.cells.index(value)
            if at and line.cells[at - 1]:
                joint = rng.choice((" ", "  ", "：", ":", "　"))
                if strip(line.cells[at - 1].printed)[-1] in ":：":  # type: ignore[union-attr]
                    joint = rng.choice((" ", ""))
                _merge(line, at - 1, at, joint)


def _glued_funds(rng: Random, table: Table) -> None:
    """An amount printed behind its label with nothing between them: 其他资金0."""
    for line in table.of_kind("fields"):
        for name, value in table.fields.items():
            if name.endswith(("_funds", "_income")) and value in line.cells and rng.random() < 0.5:
                at = line.cells.index(value)
                if at and line.cells[at - 1] and not line.cells[at - 1].parts:  # type: ignore[union-attr]
                    _merge(line, at - 1, at, "")


def _stray_header(rng: Random, table: Table) -> None:
    """A line before 预算单位 that repeats unit and project."""
    line = next((line for line in table.of_kind("fields") if table.fields["project_name"] in line.cells), None)
    unit = table.fields.get("budget_unit") or table.fields["implementing_unit"]
    if line is None or line.cells[0] is None:
        return
    label = line.cells[line.cells.index(table.fields["project_name"]) - 1]
    if label is None:
        return
    at = min(table.lines.index(found) for found in table.of_kind("fields"))
    gap: Cells = [None] * rng.randrange(1, 6)
    stray: Cells = [Cell(unit.text), *gap, Cell(label.text), None, Cell(table.fields["project_name"].text)]
    table.lines.insert(at, Line("stray", stray))


def _merged_levels(rng: Random, table: Table) -> None:
    """Labels and what stands beside them in one cell: 项目完成 数量指标, 数量指标 培训人数."""
    for line in _some(rng, [line for line in table.rows if _labels(line, 2)], 0.25):
        at = _labels(line, 2)[0]
        before, behind = line.cells[at - 1] if at else None, line.cells[at + 1] if at + 1 < len(line.cells) else None
        if before and before.level and rng.random() < 0.5:
            _merge(line, at - 1, at, rng.choice((" ", "  ", "　")))
        elif behind and not behind.level:
            _merge(line, at, at + 1, rng.choice((" ", "　", "：")))


def _merged_values(rng: Random, table: Table) -> None:
    """A name and its value in one cell."""
    for line in _some(rng, table.rows, 0.15):
        indicator = line.indicator
        if indicator is None or len(table.form.columns) > 1:
            continue
        value = indicator.value.text
        if value in _QUALITIES[:24] or value in _PERCENTS or value.lstrip("≥≤").isdecimal():
            _merge(line, _at(line, indicator.names[-1]), _at(line, indicator.value), rng.choice((" ", "  ", "　")))


def _glued_values(rng: Random, table: Table) -> None:
    """A name and its value in one cell with nothing between them, where a bracket or a sign parts them."""
    for line in _some(rng, table.rows, 0.15):
        indicator = line.indicator
        if indicator is None or len(table.form.columns) > 1 or indicator.value not in line.cells:
            continue
        name, value = indicator.names[-1].text, indicator.value.text
        if indicator.attributes:
            continue
        if value[0] in "≥≤" or (name.endswith(")") and value.rstrip("%").isdecimal()):
            _merge(line, _at(line, indicator.names[-1]), _at(line, indicator.value), "")


def _merged_rows(rng: Random, table: Table) -> None:
    """Two rows printed as one line."""
    rows = table.of_kind("row")
    for first, second in list(pairwise(rows))[::2]:
        if rng.random() < 0.1 and len(table.form.columns) == 1 and _labels(second, 2):
            _trim(first)
            first.cells += second.cells
            first.indicators += second.indicators
            table.lines.remove(second)


def _split_names(rng: Random, table: Table) -> None:
    """A name and its unit in two cells."""
    for line in _some(rng, table.rows, 0.15):
        indicator = line.indicator
        if indicator is None or not indicator.names[0].text.endswith(")") or "(" not in indicator.names[0].text[1:]:
            continue
        cell = indicator.names[0]
        place = _at(line, cell)
        if line.cells[place] is cell:
            cut = cell.text.rindex("(")
            cell.text, rest = cell.text[:cut], Cell(cell.text[cut:])
            line.cells.insert(place + 1, rest)
            indicator.names.append(rest)


def _split_values(rng: Random, table: Table) -> None:
    """A sign and its number in two cells, or a number and its unit."""
    for line in _some(rng, table.rows, 0.15):
        indicator = line.indicator
        if indicator is None or len(table.form.columns) > 1 or indicator.value not in line.cells:
            continue
        value = indicator.value
        place = line.cells.index(value)
        if value.text[0] in "≥≤" and value.text[1:].rstrip("%").isdecimal():
            sign = Cell(value.text[0])
            value.text = value.text[1:]
            line.cells.insert(place, sign)
            indicator.attributes.append(("operator", sign))
        elif value.text.endswith("%") and value.text[:-1].isdecimal():
            unit = Cell("%")
            value.text = value.text[:-1]
            line.cells.insert(place + 1, unit)
            indicator.attributes.append(("unit", unit))


def _values_right(rng: Random, table: Table) -> None:
    """Values one to three cells further right."""
    share = rng.choice((0.2, 1.0))
    gap = rng.randrange(1, 4)
    for line in _some(rng, table.rows, share):
        indicator = line.indicator
        if indicator and indicator.value in line.cells and len(table.form.columns) == 1:
            at = min(
                line.cells.index(cell)
                for cell in (indicator.value, *(c for _, c in indicator.attributes))
                if cell in line.cells
            )
            line.cells[at:at] = [None] * gap


def _shifted_right(rng: Random, table: Table) -> None:
    for line in _some(rng, table.of_kind("row", "slot", "fields", "goal"), 0.2):
        gap: Cells = [None] * rng.choice((1, 1, 2, 3))
        at = (
            rng.choice((0, rng.randrange(len(line.cells))))
            if line.kind == "row" and len(table.form.columns) == 1
            else 0
        )
        line.cells[at:at] = gap


def _shifted_left(rng: Random, table: Table) -> None:
    for line in _some(rng, table.of_kind("row", "slot", "goal"), 0.3):
        for _ in range(rng.choice((1, 1, 2, 4))):
            if line.cells and line.cells[0] is None:
                del line.cells[0]


def _tree_label_on_row(rng: Random, table: Table) -> None:
    """绩效指标 printed again before the first rows."""
    for line in _some(rng, table.rows[:3]):
        if line.cells and line.cells[0] is None:
            line.cells[0] = Cell("绩效指标")


def _no_tree_header(rng: Random, table: Table) -> None:
    """The line that names the columns is lost."""
    if len(table.form.columns) == 1:
        table.lines = [line for line in table.lines if line.kind != "tree"]


def _parted_headings(rng: Random, table: Table) -> None:
    """A heading of the tree's columns in two cells."""
    for line in table.of_kind("tree"):
        at = rng.choice(
            [at for at, cell in enumerate(line.cells) if cell and cell.text in ("一级指标", "二级指标", "三级指标")]
        )
        heading = line.cells[at]
        assert heading is not None
        line.cells[at : at + 1] = [Cell(heading.text[:2]), Cell(heading.text[2:])]


def _swapped_headings(rng: Random, table: Table) -> None:
    """The headings of the levels in another order than the rows have them."""
    for line in table.of_kind("tree"):
        places = [
            at for at, cell in enumerate(line.cells) if cell and cell.text in ("一级指标", "二级指标", "三级指标")
        ]
        headings = [line.cells[at] for at in places]
        for at, heading in zip(places, rng.sample(headings, len(headings)), strict=True):
            line.cells[at] = heading


def _page_break(rng: Random, table: Table) -> None:
    """The line that names the columns printed again within the tree."""
    rows = [at for at, line in enumerate(table.lines) if line.kind == "row"]
    tree = table.of_kind("tree")
    if tree and len(rows) > 3:
        again = Line("tree", [Cell(cell.text) if cell else None for cell in tree[0].cells])
        table.lines.insert(rng.choice(rows[2:]), again)


def _title_with_year(rng: Random, table: Table) -> None:
    """Title and year in one cell, or on one line."""
    title, year = table.of_kind("title")[0], table.of_kind("year")[0]
    cell = title.cells[0]
    assert cell is not None
    match rng.randrange(3):
        case 0:
            title.cells[0] = Cell("", parts=(cell, table.year))
        case 1:
            table.year.text = table.year.text.strip("()").removesuffix("度") + rng.choice(("", "度"))
            title.cells[0] = Cell("", parts=(table.year, cell))
        case _:
            title.cells += [*[None] * rng.randrange(3), table.year]
    title.cells += [cell for cell in year.cells if cell is not None and cell is not table.year]
    table.lines.remove(year)


def _year_above_title(rng: Random, table: Table) -> None:
    year = table.of_kind("year")
    if year:
        table.lines.remove(year[0])
        table.lines.insert(0, year[0])


def _year_forms(rng: Random, table: Table) -> None:
    year = table.year.text.strip("()")
    table.year.text = rng.choice(("（{}）", "({}度)", "{}", "{}度", "（{}度）", "〔{}〕")).format(year)


def _blank_after_year(rng: Random, table: Table) -> None:
    year = table.of_kind("year")
    if year:
        table.lines.insert(table.lines.index(year[0]) + 1, Line("blank", []))


def _no_title(rng: Random, table: Table) -> None:
    """The title is lost; the year or the header shows that a table begins."""
    table.lines = [line for line in table.lines if line.kind != "title"]


def _blank_lines(rng: Random, table: Table) -> None:
    for _ in range(rng.randrange(1, 5)):
        table.lines.insert(rng.randrange(1, len(table.lines)), Line("blank", [None] * rng.choice((0, 0, 3))))


def _no_blank_lines(rng: Random, table: Table) -> None:
    table.lines = [line for line in table.lines if line.kind != "blank"]


def _trailing_cells(rng: Random, table: Table) -> None:
    for line in table.lines:
        if rng.random() < 0.5:
            _trim(line)
            line.cells += [None] * rng.randrange(4)


def _trailing_spaces(rng: Random, table: Table) -> None:
    for leaf in _leaves(table.lines):
        if rng.random() < 0.2:
            leaf.text += rng.choice((" ", "  ", "　", "\u00a0"))
        elif rng.random() < 0.1:
            leaf.text = rng.choice((" ", "　")) + leaf.text


_WIDE = str.maketrans("(),;:%~", "（），；：％～")
_NARROW = str.maketrans("（），；：％～", "(),;:%~")
_WIDE_DIGITS = str.maketrans("0123456789.", "０１２３４５６７８９．")


def _widths(rng: Random, table: Table) -> None:
    """Full- and half-width punctuation at random, full-width digits here and there."""
    for leaf in _leaves(table.lines):
        chance = rng.random()
        if chance < 0.4:
            leaf.text = leaf.text.translate(_WIDE)
        elif chance < 0.6:
            leaf.text = leaf.text.translate(_NARROW)
        elif chance < 0.65:
            leaf.text = leaf.text.translate(_WIDE_DIGITS)


def _inner_spaces(rng: Random, table: Table) -> None:
    """Spaces inside labels, as Word's justified cells leave them: 预 算 单 位."""
    names = {
        id(leaf)
        for line in table.rows
        for indicator in line.indicators
        for cell in indicator.names
        for leaf in cell.leaves()
    }
    values = {id(cell) for cell in table.fields.values()}
    for leaf in _leaves(table.of_kind("fields", "tree", "row", "slot", "title")):
        is_label = leaf.level or (len(leaf.text) <= 6 and id(leaf) not in names | values)
        if is_label and rng.random() < 0.15 and leaf.text.isalpha():
            at = rng.randrange(1, len(leaf.text)) if len(leaf.text) > 1 else 1
            leaf.text = leaf.text[:at] + rng.choice((" ", "　")) + leaf.text[at:]


def _signature(rng: Random, table: Table) -> None:
    """Who filled the table in, below it."""
    pairs = rng.choice(
        (
            (("填报人", "张三"), ("联系电话", "0908-4222345")),
            (("项目负责人", "李四"),),
            (("联系人", "王小明"),),
            (("填报单位（盖章）", "某县财政局"), ("日期", "2022年3月1日")),
            (("主管部门（公章）", "某县教育局"),),
            (("填报单位", "某县财政局"),),
        )
    )
    cells: Cells = []
    for label, value in pairs:
        cells += [Cell(label), Cell(value)] if rng.random() < 0.5 else [Cell(f"{label}：{value}")]
    table.lines.append(Line("signature", cells))


def _leaves(lines: Iterable[Line]) -> Iterator[Cell]:
    for line in lines:
        for cell in line.cells:
            if cell is not None:
                yield from cell.leaves()


# In the order in which they are done: what changes content before what only moves it.
DAMAGE: dict[str, Callable[[Random, Table], None]] = {
    "no-level1": _no_level1,
    "missing-level1": _missing_level1,
    "missing-level2": _missing_level2,
    "empty-slots": _empty_slots,
    "repeated-labels": _repeated_labels,
    "wrong-row-labels": _wrong_row_labels,
    "three-labels": _three_labels,
    "satisfaction-first": _satisfaction_first,
    "tree-label-on-row": _tree_label_on_row,
    "goal-repeated": _goal_repeated,
    "goal-merged": _goal_merged,
    "goal-lines": _goal_lines,
    "goal-split": _goal_split,
    "header-order": _header_order,
    "header-split": _header_split,
    "stray-header": _stray_header,
    "merged-fields": _merged_fields,
    "glued-funds": _glued_funds,
    "split-names": _split_names,
    "split-values": _split_values,
    "merged-levels": _merged_levels,
    "merged-values": _merged_values,
    "glued-values": _glued_values,
    "merged-rows": _merged_rows,
    "values-right": _values_right,
    "shifted-right": _shifted_right,
    "shifted-left": _shifted_left,
    "year-forms": _year_forms,
    "title-with-year": _title_with_year,
    "year-above-title": _year_above_title,
    "blank-after-year": _blank_after_year,
    "no-title": _no_title,
    "no-tree-header": _no_tree_header,
    "swapped-headings": _swapped_headings,
    "parted-headings": _parted_headings,
    "page-break": _page_break,
    "signature": _signature,
    "no-blank-lines": _no_blank_lines,
    "blank-lines": _blank_lines,
    "trailing-cells": _trailing_cells,
    "trailing-spaces": _trailing_spaces,
    "inner-spaces": _inner_spaces,
    "widths": _widths,
}


# -- the list and the release ------------------------------------------------------------------------------------------


def _list_lines(rows: list[ListRow], total: Cell | None, unit_in_header: str) -> list[Line]:
    amount = f"申请预算金额（{unit_in_header}）" if unit_in_header else "申请预算金额"
    header = [Cell(word) for word in ("序号", "部门单位", "项目实施单位", "项目名称", amount)]
    lines = [Line("list_header", list(header))]
    if total is not None:
        lines.append(Line("total", [Cell("合计"), None, None, None, total]))
    lines += [Line("listed", [row.number, row.department, row.unit, row.project, row.amount]) for row in rows]
    return lines


def _list_merged_units(rng: Random, release: Release) -> None:
    """A unit's name stands in the first of its rows only."""
    lines = [line for line in release.listing if line.kind == "listed"]
    for row, before, line in zip(release.rows[1:], release.rows, lines[1:], strict=False):
        if row.unit.text == before.unit.text:
            line.cells[1:3] = [None, None]


def _list_shifted(rng: Random, release: Release) -> None:
    for line in release.listing:
        if rng.random() < 0.3 and line.kind in ("listed", "total"):
            at = rng.choice((0, len(line.cells) - 1))
            line.cells[at:at] = [None] * rng.choice((1, 2))


def _list_without_numbers(rng: Random, release: Release) -> None:
    for row in release.rows:
        row.number.text = ""


def _list_total_last(rng: Random, release: Release) -> None:
    total = next((line for line in release.listing if line.kind == "total"), None)
    if total is not None:
        release.listing.remove(total)
        release.listing.append(total)


def _list_without_header(rng: Random, release: Release) -> None:
    release.listing = [line for line in release.listing if line.kind != "list_header"]


def _list_further_column(rng: Random, release: Release) -> None:
    for line in release.listing:
        remark = {"list_header": "备注", "listed": rng.choice(("", "延续项目"))}.get(line.kind, "")
        line.cells.append(Cell(remark) if remark else None)


def _list_last(rng: Random, release: Release) -> None:
    release.list_last = True


def _list_blank_lines(rng: Random, release: Release) -> None:
    release.listing.insert(rng.randrange(1, len(release.listing)), Line("blank", []))


LIST_DAMAGE: dict[str, Callable[[Random, Release], None]] = {
    "list-without-numbers": _list_without_numbers,
    "list-merged-units": _list_merged_units,
    "list-further-column": _list_further_column,
    "list-shifted": _list_shifted,
    "list-total-last": _list_total_last,
    "list-without-header": _list_without_header,
    "list-last": _list_last,
    "list-blank-lines": _list_blank_lines,
}
# Kinds that say what a release holds, not how it was damaged.
WHOLE = (
    "no-list",
    "list-only",
    "money-in-yuan",
    "money-in-header",
    "money-in-tables",
    "listed-without-table",
    "group-order",
)
# Kinds that would leave no answer to be known, together.
_CLASHES = (
    ("list-only", "no-list"),
    ("no-title", "year-above-title"),
    ("no-title", "title-with-year"),
    ("year-above-title", "title-with-year"),
    ("no-title", "no-tree-header"),
    ("no-title", "header-order"),
    ("no-title", "header-split"),
    ("no-title", "stray-header"),
    ("list-without-header", "list-without-numbers"),
    ("list-without-header", "list-last"),
    ("list-without-header", "money-in-header"),
    ("list-without-header", "list-merged-units"),
    ("no-list", "money-in-header"),
    ("list-only", "money-in-tables"),
    ("split-values", "merged-values"),
    ("missing-level2", "no-level1"),
    ("no-tree-header", "goal-lines"),
)
KINDS = (*FORMS, *DAMAGE, *LIST_DAMAGE, *WHOLE)


def generate(seed: int, kinds: Iterable[str] | None = None, tables: int | None = None) -> Generated:
    """A release of `tables` tables by one form, with the damage of `kinds` (at random where None)."""
    rng = Random(seed)
    chosen = _chosen(rng, kinds)
    count = tables if tables is not None else rng.randrange(1, 6)
    form = FORMS[next(kind for kind in FORMS if kind in chosen)]
    release = _release(rng, form, chosen, count)
    for name, damage in DAMAGE.items():
        if name in chosen:
            for at, table in enumerate(release.tables):
                # Where the title is lost, the first one was found by it or by the list.
                if not (name == "no-title" and at == 0):
                    damage(rng, table)
    if release.listing:
        for name, list_damage in LIST_DAMAGE.items():
            if name in chosen:
                list_damage(rng, release)
    return _printed(release, chosen)


def _chosen(rng: Random, kinds: Iterable[str] | None) -> frozenset[str]:
    if kinds is None:
        share = rng.choice((0.05, 0.15, 0.3, 0.5))
        chosen = {kind for kind in (*DAMAGE, *LIST_DAMAGE) if rng.random() < share}
        chosen |= {kind for kind in WHOLE if rng.random() < 0.08}
        chosen.add(rng.choice(tuple(FORMS)))
    else:
        chosen = set(kinds)
        unknown = chosen - set(KINDS)
        if unknown:
            raise ValueError(f"no such kinds of damage: {', '.join(sorted(unknown))}")
        if not chosen & set(FORMS):
            chosen.add("form-kzz")
    for kind, other in _CLASHES:
        if kind in chosen and other in chosen:
            chosen.remove(other)
    return frozenset(chosen)


def _release(rng: Random, form: Form, kinds: frozenset[str], count: int) -> Release:
    money_unit = "元" if "money-in-yuan" in kinds else "万元"
    units = [rng.choice(_PLACES) + rng.choice(_BODIES) for _ in range(count // 2 + 1)]
    listed: list[tuple[str, str, str]] = []
    seen = set()
    while len(listed) < count + ("listed-without-table" in kinds):
        unit, project = rng.choice(units), _project(rng)
        if (unit, project) in seen:
            project += f"{len(seen)}期"
        seen.add((unit, project))
        listed.append((unit, project, _amount(rng)))
    listed.sort(key=lambda entry: units.index(entry[0]))
    rows = [
        ListRow(Cell(str(number)), Cell(unit), Cell(unit), Cell(project), Cell(amount))
        for number, (unit, project, amount) in enumerate(listed, 1)
    ]
    total = sum((_yuan(amount, "元") for *_, amount in listed), Decimal(0))
    has_list = "no-list" not in kinds
    total_cell = Cell(f"{total:,.2f}") if has_list else None
    in_header, in_tables = "money-in-header" in kinds, "money-in-tables" in kinds
    place = rng.choice(_PLACES)
    head = [
        Line(
            "head",
            [
                Cell(
                    f"2020年{place}{rng.choice(('重点项目绩效目标', '部门预算项目绩效目标公开', '项目支出绩效目标汇总'))}"
                )
            ],
        ),
        Line("blank", []),
    ]
    if not (in_header or in_tables):
        head += [Line("head", [Cell(f"{rng.choice(('单位', '金额单位'))}：{money_unit}")]), Line("blank", [])]
    made = []
    if "list-only" not in kinds:
        made = [_table(rng, form, entry, kinds) for entry in rng.sample(listed[:count], count)]
    if in_tables:
        for table in made:
            table.of_kind("year")[0].cells[3:4] = [Cell(f"单位：{money_unit}")]
    listing = _list_lines(rows, total_cell, money_unit if in_header else "") if has_list else []
    return Release(head, listing, rows if has_list else [], total_cell, made, money_unit)


# -- the right answer --------------------------------------------------------------------------------------------------


def _yuan(printed: str, money_unit: str) -> Decimal:
    amount = read_amount(printed, money_unit)
    assert amount is not None, printed
    return amount


def _printed(release: Release, kinds: frozenset[str]) -> Generated:
    blank = Line("blank", [])
    lines = [blank, blank, *release.head]
    listing = [*release.listing, blank] if release.listing else []
    if not release.list_last:
        lines += listing
    for table in release.tables:
        lines += table.lines
        if table.lines[-1].kind != "blank" and "no-blank-lines" not in kinds:
            lines.append(blank)
    if release.list_last:
        lines += listing
    places: dict[Cell, tuple[int, int]] = {}
    for number, line in enumerate(lines, 1):
        for column, cell in enumerate(line.cells, 1):
            if cell is not None:
                for leaf in cell.leaves():
                    places[leaf] = number, column
    text = "\n".join("\t".join(cell.printed if cell else "" for cell in line.cells) for line in lines)
    listed = [
        ExpectedListed(number, row.unit.text, row.project.text, _yuan(row.amount.text, release.money_unit))
        for number, row in enumerate(release.rows, 1)
    ]
    total = _yuan(release.total.text, release.money_unit) if release.total else None
    return Generated(text, [_expected(table, places) for table in release.tables], listed, total, tuple(sorted(kinds)))


def _expected(table: Table, places: dict[Cell, tuple[int, int]]) -> ExpectedTable:
    fields = {name: strip(cell.text) for name, cell in table.fields.items()}
    goal = "\n".join(" ".join(strip(cell.text) for cell in cells) for cells in table.goal)
    digits = "".join(char for char in table.year.text if char.isdecimal())
    unit = fields.get("budget_unit") or fields["implementing_unit"]
    return ExpectedTable(unit, fields["project_name"], int(digits), fields, goal, list(_expected_rows(table, places)))


def _expected_rows(table: Table, places: dict[Cell, tuple[int, int]]) -> Iterator[ExpectedIndicator]:
    level2: str | None = None
    for line in table.lines:
        first_names = {indicator.names[0]: indicator for indicator in line.indicators}
        labelled = False
        for leaf in _leaves([line]):
            if leaf.level == 2:
                level2, labelled = leaf.means, True
            elif leaf.level == 1 and leaf.means in _EITHER and not labelled:
                level2 = leaf.means
            elif leaf in first_names:
                labelled = False
                indicator = first_names[leaf]
                name = "".join(strip(cell.text) for cell in indicator.names)
                stands = "满意度指标" if "满意度" in name else level2
                yield ExpectedIndicator(
                    _LEVEL1_OF[stands] if stands else None,
                    stands,
                    name,
                    strip(indicator.value.text),
                    *places[indicator.value],
                    *places[indicator.names[0]],
                    tuple(sorted((column, strip(cell.text)) for column, cell in indicator.attributes)),
                )


# -- comparing with what was read ----------------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """How a release was read: counts, and what was wrong, a line each; `silent` misses left nothing unread."""

    tables: int
    tables_right: int
    indicators: int
    indicators_right: int
    listed_right: bool
    misses: list[str]
    silent: list[str]


def read(text: str, release_id: str = "2020-generated") -> tuple[Parse, dict[str, dict[str, list[Any]]]]:
    """The parse of a text and the rows made of it."""
    known = words()
    parse = read_layout(Document.from_text(text), known.labels, known.units)
    source = Source(
        release_id, 2020, f"2020/{release_id[5:]}.txt", "0" * 64, len(text.encode()), "utf-8", text.count("\n") + 1
    )
    return parse, normalize(parse, source, known)


def rows_of(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def outcome(made: Generated) -> Outcome:
    """What was read of a release against what should have been."""
    count = sum(len(table.indicators) for table in made.expected)
    try:
        parse, tables = read(made.text)
    except Refusal as refusal:
        return Outcome(len(made.expected), 0, count, 0, False, [f"refused: {refusal}"], [])
    unread = {(token.line, token.column) for token in parse.tokens if token.role in ("unread", "unknown_label")}
    projects, indicators = rows_of(tables["projects"]), rows_of(tables["indicators"])
    fields = rows_of(tables["project_fields"])
    misses: list[str] = []
    silent: list[str] = []
    if len(projects) != len(made.expected):
        misses.append(f"{len(projects)} tables, should be {len(made.expected)}")
        silent.append(misses[-1])
    tables_right = indicators_right = 0
    for number, want in enumerate(made.expected):
        got = projects[number] if number < len(projects) else None
        problems = ["no such table"] if got is None else _table_problems(want, got, fields)
        tables_right += not problems
        misses += [f"table {number + 1}: {problem}" for problem in problems]
        own = [row for row in indicators if got is not None and row["project_id"] == got["project_id"]]
        found = {
            (
                row["indicator_line"],
                row["indicator_column"],
                row["source_line"],
                row["source_column"],
                row["indicator_printed"],
            ): row
            for row in own
        }
        extra = dict(found)
        for row in want.indicators:
            place = (row.name_line, row.name_column, row.line, row.column, row.name)
            extra.pop(place, None)
            problem = _indicator_problem(row, found.get(place), fields)
            if problem is None:
                indicators_right += 1
                continue
            message = f"table {number + 1}, line {row.line}: {row.name} = {row.value}: {problem}"
            misses.append(message)
            if (row.line, row.column) not in unread and (row.name_line, row.name_column) not in unread:
                silent.append(message)
        for place, row in extra.items():
            silent.append(
                f"table {number + 1}, line {place[0]}: no such indicator: {row['indicator_printed']} = {row['value_printed']}"
            )
            misses.append(silent[-1])
    listed_problems = _list_problems(made, tables)
    misses += listed_problems
    return Outcome(len(made.expected), tables_right, count, indicators_right, not listed_problems, misses, silent)


def _table_problems(want: ExpectedTable, got: dict[str, Any], fields: list[dict[str, Any]]) -> list[str]:
    pairs = [
        ("unit", want.unit, got["budget_unit_printed"]),
        ("project", want.project, got["project_name"]),
        ("year", want.year, got["fiscal_year"]),
        ("goal", want.goal, got["annual_goal"]),
    ]
    own: dict[str, str] = {}
    for row in fields:
        if row["project_id"] == got["project_id"] and not row["indicator_id"]:
            # Who filled the table in stands below it, and may repeat a field of its head.
            own.setdefault(row["field"], row["value_printed"])
    pairs += [(name, value, own.get(name)) for name, value in want.fields.items()]
    pairs.append(
        (
            "fields",
            sorted(want.fields),
            sorted(set(own) - {"contact", "project_leader", "form_filler"} | set(want.fields)),
        )
    )
    for name in ("total_funds", "fiscal_funds", "other_funds"):
        pairs.append((f"{name} printed", want.fields.get(name) or _fallback(want, name), got[f"{name}_printed"]))
    return [f"{name}: {found!r}, should be {right!r}" for name, right, found in pairs if found != right]


def _fallback(want: ExpectedTable, name: str) -> str | None:
    return want.fields.get("whole_period_funds") if name == "total_funds" else None


def _indicator_problem(want: ExpectedIndicator, got: dict[str, Any] | None, fields: list[dict[str, Any]]) -> str | None:
    if got is None:
        return "not read"
    if (got["level1"], got["level2"]) != (want.level1, want.level2):
        return f"{got['level1']}/{got['level2']}, should be {want.level1}/{want.level2}"
    if got["value_printed"] != want.value:
        return f"value {got['value_printed']!r}"
    attributes = sorted(
        (row["field"], row["value_printed"]) for row in fields if row["indicator_id"] == got["indicator_id"]
    )
    return None if attributes == list(want.attributes) else f"{attributes}, should be {list(want.attributes)}"


def _list_problems(made: Generated, tables: dict[str, dict[str, list[Any]]]) -> list[str]:
    got = rows_of(tables["listed_projects"])
    problems = []
    if len(got) != len(made.listed):
        problems.append(f"list: {len(got)} rows, should be {len(made.listed)}")
    for want, row in zip(made.listed, got, strict=False):
        number = row["listed_no"] if "list-without-numbers" not in made.kinds else want.number
        found = (number, row["implementing_unit"], row["project_name"], row["amount_cny"])
        if found != tuple(want):
            problems.append(f"list: {found}, should be {tuple(want)}")
    if tables["releases"]["listed_total_cny"][0] != made.total:
        problems.append(f"total: {tables['releases']['listed_total_cny'][0]}, should be {made.total}")
    return problems


def report(
    count: int, first_seed: int = 0, kinds: Iterable[str] | None = None, tables: int | None = None
) -> Iterator[str]:
    """The figures of `count` releases per kind of damage, then the first misses."""
    sums: dict[str, Counter[str]] = {}
    misses: list[str] = []
    started = time.perf_counter()
    for seed in range(first_seed, first_seed + count):
        made = generate(seed, kinds, tables)
        found = outcome(made)
        for kind in ("all", *made.kinds):
            sums.setdefault(kind, Counter()).update(
                releases=1,
                tables=found.tables,
                tables_right=found.tables_right,
                indicators=found.indicators,
                indicators_right=found.indicators_right,
                lists_right=found.listed_right,
                silent=len(found.silent),
            )
        misses += [f"seed {seed}: {'SILENT ' if miss in found.silent else ''}{miss}" for miss in found.misses]
    yield f"{'kind':<24}{'releases':>9}{'lists':>8}{'tables':>16}{'indicators':>20}{'right':>10}{'silent':>8}"
    for kind in ("all", *(kind for kind in KINDS if kind in sums)):
        row = sums[kind]
        share = 100 * row["indicators_right"] / row["indicators"] if row["indicators"] else 100.0
        yield (
            f"{kind:<24}{row['releases']:>9}{row['lists_right']:>8}{row['tables_right']:>8}/{row['tables']:<7}"
            f"{row['indicators_right']:>10}/{row['indicators']:<9}{share:>9.3f}%{row['silent']:>8}"
        )
    yield f"{time.perf_counter() - started:.1f} s, {len(misses)} misses"
    yield from misses[:60]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.generator", description=__doc__)
    parser.add_argument(
        "--report", type=int, metavar="COUNT", help="read COUNT releases and print the figures per kind of damage"
    )
    parser.add_argument("--seed", type=int, default=0, help="the first seed, or the one to print (default: 0)")
    parser.add_argument("--kinds", nargs="*", help=f"only these kinds: {', '.join(KINDS)}")
    parser.add_argument("--tables", type=int, help="tables per release (default: at random)")
    arguments = parser.parse_args()
    if arguments.report is None:
        made = generate(arguments.seed, arguments.kinds, arguments.tables)
        sys.stdout.write(made.text + "\n")
        return
    for line in report(arguments.report, arguments.seed, arguments.kinds, arguments.tables):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
