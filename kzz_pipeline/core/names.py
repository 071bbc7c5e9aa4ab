"""Names: which unit and which project a printed name means, in spite of the ways it is written."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from operator import add
from typing import Any, NamedTuple

from kzz_pipeline.core.characters import clean, squeeze
from kzz_pipeline.core.matching import Entry, match_alike, match_equal

_SIGNS = re.compile(r"[\s()\[\]<>《》〈〉{}\"'“”‘’,.;:!?·、。—_*/\\-]+")
# Where a form asks for a stamp beside the name: （盖章）某局.
_STAMP = re.compile(r"[(（【\[](?:盖章|公章|签章|章|加盖公章)[)）】\]]")
_YEARS = re.compile(r"(?:(?:19|20)\d\d(?:年度|年)?[-~至到])?(?:19|20)\d\d年度?")
# So many printed names are remembered with what they mean.
_MOST_KNOWN = 20_000


class Listed(NamedTuple):
    """A listed project as matching needs it; `year` is that of its list."""

    units: tuple[str, ...]
    project: str
    amount: object
    year: int | None = None


class Tabled(NamedTuple):
    """A table as matching needs it."""

    unit: str | None
    project: str | None
    amount: object
    year: int | None = None


@dataclass(slots=True)
class Names:
    """Canonical names of budget units, from `names.yml`."""

    regions: list[tuple[str, str, str]]
    canonical: dict[str, str] = field(default_factory=dict)
    _beginnings: frozenset[str] = frozenset()
    _keys: dict[str, str] = field(default_factory=dict)
    _published: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Names":
        """The names of `names.yml`, given as plain dicts and lists."""
        regions = []
        lossy: dict[str, set[str]] = {}
        for full, shorts in data["regions"].items():
            regions.append((full, shorts[0], full))
            regions.extend((short, shorts[0], short) for short in shorts[1:])
            if len(full) >= 6:
                for at in range(len(full)):
                    lossy.setdefault(full[:at] + full[at + 1 :], set()).add(full)
        # One character lost in copying still names the place, unless what is left is or may be another place.
        for written, fulls in sorted(lossy.items()):
            if len(fulls) == 1 and not any(written in place for place in data["regions"] if place not in fulls):
                full = fulls.pop()
                regions.append((written, data["regions"][full][0], full))
        names = cls(sorted(regions, key=lambda region: -len(region[0])))
        names._beginnings = frozenset(region[0][:2] for region in regions)
        for name, others in data["budget_units"].items():
            for written in (name, *others):
                names.canonical[names.unit_key(written)] = name
        return names

    def unit_key(self, printed: str) -> str:
        """The form in which units are compared: places shortened, signs and white space gone."""
        key = self._keys.get(printed)
        if key is None:
            if len(self._keys) >= _MOST_KNOWN:
                self._keys.clear()
            text = _STAMP.sub("", squeeze(printed))
            region = self._region_in(text)
            if region is not None:
                text = text.replace(region[0], region[1], 1)
            key = self._keys[printed] = _SIGNS.sub("", text)
        return key

    def budget_unit(self, printed: str) -> str:
        """The name under which a unit is published: the vocabulary's, else as printed with its place put right."""
        name = self._published.get(printed)
        if name is None:
            if len(self._published) >= _MOST_KNOWN:
                self._published.clear()
            name = self._published[printed] = self.canonical.get(self.unit_key(printed)) or self._in_full(printed)
        return name

    def _in_full(self, printed: str) -> str:
        text = clean(_STAMP.sub("", printed))
        region = self._region_in(text)
        return text.replace(region[0], region[2], 1) if region is not None else text

    def _region_in(self, text: str) -> tuple[str, str, str] | None:
        """The first region whose name, as it may be written, stands in `text`; most names hold the beginning of none."""
        if self._beginnings.isdisjoint(map(add, text, text[1:])):
            return None
        return next((region for region in self.regions if region[0] in text), None)

    def project_key(self, unit: str | None, project: str | None) -> str:
        """The same for the same unit's same project in every release and year: `unit/project` in compared form."""
        unit_key = self.unit_key(self.budget_unit(unit)) if unit else ""
        return f"{unit_key}/{project_name_key(project) if project else ''}"

    def match(self, listed: list[Listed], tables: list[Tabled]) -> list[int | None]:
        """For each listed project the index of its table, or None: each table at most once, the surest pairs first.

        Sure is the same unit and name, of several by amount and year; then the same unit with a like name, the same
        name at a unit that one of the two abbreviates (or leaves out) or with the same amount, and the same unit with
        the same amount, unless the names have little in common and the amount is a round one.
        """
        found: list[int | None] = [None] * len(listed)
        left = {row: self._entry(of.units, of.project, of.amount, of.year) for row, of in enumerate(listed)}
        free = {at: self._entry((of.unit,), of.project, of.amount, of.year) for at, of in enumerate(tables)}
        for row, at in match_equal(left, free).items():
            found[row] = at
            del left[row], free[at]
        if left and free:
            alike = match_alike(
                {row: entry._replace(project=project_name_key(listed[row].project)) for row, entry in left.items()},
                {at: entry._replace(project=project_name_key(tables[at].project or "")) for at, entry in free.items()},
            )
            for row, at in alike.items():
                found[row] = at
        return found

    def _entry(self, units: Iterable[str | None], project: str | None, amount: object, year: int | None) -> Entry:
        return Entry(tuple(self.unit_key(unit) if unit else "" for unit in units), squeeze(project or ""), amount, year)


@lru_cache(maxsize=16384)
def project_name_key(printed: str) -> str:
    """The form in which project names are compared: without the year, signs and white space."""
    text = squeeze(printed)
    return _SIGNS.sub("", _YEARS.sub("", text)).lower() or text
