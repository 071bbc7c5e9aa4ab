"""Headers of the list and the indicator tree that were damaged in copying: headings in two cells, or out of their order."""

from collections.abc import Callable, Iterable
from itertools import groupby

from kzz_pipeline.core.characters import squeeze, strip
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.vocabulary import Label, Vocabulary

# Each heading, and in how many cells it stands.
Headings = list[tuple[Item, int]]
_LEVELS = ("level1", "level2", "level3")
_MOST_PARTS = 3
_SHARED = "指标"
# A part that is a heading by itself, such as 三级 and 指标, is no longer than this.
_LONGEST_KNOWN_PART = 2


def _heading(item: Item) -> str | None:
    return item.label.header if item.label else None


def tree_headings(items: list[Item], vocabulary: Vocabulary) -> Headings:
    """The headings of the tree's columns: 三级 ⇥ 指标 is one in two cells."""
    found = _whole_headings(items, vocabulary, lambda label: label.header)
    # 二级 ⇥ 指标 ⇥ 指标值 are three headings: one of them is that of the names.
    return found if "level3" in (_heading(whole) for whole, _ in found) else [(item, 1) for item in items]


def list_headings(items: list[Item], vocabulary: Vocabulary, rows: list[list[Item]]) -> Headings:
    """The headings of the list's columns: 项目 ⇥ 名称 is one in two cells, unless a row below has a cell for each."""
    found = _whole_headings(items, vocabulary, lambda label: label.list_column)
    return found if all(len(row) <= len(found) for row in rows) else [(item, 1) for item in items]


def _whole_headings(items: list[Item], vocabulary: Vocabulary, meaning: Callable[[Label], str | None]) -> Headings:
    if all(item.label and meaning(item.label) and len(squeeze(item.text)) > _LONGEST_KNOWN_PART for item in items):
        return [(item, 1) for item in items]
    found: Headings = []
    at = 0
    while at < len(items):
        whole, parts = items[at], 1
        for count in range(_MOST_PARTS, 1, -1):
            joined = _joined(items[at : at + count], vocabulary, meaning) if at + count <= len(items) else None
            if joined is not None:
                whole, parts = joined, count
                break
        found.append((whole, parts))
        at += parts
    return found


def _joined(cells: list[Item], vocabulary: Vocabulary, meaning: Callable[[Label], str | None]) -> Item | None:
    """Cells side by side as the one heading that they make together, or None.

    A part may be a heading by itself if it says the same (三级) or is the word that most end with.
    """
    first, last = cells[0], cells[-1]
    if last.column - first.column != len(cells) - 1 or any(cell.part for cell in cells):
        return None
    text = "".join(strip(cell.text) for cell in cells)
    label, kinds = vocabulary.word(text)
    name = meaning(label) if label else None
    known = [
        cell.label for cell in cells if cell.label and len(squeeze(cell.text)) > 1 and squeeze(cell.text) != _SHARED
    ]
    if name is None or any(meaning(own) != name for own in known):
        return None
    # 备注 ⇥ 说明 are two headings that say the same.
    return Item(first.column, 0, text, label, kinds) if len(known) < len(cells) or name in _LEVELS else None


def over_rows(headings: Headings, others: set[int], rows: Iterable[list[Item]]) -> Headings:
    """The same in the columns that the rows have, where those do not all stand in theirs or in the `others`.

    A TAB too many moved what stands behind it, and the rows stand where they did.
    """
    columns = others | {heading.column for heading, _ in headings}
    if all(parts == 1 for _, parts in headings) or all(item.column in columns for row in rows for item in row):
        return headings
    found: Headings = []
    added = 0
    for heading, parts in headings:
        found.append((heading._replace(column=heading.column - added), parts))
        added += parts - 1
    return found


def _is_level(item: Item) -> bool:
    return _heading(item) == "level3" or squeeze(item.text).startswith(("一级", "二级"))


def in_order(items: list[Item]) -> list[Item]:
    """The headings with those of the levels that stand side by side in the order of the levels.

    Behind the name 指标类型 and the like head what else is said of it, so that only levels in their own words are moved.
    """
    levels = [name for item in items if (name := _heading(item)) in _LEVELS]
    if levels == sorted(levels):
        return items
    found: list[Item] = []
    for is_level, run in groupby(items, lambda item: _heading(item) in _LEVELS):
        own = list(run)
        names = [_heading(item) or "" for item in own]
        is_tree = is_level and len(set(names)) == len(own) and all(map(_is_level, own))
        ordered = sorted(own, key=lambda item: _heading(item) or "") if is_tree else own
        found += [item._replace(column=place.column) for item, place in zip(ordered, own, strict=True)]
    return found
