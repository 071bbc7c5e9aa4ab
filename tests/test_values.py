"""Target values: every printed form, what it is read as, and what is left text."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kzz_pipeline.core.values import (
    Reading,
    is_numeric_value,
    looks_like_value,
    read_indicator,
    reads_like_a_number,
)
from kzz_pipeline.vocabulary import words

UNITS = words().units
DOCUMENTED = Path(__file__).parents[1] / "docs" / "values.md"
NULL = None

# value as printed -> kind, operator, target, min, max, unit, base unit, base value; the indicator has no unit
FORMS = [
    # signs before
    ("≥90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    (">=90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("=>90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("≧90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("⩾90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("＞＝90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("≥=90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("≮90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    (">90%", "percent", "gt", 90, 90, NULL, "%", "%", 90),
    ("﹥90%", "percent", "gt", 90, 90, NULL, "%", "%", 90),
    ("≤3%", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("<=3%", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("≦3%", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("⩽3%", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("≯3%", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("﹤3%", "percent", "lt", 3, NULL, 3, "%", "%", 3),
    ("＝3%", "percent", "eq", 3, 3, 3, "%", "%", 3),
    ("≥ 90 %", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("≥\u00a090％", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    # words before
    ("大于等于90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("大于或等于90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("不低于90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("不得低于90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("不少于3次", "number", "ge", 3, 3, NULL, "次", "次", 3),
    ("至少3次", "number", "ge", 3, 3, NULL, "次", "次", 3),
    ("达到90%", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("超过90%", "percent", "gt", 90, 90, NULL, "%", "%", 90),
    ("大于90%", "percent", "gt", 90, 90, NULL, "%", "%", 90),
    ("小于等于3%", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("不超过3%", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("不高于3%", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("最多3次", "number", "le", 3, NULL, 3, "次", "次", 3),
    ("控制在3%", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("小于3%", "percent", "lt", 3, NULL, 3, "%", "%", 3),
    ("低于3%", "percent", "lt", 3, NULL, 3, "%", "%", 3),
    ("不满3%", "percent", "lt", 3, NULL, 3, "%", "%", 3),
    ("等于3", "number", "eq", 3, 3, 3, NULL, NULL, 3),
    ("约100人", "number", "eq", 100, 100, 100, "人", "人", 100),
    ("完成12次", "number", "eq", 12, 12, 12, "次", "次", 12),
    # words behind
    ("90%以上", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("90%及以上", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("90%（含）以上", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("3%以内", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("3%以下", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("30分钟内", "number", "le", 30, NULL, 30, "分钟", "分钟", 30),
    ("100人左右", "number", "eq", 100, 100, 100, "人", "人", 100),
    # words on both sides
    ("≥90%以上", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    (">90%以上", "percent", "gt", 90, 90, NULL, "%", "%", 90),
    ("达到90%以上", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    ("控制在3%以内", "percent", "le", 3, NULL, 3, "%", "%", 3),
    ("控制在3%以上", "percent", "ge", 3, 3, NULL, "%", "%", 3),
    ("约90%以上", "percent", "ge", 90, 90, NULL, "%", "%", 90),
    # numbers
    ("12", "number", "eq", 12, 12, 12, NULL, NULL, 12),
    ("0", "number", "eq", 0, 0, 0, NULL, NULL, 0),
    ("1,234", "number", "eq", 1234, 1234, 1234, NULL, NULL, 1234),
    ("１２，３４５．６", "number", "eq", 12345.6, 12345.6, 12345.6, NULL, NULL, 12345.6),
    ("-5%", "percent", "eq", -5, -5, -5, "%", "%", -5),
    ("−5%", "percent", "eq", -5, -5, -5, "%", "%", -5),
    ("+5%", "percent", "eq", 5, 5, 5, "%", "%", 5),
    ("100%。", "percent", "eq", 100, 100, 100, "%", "%", 100),
    ("292%", "percent", "eq", 292, 292, 292, "%", "%", 292),
    (">0", "number", "gt", 0, 0, NULL, NULL, NULL, 0),
    # units and multipliers
    ("0起", "number", "eq", 0, 0, 0, "起", "起", 0),
    ("250万", "number", "eq", 2500000, 2500000, 2500000, NULL, NULL, 2500000),
    ("3千", "number", "eq", 3000, 3000, 3000, NULL, NULL, 3000),
    ("1.2亿元", "number", "eq", 1.2, 1.2, 1.2, "亿元", "元", 120000000),
    ("3千人", "number", "eq", 3, 3, 3, "千人", "人", 3000),
    ("0.5万元/人", "number", "eq", 0.5, 0.5, 0.5, "万元/人", "元/人", 5000),
    ("750元/人·月", "number", "eq", 750, 750, 750, "元/人·月", "元/人·月", 750),
    ("3次/年", "number", "eq", 3, 3, 3, "次/年", "次/年", 3),
    ("≥80M", "number", "ge", 80, 80, NULL, "M", "兆", 80),
    ("100㎡", "number", "eq", 100, 100, 100, "㎡", "平方米", 100),
    ("100m2", "number", "eq", 100, 100, 100, "m2", "平方米", 100),
    ("50公里", "number", "eq", 50, 50, 50, "公里", "米", 50000),
    ("100(人)", "number", "eq", 100, 100, 100, "人", "人", 100),
    ("90（%）", "percent", "eq", 90, 90, 90, "%", "%", 90),
    ("100/%", "percent", "eq", 100, 100, 100, "%", "%", 100),
    ("≥100百分比", "percent", "ge", 100, 100, NULL, "百分比", "%", 100),
    ("5‰", "percent", "eq", 5, 5, 5, "‰", "%", 0.5),
    ("5个百分点", "percent", "eq", 5, 5, 5, "个百分点", "百分点", 5),
    ("12个月", "number", "eq", 12, 12, 12, "个月", "月", 12),
    ("10日内", "number", "le", 10, NULL, 10, "日", "天", 10),
    ("3年内", "number", "le", 3, NULL, 3, "年", "年", 3),
    ("18月", "number", "eq", 18, 18, 18, "月", "月", 18),
    # Chinese numerals
    ("三次", "number", "eq", 3, 3, 3, "次", "次", 3),
    ("两次", "number", "eq", 2, 2, 2, "次", "次", 2),
    ("十五场", "number", "eq", 15, 15, 15, "场", "场", 15),
    ("二十", "number", "eq", 20, 20, 20, NULL, NULL, 20),
    ("零", "number", "eq", 0, 0, 0, NULL, NULL, 0),
    ("两百人", "number", "eq", 200, 200, 200, "人", "人", 200),
    ("一百零五人", "number", "eq", 105, 105, 105, "人", "人", 105),
    ("一万二千元", "number", "eq", 12000, 12000, 12000, "元", "元", 12000),
    ("三点五吨", "number", "eq", 3.5, 3.5, 3.5, "吨", "吨", 3.5),
    ("不少于三次", "number", "ge", 3, 3, NULL, "次", "次", 3),
    ("一个季度", "number", "eq", 1, 1, 1, "个季度", "季度", 1),
    ("百分之九十", "percent", "eq", 90, 90, 90, "%", "%", 90),
    ("百分之90", "percent", "eq", 90, 90, 90, "%", "%", 90),
    ("百分之九十五点五以上", "percent", "ge", 95.5, 95.5, NULL, "%", "%", 95.5),
    ("达到百分之九十五以上", "percent", "ge", 95, 95, NULL, "%", "%", 95),
    ("百分之百", "percent", "eq", 100, 100, 100, "%", "%", 100),
    ("百分百", "percent", "eq", 100, 100, 100, "%", "%", 100),
    ("千分之三", "percent", "eq", 3, 3, 3, "‰", "%", 0.3),
    ("三分之一", "number", "eq", 1 / 3, 1 / 3, 1 / 3, NULL, NULL, 1 / 3),
    ("1/3", "number", "eq", 1 / 3, 1 / 3, 1 / 3, NULL, NULL, 1 / 3),
    # ranges and bounds
    ("85%-95%", "percent", "between", NULL, 85, 95, "%", "%", NULL),
    ("85％～90％", "percent", "between", NULL, 85, 90, "%", "%", NULL),
    ("85%—95%", "percent", "between", NULL, 85, 95, "%", "%", NULL),
    ("85-95%", "percent", "between", NULL, 85, 95, "%", "%", NULL),
    ("85%-95", "percent", "between", NULL, 85, 95, "%", "%", NULL),
    ("85%至95%之间", "percent", "between", NULL, 85, 95, "%", "%", NULL),
    ("介于85%和95%之间", "percent", "between", NULL, 85, 95, "%", "%", NULL),
    ("百分之八十五到百分之九十五", "percent", "between", NULL, 85, 95, "%", "%", NULL),
    ("5-10", "range", "between", NULL, 5, 10, NULL, NULL, NULL),
    ("5至10次", "range", "between", NULL, 5, 10, "次", "次", NULL),
    ("三至五次", "range", "between", NULL, 3, 5, "次", "次", NULL),
    ("1-2万元", "range", "between", NULL, 1, 2, "万元", "元", NULL),
    ("1万-2万", "range", "between", NULL, 10000, 20000, NULL, NULL, NULL),
    ("1,000-2,000人", "range", "between", NULL, 1000, 2000, "人", "人", NULL),
    ("-10--5", "range", "between", NULL, -10, -5, NULL, NULL, NULL),
    ("3-5年", "range", "between", NULL, 3, 5, "年", "年", NULL),
    ("≥5且≤10", "range", "between", NULL, 5, 10, NULL, NULL, NULL),
    ("≤10且≥5", "range", "between", NULL, 5, 10, NULL, NULL, NULL),
    ("≥5,≤10", "range", "between", NULL, 5, 10, NULL, NULL, NULL),
    ("≥85%且≤95%", "percent", "between", NULL, 85, 95, "%", "%", NULL),
    ("大于5小于10", "range", "between", NULL, 5, 10, NULL, NULL, NULL),
    ("不少于5次且不超过10次", "range", "between", NULL, 5, 10, "次", "次", NULL),
    ("5人以上10人以下", "range", "between", NULL, 5, 10, "人", "人", NULL),
    ("±5%", "percent", "between", NULL, -5, 5, "%", "%", NULL),
    ("100±5", "range", "between", NULL, 95, 105, NULL, NULL, NULL),
    ("100±5人", "range", "between", NULL, 95, 105, "人", "人", NULL),
    ("90%±2%", "percent", "between", NULL, 88, 92, "%", "%", NULL),
    ("1-12月", "range", "between", NULL, 1, 12, "月", "月", NULL),
    ("1月-12月", "range", "between", NULL, 1, 12, "月", "月", NULL),
    ("1 - 12 月", "range", "between", NULL, 1, 12, "月", "月", NULL),
    ("一月至十二月", "range", "between", NULL, 1, 12, "月", "月", NULL),
]

DATES = {
    "eq": [
        "全年", "2021年", "2021年12月", "2021年12月31日", "2021.12.31", "2021-12-31", "2021/12/31", "12月31日",
        "12月", "十二月", "2021年底", "年底", "12月底", "12月份", "2021年12月完成", "上半年", "2021年上半年", "一季度",
        "4季度", "第一季度", "2021年第一季度", "当年", "本年度", "二〇二一年", "2021 年 6 月", "2020年2月29日",
    ],
    "le": [
        "3月底前", "三月底前", "12月底前", "2021年12月31日前", "2021年6月30日前", "12月31日之前", "2021年12月31日前完成",
        "12月底前全部完成", "年底前", "2021年年底前", "2021年底前完成", "年内", "2021年内", "3月内", "截至2021年12月31日",
        "不晚于12月31日", "≤2021年12月", "每年12月底前", "每月10日前", "10日前", "二〇二一年底前", "十二月三十一日前",
    ],
    "ge": ["2021年1月起", "自2021年1月起", "2021年1月1日以后"],
    "between": [
        "2020年1月-2020年12月", "2020年1-12月", "2020年1月至12月", "2023.07-2024.01", "2020.1-12", "2021.1.1-12.31",
        "2020-2021年", "2019年-2021年", "2019-2021", "1月1日-12月31日", "12月1日-10日", "9月-次年6月", "2020/1/1-2020/12/31",
    ],
}  # fmt: skip

TEXTS = [
    "", " ", "长期", "是", "否", "是/否", "优", "良", "优良", "优良中差", "优良中低差", "达标", "无", "/", "—", "-", "--", "*",
    "**人", "***", "有效提高", "定性", "万元", "人", "%", "≥", "≥%", "百", "千万", "〇", "一", "数十人", "若干", "底", "年", "半年",
    # no well-formed number
    "1,23.4", "1,2345", "12,34,567", "1.2.3", ".5", "5.", "12。5", "1 234", "100 200", "1, 234", "1e5", "0x10", "nan", "inf",
    "10³", "10³个", "½", "①", "①5", "٣", "१२", "𝟏𝟐", "5" * 16, "—5%", "≠5", "~90%", "%90",
    # several values, ratios, products
    "90%，95%", "100；200", "12、15", "≥90%、≥95%", "90% 95%", "5人10次", "1:3", "1：3", "3:2:1", "7×24小时", "100/200", "2/4", "12/31",
    "3/2", "0/5",
    # contradictions and what is no range
    "≥90%以内", "不超过90%以上", "≥85%-95%", "10-5", "≥10且≤5", "≥19以下", "5人-10次", "≥5人且≤10次", "1万-20000", "50±10%",
    # numerals that are no number
    "三五次", "两三天", "十几次", "几十人", "一百五", "十四五", "三级", "二期", "一线", "一流", "一次性", "一人一档", "三县一市", "十佳",
    "2万5千元", "5一10", "三2次", "万分之五",
    # words around a number that are not read
    "近100人", "100余人", "100多人", "提高5%", "100%完成", "3个项目", "30名学生", "每年3次", "15场次以上宣传", "不超预算", "4A级", "第3",
    # no dates
    "2026年13月", "2021年2月30日前", "2021年2月29日", "6月31日前", "2021-13-01", "1月32日", "自2021年1月前", "2021学年",
]  # fmt: skip

SIGNED_DATES = [(operator, value) for operator, values in DATES.items() for value in values]
READ = [form[0] for form in FORMS] + [value for _, value in SIGNED_DATES]


def read(value: str, indicator: str = "指标", **columns: str) -> Reading:
    return read_indicator(indicator, value, UNITS, **columns)


def assert_reads(reading: Reading, kind, operator, target, low, high, unit, base_unit, base_value) -> None:
    assert reading.value_kind == kind
    assert (reading.operator, reading.unit, reading.base_unit) == (operator, unit, base_unit)
    for found, expected in (
        (reading.target_value, target),
        (reading.target_min, low),
        (reading.target_max, high),
        (reading.base_value, base_value),
    ):
        assert found == (expected if expected is None else pytest.approx(expected, rel=1e-5))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[0])
def test_read_indicator_reads_each_printed_form(form):
    value, *expected = form
    assert_reads(read(value), *expected)


@pytest.mark.parametrize(("operator", "value"), SIGNED_DATES)
def test_read_indicator_reads_a_date_without_numbers(operator, value):
    assert read(value) == Reading("指标", None, "date", operator, None, None, None, None, None)


@pytest.mark.parametrize("value", TEXTS)
def test_read_indicator_leaves_what_is_no_number_as_text(value):
    assert read(value) == Reading("指标", None, "text", None, None, None, None, None, None)
    assert not is_numeric_value(value, UNITS)


# -- the documented grammar ------------------------------------------------------------------------------------


def documented(columns: int) -> list[list[str]]:
    rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in DOCUMENTED.read_text(encoding="utf-8").splitlines()
        if line.startswith("|") and "`" in line
    ]
    return [row for row in rows if len(row) == columns]


@pytest.mark.parametrize("row", documented(9), ids=lambda row: f"{row[0]} {row[1]}")
def test_values_md_says_what_is_read(row):
    indicator, value, kind, operator, *numbers, unit, base = row
    base_value, base_unit = re.fullmatch(r"(-?[\d.]+)? ?(\S+)?", base).groups()
    target, low, high, based = (float(number) if number else None for number in (*numbers, base_value))
    reading = read(value, indicator or "指标")
    assert_reads(reading, kind, operator or None, target, low, high, unit or None, base_unit, based)


@pytest.mark.parametrize("row", documented(2), ids=lambda row: row[0])
def test_values_md_says_what_is_text(row):
    assert read(row[0]).value_kind == "text"


# -- names and their units, dates by their level ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "name", "unit"),
    [
        ("合格率%", "合格率", "%"),
        ("合格率 ％", "合格率", "%"),
        ("增长5%", "增长5%", None),
        ("%", "%", None),
        ("培训人数（人）（含线上）", "培训人数（含线上）", "人"),
        ("道路（二期）（含支路）", "道路（二期）（含支路）", None),
        ("县（市）（含乡）", "县（市）（含乡）", None),
        ("线路﹙条﹚", "线路", "条"),
    ],
)
def test_units_that_stand_otherwise_than_in_the_last_bracket(printed, name, unit):
    reading = read_indicator(printed, "3", UNITS)
    assert (reading.indicator_name, reading.unit) == (name, unit)


@pytest.mark.parametrize(
    ("value", "kind"), [("≥90%，", "percent"), ("100人、", "number"), ("12，", "text"), ("90%，95%", "text")]
)
def test_a_comma_behind_a_value_is_no_part_of_it(value, kind):
    assert read_indicator("指标", value, UNITS).value_kind == kind


@pytest.mark.parametrize("value", ["2022.12", "20221231", "2022"])
def test_bare_figures_under_a_level_of_time_are_dates(value):
    assert read_indicator("项目完工", value, UNITS, is_of_time=True).value_kind == "date"
    assert read_indicator("项目完工（米）", value, UNITS, is_of_time=True).value_kind == "number"
    assert read_indicator("项目完工", value, UNITS).value_kind == "number"


@pytest.mark.parametrize("name", ["及时发放人数", "按时间节点验收数量", "按期完成面积", "及时拨付金额"])
def test_bare_figures_of_an_amount_are_numbers_whatever_it_has_to_do_with_time(name):
    assert read_indicator(name, "2010", UNITS, is_of_time=True).target_value == 2010


@pytest.mark.parametrize(
    ("indicator", "value", "target", "base"),
    [
        ("时长（分钟）", "1.5小时", 90, ("分钟", 90)),
        ("工期（年）", "18个月", 1.5, ("年", 1.5)),
        ("绿化（亩）", "2公顷", 30, ("亩", 30)),
        ("响应（小时）", "2天", NULL, ("天", 2)),
        ("时限（工作日）", "5天", NULL, ("天", 5)),
        ("绿化（平方米）", "2亩", NULL, ("亩", 2)),
        ("设备（台）", "3个", 3, ("个", 3)),
    ],
)
def test_a_value_in_another_unit_is_converted_where_that_is_exact(indicator, value, target, base):
    reading = read_indicator(indicator, value, UNITS)
    assert (reading.target_value, (reading.base_unit, reading.base_value)) == (target, base)


# -- the indicator's unit, and the columns of other templates --------------------------------------------------


@pytest.mark.parametrize(
    ("indicator", "value", "expected"),
    [
        ("经费（万元）", "46", ("number", "eq", 46, 46, 46, "万元", "元", 460000)),
        ("经费（万元）", "46万元", ("number", "eq", 46, 46, 46, "万元", "元", 460000)),
        ("经费（万元）", "250万", ("number", "eq", 250, 250, 250, "万元", "元", 2500000)),
        ("经费（万元）", "1.2亿元", ("number", "eq", 12000, 12000, 12000, "万元", "元", 120000000)),
        ("经费（万元）", "5000元", ("number", "eq", 0.5, 0.5, 0.5, "万元", "元", 5000)),
        ("经费（万元）", "十万元", ("number", "eq", 10, 10, 10, "万元", "元", 100000)),
        ("经费（元）", "250万", ("number", "eq", 2500000, 2500000, 2500000, "元", "元", 2500000)),
        ("经费（万元）", "≤60", ("number", "le", 60, NULL, 60, "万元", "元", 600000)),
        ("经费（万元）", "2023.07-2024.01", ("range", "between", NULL, 2023.07, 2024.01, "万元", "元", NULL)),
        ("经费（万元）", "2020.12", ("number", "eq", 2020.12, 2020.12, 2020.12, "万元", "元", 20201200)),
        ("补助（元/人）", "2000-2050", ("range", "between", NULL, 2000, 2050, "元/人", "元/人", NULL)),
        ("服务人数（万人）", "5", ("number", "eq", 5, 5, 5, "万人", "人", 50000)),
        ("服务人数（万人）", "30000人", ("number", "eq", 3, 3, 3, "万人", "人", 30000)),
        ("人次(人)", "≤3000人", ("number", "le", 3000, NULL, 3000, "人", "人", 3000)),
        ("工程(万亩)", "18.01", ("number", "eq", 18.01, 18.01, 18.01, "万亩", "亩", 180100)),
        ("面积(平米)", "106", ("number", "eq", 106, 106, 106, "平米", "平方米", 106)),
        ("印刷数量(本)", "≥1.42", ("number", "ge", 1.42, 1.42, NULL, "本", "本", 1.42)),
        ("次数(次数)", "≥10", ("number", "ge", 10, 10, NULL, "次数", "次", 10)),
        ("造林成活率(亩)", "0.70%", ("percent", "eq", 0.7, 0.7, 0.7, "亩", "%", 0.7)),
        ("单位个数(%)", "≤56", ("percent", "le", 56, NULL, 56, "%", "%", 56)),
        ("满意度（%）", "85-95", ("percent", "between", NULL, 85, 95, "%", "%", NULL)),
        ("满意度（％）", "≥９０％", ("percent", "ge", 90, 90, NULL, "%", "%", 90)),
        ("占比（‰）", "0.5%", ("percent", "eq", 5, 5, 5, "‰", "%", 0.5)),
        ("比例（%）", "50±10%", ("percent", "between", NULL, 40, 60, "%", "%", NULL)),
        ("租赁期限（月）", "3月", ("number", "eq", 3, 3, 3, "月", "月", 3)),
        ("租赁期限（月）", "3月内", ("number", "le", 3, NULL, 3, "月", "月", 3)),
        ("租赁期限（年）", "2-3", ("range", "between", NULL, 2, 3, "年", "年", NULL)),
        ("工作任务起止（月）", "1-12月", ("range", "between", NULL, 1, 12, "月", "月", NULL)),
        ("支付时间（月）", "3月底前", ("date", "le", NULL, NULL, NULL, "月", NULL, NULL)),
        ("人数（人）", "100±5%", ("text", NULL, NULL, NULL, NULL, "人", NULL, NULL)),
        ("人/次（人/次）", "1/3", ("text", NULL, NULL, NULL, NULL, "人/次", NULL, NULL)),
        ("效率(%)", "明显提高", ("text", NULL, NULL, NULL, NULL, "%", NULL, NULL)),
        ("完成时间", "2021.12", ("date", "eq", NULL, NULL, NULL, NULL, NULL, NULL)),
        ("完成时间", "20211231", ("date", "eq", NULL, NULL, NULL, NULL, NULL, NULL)),
        ("完成时间", "2021", ("date", "eq", NULL, NULL, NULL, NULL, NULL, NULL)),
        ("办公时间", "8小时", ("number", "eq", 8, 8, 8, "小时", "小时", 8)),
        ("任务开始至结束日期", "1-12月", ("range", "between", NULL, 1, 12, "月", "月", NULL)),
    ],
)  # fmt: skip
def test_read_indicator_measures_in_the_unit_of_the_indicator(indicator, value, expected):
    assert_reads(read(value, indicator), *expected)


def test_read_indicator_keeps_a_bracket_that_is_no_unit_in_the_name():
    assert read("30", "印刷册数（含电子版）")[:2] == ("印刷册数（含电子版）", None)
    assert read("30份", "印刷册数（含电子版）")[:2] == ("印刷册数（含电子版）", "份")


def test_read_indicator_takes_unit_and_operator_from_columns_of_their_own():
    reading = read("90", unit_printed="％", operator_printed="≥")
    assert_reads(reading, "percent", "ge", 90, 90, NULL, "%", "%", 90)
    assert_reads(read("5", unit_printed="万人"), "number", "eq", 5, 5, 5, "万人", "人", 50000)
    assert_reads(read("5", operator_printed="小于等于"), "number", "le", 5, NULL, 5, NULL, NULL, 5)


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        ("≤5个工作日", "天", ("个工作日", 5, "工作日", 5)),
        ("≤2天", "小时", ("天", 2, "天", 2)),
        ("≤2周", "天", ("天", 14, "天", 14)),
        ("≤2亩", "平方米", ("亩", 2, "亩", 2)),
    ],
)
def test_a_unit_in_a_column_gives_way_to_the_values_own_where_nothing_converts_them(value, column, expected):
    reading = read_indicator("办结时限", value, UNITS, column)
    assert (reading.unit, reading.target_value, reading.base_unit, reading.base_value) == expected


def test_read_indicator_prefers_what_stands_nearer_to_its_columns():
    assert read("90%以上", operator_printed="≤").operator == "ge"
    assert read("9", "培训人数（人）", unit_printed="次").unit == "人"


@pytest.mark.parametrize("sign", ["正向", "反向", "定性", "", "/"])
def test_read_indicator_takes_no_operator_from_a_direction(sign):
    assert read("90", operator_printed=sign).operator == "eq"


@pytest.mark.parametrize("unit", ["/", "无", "-", "", " "])
def test_read_indicator_ignores_an_empty_unit_column(unit):
    assert read("90%", unit_printed=unit).unit == "%"


def test_read_indicator_gives_a_separate_operator_to_a_date_and_none_to_text():
    assert read("2021年12月", operator_printed="≤")[2:4] == ("date", "le")
    assert read("长期", operator_printed="≥")[2:4] == ("text", None)


# -- what a cell looks like ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["≥90%", "三次", "1-12月", "全年", "长期", "有效提高", "优良", "/", "效果显著", "达标"]
)
def test_looks_like_value_knows_numbers_and_words_of_quality(value):
    assert looks_like_value(value, UNITS)


@pytest.mark.parametrize("name", ["资金使用合规率（%）", "培训人数", "开展免费开放活动次数(次)", "数量指标"])
def test_looks_like_value_knows_that_a_name_is_none(name):
    assert not looks_like_value(name, UNITS)


@pytest.mark.parametrize("value", ["1,23.4", "100余人", "近100人", "2026年13月", "提高5%", "三五次", "≥90%以内"])
def test_reads_like_a_number_points_at_texts_to_look_at(value):
    assert reads_like_a_number(value)


@pytest.mark.parametrize("value", ["长期", "是/否", "有效提高", "一般", "/"])
def test_reads_like_a_number_leaves_words_alone(value):
    assert not reads_like_a_number(value)


# -- properties ------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [*"0123456789.,，。、；;:：/-—~～±≥≤<>＝=%％‰*()（） 年月日季度底前内万亿千百十一二三两〇零点约人次元米m2·", "以上", "以内", "百分之", "且", "\u3000", "\u200b"]
)  # fmt: skip
ANY_VALUE = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=14).map("".join))
NUMERALS = "零〇○一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟"


@given(ANY_VALUE, ANY_VALUE, st.none() | ANY_VALUE, st.none() | ANY_VALUE)
def test_read_indicator_never_raises_and_is_consistent(indicator, value, unit, operator):
    reading = read_indicator(indicator, value, UNITS, unit, operator)
    numbers = (reading.target_value, reading.target_min, reading.target_max, reading.base_value)
    if reading.value_kind in ("text", "date"):
        assert numbers == (None, None, None, None)
        assert (reading.operator is None) == (reading.value_kind == "text")
    else:
        assert all(number is None or abs(number) < 1e40 for number in numbers)
        low, high = reading.target_min, reading.target_max
        expected = {
            "eq": (True, True, True), "ge": (True, True, False), "gt": (True, True, False), "le": (True, False, True),
            "lt": (True, False, True), "between": (False, True, True),
        }[reading.operator or ""]  # fmt: skip
        assert tuple(number is not None for number in numbers[:3]) == expected
        assert low is None or high is None or low <= high
    assert reading.unit != ""


@given(ANY_VALUE)
@example("全年")
@example("≥")
def test_a_value_without_digit_or_numeral_is_never_a_number(value):
    digits = [character for character in value if character in NUMERALS or character.isdigit()]
    if not digits:
        assert read(value).value_kind in ("text", "date")


@given(st.sampled_from(READ + TEXTS))
def test_full_width_forms_read_like_half_width_ones(value):
    wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in value)
    assert read(wide) == read(value)


@given(st.sampled_from(READ), st.data())
def test_spaces_between_words_change_nothing(value, data):
    """Between a number and what stands beside it; a space inside a number tears it."""
    inside = re.compile("[0-9０-９.．,，。]{2}")
    gaps = [at for at in range(len(value) + 1) if not inside.fullmatch(value[max(at - 1, 0) : at + 1])]
    at = data.draw(st.sampled_from(gaps))
    space = data.draw(st.sampled_from([" ", "\u00a0", "\u3000", "  ", "\u200b", "\ufeff"]))
    assert read(value[:at] + space + value[at:]) == read(value)


@given(st.integers(0, 10**9), st.sampled_from(["", "人", "%", "万元"]))
def test_a_number_reads_alike_with_and_without_thousands_separators(number, unit):
    assert read(f"{number:,}{unit}") == read(f"{number}{unit}")


@given(st.integers(-(10**6), 10**6), st.integers(0, 10**6))
def test_a_range_reads_its_two_ends(low, width):
    reading = read(f"{low}-{low + width}")
    if reading.value_kind != "date":  # two years
        assert (reading.target_min, reading.target_max) == (low, low + width)
