"""Names: which unit and which project a printed name means, in spite of the ways it is written."""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rapidfuzz import fuzz

from kzz_pipeline.core.characters import squeeze, strip

_SIGNS = re.compile(r"[\s()\[\]<>《》〈〉{}\"'“”‘’,.;:!?·、。—_*/\\-]+")
# Where a form asks for a stamp beside the name: （盖章）某局.
_STAMP = re.compile(r"[(（【\[](?:盖章|公章|签章|章|加盖公章)[)）】\]]")
_YEARS = re.compile(r"(?:(?:19|20)\d\d(?:年度|年)?[-~至到])?(?:19|20)\d\d年度?")
# Below these likenesses (rapidfuzz ratio, 0 to 100) two names are not taken for the same.
_SAME_UNIT = 85
_SAME_PROJECT = 75


class Listed(NamedTuple):
    """A listed project as matching needs it."""

    units: tuple[str, ...]
    project: str
    amount: object


class Tabled(NamedTuple):
    """A table as matching needs it."""

    unit: str | None
    project: str | None
    amount: object


@dataclass(slots=True)
class Names:
    """Canonical names of budget units, from `names.yml`."""

    regions: list[tuple[str, str, str]]
    canonical: dict[str, str] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)

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
        for name, others in data["budget_units"].items():
            for written in (name, *others):
                names.canonical[names.unit_key(written)] = name
        return names

    def unit_key(self, printed: str) -> str:
        """The form in which units are compared: places shortened, signs and white space gone."""
        key = self._keys.get(printed)
        if key is None:
            text = _STAMP.sub("", squeeze(printed))
            for written, short, _ in self.regions:
                if written in text:
                    text = text.replace(written, short, 1)
                    break
            key = self._keys[printed] = _SIGNS.sub("", text)
        return key

    def budget_unit(self, printed: str) -> str:
        """The name under which a unit is published: the vocabulary's, else as printed with its place put right."""
        known = self.canonical.get(self.unit_key(printed))
        if known is not None:
            return known
        text = strip(_STAMP.sub("", printed))
        for written, _, full in self.regions:
            if written in text:
                return text if written == full else text.replace(written, full, 1)
        return text

    def project_key(self, unit: str | None, project: str | None) -> str:
        """The same for the same unit's same project in every release and year: `unit/project` in compared form."""
        unit_key = self.unit_key(self.budget_unit(unit)) if unit else ""
        return f"{unit_key}/{project_name_key(project) if project else ''}"

    def match(self, listed: list[Listed], tables: list[Tabled]) -> list[int | None]:
        """For each listed project the index of its table, or None: each table at most once, the surest pairs first.

        Sure is the same unit and name; then the same unit with a like name, the same name at a unit that one of
        the two abbreviates (or leaves out) or with the same amount, and the same unit with the same amount.
        """
        found: list[int | None] = [None] * len(listed)
        free = dict.fromkeys(range(len(tables)))
        exact: dict[tuple[str, str], list[int]] = {}
        for at, table in enumerate(tables):
            exact.setdefault((self._key(table.unit), squeeze(table.project or "")), []).append(at)
        for row, entry in enumerate(listed):
            for unit in entry.units:
                same = exact.get((self.unit_key(unit), squeeze(entry.project)))
                if same:
                    at = same.pop(0)
                    found[row] = at
                    free.pop(at, None)
                    break
        left = [row for row, at in enumerate(found) if at is None]
        if left and free:
            self._match_alike(listed, tables, left, free, found)
        return found

    def _key(self, unit: str | None) -> str:
        return self.unit_key(unit) if unit else ""

    def _match_alike(
        self,
        listed: list[Listed],
        tables: list[Tabled],
        left: list[int],
        free: dict[int, None],
        found: list[int | None],
    ) -> None:
        pairs = []
        for row in left:
            for at in free:
                score = self._likeness(listed[row], tables[at])
                if score:
                    pairs.append((-score, row, at))
        for _, row, at in sorted(pairs):
            if found[row] is None and at in free:
                found[row] = at
                del free[at]

    def _likeness(self, entry: Listed, table: Tabled) -> float:
        key = self._key(table.unit)
        units = [self.unit_key(name) for name in entry.units]
        unit = max((fuzz.ratio(name, key) for name in units), default=0.0)
        project = fuzz.ratio(project_name_key(entry.project), project_name_key(table.project or ""))
        same_amount = entry.amount is not None and entry.amount == table.amount
        if unit >= _SAME_UNIT and project >= _SAME_PROJECT:
            return 200 + unit + project
        # 财政局 and 审计局 look alike, and each has a project 办公经费: likeness alone does not make them one unit.
        if project >= 95 and (same_amount or not key or any(_abbreviates(name, key) for name in units)):
            return 100 + project + unit
        if unit >= _SAME_UNIT and same_amount:
            return unit + project
        return 0.0


def _abbreviates(one: str, other: str) -> bool:
    """Whether one name is the other with characters left out, as 住建局 is 住房和城乡建设局."""
    short, long = sorted((one, other), key=len)
    rest = iter(long)
    return len(short) >= 2 and all(char in rest for char in short)


def project_name_key(printed: str) -> str:
    """The form in which project names are compared: without the year, signs and white space."""
    text = squeeze(printed)
    return _SIGNS.sub("", _YEARS.sub("", text)).lower() or text
