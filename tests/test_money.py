"""Amounts of money: what is well formed, in which unit, and what is none."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kzz_pipeline.core.money import is_amount, money_unit_of, read_amount


@pytest.mark.parametrize(
    ("printed", "unit", "yuan"),
    [
        ("46", "万元", "460000"),
        ("2,523.70", "万元", "25237000"),
        ("２，５２３．７０", "万元", "25237000"),
        ("\u00a046\u3000", "万元", "460000"),
        ("0", "万元", "0"),
        ("750", "元", "750"),
        ("1.5", "亿元", "150000000"),
        ("10606.7522万元", "元", "106067522"),
        ("46 万元", "元", "460000"),
        ("46万", "元", "460000"),
        ("1.2亿", "元", "120000000"),
        ("100元整", "万元", "100"),
        ("人民币46元", "万元", "46"),
        ("￥1,000.00", "元", "1000"),
        ("-46", "万元", "-460000"),
        ("0.00005", "元", "0"),
    ],
)
def test_read_amount_gives_yuan(printed, unit, yuan):
    amount = read_amount(printed, unit)
    assert amount == Decimal(yuan)
    assert amount.as_tuple().exponent == -4


@pytest.mark.parametrize(
    "printed",
    [
        "", " ", "—", "-", "/", "无", "1,23.4", "1,2345", "0,123", "1 234", "46.", ".5", "1e3", "四十六", "约46", "46元/人", "12%", "(46)", "—46",
        "100美元", "46万人", "٤٦", "1.2.3", "9" * 17, "9" * 50, "nan", "Infinity",
    ],
)  # fmt: skip
def test_read_amount_leaves_what_is_no_amount(printed):
    assert read_amount(printed, "万元") is None
    assert not is_amount(printed)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("单位：万元", "万元"),
        ("单位:元", "元"),
        ("金额（亿元）", "亿元"),
        ("人民币万元", "万元"),
        ("46万元", "万元"),
        ("百万元", "百万元"),
        ("元", "元"),
    ],
)
def test_money_unit_of_finds_the_unit_at_the_end(text, unit):
    assert money_unit_of(text) == unit


@pytest.mark.parametrize("text", ["", "46", "单位：万美元", "3个单元", "多元", "元/人", "万元左右的项目"])
def test_money_unit_of_finds_none_where_there_is_none(text):
    assert money_unit_of(text) is None


@given(st.text(max_size=50), st.sampled_from(["元", "千元", "万元", "亿元"]))
def test_read_amount_never_raises(printed, unit):
    amount = read_amount(printed, unit)
    assert amount is None or abs(amount) < Decimal(10) ** 16


@given(st.decimals(min_value=0, max_value=10**8, places=2), st.sampled_from(["", ","]))
def test_read_amount_reads_any_printed_decimal(number, separator):
    assert read_amount(f"{number:{separator}f}", "万元") == number * 10_000
