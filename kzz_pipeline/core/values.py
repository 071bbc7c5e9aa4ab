"""Target values: what a printed 指标值 says, as numbers, with nothing guessed (grammar: docs/values.md)."""

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import NamedTuple

import cn2an

from kzz_pipeline.core.characters import fold, printed_as, squeeze
from kzz_pipeline.core.units import MEASURED, Units, split_unit


class Reading(NamedTuple):
    """An indicator read: its name and unit, and its target as kind, operator and bounds (contract: indicators).

    `base_value` is the target in `base_unit`, the canonical unit.
    """

    indicator_name: str
    unit: str | None
    value_kind: str
    operator: str | None
    target_value: float | None
    target_min: float | None
    target_max: float | None
    base_unit: str | None
    base_value: float | None


@dataclass(frozen=True, slots=True)
class _Value:
    """A printed value before it meets the indicator's unit.

    `multiplier` is a 万, 亿 … printed with no unit behind it.
    """

    kind: str
    operator: str | None = None
    low: float | None = None
    high: float | None = None
    suffix: str | None = None
    multiplier: str | None = None


# What is known of a value before it is read: "" nothing, "date" that its indicator has no unit and a name or a level that
# says time, "measure" that it has a unit, and where that is one of time or a percentage, the canonical unit itself.
_Context = str
_UNMEASURED = ("", "date")
_Suffix = tuple[str | None, str | None]

_TEXT = _Value("text")
_LONGEST = 60
_BLANK = {"-", "/", "无", "暂无", "--", "*", "**", "nan", "inf", "一"}
# Multipliers that money and people are counted by: before a unit, or alone behind a number.
_COUNTED_BY = ("万", "亿")
_LOWER, _UPPER = ("ge", "gt"), ("le", "lt")
_NUMBER = r"[+-]?(?:[1-9]\d{0,2}(?:,\d{3}){1,4}|\d{1,15})(?:\.\d{1,15})?"
# What may stand behind a number until the vocabulary says that it is a unit. Digits only in m2 and m3.
_SUFFIX = r"(?:[^\d<>=≥≤≈±~,;。!?]|(?<=m)[23]){0,20}?"
_FRACTION = re.compile(r"^([1-9]\d?)/([1-9]\d?)$", re.ASCII)
_PLUS_MINUS = re.compile(rf"^({_NUMBER})?({_SUFFIX})(?:±|\+/-|\+-|正负)({_NUMBER})({_SUFFIX})$", re.ASCII)
_ENCLOSED = re.compile(
    rf"^({_NUMBER})({_SUFFIX})(?:[<≤]|<=)(?:[A-Za-z]|[\u4e00-\u9fff]{{1,10}})(?:[<≤]|<=)({_NUMBER})({_SUFFIX})$",
    re.ASCII,
)
# A dash that stands for nothing is no minus sign.
_STROKE = re.compile(r"^\s*[—―─ー]")
# Two numbers, or one that was torn: 100 200; 1, 234; 12。5.
_TORN = re.compile(r"[\d.,] +[\d.,]|\d。\d", re.ASCII)
_DIGIT = re.compile("[0-9]")
_STOPS = ("。", ";", ",", "、", ".")
_FULL_STOP = re.compile(r"(?:[。;]|(?<!\d)[,、.])$", re.ASCII)
_INCLUDED = re.compile(r"\(含(?:本数|\d+%?)?\)", re.ASCII)
_TIME_NAME = re.compile("时间|日期|时限|期限|时点|年月|截止")
# What ends so is an amount, however much it has to do with time: 及时发放人数.
_AMOUNT_NAME = re.compile("(?:数|[数重产总]量|面积|里程|[总金]额)$")
_NUMBER_LIKE = re.compile(
    r"^(?:[^\u4e00-\u9fff]{0,3}|[约近超])\d|\d(?:\.\d+)?[%‰]|^[约近]?[一二两三四五六七八九十]{1,3}[多几余]?[个次人场%]"
)


def is_numeric_value(text: str, units: Units) -> bool:
    """Whether a cell is by itself a number, percentage, range or date."""
    return _read_value(text, units, "") is not _TEXT


def looks_like_value(text: str, units: Units) -> bool:
    """Whether a cell reads like a target by itself: a number or date, or a word of quality (有效提高, 长期)."""
    if is_numeric_value(text, units):
        return True
    word = squeeze(text)
    if len(word) > 12:
        return False
    return word in units.qualities or word in _BLANK or units.quality_patterns.match(word) is not None


def reads_like_a_number(text: str) -> bool:
    """Whether a value that was left text begins like a number: a person should look at it."""
    folded = squeeze(text)
    return len(folded) <= 20 and _NUMBER_LIKE.search(folded) is not None


# -- an indicator ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=16384)
def read_indicator(
    indicator_printed: str,
    value_printed: str,
    units: Units,
    unit_printed: str | None = None,
    operator_printed: str | None = None,
    is_of_time: bool = False,
) -> Reading:
    """An indicator's name, unit and target, from its cells as printed.

    `unit_printed` and `operator_printed` are the cells of templates that print the unit (度量单位) and the sign
    (指标性质: ≥, =, 定性 …) in columns of their own; the unit in the name's bracket goes before the column's.
    `is_of_time` says that the indicator stands under 时效指标.
    """
    name, bracketed = split_unit(indicator_printed, units)
    unit = bracketed
    if unit is None and unit_printed:
        unit = squeeze(unit_printed)
        unit = None if unit in _BLANK or not unit else unit
    value = _read_value(value_printed, units, _context(name, unit, units, is_of_time))
    if value.operator == "eq" and operator_printed:
        value = _with_operator(value, units.before.get(squeeze(operator_printed), "eq"))
    if value.kind == "text":
        return Reading(name, unit, "text", None, None, None, None, None, None)
    if value.kind == "date":
        return Reading(name, unit, "date", value.operator, None, None, None, None, None)
    return _scaled(name, unit, value, units, unit == bracketed)


def _context(name: str, unit: str | None, units: Units, is_of_time: bool) -> _Context:
    if unit is None:
        is_date = (is_of_time or _TIME_NAME.search(name)) and not _AMOUNT_NAME.search(name)
        return "date" if is_date else ""
    named = units.find(unit)
    if named is None:
        return ""
    return named.base if named.dimension in ("time", "percent") else "measure"


def _with_operator(value: _Value, operator: str) -> _Value:
    if value.kind == "date":
        return _Value("date", operator)
    assert value.low is not None
    return _bounded(operator, value.low, (value.suffix, value.multiplier))


def _scaled(name: str, unit: str | None, value: _Value, units: Units, is_bracketed: bool = True) -> Reading:
    """The value in the indicator's unit, and in the canonical one; `is_bracketed` says that the unit is the name's own."""
    own = units.find(value.suffix) if value.suffix else None
    named = units.find(unit) if unit else None
    measured = own or named
    factor = units.multipliers[value.multiplier] if value.multiplier else 1.0
    if value.multiplier in _COUNTED_BY and unit and unit[0] in _COUNTED_BY:
        # （万元） and 250万: the multiplier is the unit's own; 1.2亿 of it are 12000.
        factor = units.multipliers[value.multiplier] / units.multipliers[unit[0]]
    low, high = value.low, value.high
    if own is not None and named is not None and own.dimension == named.dimension:
        exact = units.factor(own, named)
        if exact is not None:
            factor, measured = exact, named
        elif own.dimension in MEASURED and not is_bracketed:
            # ≤5个工作日 where the column of units says 天 for want of a better one.
            return _scaled(name, None, value, units)
        elif own.dimension in MEASURED:
            # ≤2天 where the name's unit is 小时: how many that are meant to be is not said.
            target = None if value.operator == "between" else low if low is not None else high
            base = None if target is None else _clean(target * own.scale)
            return Reading(name, unit, value.kind, value.operator, None, None, None, own.base, base)
    if factor != 1.0:
        low = None if low is None else _clean(low * factor)
        high = None if high is None else _clean(high * factor)
    printed_unit = unit or value.suffix
    percent = any(found is not None and found.dimension.startswith("percent") for found in (own, named))
    kind = "percent" if percent else value.kind
    target = None if value.operator == "between" else low if low is not None else high
    base_unit = measured.base if measured else printed_unit
    base_value = _clean(target * measured.scale) if target is not None and measured else target
    return Reading(name, printed_unit, kind, value.operator, target, low, high, base_unit, base_value)


def _clean(number: float) -> float:
    """`number` without the dust of binary multiplication."""
    return float(f"{number:.15g}")


# -- a value ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16384)
def _read_value(printed: str, units: Units, context: _Context) -> _Value:
    if _HOLDS_VALUE.search(printed) is None:
        return _TEXT
    text = fold(printed) if len(printed) <= 4 * _LONGEST else ""
    if not text or len(text) > _LONGEST or text in _BLANK or "*" in text or _TORN.search(text):
        return _TEXT
    text = text.replace(" ", "")
    if "含" in text:
        text = _INCLUDED.sub("", text)
    if text[0] == "¥":
        text = text[1:].removesuffix("元") + "元"
    if text.endswith(_STOPS):
        text = _FULL_STOP.sub("", text)
    text = _arabic(text, units)
    if not _DIGIT.search(text):
        return (_read_dates(text, units, context) if _SAYS_DATE.search(text) else None) or _TEXT
    for read in (_read_simple, _read_dates, _read_range, _read_both, _read_fraction):
        value = read(text, units, context)
        if value is not None:
            return _TEXT if text[0] == "-" and _STROKE.match(printed) else value
    return _TEXT


class _Grammar(NamedTuple):
    """The patterns that hold words of the vocabulary: one number, a range, and two bounds."""

    simple: re.Pattern[str]
    range: re.Pattern[str]
    both: re.Pattern[str]


@lru_cache(maxsize=8)
def _grammar(units: Units) -> _Grammar:
    before = f"({_any_of([*units.before, *units.either])})?"
    behind = f"({_any_of(units.behind)})?"
    approximately = _any_of([*(word for word, sense in units.before.items() if sense == "eq"), *units.either])
    one = rf"{before}({_NUMBER})({_SUFFIX}){behind}"
    other = rf"{before}(?<![\d.])({_NUMBER})({_SUFFIX}){behind}"
    return _Grammar(
        re.compile(f"^{one}$", re.ASCII),
        re.compile(
            rf"^(?:{approximately}|在|介于)?({_NUMBER})({_SUFFIX})([-~至到和与])({_NUMBER})({_SUFFIX})"
            rf"(之间|区间|范围内|内|以内|左右|上下)?$",
            re.ASCII,
        ),
        re.compile(rf"^{one}[,;、]?(?:且|并且|但|同时|又)?{other}$", re.ASCII),
    )


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _suffix(text: str, units: Units) -> _Suffix | None:
    """The unit behind a number, or the 万 or 亿 where only that stands there; None where it is neither."""
    if text == "":
        return None, None
    if text in units.multipliers:
        return None, text
    if text in ("/%", "%/"):
        return "%", None
    if text[0] == "(" and text[-1] == ")":
        text = text[1:-1]
    return (text, None) if units.find(text) is not None else None


def _common_suffix(first: str, last: str, units: Units) -> _Suffix | None:
    """The unit of two numbers: printed behind both, behind the last, or a part of it behind the first (%, 万)."""
    is_part = (last == "" and first in ("%", "‰")) or (first in _COUNTED_BY and last.startswith(first))
    if first and first != last and not is_part:
        return None
    return _suffix(last or first, units)


def _operator(before: str | None, behind: str | None, units: Units) -> str | None:
    """What the words around a number say together; None where they contradict each other."""
    after = units.behind[behind] if behind else None
    if before in units.either:
        return after if after not in (None, "eq") else units.either[before]
    first = units.before[before] if before else "eq"
    if after in (None, "eq", first):
        return first
    if first == "eq":
        return after
    return first if (first in _LOWER) == (after in _LOWER) else None


def _bounded(operator: str, number: float, suffix: _Suffix) -> _Value:
    low = number if operator == "eq" or operator in _LOWER else None
    high = number if operator == "eq" or operator in _UPPER else None
    return _Value("number", operator, low, high, *suffix)


def _between(low: float, high: float, suffix: _Suffix) -> _Value | None:
    return _Value("range", "between", low, high, *suffix) if low <= high else None


def _read_simple(text: str, units: Units, context: _Context) -> _Value | None:
    """One number: its sign or word, its unit, a word behind."""
    match = _grammar(units).simple.match(text)
    if match is None:
        return None
    before, number, unit, behind = match.groups()
    suffix = _suffix(unit, units)
    operator = _operator(before, behind, units)
    if suffix is None or operator is None:
        return None
    if (unit == "年" or context == "date") and _BARE_DATE.match(number):
        return None
    # 3月 is March and 3月内 a deadline; 3个月 is a duration, as is 3月 where the indicator is measured in months.
    if unit in ("月", "季度") and unit != context and operator in ("eq", "le") and _read_dates(text, units, ""):
        return None
    return _bounded(operator, _number(number), suffix)


def _read_range(text: str, units: Units, context: _Context) -> _Value | None:
    """85%-95%, 介于5和10之间, 100±5."""
    if match := _PLUS_MINUS.match(text):
        middle, first, spread, last = match.groups()
        suffix = _common_suffix(first, last, units) if first or not middle else _suffix(last, units)
        # 50±10%: ten points where fifty is a percentage, else perhaps a tenth of fifty.
        if suffix is None or (middle and not first and last in ("%", "‰") and context != "%"):
            return None
        centre, distance = _number(middle or "0"), abs(_number(spread))
        return _between(_clean(centre - distance), _clean(centre + distance), suffix)
    match = _grammar(units).range.match(text)
    if match is None:
        return None
    low, first, joint, high, last, behind = match.groups()
    suffix = _common_suffix(first, last, units)
    if suffix is None or (joint in "和与" and behind not in ("之间", "区间")):
        return None
    return _between(_number(low), _number(high), suffix)


def _read_both(text: str, units: Units, context: _Context) -> _Value | None:
    """Both bounds in signs or words: ≥5且≤10, 5人以上10人以下, 3≤X<5, 90%≤合格率≤95%."""
    if match := _ENCLOSED.match(text):
        low, unit1, high, unit2 = match.groups()
        suffix = _common_suffix(unit1, unit2, units)
        return _between(_number(low), _number(high), suffix) if suffix is not None else None
    match = _grammar(units).both.match(text)
    if match is None:
        return None
    before1, number1, unit1, behind1, before2, number2, unit2, behind2 = match.groups()
    suffix = _common_suffix(unit1, unit2, units)
    first, last = _operator(before1, behind1, units), _operator(before2, behind2, units)
    if suffix is None:
        return None
    if first in _LOWER and last in _UPPER:
        return _between(_number(number1), _number(number2), suffix)
    if first in _UPPER and last in _LOWER:
        return _between(_number(number2), _number(number1), suffix)
    return None


def _read_fraction(text: str, units: Units, context: _Context) -> _Value | None:
    """A proper fraction in lowest terms, up to tenths. 100/200 people, 12/31 and 2/4 are something else."""
    match = _FRACTION.match(text)
    if match is None or context not in _UNMEASURED:
        return None
    above, below = int(match[1]), int(match[2])
    if above >= below or below > 10 or gcd(above, below) > 1:
        return None
    return _bounded("eq", above / below, (None, None))


# -- Chinese numerals ------------------------------------------------------------------------------------------

_DIGITS = "零一二三四五六七八九"
_SIGN = f"{_DIGITS}两〇○十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟"
_NUMERALS = rf"[{_SIGN}]+(?:点[{_DIGITS}]+)?"
_NUMERAL = re.compile(rf"(?<![\d.,]){_NUMERALS}(?![\d.,{_SIGN}])", re.ASCII)
_SPELLED_YEAR = re.compile(rf"[{_DIGITS}〇○]{{4}}(?=年)")
_YEAR_DIGITS = str.maketrans("〇○" + _DIGITS, "000123456789")
_PER = re.compile(rf"([百千])分之({_NUMERALS}|\d[\d.]*)", re.ASCII)
_PART = re.compile(rf"({_NUMERALS})分之({_NUMERALS})")


def _arabic(text: str, units: Units) -> str:
    """`text` with its Chinese numerals in digits, as far as they are numbers: 三次, 百分之九十, 三分之一."""
    if text.isascii() or _NUMERAL.search(text) is None:
        return text
    text = _SPELLED_YEAR.sub(lambda year: year[0].translate(_YEAR_DIGITS), text)
    if "百分" in text or "分之" in text:
        text = re.sub("百分(?:之)?百", "100%", text)
        text = _PER.sub(lambda part: f"{_spelled(part[2]) or part[2]}{'%' if part[1] == '百' else '‰'}", text)
        text = _PART.sub(lambda part: f"{_spelled(part[2])}/{_spelled(part[1])}", text)

    def digits(numeral: re.Match[str]) -> str:
        if text[numeral.end() : numeral.end() + 1] in units.ordinals:
            return numeral[0]
        return _spelled(numeral[0]) or numeral[0]

    return _NUMERAL.sub(digits, text)


@lru_cache(maxsize=4096)
def _spelled(numeral: str) -> str | None:
    """A Chinese numeral in digits, by the strict rules: 三五 is three to five, 百 and ○ are no numbers."""
    if re.search("两(?!$|[百千万亿])|.两$|[〇○]$|^[〇○]", numeral):
        return None
    try:
        number = cn2an.cn2an(numeral.translate(str.maketrans("两〇○", "二零零")), "strict")
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return f"{number:.15g}"


# -- dates -----------------------------------------------------------------------------------------------------

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_WHICH_YEAR = "(?:当|本|今|次|翌|明|来)年度?"
_PART_OF_MONTH = "(?:份|初|底|末|中旬|上旬|下旬|中)"
_DATE = (
    rf"(?:(?:{_YEAR}年度?|{_WHICH_YEAR}|每年)?{_MONTH}月(?:{_DAY}[日号]|{_PART_OF_MONTH})?"
    rf"|{_YEAR}(?:\.{_MONTH}(?:\.{_DAY}日?)?|/{_MONTH}(?:/{_DAY}日?)?|-{_MONTH}(?:-{_DAY}日?)?)"
    rf"|(?:{_YEAR}年度?|{_WHICH_YEAR}|每年)?(?:第?[1-4]季度[初底末]?|[上下]半年[初底末]?|全年度?)"
    rf"|(?:{_YEAR}年|{_WHICH_YEAR}|每年)?年?(?<=年)[初底末]|年度?(?=内)|{_YEAR}年度?|{_WHICH_YEAR}"
    rf"|每?(?:月|季度)[初底末]|[每当本次下翌]月{_DAY}[日号]|{_DAY}[日号](?=之?前|以前))"
)
# A year alone, a year with its month and a date without signs could be numbers where nothing says otherwise.
_WITHOUT_SIGNS = rf"{_YEAR}(?:0[1-9]|1[0-2])(?:\d\d)?"
_BARE_DATE = re.compile(rf"^(?:{_YEAR}(?:[./-]{_MONTH})?|{_WITHOUT_SIGNS})$", re.ASCII)
_BARE_RANGE = re.compile(rf"^{_WITHOUT_SIGNS}[-~至到]{_WITHOUT_SIGNS}$", re.ASCII)
_DATE_BEFORE = {
    **dict.fromkeys(("于", "在", "="), "eq"),
    **dict.fromkeys(("自", "从", "不早于", "≥", ">="), "ge"),
    **dict.fromkeys(("晚于", ">"), "gt"),
    **dict.fromkeys(("早于", "<"), "lt"),
    **dict.fromkeys(("截至", "截止", "截止到", "截至到", "≤", "<="), "le"),
    **dict.fromkeys(("不晚于", "不迟于", "不得晚于", "不得迟于"), "le"),
}
_DATE_BEHIND = {
    **dict.fromkeys(("前", "之前", "以前", "内", "之内", "以内", "止", "为止"), "le"),
    **dict.fromkeys(("起", "开始", "后", "之后", "以后", "启动"), "ge"),
}
_DONE_WORDS = "完成|完工|竣工|结束|到位|支付|拨付|发放|办结|验收|交付|完毕"
_DONE = f"(?:[已均应]?(?:全部|基本)?(?:{_DONE_WORDS}){{1,2}}(?:完毕|到位|工作|任务)?)?"
_DATE_CELL = re.compile(
    rf"^({_any_of(_DATE_BEFORE)})?{_DATE}({_any_of(_DATE_BEHIND)})?{_DONE}$",
    re.ASCII,
)
_DATE_RANGE = re.compile(
    rf"^(?:自|从|于|在)?(?:{_YEAR}(?:年|[./]){_MONTH}月?[-~至到]{_MONTH}月?份?"
    rf"|{_YEAR}\.{_MONTH}\.{_DAY}[-~至到]{_MONTH}\.{_DAY}"
    rf"|(?:{_DATE}|{_YEAR})[-~至到](?:{_DATE}|{_YEAR}|{_DAY}[日号]))(?:止|期间|内|前)?{_DONE}$",
    re.ASCII,
)
_MONTH_RANGE = re.compile(rf"^({_MONTH})月?[-~至到]({_MONTH})月份?$", re.ASCII)
_SAYS_DATE = re.compile("[年月日号季底末初]")
# A number or a date holds one of these, however it is written; most names hold none.
_HOLDS_VALUE = re.compile(f"[{''.join(printed_as('0123456789' + _SIGN + '年月日号季底末初'))}]")
_FULL_DATE = re.compile(
    r"(?:(?P<year>\d{4})年)?(?P<month>\d{1,2})月(?P<day>\d{1,2})[日号]"
    r"|(?<!\d)(?P<y>(?:19|20)\d\d)(?P<sign>[./-])(?P<m>\d{1,2})(?P=sign)(?P<d>\d{1,2})(?!\d)"
    r"|(?<!\d)(?P<y8>(?:19|20)\d\d)(?P<m8>\d\d)(?P<d8>\d\d)(?!\d)",
    re.ASCII,
)


def _read_dates(text: str, units: Units, context: _Context) -> _Value | None:
    """Dates, deadlines and periods; months of one year (1-12月) are a range of months."""
    if match := _MONTH_RANGE.match(text):
        return _between(float(match[1]), float(match[2]), ("月", None))
    if context not in _UNMEASURED and not _SAYS_DATE.search(text):
        return None
    if not _days_exist(text):
        return None
    if context == "date" and _BARE_DATE.match(text):
        return _Value("date", "eq")
    if context == "date" and _BARE_RANGE.match(text):
        return _Value("date", "between")
    if match := _DATE_CELL.match(text):
        before, behind = _DATE_BEFORE.get(match[1], "eq"), _DATE_BEHIND.get(match[2], "eq")
        if "eq" not in (before, behind) and before != behind:
            return None
        return _Value("date", behind if before == "eq" else before)
    return _Value("date", "between") if _DATE_RANGE.match(text) else None


def _days_exist(text: str) -> bool:
    """Whether every day of the month in `text` is in the calendar; 29 February where no year is given."""
    for found in _FULL_DATE.finditer(text):
        groups = ("year", "y", "y8"), ("month", "m", "m8"), ("day", "d", "d8")
        year, month, day = (int(next(filter(None, found.group(*names)), 2000)) for names in groups)
        if not 1 <= month <= 12 or not 1 <= day <= monthrange(year, month)[1]:
            return False
    return True
