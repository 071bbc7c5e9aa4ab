"""Headers of the indicator tree that were damaged in copying: headings in two cells, or out of their order."""

from itertools import groupby

from kzz_pipeline.core.characters import squeeze, strip
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.vocabulary import Vocabulary

_LEVELS = ("level1", "level2", "level3")
_MOST_PARTS = 3
_SHARED = "指标"


def _heading(item: Item) -> str | None:
    return item.label.header if item.label else None


def whole_headings(items: list[Item], vocabulary: Vocabulary) -> list[tuple[Item, int]]:
    """The headings of a line, each with how many cells it stands in: 三级 ⇥ 指标 is one in two."""
    found: list[tuple[Item, int]] = []
    at = 0
    while at < len(items):
        whole, parts = items[at], 1
        for count in range(_MOST_PARTS, 1, -1):
            joined = _joined(items[at : at + count], vocabulary) if at + count <= len(items) else None
            if joined is not None:
                whole, parts = joined, count
                break
        found.append((whole, parts))
        at += parts
    names = [_heading(whole) for whole, _ in found]
    # 二级 ⇥ 指标 ⇥ 指标值 are three headings: one of them is that of the names.
    return found if "level3" in names else [(item, 1) for item in items]


def _joined(cells: list[Item], vocabulary: Vocabulary) -> Item | None:
    """Cells side by side as the one heading that they make together, or None.

    A part may be a heading by itself if it says the same (三级) or is the word that most end with.
    """
    first, last = cells[0], cells[-1]
    if last.column - first.column != len(cells) - 1 or any(cell.part for cell in cells):
        return None
    text = "".join(strip(cell.text) for cell in cells)
    label, kinds = vocabulary.word(text)
    whole = Item(first.column, 0, text, label, kinds)
    name = _heading(whole)
    known = [cell for cell in cells if cell.label and len(squeeze(cell.text)) > 1 and squeeze(cell.text) != _SHARED]
    if name is None or any(_heading(cell) != name for cell in known):
        return None
    # 备注 ⇥ 说明 are two headings that say the same.
    return whole if len(known) < len(cells) or name in _LEVELS else None


def moved_back(headings: list[tuple[Item, int]]) -> list[tuple[Item, int]]:
    """The same in the columns that they had before a TAB too many moved what stands behind it."""
    found: list[tuple[Item, int]] = []
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
    found: list[Item] = []
    for is_level, run in groupby(items, lambda item: _heading(item) in _LEVELS):
        own = list(run)
        names = [_heading(item) or "" for item in own]
        is_tree = is_level and len(set(names)) == len(own) and all(map(_is_level, own))
        ordered = sorted(own, key=lambda item: _heading(item) or "") if is_tree else own
        found += [item._replace(column=place.column) for item, place in zip(ordered, own, strict=True)]
    return found
