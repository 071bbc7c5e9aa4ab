"""Units: what is one, what it is a multiple of, and which brackets are part of a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kzz_pipeline.core.units import split_unit
from kzz_pipeline.vocabulary import words

UNITS = words().units


@pytest.mark.parametrize(
    ("printed", "base", "scale", "dimension"),
    [
        ("人", "人", 1, "person"),
        ("名", "人", 1, "person"),
        ("万人", "人", 10_000, "person"),
        ("人次", "人次", 1, "person"),
        ("万人次", "人次", 10_000, "person"),
        ("百户", "户", 100, "count"),
        ("台套", "台套", 1, "count"),
        ("台/套", "台套", 1, "count"),
        ("台(套)", "台套", 1, "count"),
        ("次", "次", 1, "occurrence"),
        ("次数", "次", 1, "occurrence"),
        ("期数", "期", 1, "count"),
        ("人数", "人", 1, "person"),
        ("元/生·年", "元/生·年", 1, "money_rate"),
        ("起", "起", 1, "occurrence"),
        ("辆次", "辆次", 1, "occurrence"),
        ("频次", "频次", 1, "occurrence"),
        ("人·天", "人天", 1, "work"),
        ("个村", "村", 1, "place"),
        ("元", "元", 1, "money"),
        ("千元", "元", 1_000, "money"),
        ("万元", "元", 10_000, "money"),
        ("百万元", "元", 1_000_000, "money"),
        ("亿元", "元", 100_000_000, "money"),
        ("平米", "平方米", 1, "area"),
        ("㎡", "平方米", 1, "area"),
        ("m²", "平方米", 1, "area"),
        ("万平方米", "平方米", 10_000, "area"),
        ("平方公里", "平方米", 1_000_000, "area"),
        ("万亩", "亩", 10_000, "area"),
        ("公里", "米", 1_000, "length"),
        ("KM", "米", 1_000, "length"),
        ("千米", "米", 1_000, "length"),
        ("毫米", "米", 0.001, "length"),
        ("万吨", "吨", 10_000, "mass"),
        ("公斤", "吨", 0.001, "mass"),
        ("立方", "立方米", 1, "volume"),
        ("万千瓦时", "千瓦时", 10_000, "energy"),
        ("℃", "℃", 1, "temperature"),
        ("dB", "分贝", 1, "sound"),
        ("兆", "兆", 1, "data"),
        ("M", "兆", 1, "data"),
        ("GB", "GB", 1, "data"),
        ("Gbps", "Mbps", 1_000, "data"),
        ("小时", "小时", 1, "time"),
        ("个月", "月", 1, "time"),
        ("个工作日", "工作日", 1, "time"),
        ("%", "%", 1, "percent"),
        ("百分比", "%", 1, "percent"),
        ("‰", "%", 0.1, "percent"),
        ("分", "分", 1, "score"),
        ("元/人", "元/人", 1, "money_rate"),
        ("万元/年", "元/年", 10_000, "money_rate"),
        ("元/人·月", "元/人·月", 1, "money_rate"),
        ("元/人/月", "元/人·月", 1, "money_rate"),
        ("元/人.月", "元/人·月", 1, "money_rate"),
        ("元/㎡", "元/平方米", 1, "money_rate"),
        ("元每人", "元/人", 1, "money_rate"),
        ("人/次", "人/次", 1, "person_rate"),
        ("月/次", "月/次", 1, "time_rate"),
        ("次/年", "次/年", 1, "occurrence_rate"),
        ("mg/L", "毫克/升", 1, "mass_rate"),
        ("%/年", "%/年", 1, "percent_rate"),
        ("米(m)", "米", 1, "length"),
        ("次、场", "次、场", 1, "occurrence"),
    ],
)
def test_find_knows_base_scale_and_dimension(printed, base, scale, dimension):
    unit = UNITS.find(printed)
    assert unit is not None
    assert (unit.base, unit.dimension) == (base, dimension)
    assert unit.scale == pytest.approx(scale)


@pytest.mark.parametrize(
    "printed",
    ["", "含电子版", "试行", "一期", "个人", "日期", "月份", "条件", "学生", "万", "5人", "人/", "/", "·", "元/", "万美元", "万元整", "2020年", "万%"],
)  # fmt: skip
def test_find_knows_what_is_no_unit(printed):
    assert UNITS.find(printed) is None


def test_find_tells_capitals_apart_where_they_mean_something_else():
    assert UNITS.find("M").base == "兆"
    assert UNITS.find("m").base == "米"
    assert UNITS.find("Kg") == UNITS.find("kg")


@pytest.mark.parametrize(
    ("indicator", "name", "unit"),
    [
        ("培训合格率（%）", "培训合格率", "%"),
        ("培训合格率 ( ％ )", "培训合格率", "%"),
        ("全年贵宾厅使用组团(团)", "全年贵宾厅使用组团", "团"),
        ("监督检查公益林管护面积 (万亩)", "监督检查公益林管护面积", "万亩"),
        ("补助标准（元／人·月）", "补助标准", "元/人·月"),
        ("采购数量【台】", "采购数量", "台"),
        ("采购数量[台]", "采购数量", "台"),
        ("设备（台（套））", "设备", "台(套)"),
        ("资料（含电子版）（份）", "资料（含电子版）", "份"),
        ("经费（单位：万元）", "经费", "万元"),
        ("参训人数（人", "参训人数", "人"),
        ("参训人数（人）：", "参训人数", "人"),
        ("\u3000面积（ 万 亩 ）\u200b", "面积", "万亩"),
        ("县市数量（个）", "县市数量", "个"),
        ("贫困村（个）", "贫困村", "个"),
    ],
)
def test_split_unit_takes_the_unit_from_the_trailing_bracket(indicator, name, unit):
    assert split_unit(indicator, UNITS) == (name, unit)


@pytest.mark.parametrize(
    "indicator",
    [
        "印刷资料（含电子版）", "管理办法（试行）", "道路工程（一期）", "合格率（100%）", "受益对象（学生）", "覆盖县（市）", "乡镇（街道）",
        "县（市、区）", "预算单位（部门）", "培训人数", "（人）", "", "采购数量（台）套",
    ],
)  # fmt: skip
def test_split_unit_leaves_a_bracket_that_is_no_unit_in_the_name(indicator):
    assert split_unit(indicator, UNITS) == (indicator, None)


@given(st.text(max_size=30))
def test_find_and_split_unit_never_raise(text):
    UNITS.find(text)
    name, unit = split_unit(f"名称（{text}）", UNITS)
    assert name
    assert unit is None or UNITS.find(unit) is not None


@given(
    st.sampled_from(["", "百", "千", "万", "百万", "千万", "亿"]),
    st.sampled_from(["人", "元", "亩", "次", "株", "平米", "人次", "元/人"]),
)
def test_a_multiplier_scales_any_unit(multiplier, unit):
    found, plain = UNITS.find(multiplier + unit), UNITS.find(unit)
    assert found.base == plain.base
    assert found.scale == UNITS.multipliers.get(multiplier, 1) * plain.scale
