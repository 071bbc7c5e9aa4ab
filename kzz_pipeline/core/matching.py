"""Which table belongs to which row of the list, where they are not named the same: the surest pairs first.

Not every row is compared with every table: alike names share a rare character, and the rest stands under its unit,
its name or its amount.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Mapping
from heapq import nlargest
from typing import NamedTuple

from rapidfuzz import fuzz, process

# Below these likenesses (rapidfuzz ratio, 0 to 100) two names are not taken for the same.
_SAME_UNIT = 85
_SAME_PROJECT = 75
_EQUAL_PROJECT = 95
# So many tables of a kind are looked at for a row at a time; who has more that are like it is looked at again.
_MOST = 50


class Entry(NamedTuple):
    """A row of the list or a table as matching needs it: names in compared form. A table has one unit, perhaps ""."""

    units: tuple[str, ...]
    project: str
    amount: object


def match_alike(rows: Mapping[int, Entry], tables: Mapping[int, Entry]) -> dict[int, int]:
    """Row to table, each table at most once, by descending likeness, then in order."""
    left, free = dict(rows), dict(tables)
    found: dict[int, int] = {}
    for row, at in _equal(left, free):
        found[row] = at
        del left[row], free[at]
    while left and free:
        candidates = _Candidates(left, free)
        pairs = [(-score, row, at) for row, entry in left.items() for score, at in candidates.of(entry)]
        for _, row, at in sorted(pairs):
            if row in left and at in free:
                found[row] = at
                del left[row], free[at]
        if not pairs or not candidates.are_cut_off:
            break
    return found


def _equal(rows: Mapping[int, Entry], tables: Mapping[int, Entry]) -> Iterator[tuple[int, int]]:
    """The pairs of the same unit and name, in order."""
    places: dict[tuple[str, str], deque[int]] = defaultdict(deque)
    for at, (units, project, _) in tables.items():
        places[units[0], project].append(at)
    for row, (units, project, _) in list(rows.items()):
        queues = [queue for unit in units if (queue := places.get((unit, project)))]
        if queues:
            yield row, min(queues, key=lambda queue: queue[0]).popleft()


class _Candidates:
    """The tables that are free, found by what a row that is like them has in common with them."""

    def __init__(self, rows: Mapping[int, Entry], tables: Mapping[int, Entry]) -> None:
        self.tables = tables
        self.are_cut_off = False
        self.by_unit: dict[str, dict[int, str]] = defaultdict(dict)
        self.by_unit_and_amount: dict[tuple[str, object], dict[int, str]] = defaultdict(dict)
        self.by_project_and_unit: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.by_project_and_amount: dict[tuple[str, object], list[int]] = defaultdict(list)
        for at, ((unit,), project, amount) in tables.items():
            self.by_unit[unit][at] = project
            self.by_unit_and_amount[unit, amount][at] = project
            self.by_project_and_unit[project, unit].append(at)
            self.by_project_and_amount[project, amount].append(at)
        units = {unit for entry in rows.values() for unit in entry.units}
        projects = {entry.project for entry in rows.values()}
        self.alike_units = _alike(units, self.by_unit, _SAME_UNIT)
        self.alike_projects = _alike(projects, {table.project for table in tables.values()}, _EQUAL_PROJECT)
        self.abbreviations = _abbreviations(units, self.by_unit) if self.alike_projects else {}

    def of(self, entry: Entry) -> list[tuple[float, int]]:
        """The likeness and the number of the tables that are like a row, the most alike of them where they are many."""
        found: set[int] = set()
        for unit in entry.units:
            for other in self.alike_units.get(unit, ()):
                found.update(self._alike_of(entry.project, self.by_unit[other], _SAME_PROJECT))
                if entry.amount is not None and (other, entry.amount) in self.by_unit_and_amount:
                    found.update(self._alike_of(entry.project, self.by_unit_and_amount[other, entry.amount], 0))
        for project in self.alike_projects.get(entry.project, ()):
            others = {"", *(other for unit in entry.units for other in self.abbreviations.get(unit, ()))}
            for other in others:
                found.update(self._first(self.by_project_and_unit.get((project, other), [])))
            if entry.amount is not None:
                found.update(self._first(self.by_project_and_amount.get((project, entry.amount), [])))
        scored = [(score, at) for at in found if (score := likeness(entry, self.tables[at]))]
        if len(scored) > _MOST:
            self.are_cut_off = True
            scored = nlargest(_MOST, scored, key=lambda pair: (pair[0], -pair[1]))
        return scored

    def _alike_of(self, project: str, tables: Mapping[int, str], least: float) -> list[int]:
        close = process.extract(project, tables, scorer=fuzz.ratio, score_cutoff=least, limit=_MOST)
        self.are_cut_off = self.are_cut_off or len(close) == _MOST
        return [at for _, _, at in close]

    def _first(self, tables: list[int]) -> list[int]:
        self.are_cut_off = self.are_cut_off or len(tables) > _MOST
        return tables[:_MOST]


def likeness(entry: Entry, table: Entry) -> float:
    """How sure it is that a row of the list and a table are the same project; 0 where they are not."""
    (key,) = table.units
    unit = max((fuzz.ratio(name, key) for name in entry.units), default=0.0)
    project = fuzz.ratio(entry.project, table.project)
    same_amount = entry.amount is not None and entry.amount == table.amount
    if unit >= _SAME_UNIT and project >= _SAME_PROJECT:
        return 200 + unit + project
    # 财政局 and 审计局 look alike, and each has a project 办公经费: likeness alone does not make them one unit.
    if project >= _EQUAL_PROJECT and (same_amount or not key or any(_abbreviates(name, key) for name in entry.units)):
        return 100 + project + unit
    if unit >= _SAME_UNIT and same_amount:
        return unit + project
    return 0.0


def _alike(ones: Collection[str], others: Collection[str], least: float) -> dict[str, list[str]]:
    """For each of `ones` those of `others` that are as like it as that, without comparing every pair.

    A likeness of `least` leaves few characters without a partner. One more of the rarest characters than these, and
    one of them is common to both names; which is so for the rarest of either name.
    """
    common = Counter(char for name in (*ones, *others) for char in set(name))
    share = least / (200 - least)

    def rarest(name: str) -> list[str]:
        without_partner = int(len(name) * (1 - share) + 1e-9)
        return sorted(set(name), key=lambda char: (common[char], char))[: without_partner + 1]

    holders: dict[str, list[str]] = defaultdict(list)
    for other in others:
        for char in rarest(other):
            holders[char].append(other)
    found = {}
    for one in ones:
        choices = {other for char in rarest(one) for other in holders.get(char, ())}
        if one in others:
            choices.add(one)
        if close := process.extract(one, list(choices), scorer=fuzz.ratio, score_cutoff=least, limit=None):
            found[one] = [other for other, _, _ in close]
    return found


def _abbreviations(ones: Collection[str], others: Collection[str]) -> dict[str, set[str]]:
    """For each of `ones` those of `others` that it abbreviates, or that abbreviate it."""
    found: dict[str, set[str]] = defaultdict(set)
    for one, other in _shortened(ones, others):
        found[one].add(other)
    for other, one in _shortened(others, ones):
        found[one].add(other)
    return found


def _shortened(shorts: Collection[str], longs: Collection[str]) -> Iterator[tuple[str, str]]:
    """The pairs whose first name is the second with characters left out."""
    holders: dict[str, list[str]] = defaultdict(list)
    for long in longs:
        for char in set(long):
            holders[char].append(long)
    for short in shorts:
        for long in min((holders.get(char, []) for char in short), key=len, default=[]):
            if len(short) <= len(long) and _abbreviates(short, long):
                yield short, long


def _abbreviates(one: str, other: str) -> bool:
    """Whether one name is the other with characters left out, as 住建局 is 住房和城乡建设局."""
    short, long = sorted((one, other), key=len)
    rest = iter(long)
    return len(short) >= 2 and all(char in rest for char in short)
