"""Printed amounts of money to CNY yuan."""

import re
from decimal import Decimal
from functools import lru_cache

from kzz_pipeline.core.characters import fold, squeeze

_FACTORS = {
    "元": Decimal(1),
    "百元": Decimal(100),
    "千元": Decimal(1000),
    "万元": Decimal(10_000),
    "百万元": Decimal(1_000_000),
    "千万元": Decimal(10_000_000),
    "亿元": Decimal(100_000_000),
    "万亿元": Decimal(1_000_000_000_000),
}
_UNIT = "(" + "|".join(sorted(_FACTORS, key=len, reverse=True)) + ")"
_AMOUNT = re.compile(
    rf"(?:人民币)?¥?([+-]?(?:[1-9]\d{{0,2}}(?:,\d{{3}})+|\d+)(?:\.\d+)?)(?:{_UNIT}整?|([万亿]))?", re.ASCII
)
# A foreign dollar, or a 单元 or 多元, ends like a yuan and is none.
_UNIT_BEHIND = re.compile(rf"(?<![美欧港日澳加新韩英台单多公纪状]){_UNIT}整?[)\]]?$")
# A space inside a number: two numbers, or a torn one.
_TORN = re.compile(r"[\d.,] +[\d.,]", re.ASCII)
# A dash that stands for nothing is no minus sign.
_STROKE = re.compile(r"\s*[—―─ー]")
_QUANTUM = Decimal("0.0001")
_LONGEST = 40
# Ten trillion yuan, a third of what the whole country spends in a year: no project's. Sums of a thousand such still fit
# into decimal128(20, 4).
_MOST = Decimal(10) ** 13


@lru_cache(maxsize=16384)
def read_amount(printed: str, money_unit: str) -> Decimal | None:
    """The amount in yuan, four decimals; None where `printed` is no well-formed amount.

    A unit printed with the amount goes before `money_unit`. Thousands separators must stand where they belong.
    """
    text = fold(printed) if len(printed) <= _LONGEST else ""
    match = _AMOUNT.fullmatch(text.replace(" ", ""))
    if match is None or _TORN.search(text) or _STROKE.match(printed):
        return None
    unit = match[2] or (match[3] and match[3] + "元") or money_unit
    amount = Decimal(match[1].replace(",", "")) * _FACTORS[unit]
    return amount.quantize(_QUANTUM) if abs(amount) < _MOST else None


def is_amount(printed: str) -> bool:
    """Whether a cell holds an amount of money and nothing else."""
    return read_amount(printed, "元") is not None


@lru_cache(maxsize=4096)
def money_unit_of(text: str) -> str | None:
    """The unit of money at the end of a text such as 单位：万元, 46万元 or 人民币万元; None if there is none."""
    match = _UNIT_BEHIND.search(squeeze(text)) if len(text) <= _LONGEST else None
    return match[1] if match else None
