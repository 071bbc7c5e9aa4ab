"""Units of measure: what a bracket behind a name, a suffix of a value or a unit column means."""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kzz_pipeline.core.characters import fold, squeeze, strip


class Unit(NamedTuple):
    """A unit as printed (folded), the canonical unit it is a multiple of, that multiple, and its dimension."""

    printed: str
    base: str
    scale: float
    dimension: str


_LONGEST = 20
_OPEN, _CLOSE = "(（﹙\\[［【〔﹝{｛﹛", ")）﹚\\]］】〕﹞}｝﹜"
# A bracket at the end, perhaps with one inside it (台（套）), perhaps never closed or followed by a stray sign.
_TRAILING = re.compile(
    rf"[{_OPEN}]([^{_OPEN}{_CLOSE}]{{1,20}}(?:[{_OPEN}][^{_OPEN}{_CLOSE}]{{1,6}}[{_CLOSE}])?)"
    rf"\s*[{_CLOSE}]?\s*[:：;；,，、.。]?$"
)
# 合格率%: a sign that needs no bracket.
_BARE_PERCENT = re.compile(r"(?<=[\u4e00-\u9fff])\s*([%％‰])$")
_SAYS_UNIT = re.compile(r"^(?:计量|度量)?单位[:是为]?(?=.)")
_ALTERNATIVES = re.compile(r"[、或,]")
_INNER = re.compile(r"^([^()]+)\(([^()]+)\)$")
_BETWEEN = re.compile(r"[/每]")
_TIMES = re.compile(r"[·.*×]")
# Dimensions that are measured: a number of one of their units is none of another.
MEASURED = ("time", "area", "length", "mass", "volume")
# Dimensions of things that are counted with 个: 个村, 个单位, 个月.
_COUNTED = ("place", "body", "time")
# Dimensions whose units may have 数 behind them: 期数, 人数, 次数.
_NUMBERED = ("count", "person", "occurrence", "place", "body")


@dataclass(slots=True, eq=False)
class Units:
    """The unit vocabulary and the words that compare (`units.yml`); look-ups are remembered.

    `before`, `either` and `behind` hold the words and signs that compare, with the operator of each; `exact` the sizes of
    canonical units that are in a fixed relation.
    """

    simple: dict[str, Unit]
    lower: dict[str, Unit]
    multipliers: dict[str, float]
    ordinals: frozenset[str]
    before: dict[str, str]
    either: dict[str, str]
    behind: dict[str, str]
    qualities: frozenset[str]
    quality_beginnings: frozenset[str]
    quality_patterns: re.Pattern[str]
    exact: tuple[dict[str, float], ...] = ()
    _seen: dict[str, Unit | None] = field(default_factory=dict)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Units":
        """The units of `units.yml`, given as plain dicts and lists."""
        simple: dict[str, Unit] = {}
        for dimension, units in data["units"].items():
            for canonical, others in units.items():
                scales = dict.fromkeys(others, 1) if isinstance(others, list) else others
                for name, scale in {canonical: 1, **scales}.items():
                    simple[squeeze(name)] = Unit(squeeze(name), canonical, float(scale), dimension)
        lower: dict[str, Unit] = {}
        for name, unit in simple.items():
            lower.setdefault(name.lower(), unit)
        comparators = {
            place: {squeeze(word): operator for operator, words in found.items() for word in words}
            for place, found in data["comparators"].items()
        }
        beginnings = frozenset(squeeze(word) for word in data["quality_beginnings"])
        patterns = [rf"^(?:{'|'.join(sorted(beginnings))})[\u4e00-\u9fff]{{1,8}}$", *data["quality_patterns"]]
        return cls(
            simple,
            lower,
            {name: float(value) for name, value in data["multipliers"].items()},
            frozenset(data["ordinals"]),
            comparators["before"],
            comparators["either"],
            comparators["behind"],
            frozenset(squeeze(str(word)) for word in data["qualities"]),
            beginnings,
            re.compile("|".join(f"(?:{pattern})" for pattern in patterns)),
            tuple({name: float(size) for name, size in sizes.items()} for sizes in data["exact"]),
        )

    def factor(self, printed: Unit, wanted: Unit) -> float | None:
        """By what a number of one unit becomes one of another of its kind; None where nothing says so exactly."""
        if printed.base == wanted.base:
            return printed.scale / wanted.scale
        for sizes in self.exact:
            if printed.base in sizes and wanted.base in sizes:
                return printed.scale * sizes[printed.base] / (wanted.scale * sizes[wanted.base])
        return None

    def find(self, text: str) -> Unit | None:
        """The unit that a folded text names, or None: 人, 万亩, 元/人·月, 人/次, 台(套)."""
        key = text.replace(" ", "")
        try:
            return self._seen[key]
        except KeyError:
            if len(self._seen) > 100_000:
                self._seen.clear()
            found = self._seen[key] = self._read(key) if 0 < len(key) <= _LONGEST else None
            return found

    def _read(self, key: str) -> Unit | None:
        known = self.simple.get(key) or self.lower.get(key.lower())
        if known is not None:
            return known
        if inner := _INNER.match(key):
            return self.simple.get(inner[1] + inner[2]) or self._read_alternatives(key, [inner[1], inner[2]])
        if _ALTERNATIVES.search(key):
            return self._read_alternatives(key, _ALTERNATIVES.split(key))
        if _BETWEEN.search(key) or _TIMES.search(key):
            return self._read_rate(key)
        for length in (2, 1):
            factor = self.multipliers.get(key[:length])
            unit = self.find(key[length:]) if factor and len(key) > length else None
            if factor and unit and unit.dimension != "percent":
                return Unit(key, unit.base, factor * unit.scale, unit.dimension)
        if key[0] == "个":
            unit = self.find(key[1:])
            return unit._replace(printed=key) if unit and unit.dimension in _COUNTED else None
        if key[-1] == "数" and len(key) > 1:
            unit = self.find(key[:-1])
            return unit._replace(printed=key) if unit and unit.dimension in _NUMBERED else None
        if key[-1] == "次" and len(key) == 2:
            unit = self.find(key[0])
            return Unit(key, key, 1.0, "occurrence") if unit and unit.scale == 1.0 else None
        return None

    def _read_alternatives(self, key: str, parts: list[str]) -> Unit | None:
        """次、场 or 米(m): one unit under two names where both mean the same, else a unit of its own."""
        units = [self.find(part) for part in parts]
        first = units[0]
        if first is None or not all(units):
            return None
        same = all(unit and (unit.base, unit.scale) == (first.base, first.scale) for unit in units)
        return first._replace(printed=key) if same else Unit(key, key, 1.0, first.dimension)

    def _read_rate(self, key: str) -> Unit | None:
        """元/人·月: scaled by what stands before the stroke; behind it only other names are made one."""
        above, *below = _BETWEEN.split(key)
        factors = [part for group in below for part in _TIMES.split(group)]
        units = [self.find(part) for part in factors]
        if not all(units) or not (below or "·" in key):
            return None
        parts = [unit.base if unit and unit.scale == 1.0 else part for unit, part in zip(units, factors, strict=True)]
        per = "/" + "·".join(parts) if parts else ""
        if not above:
            return Unit(key, per, 1.0, "rate")
        numerators = [self.find(part) for part in _TIMES.split(above)]
        first = numerators[0]
        if first is None or not all(numerators):
            return None
        base = "·".join(unit.base for unit in numerators if unit)
        scale = first.scale if len(numerators) == 1 else 1.0
        return Unit(key, base + per, scale, f"{first.dimension}_rate")


def split_unit(indicator_printed: str, units: Units) -> tuple[str, str | None]:
    """An indicator's name and the unit in its trailing bracket, folded; None where the bracket is part of the name.

    A bracket behind the unit's own goes on with the name: 培训人数（人）（含线上）. A percent sign may stand without one.
    """
    text = strip(indicator_printed)
    match = _TRAILING.search(text)
    if match is None:
        percent = _BARE_PERCENT.search(text)
        return (strip(text[: percent.start()]), squeeze(percent[1])) if percent else (text, None)
    found = _unit_in(text, match, units)
    before = _TRAILING.search(strip(text[: match.start()])) if found is None else None
    if before is not None:
        found = _unit_in(text, before, units)
        return (found[0] + text[match.start() :], found[1]) if found else (text, None)
    return found or (text, None)


def _unit_in(text: str, bracket: re.Match[str], units: Units) -> tuple[str, str] | None:
    """The name before a bracket and the unit in it, or None."""
    printed = _SAYS_UNIT.sub("", squeeze(bracket[1]))
    unit = units.find(printed)
    name = strip(text[: bracket.start()])
    if unit is None or not name or _names_alternatives(name, unit, units):
        return None
    return name, printed


def _names_alternatives(name: str, unit: Unit, units: Units) -> bool:
    """Whether a bracket goes on with the name: places behind a place, bodies behind a body (县（市）, 单位（部门）)."""
    if unit.dimension not in ("place", "body"):
        return False
    endings = (units.find(fold(name[-length:])) for length in (1, 2))
    return any(ending is not None and ending.dimension == unit.dimension for ending in endings)
