"""Values: targets that cannot be meant as they are printed."""

import re
from collections.abc import Iterator

from kzz_pipeline.core.characters import fold, squeeze
from kzz_pipeline.core.rules.model import Hit, Release, Row, Table, at_indicator, table_rule
from kzz_pipeline.core.units import Unit
from kzz_pipeline.core.values import Reading, read_indicator

_COUNTED = {"count", "person", "occurrence"}
# But half as much again is 1.5倍.
_MEASURED = {"倍"}
# 12家 is a number of 个, and 12 人 or 12次 is none.
_COUNTED_WITH_ANY = {"count", "place", "body"}
_UNWANTED = re.compile(
    r"(?:故障|投诉|不满意|事故|差错|错误|违规|违法|违纪|死亡|失误|漏报|逾期|退货|缺陷|犯罪|返工|损坏|浪费|不合格|伤亡|发案|舆情)"
)
# Behind or before an unwanted thing, these make it a wanted one: 故障排除率, 降低死亡率, 零事故.
_MENDED = re.compile(
    r"处理|处置|查处|办结|排除|修复|解决|整改|回复|回应|响应|化解|预防|防范|防控|防治|应对|救援|救助|抢修|维修|调查|"
    r"降低|下降|减少|降幅|控制|杜绝|避免|零|无|未发生|及时|打击|查办|赔付|理赔|识别|监测|预警|纠正|受理|侦破|破案"
)
_WANTED = re.compile(
    r"(?<![不未无非])(?:满意|合格|达标|及时|覆盖|完成|准确|合规|合法|到位|通过|优良|成活|就业|利用|参与|知晓|普及|保障|正常)[^，,]{0,4}[率度]$"
)
_GROWTH = re.compile(r"增长|增加|提高|提升|增幅|同比|上升|节省|节约|降低|下降|减少|压减|超额|增值|增收|回报")
_COUNT_NAME = re.compile(r"(?:个数|人数|次数|户数|件数|数量|台数|套数|场次|单位数|面积|总数)$")
_LOW_SATISFACTION = 60.0
# How long a thing takes or lasts each time, which is no part of the project's own year.
_DURATION = re.compile(r"周期|平均|年限|寿命|质保|保修|有效期|使用期")
# Rates that are small where all is well, beside the unwanted things; interest and fees are small anyway.
_SMALL = re.compile(
    r"(?:不良|不满意|不达标|不合规|未完成|复发|复吸|再犯|重犯|脱管|违约|流失|失业|发病|患病|感染|病死|致死|辍学|空置|闲置|超标|"
    r"超支|拖欠|失信|差评|误差|误报|漏检|损耗|漏损|渗漏|掉线|丢包|残次|利|税|费)[^，,]{0,4}率"
)
# Rates whose bound of 100% is a limit: more can be spent or used than there is.
_LIMITED = re.compile(r"控制|执行率|支出|超支|预算|资金使用率|成本|费用|负债|负荷")
_DISSATISFACTION = re.compile(r"不满意|差评|投诉(?![^，,]*(?<!不)满意)")
_FRACTION_NAME = re.compile(
    r"(?:率|比例|比重|占比|(?:满意|知晓|认可|认同|支持|信任|信赖|完成|参与|覆盖|符合|达成|吻合|普及|响应|准确|熟悉|了解|认知|"
    r"关注|达标|配合|依从)[程]?度)$"
)
_NO_FRACTION = re.compile(r"(?:功|频|汇|速|斜|曲|容积|分辨|透气|利|税|费)率$")
_TRAILING_BRACKET = re.compile(r"[(\[][^()\[\]]*[)\]]$")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?=\D|\d\d(?!\d)|\d{4}(?!\d)|$)", re.ASCII)
# What a column of signs may hold that is none: nothing, and whether the target is a number, to be high or to be low.
_NO_SIGN = {"", "-", "--", "/", "无", "定性", "定量", "定性指标", "定量指标"}
_SIDED = ("ge", "gt", "le", "lt")


def _printed_unit(row: Row, table: Table, release: Release) -> Unit | None:
    """The unit of an indicator: in the bracket behind its name, or in a column of its own."""
    has_bracket = row["indicator_name"] != row["indicator_printed"]
    printed = row["unit"] if has_bracket else squeeze(_attribute(row, table, "unit"))
    return release.words.units.find(printed) if printed else None


def _attribute(row: Row, table: Table, column: str) -> str:
    """What stands in an extra column of an indicator."""
    return table.chunk.attributes.get(row["indicator_id"], {}).get(column, "")


def _by_itself(row: Row, release: Release) -> Reading:
    """The printed value, read without what the indicator and the other columns say of it."""
    return read_indicator("", row["value_printed"], release.words.units)


def _own_unit(row: Row, release: Release) -> Unit | None:
    """The unit that a value itself prints, whatever words stand around it; a corrected value is not the printed one."""
    own = None if row["correction"] else _by_itself(row, release).unit
    return release.words.units.find(own) if own else None


def _is_another(one: Unit, other: Unit) -> bool:
    """Whether a number of one unit is no number of the other.

    个 counts whatever is counted, 场次 are 场 (and 人次 are no 人), 百分点 are percent.
    """
    if one.base == other.base or one.base + "次" == other.base or other.base + "次" == one.base:
        return {one.base, other.base} == {"人", "人次"}
    if one.dimension.startswith("percent") and other.dimension.startswith("percent"):
        return False
    is_any = "个" in (one.base, other.base) and one.scale == other.scale
    return not (is_any and {one.dimension, other.dimension} <= _COUNTED_WITH_ANY)


def _hit(table: Table, row: Row, message: str, expected: str | None) -> Hit:
    return Hit(message, *at_indicator(row), expected, row["value_printed"], table.row, row)


@table_rule(
    "percentage-for-another-unit", "warning", "A percentage is printed where the unit is another",
    "Either the unit or the value is wrong; no number of that unit can be told from it.",
    "Ask the unit which is meant.",
)  # fmt: skip
def percentage_for_another_unit(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        unit = _printed_unit(row, table, release)
        if unit is None or unit.dimension.startswith("percent"):
            continue
        own = _own_unit(row, release)
        if fold(row["value_printed"]).endswith("%") or (own is not None and own.dimension == "percent"):
            message = f"{row['indicator_printed']} of {table.name} is measured in {unit.printed}, its value is {row['value_printed']}"
            yield _hit(table, row, message, f"a number of {unit.printed}")


@table_rule(
    "words-for-a-number", "warning", "Words are printed where the unit asks for a number",
    "The target cannot be measured.",
    "Ask the unit for the figure, or to drop the unit.",
)  # fmt: skip
def words_for_a_number(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        unit = _printed_unit(row, table, release)
        in_column = row["indicator_name"] == row["indicator_printed"]
        if in_column and squeeze(_attribute(row, table, "operator")).startswith("定性"):
            continue  # words are meant, and the column of units was filled in all the same
        if unit is not None and row["value_kind"] == "text" and not re.search(r"\d", fold(row["value_printed"])):
            message = f"{row['indicator_printed']} of {table.name} is measured in {unit.printed}, its value is {row['value_printed']}"
            yield _hit(table, row, message, f"a number of {unit.printed}")


@table_rule(
    "count-in-percent", "warning", "A count has % as its unit",
    "The unit is a misprint, or the indicator is a rate under a wrong name.",
    "Ask the unit.",
)  # fmt: skip
def count_in_percent(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        unit = _printed_unit(row, table, release)
        is_plain = "%" not in fold(row["value_printed"])
        if unit is not None and unit.printed == "%" and is_plain and _COUNT_NAME.search(squeeze(row["indicator_name"])):
            message = f"{row['indicator_printed']} of {table.name} counts something, its unit is % and its value {row['value_printed']}"
            yield _hit(table, row, message, "a unit that counts")


@table_rule(
    "unit-of-value-differs", "warning", "The value carries another unit than the indicator",
    "Which of the two holds cannot be told.",
    "Ask the unit.",
)  # fmt: skip
def unit_of_value_differs(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        unit = _printed_unit(row, table, release)
        own = _own_unit(row, release)
        if unit is None or own is None or row["value_kind"] not in ("number", "range", "percent"):
            continue
        if own.dimension == "percent" and not unit.dimension.startswith("percent"):
            continue  # percentage-for-another-unit says so
        if _is_another(unit, own) and release.words.units.factor(own, unit) is None:
            message = (
                f"{row['indicator_printed']} of {table.name} is measured in {unit.printed}, "
                f"its value {row['value_printed']} is in {own.printed}"
            )
            yield _hit(table, row, message, f"a number of {unit.printed}")


@table_rule(
    "units-disagree", "warning", "The unit behind the name and the unit in its column are two",
    "The number is published in the first, and may be meant in the second.",
    "Ask the unit.",
)  # fmt: skip
def units_disagree(table: Table, release: Release) -> Iterator[Hit]:
    units = release.words.units
    for row in table.indicators:
        printed = squeeze(_attribute(row, table, "unit"))
        unit, column = _printed_unit(row, table, release), units.find(printed) if printed else None
        if unit is None or column is None or row["indicator_name"] == row["indicator_printed"]:
            continue
        if _is_another(unit, column) or unit.scale != column.scale:
            message = f"{row['indicator_printed']} of {table.name} is measured in {unit.printed}, its column says {column.printed}"
            yield Hit(message, *at_indicator(row), unit.printed, column.printed, table.row, row)


@table_rule(
    "signs-disagree", "warning", "The sign in the value and the sign in its column are two",
    "The value's own sign is published; the target may be the contrary.",
    "Ask the unit which is meant.",
)  # fmt: skip
def signs_disagree(table: Table, release: Release) -> Iterator[Hit]:
    words = release.words.units
    for row in table.indicators:
        printed = _attribute(row, table, "operator")
        meant, own = words.before.get(squeeze(printed)), _by_itself(row, release).operator
        if meant is None or row["operator"] is None or own == row["operator"] == meant:
            continue
        # = is no contradiction to 12月底前 or 85%-95%.
        is_loose = meant == "eq" and (row["value_kind"] == "date" or own == "between")
        if own in (*_SIDED, "between") and own != meant and not is_loose:
            message = (
                f"{row['indicator_printed']} of {table.name} asks for {row['value_printed']}, its column says {printed}"
            )
            yield Hit(message, *at_indicator(row), printed, row["value_printed"], table.row, row)


@table_rule(
    "sign-not-read", "warning", "The sign in its column was not read",
    "The number is published without it, as if it were =.",
    "Compare with the printed document; if the sign is usual, add it to the comparators of units.yml.",
)  # fmt: skip
def sign_not_read(table: Table, release: Release) -> Iterator[Hit]:
    words = release.words.units
    for row in table.indicators:
        printed = _attribute(row, table, "operator")
        sign = squeeze(printed)
        if sign in _NO_SIGN or sign in words.before or row["operator"] is None:
            continue
        is_range = sign in ("区间", "范围", "介于", "之间", "~") and row["operator"] == "between"
        if not is_range and row["operator"] not in (words.either.get(sign), words.behind.get(sign)):
            message = f"{row['indicator_printed']} of {table.name} has the sign {printed} and the value {row['value_printed']}"
            yield Hit(message, *at_indicator(row), "a sign such as ≥", printed, table.row, row)


@table_rule(
    "percentage-over-100", "warning", "A percentage is over 100",
    "A sign before the figure may have been read as a digit (≥92% as 292%).",
    "Compare with the printed document.",
)  # fmt: skip
def percentage_over_100(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        if row["value_kind"] == "percent" and row["unit"] != "‰" and not _GROWTH.search(row["indicator_name"]):
            bounds = [bound for bound in (row["target_min"], row["target_max"]) if bound is not None]
            if bounds and max(bounds) > 100:
                yield _hit(
                    table,
                    row,
                    f"{row['indicator_printed']} of {table.name} asks for {row['value_printed']}",
                    "100% at most",
                )


@table_rule(
    "percentage-oddly-small", "warning", "A percentage is under 1",
    "It is most likely a fraction with a % behind it (0.7 for 70%).",
    "Ask the unit which is meant.",
)  # fmt: skip
def percentage_oddly_small(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        name, target = row["indicator_name"], row["target_value"]
        if row["value_kind"] != "percent" or row["unit"] == "‰" or target is None or not 0 < target < 1:
            continue
        if row["operator"] in ("le", "lt") or any(kind.search(name) for kind in (_UNWANTED, _SMALL, _GROWTH)):
            continue
        message = f"{row['indicator_printed']} of {table.name} asks for {row['value_printed']} only"
        yield _hit(table, row, message, f"{target * 100:g}%?")


@table_rule(
    "rate-as-fraction", "warning", "A rate is printed as a fraction without a unit",
    "0.95 stands where others print 95%, and no sum or comparison can tell that the two are the same.",
    "Ask the unit; correct the cell in corrections.yml if a percentage is meant.",
)  # fmt: skip
def rate_as_fraction(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        if row["unit"] is not None or row["value_kind"] not in ("number", "range"):
            continue
        name = _TRAILING_BRACKET.sub("", squeeze(row["indicator_name"]))
        bounds = [bound for bound in (row["target_min"], row["target_max"]) if bound is not None]
        is_fraction = bool(bounds) and 0 < max(bounds) < 1
        if is_fraction and _FRACTION_NAME.search(name) and not _NO_FRACTION.search(name):
            message = f"{row['indicator_printed']} of {table.name} asks for {row['value_printed']}, and no % is printed"
            yield _hit(table, row, message, "–".join(f"{bound * 100:g}%" for bound in sorted(set(bounds))) + "?")


@table_rule(
    "asks-for-the-bad", "warning", "A target asks for what nobody wants",
    "A rate of faults, complaints or accidents is asked to be high; the sign or the name is wrong.",
    "Ask the unit which is meant.",
)  # fmt: skip
def asks_for_the_bad(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        name, target = row["indicator_name"], row["target_value"]
        if target is None or not _UNWANTED.search(name) or _MENDED.search(name):
            continue
        is_high = row["operator"] == "eq" and row["value_kind"] == "percent" and target >= 50
        if is_high or (row["operator"] in ("ge", "gt") and target > 0):
            yield _hit(
                table,
                row,
                f"{row['indicator_printed']} of {table.name} asks for {row['value_printed']}",
                "an upper bound",
            )


@table_rule(
    "asks-for-nothing", "warning", "A target is always met",
    "At least 0 of something, or at most 100% of it, asks for nothing.",
    "Ask the unit for the sign that is meant.",
)  # fmt: skip
def asks_for_nothing(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        low, high = row["target_min"], row["target_max"]
        is_any = row["operator"] == "ge" and low is not None and low <= 0
        is_bound = row["operator"] == "le" and row["value_kind"] == "percent" and high == 100
        if is_any or (is_bound and not _LIMITED.search(row["indicator_name"])):
            yield _hit(table, row, f"{row['indicator_printed']} of {table.name} asks for {row['value_printed']}", None)


@table_rule(
    "counted-with-decimals", "warning", "Things that are counted have decimals",
    "A unit such as 万 may be missing, or the decimal point is misplaced.",
    "Ask the unit.",
)  # fmt: skip
def counted_with_decimals(table: Table, release: Release) -> Iterator[Hit]:
    units = release.words.units
    for row in table.indicators:
        unit = units.find(row["unit"]) if row["unit"] else None
        value = row["base_value"]
        if unit is None or unit.dimension not in _COUNTED or unit.base in _MEASURED or value is None:
            continue
        if abs(value - round(value)) > 1e-9:
            message = f"{row['indicator_printed']} of {table.name} asks for {row['value_printed']}, {unit.printed} are counted"
            yield _hit(table, row, message, "a whole number")


@table_rule(
    "bound-against-sense", "warning", "Something wanted is bounded from above, or a cost from below",
    "The comparison sign is turned round.",
    "Ask the unit for the sign that is meant.",
)  # fmt: skip
def bound_against_sense(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        operator, name = row["operator"], row["indicator_name"]
        is_wanted = row["value_kind"] == "percent" and _WANTED.search(squeeze(name)) and not _UNWANTED.search(name)
        if is_wanted and operator in ("le", "lt") and row["target_max"] not in (None, 100):
            expected = f"at least {row['target_max']:g}%"
        elif row["level2"] == "成本指标" and operator in ("ge", "gt") and _is_money(row) and not _GROWTH.search(name):
            expected = f"at most {row['target_min']:g} {row['unit']}"
        else:
            continue
        yield _hit(table, row, f"{row['indicator_printed']} of {table.name} asks for {row['value_printed']}", expected)


def _is_money(row: Row) -> bool:
    return (row["base_unit"] or "").startswith("元") and bool(row["target_min"])


@table_rule(
    "satisfaction-out-of-range", "warning", "A satisfaction target is no ordinary percentage",
    "Satisfaction is measured in percent or marks of 100, and a target under 60 asks for less than a pass.",
    "Ask the unit.",
)  # fmt: skip
def satisfaction_out_of_range(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        if row["level2"] != "满意度指标" or row["target_value"] is None:
            continue
        if _DISSATISFACTION.search(row["indicator_name"]):
            continue
        unit = release.words.units.find(row["unit"]) if row["unit"] else None
        is_percent = unit is None or unit.dimension in ("percent", "score")
        if not is_percent or 1 <= row["target_value"] < _LOW_SATISFACTION:
            yield _hit(
                table, row, f"{row['indicator_printed']} of {table.name} asks for {row['value_printed']}", "60% or more"
            )


@table_rule(
    "more-than-a-year", "info", "A target in months goes beyond the year",
    "The table is for one year.",
    "Ask the unit, if the project is not one of several years.",
)  # fmt: skip
def more_than_a_year(table: Table, release: Release) -> Iterator[Hit]:
    for row in table.indicators:
        if row["target_period"] == "long_term" or _DURATION.search(row["indicator_name"]):
            continue
        if row["unit"] in ("月", "个月") and row["target_value"] is not None and row["target_value"] > 12:
            yield _hit(
                table, row, f"{row['indicator_printed']} of {table.name} asks for {row['value_printed']}", "12 at most"
            )


@table_rule(
    "target-of-another-year", "warning", "A date lies before the table's year, or years behind it",
    "The target was carried over from another table, or its year is a misprint.",
    "Ask the unit for the date that is meant.",
)  # fmt: skip
def target_of_another_year(table: Table, release: Release) -> Iterator[Hit]:
    year = table.row["fiscal_year"]
    if year is None:
        return
    for row in table.indicators:
        if row["value_kind"] != "date":
            continue
        years = [int(found) for found in _YEAR.findall(fold(row["value_printed"]))]
        is_late = row["target_period"] == "annual" and years and min(years) > year + 1
        if years and (max(years) < year or is_late):
            message = (
                f"{row['indicator_printed']} of {table.name} is due {row['value_printed']}, the table is of {year}"
            )
            yield _hit(table, row, message, str(year))
