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


_TRAILING = re.compile(r"[\s\u00a0\u3000]*[(（\[【]([^()（）\[\]【】]{1,20})[)）\]】][\s\u00a0\u3000]*$")
_ALTERNATIVES = re.compile(r"[、或,]")


@dataclass(slots=True, eq=False)
class Units:
    """The unit vocabulary (`units.yml`); look-ups are remembered."""

    simple: dict[str, Unit]
    multipliers: dict[str, float]
    joinable: frozenset[str]
    qualities: frozenset[str]
    quality_patterns: re.Pattern[str]
    _seen: dict[str, Unit | None] = field(default_factory=dict)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Units":
        """The units of `units.yml`, given as plain dicts and lists."""
        simple = {}
        for dimension, units in data["units"].items():
            for canonical, others in units.items():
                for name in (canonical, *others):
                    scale, base = (0.1, "%") if canonical == "‰" else (1.0, canonical)
                    simple[squeeze(name)] = Unit(squeeze(name), base, scale, dimension)
        multipliers = {name: float(value) for name, value in data["multipliers"].items()}
        patterns = re.compile("|".join(f"(?:{pattern})" for pattern in data["quality_patterns"]))
        qualities = frozenset(squeeze(str(word)) for word in data["qualities"])
        return cls(simple, multipliers, frozenset(data["joinable"]), qualities, patterns)

    def find(self, text: str) -> Unit | None:
        """The unit that a folded text names, or None: 人, 万亩, 元/人·月, 人/次, 台套."""
        key = text.replace(" ", "")
        if key not in self._seen:
            if len(self._seen) > 100_000:
                self._seen.clear()
            self._seen[key] = self._read(key) if 0 < len(key) <= 16 else None
        return self._seen[key]

    def _read(self, key: str) -> Unit | None:
        if key in self.simple:
            return self.simple[key]
        if _ALTERNATIVES.search(key):
            parts = [self.find(part) for part in _ALTERNATIVES.split(key)]
            first = parts[0]
            return Unit(key, key, 1.0, first.dimension) if first and all(parts) else None
        if "/" in key or "每" in key or "·" in key:
            return self._read_rate(key)
        for length in (2, 1):
            factor = self.multipliers.get(key[:length])
            unit = self.find(key[length:]) if factor and len(key) > length else None
            if factor and unit and unit.dimension != "percent":
                return Unit(key, unit.base, factor * unit.scale, unit.dimension)
        if len(key) == 2 and key[0] in self.joinable and key[1] in self.joinable:
            return Unit(key, key, 1.0, "count")
        return None

    def _read_rate(self, key: str) -> Unit | None:
        parts = [part for part in re.split(r"[/·每]", key) if part]
        units = [self.find(part) for part in parts]
        if not units or not all(units):
            return None
        first = units[0]
        assert first is not None
        if len(units) == 1:
            return Unit(key, key, 1.0, f"{first.dimension}_rate") if key.startswith(("/", "每")) else first
        rest = key[len(parts[0]) :]
        return Unit(key, first.base + rest, first.scale, f"{first.dimension}_rate")


def split_unit(indicator_printed: str, units: Units) -> tuple[str, str | None]:
    """An indicator's name and the unit in its trailing bracket, folded; None where the bracket is part of the name."""
    text = strip(indicator_printed)
    match = _TRAILING.search(text)
    if match is None or match.start() == 0:
        return text, None
    unit = fold(match[1])
    if units.find(unit) is None:
        return text, None
    return strip(text[: match.start()]), unit.replace(" ", "")
