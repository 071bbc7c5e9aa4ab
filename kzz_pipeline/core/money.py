"""Printed amounts of money to CNY yuan."""

import re
from decimal import Decimal
from functools import lru_cache

from kzz_pipeline.core.characters import squeeze

_FACTORS = {
    "元": Decimal(1),
    "百元": Decimal(100),
    "千元": Decimal(1000),
    "万元": Decimal(10_000),
    "百万元": Decimal(1_000_000),
    "千万元": Decimal(10_000_000),
    "亿元": Decimal(100_000_000),
}
_UNIT = "(" + "|".join(sorted(_FACTORS, key=len, reverse=True)) + ")"
_AMOUNT = re.compile(rf"^(?:人民币)?[¥￥]?([+-]?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?){_UNIT}?$")
_UNIT_BEHIND = re.compile(rf"{_UNIT}[)\]]?$")
_QUANTUM = Decimal("0.0001")


@lru_cache(maxsize=65536)
def read_amount(printed: str, money_unit: str) -> Decimal | None:
    """The amount in yuan, four decimals; None where `printed` is no well-formed amount.

    A unit printed with the amount goes before `money_unit`. Thousands separators must stand where they belong.
    """
    match = _AMOUNT.match(squeeze(printed)) if len(printed) <= 40 else None
    if match is None:
        return None
    amount = Decimal(match[1].replace(",", "")) * _FACTORS[match[2] or money_unit]
    # decimal128(20, 4) holds sixteen digits before the point.
    return amount.quantize(_QUANTUM) if abs(amount) < Decimal(10) ** 16 else None


def is_amount(printed: str) -> bool:
    """Whether a cell holds an amount of money and nothing else."""
    return read_amount(printed, "元") is not None


@lru_cache(maxsize=4096)
def money_unit_of(text: str) -> str | None:
    """The unit of money at the end of a text such as 单位：万元, 46万元 or 人民币万元; None if there is none."""
    match = _UNIT_BEHIND.search(squeeze(text)) if len(text) <= 40 else None
    return match[1] if match else None
