"""Target values: what a printed 指标值 says, as numbers, with nothing guessed (grammar: docs/values.md)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cn2an

from kzz_pipeline.core.characters import fold, squeeze
from kzz_pipeline.core.units import Unit, Units, split_unit


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
    """A printed value before it meets the indicator's unit. `multiplier` is a 万, 亿 … printed with no unit behind it."""

    kind: str
    operator: str | None = None
    low: float | None = None
    high: float | None = None
    suffix: str | None = None
    multiplier: float = 1.0


_TEXT = _Value("text")
_NUMBER = r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_CHINESE = "零〇一二两三四五六七八九十百千万亿"
_SUFFIX = r"[^\d<>=≥≤±~;；。!?？]{0,12}"
_BEFORE = {
    "大于等于": "ge", "大于或等于": "ge", "不低于": "ge", "不少于": "ge", "不小于": "ge", "不短于": "ge", "至少": "ge",
    "达到": "ge", "达": "ge", "高于等于": "ge", ">=": "ge", "≥": "ge", "≥=": "ge", "=>": "ge", ">": "gt", "大于": "gt",
    "高于": "gt", "多于": "gt", "超过": "gt", "小于等于": "le", "小于或等于": "le", "不超过": "le", "不高于": "le",
    "不多于": "le", "不大于": "le", "不长于": "le", "不超": "le", "至多": "le", "最多": "le", "控制在": "le", "<=": "le",
    "≤": "le", "=<": "le", "<": "lt", "小于": "lt", "低于": "lt", "少于": "lt", "=": "eq", "==": "eq", "等于": "eq",
    "约": "eq", "大约": "eq", "约为": "eq", "共": "eq", "共计": "eq", "为": "eq",
}  # fmt: skip
_AFTER = {
    "及以上": "ge", "(含)以上": "ge", "或以上": "ge", "以上": "ge", "及以内": "le", "以内": "le", "之内": "le", "内": "le",
    "及以下": "le", "(含)以下": "le", "或以下": "le", "以下": "le", "左右": "eq", "上下": "eq",
}  # fmt: skip
_SEPARATE = {"正向": None, "反向": None, "定性": None, "定量": None}


def _either(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_SIMPLE = re.compile(rf"^({_either(_BEFORE)})?({_NUMBER})({_SUFFIX}?)({_either(_AFTER)})?$")
_RANGE = re.compile(rf"^({_NUMBER})({_SUFFIX}?)(?:-|~|至|到)({_NUMBER})({_SUFFIX})$")
_PLUS_MINUS = re.compile(rf"^({_NUMBER})?({_SUFFIX}?)±({_NUMBER})({_SUFFIX})$")
_BOTH = re.compile(
    rf"^({_either(_BEFORE)})({_NUMBER})({_SUFFIX}?)[,、;]?(?:且|并且|,|;|、|同时)?({_either(_BEFORE)})({_NUMBER})({_SUFFIX})$"
)
_FRACTION = re.compile(r"^(\d{1,6})/(\d{1,6})$")
_PERCENT_CHINESE = re.compile(rf"百分之([{_CHINESE}点]+|{_NUMBER})")
_CHINESE_NUMBER = re.compile(rf"^({_either(_BEFORE)})?([{_CHINESE}]+)([^{_CHINESE}\d].{{0,8}})$")
_YEAR, _MONTH, _DAY = r"(?:(?:19|20)\d\d)", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_DATE = (
    rf"(?:{_YEAR}年(?:{_MONTH}月(?:{_DAY}日|份|底|末|初|中旬|上旬|下旬)?|底|末|度|初)?|{_YEAR}[./-]{_MONTH}(?:[./-]{_DAY}日?)?"
    rf"|{_MONTH}月{_DAY}日|{_MONTH}月(?:份|底|末|初|中旬|上旬|下旬)|(?:第?[一二三四1234]季度(?:末|底)?)|(?:当年|本年|次年|年)(?:底|末|内|度内)"
    rf"|(?:上|下)半年|全年度?)"
)
_DATE_CELL = re.compile(rf"^(?:于|在)?({_DATE})(前|之前|以前|前完成|底前|末前|内|内完成|完成|起|后|之后|以后|止)?$")
_MONTH_BEFORE = re.compile(rf"^(?:于|在)?(?:{_YEAR}年)?{_MONTH}月(?:底|末)?(?:之前|以前|前|前完成|底前完成)$")
_DATE_RANGE = re.compile(rf"^({_DATE}|{_YEAR}年?|{_MONTH}月)(?:-|~|至|到)({_DATE}|{_YEAR}年?|{_MONTH}月)$")
_MONTH_RANGE = re.compile(rf"^({_MONTH})月?(?:-|~|至|到)({_MONTH})月份?$")
_BAD_DATE = re.compile(r"\d年\d+月|\d月\d+日|^\d+月\d*日?")
_BLANK = {"-", "/", "无", "暂无", "--", "——", "*", "**", "nan", "inf"}
_NUMBER_LIKE = re.compile(r"^[^\u4e00-\u9fff]{0,3}\d|^[约近]?[一二三四五六七八九十]{1,3}[多几余]?[个次人场%]")


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _is_suffix(text: str, units: Units) -> bool:
    return text == "" or text in units.multipliers or units.find(text) is not None or text in ("/%", "%/")


def _suffix(text: str, units: Units) -> tuple[str | None, float]:
    """The unit behind a number and, where only a 万 or 亿 stands there, what it multiplies by."""
    if text in ("/%", "%/"):
        return "%", 1.0
    if text in units.multipliers:
        return None, units.multipliers[text]
    return text or None, 1.0


@lru_cache(maxsize=65536)
def _read_value(folded: str, units: Units) -> _Value:
    text = folded.replace(" ", "")
    if not text or len(text) > 60 or text in _BLANK or "*" in text or not text.isprintable():
        return _TEXT
    if not text.isascii() and re.search(r"[^\W\d_]?\d", text) and re.search(r"[^\x00-\x7f]", re.sub(r"\D", "", text)):
        return _TEXT  # digits of another script
    for read in (_read_simple, _read_dates, _read_range, _read_both, _read_fraction, _read_chinese):
        value = read(text, units)
        if value is not None:
            return value
    return _TEXT


def _read_simple(text: str, units: Units) -> _Value | None:
    match = _SIMPLE.match(text)
    if match is None or not _is_suffix(match[3], units):
        return None
    if match[3] in ("月", "日", "年") and (match[4] == "内" or (match[3] == "年" and re.match(rf"^{_YEAR}$", match[2]))):
        return None
    if match[1] and match[4] and _BEFORE[match[1]] != "eq" and _AFTER[match[4]] != "eq":
        operator = _AFTER[match[4]] if match[1] in ("控制在", "达到", "达") else _BEFORE[match[1]]
    else:
        operator = _BEFORE[match[1]] if match[1] else _AFTER[match[4]] if match[4] else "eq"
        if match[4] and operator == "eq":
            operator = _AFTER[match[4]]
    suffix, multiplier = _suffix(match[3], units)
    return _bounded(operator, _number(match[2]), suffix, multiplier)


def _bounded(operator: str, number: float, suffix: str | None, multiplier: float = 1.0) -> _Value:
    low = number if operator in ("eq", "ge", "gt") else None
    high = number if operator in ("eq", "le", "lt") else None
    return _Value("number", operator, low, high, suffix, multiplier)


def _read_dates(text: str, units: Units) -> _Value | None:
    if match := _MONTH_RANGE.match(text):
        return _Value("range", "between", float(match[1]), float(match[2]), "月")
    if _DATE_RANGE.match(text):
        return _Value("date", "between")
    if _MONTH_BEFORE.match(text):
        return _Value("date", "le")
    if match := _DATE_CELL.match(text):
        tail = match[2] or ""
        if tail in ("起", "后", "之后", "以后"):
            return _Value("date", "ge")
        return _Value("date", "le" if "前" in tail or "内" in tail or tail == "止" else "eq")
    return None


def _read_range(text: str, units: Units) -> _Value | None:
    if match := _PLUS_MINUS.match(text):
        first, last = match[2], match[4]
        if not (_is_suffix(first, units) and _is_suffix(last, units)):
            return None
        middle, spread = _number(match[1] or "0"), abs(_number(match[3]))
        suffix, multiplier = _suffix(last or first, units)
        return _Value("range", "between", middle - spread, middle + spread, suffix, multiplier)
    match = _RANGE.match(text)
    if match is None or not (_is_suffix(match[2], units) and _is_suffix(match[4], units)):
        return None
    if match[2] and match[4] and match[2] != match[4]:
        return None
    low, high = _number(match[1]), _number(match[3])
    suffix, multiplier = _suffix(match[4] or match[2], units)
    return _Value("range", "between", low, high, suffix, multiplier) if low <= high else None


def _read_both(text: str, units: Units) -> _Value | None:
    match = _BOTH.match(text)
    if match is None or not (_is_suffix(match[3], units) and _is_suffix(match[6], units)):
        return None
    first, last = _BEFORE[match[1]], _BEFORE[match[4]]
    low, high = _number(match[2]), _number(match[5])
    if first in ("le", "lt") and last in ("ge", "gt"):
        low, high, first, last = high, low, last, first
    if first not in ("ge", "gt") or last not in ("le", "lt") or low > high:
        return None
    if match[3] and match[6] and match[3] != match[6]:
        return None
    suffix, multiplier = _suffix(match[6] or match[3], units)
    return _Value("range", "between", low, high, suffix, multiplier)


def _read_fraction(text: str, units: Units) -> _Value | None:
    match = _FRACTION.match(text)
    if match is None or int(match[2]) == 0:
        return None
    return _bounded("eq", int(match[1]) / int(match[2]), None)


def _read_chinese(text: str, units: Units) -> _Value | None:
    """Numbers in Chinese numerals: 三次, 百分之九十."""
    if "百分之" in text:
        spelled = _PERCENT_CHINESE.search(text)
        number = _spelled(spelled[1]) if spelled else None
        if spelled is None or number is None:
            return None
        return _read_simple(text[: spelled.start()] + f"{number:g}%" + text[spelled.end() :], units)
    match = _CHINESE_NUMBER.match(text)
    if match is None:
        return None
    number = _spelled(match[2])
    return _read_simple(f"{match[1] or ''}{number:.15g}{match[3]}", units) if number is not None and match[3] else None


def _spelled(numerals: str) -> float | None:
    try:
        return float(numerals.replace(",", "")) if numerals[0].isdigit() else float(cn2an.cn2an(numerals, "smart"))
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def read_indicator(
    indicator_printed: str,
    value_printed: str,
    units: Units,
    unit_printed: str | None = None,
    operator_printed: str | None = None,
) -> Reading:
    """An indicator's name, unit and target, from its cells as printed.

    `unit_printed` and `operator_printed` are the cells of templates that print the unit (度量单位) and the sign
    (指标性质: ≥, =, 定性 …) in columns of their own.
    """
    return _read_indicator(indicator_printed, value_printed, units, unit_printed, operator_printed)


@lru_cache(maxsize=65536)
def _read_indicator(
    indicator_printed: str, value_printed: str, units: Units, unit_printed: str | None, operator_printed: str | None
) -> Reading:
    name, unit = split_unit(indicator_printed, units)
    if unit_printed and squeeze(unit_printed) not in ("-", "/", "无"):
        unit = squeeze(unit_printed)
    value = _read_value(fold(value_printed), units)
    sign = squeeze(operator_printed) if operator_printed else ""
    if sign in _BEFORE and value.operator == "eq" and value.kind == "number":
        value = _bounded(_BEFORE[sign], value.low or 0.0, value.suffix, value.multiplier)
    if value.kind == "text":
        return Reading(name, unit, "text", None, None, None, None, None, None)
    if value.kind == "date":
        return Reading(name, unit or value.suffix, "date", value.operator, None, None, None, None, None)
    return _scaled(name, unit, value, units)


def _scaled(name: str, unit: str | None, value: _Value, units: Units) -> Reading:
    own = units.find(value.suffix) if value.suffix else None
    named = units.find(unit) if unit else None
    measured: Unit | None = own or named
    factor = value.multiplier
    if value.multiplier != 1.0 and named is not None and named.scale == value.multiplier:
        factor, measured = 1.0, named  # （万元） and 250万: the multiplier is the unit's own
    if own is not None and named is not None and own.base == named.base:
        factor, measured = own.scale / named.scale, named
    low = None if value.low is None else _clean(value.low * factor)
    high = None if value.high is None else _clean(value.high * factor)
    printed_unit = unit or value.suffix
    percent = any(found is not None and found.dimension == "percent" for found in (own, named))
    kind = "percent" if percent else value.kind
    target = None if value.operator == "between" else low if low is not None else high
    base_unit = measured.base if measured else printed_unit
    base_value = _clean(target * measured.scale) if target is not None and measured else target
    return Reading(name, printed_unit, kind, value.operator, target, low, high, base_unit, base_value)


def _clean(number: float) -> float:
    """`number` without the dust of binary multiplication."""
    return float(f"{number:.15g}")


def is_numeric_value(text: str, units: Units) -> bool:
    """Whether a cell is by itself a number, percentage, range or date."""
    return _read_value(fold(text), units).kind != "text"


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
    return bool(_NUMBER_LIKE.match(folded)) and len(folded) <= 20
