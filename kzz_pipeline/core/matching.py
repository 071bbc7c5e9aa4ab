"""Which table belongs to which row of the list, where they are not named the same: the surest pairs first.

Not every row is compared with every table, which a large release would not bear, but with those that have its unit,
its name or its amount in common. Where they are very many, each row is compared with those of about its own place.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from rapidfuzz import fuzz, process

# Below these likenesses (rapidfuzz ratio, 0 to 100) two names are not taken for the same.
_SAME_UNIT = 85
_SAME_PROJECT = 75
_EQUAL_PROJECT = 95
# And below this one not even where unit and amount are the same: at 100万元 教师培训 is no other name of 学生资助. An
# amount of so many figures, such as 30.6万元, is rarely that of two projects of a unit.
_RELATED_PROJECT = 40
_TELLING_FIGURES = 3
# With so many tables that have the same in common with a row is it compared, and a name with so many others.
_MOST_TABLES = 30
_MOST_NAMES = 500
# So often is it tried again with what is left, where there were more than that.
_ROUNDS = 3


class Entry(NamedTuple):
    """A row of the list or a table as matching needs it: names in compared form. A table has one unit, perhaps ""."""

    units: tuple[str, ...]
    project: str
    amount: object
    year: int | None = None


Entries = Mapping[int, Entry]
Numbers = Sequence[int]


def match_alike(rows: Entries, tables: Entries) -> dict[int, int]:
    """Row to table, each table at most once, by descending likeness, then in order."""
    left, free = dict(rows), dict(tables)
    found = match_equal(left, free)
    for row, at in found.items():
        del left[row], free[at]
    for _ in range(_ROUNDS):
        blocks = list(_blocks(left, free)) if left and free else []
        pairs = {pair for of_rows, of_tables in blocks for pair in _pairs(of_rows, of_tables)}
        scored = ((-likeness(left[row], free[at]), row, at) for row, at in pairs)
        for _, row, at in sorted(pair for pair in scored if pair[0]):
            if row in left and at in free:
                found[row] = at
                del left[row], free[at]
        if all(len(of_tables) <= _MOST_TABLES for _, of_tables in blocks):
            break
    return found


def match_equal(rows: Entries, tables: Entries) -> dict[int, int]:
    """Row to table of the same unit and name: first where amount and year are the same too, or one of them; then in order."""
    found: dict[int, int] = {}
    taken: set[int] = set()
    for names in (("amount", "year"), ("amount",), ("year",), ()):
        places: dict[tuple[object, ...], deque[int]] = defaultdict(deque)
        for at, table in tables.items():
            if at not in taken and (same := _values(table, names)) is not None:
                places[table.units[0], table.project, *same].append(at)
        for row, entry in rows.items() if places else ():
            if row not in found and (same := _values(entry, names)) is not None:
                queues = [queue for unit in entry.units if (queue := places.get((unit, entry.project, *same)))]
                if queues:
                    found[row] = min(queues, key=lambda queue: queue[0]).popleft()
                    taken.add(found[row])
    return found


def _values(entry: Entry, names: tuple[str, ...]) -> tuple[object, ...] | None:
    """What an entry says by these names; None where it does not say one of them."""
    values = tuple(getattr(entry, name) for name in names)
    return None if None in values else values


def _pairs(rows: Numbers, tables: Numbers) -> Iterator[tuple[int, int]]:
    """Each row with each table, or with those of about its place where they are many."""
    for place, row in enumerate(rows):
        first = max(0, min(place * len(tables) // len(rows) - _MOST_TABLES // 2, len(tables) - _MOST_TABLES))
        for at in tables[first : first + _MOST_TABLES]:
            yield row, at


def _blocks(rows: Entries, tables: Entries) -> Iterator[tuple[Numbers, Numbers]]:
    """The rows and tables that have something in common: every pair that is alike at all is in one of the blocks."""
    rows_of = _Groups(rows)
    tables_of = _Groups(tables)
    for unit, others in _alike(rows_of.by_unit, tables_of.by_unit, _SAME_UNIT).items():
        for other in others:
            yield from _same_unit(rows, tables, rows_of.by_unit[unit], tables_of.by_unit[other])
    projects = _alike(rows_of.by_project, tables_of.by_project, _EQUAL_PROJECT)
    if projects:
        abbreviations = _abbreviations(rows_of.by_unit, tables_of.by_unit)
        for project, others in projects.items():
            for other in others:
                yield from _same_project(
                    rows, tables, rows_of.by_project[project], tables_of.by_project[other], abbreviations
                )


class _Groups:
    """Entries by each of their units and by their project."""

    def __init__(self, entries: Entries) -> None:
        self.by_unit: dict[str, list[int]] = defaultdict(list)
        self.by_project: dict[str, list[int]] = defaultdict(list)
        for number, (units, project, *_) in entries.items():
            self.by_project[project].append(number)
            for unit in dict.fromkeys(units):
                self.by_unit[unit].append(number)


def _same_unit(
    rows: Entries, tables: Entries, own_rows: Numbers, own_tables: Numbers
) -> Iterator[tuple[Numbers, Numbers]]:
    """Blocks of a unit's rows and tables: of the same amount, and of a like name."""
    if len(own_tables) <= _MOST_TABLES:
        yield own_rows, own_tables
        return
    yield from _same_amount(rows, tables, own_rows, own_tables)
    rows_named, tables_named = _by_project(rows, own_rows), _by_project(tables, own_tables)
    for project, others in _alike(rows_named, tables_named, _SAME_PROJECT).items():
        for other in others:
            yield rows_named[project], tables_named[other]


def _same_project(
    rows: Entries,
    tables: Entries,
    own_rows: Numbers,
    own_tables: Numbers,
    abbreviations: Mapping[str, Collection[str]],
) -> Iterator[tuple[Numbers, Numbers]]:
    """Blocks of the rows and tables of a project: of the same amount, without a unit, of a unit that is abbreviated."""
    if len(own_tables) <= _MOST_TABLES:
        yield own_rows, own_tables
        return
    yield from _same_amount(rows, tables, own_rows, own_tables)
    without_unit = [at for at in own_tables if not tables[at].units[0]]
    if without_unit:
        yield own_rows, without_unit
    tables_by_unit: dict[str, list[int]] = defaultdict(list)
    for at in own_tables:
        tables_by_unit[tables[at].units[0]].append(at)
    rows_by_unit: dict[str, list[int]] = defaultdict(list)
    for row in own_rows:
        for unit in rows[row].units:
            rows_by_unit[unit].append(row)
    for unit, of_unit in rows_by_unit.items():
        others = abbreviations.get(unit, ())
        shortened = sorted(at for other in others for at in tables_by_unit.get(other, ()))
        if shortened:
            yield of_unit, shortened


def _same_amount(
    rows: Entries, tables: Entries, own_rows: Numbers, own_tables: Numbers
) -> Iterator[tuple[Numbers, Numbers]]:
    by_amount: dict[object, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, (entries, numbers) in enumerate(((rows, own_rows), (tables, own_tables))):
        for number in numbers:
            if entries[number].amount is not None:
                by_amount[entries[number].amount][side].append(number)
    yield from ((of_rows, of_tables) for of_rows, of_tables in by_amount.values() if of_rows and of_tables)


def _by_project(entries: Entries, numbers: Numbers) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        found[entries[number].project].append(number)
    return found


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
    if unit >= _SAME_UNIT and same_amount and not (_are_two(entry, table, project) and not _is_telling(entry.amount)):
        return unit + project
    return 0.0


def _are_two(entry: Entry, table: Entry, project: float) -> bool:
    """Whether two names are of two projects: not where one is lost, a part of the other, or the unit's instead."""
    one, other = entry.project, table.project
    is_told = bool(one and other) and one not in entry.units and other not in table.units
    return is_told and project < _RELATED_PROJECT and one not in other and other not in one


def _is_telling(amount: object) -> bool:
    """Whether an amount is no round figure."""
    return isinstance(amount, Decimal) and len(amount.normalize().as_tuple().digits) >= _TELLING_FIGURES


def _alike(ones: Collection[str], others: Collection[str], least: float) -> dict[str, list[str]]:
    """For each of `ones` those of `others` that are as like it as that, without comparing every pair.

    A likeness of `least` leaves few characters without a partner. One more of the rarest characters than these, and
    one of them is common to both names; which is so for the rarest of either name. Where very many names have these
    in common, those that share the rarest pairs of characters are compared.
    """
    common = Counter(char for name in (*ones, *others) for char in set(name))
    share = least / (200 - least)

    def rarest(name: str) -> list[str]:
        without_partner = int(len(name) * (1 - share) + 1e-9)
        return sorted(set(name), key=lambda char: (common[char], char))[: without_partner + 1]

    by_char = _holders(others, rarest)
    by_pair: dict[str, list[str]] | None = None
    found = {}
    for one in ones:
        holders = [by_char[char] for char in rarest(one) if char in by_char]
        if sum(map(len, holders)) > _MOST_NAMES:
            by_pair = by_pair or _holders(others, _pairs_of)
            holders = sorted((by_pair[pair] for pair in _pairs_of(one) if pair in by_pair), key=len)
        near = islice((other for names in holders for other in names), _MOST_NAMES)
        choices = dict.fromkeys((*((one,) if one in others else ()), *near))
        close = process.extract(one, list(choices), scorer=fuzz.ratio, score_cutoff=least, limit=_MOST_TABLES)
        if close:
            found[one] = [other for other, _, _ in close]
    return found


def _holders(names: Collection[str], parts: Callable[[str], Iterable[str]]) -> dict[str, list[str]]:
    """The names that each part stands in."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for part in parts(name):
            found[part].append(name)
    return found


def _pairs_of(name: str) -> set[str]:
    return {name[at : at + 2] for at in range(len(name) - 1)}


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
    holders = _holders(longs, set)
    for short in shorts:
        for long in min((holders.get(char, []) for char in short), key=len, default=[]):
            if len(short) <= len(long) and _abbreviates(short, long):
                yield short, long


def _abbreviates(one: str, other: str) -> bool:
    """Whether one name is the other with characters left out, as 住建局 is 住房和城乡建设局."""
    short, long = sorted((one, other), key=len)
    rest = iter(long)
    return len(short) >= 2 and all(char in rest for char in short)
