"""A row of the indicator tree: which cells are labels, which is the indicator, which its value.

Cells are known by what they say and by their order, since the merged cells of the form were lost: labels stand
before the name, the name before the value, and either may be any number of cells further right.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from kzz_pipeline.core.characters import INVISIBLE, fold, printed_as, squeeze, strip
from kzz_pipeline.core.fitting import fit
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.units import Units, split_unit
from kzz_pipeline.core.values import is_numeric_value, looks_like_value
from kzz_pipeline.core.vocabulary import BRACKET, HEADER, LEVEL, STRONG, TREE, WEAK, YEAR

# What stands before the name, and what may be the name, the value or neither.
_LEADING = LEVEL | TREE
_DOUBTFUL = LEVEL | HEADER | BRACKET
# Columns of the tree that are no attribute of an indicator.
TREE_HEADERS = {"tree", "long_term_tree", "level1", "level2", "level3"}
_LEVELS = {"level1", "level2", "level3"}
# What a second header line may name below 指标值.
_OF_VALUE = {"operator", "direction", "value", "unit"}
# The column of the header that each label of a row belongs to.
_COLUMN_OF_ROLE = {"level1_label": "level1", "level2_label": "level2", "unknown_label": "level2"}
# Columns that hold text, never a target.
_TEXT_COLUMNS = {"remark", "scoring", "source", None}
_COMPARATOR = re.compile(
    r"^(?:[<>=≥≤±]{1,2}|大于等于|小于等于|大于|小于|等于|不低于|不少于|不超过|不高于|正向|反向|定性|定量)$"
)
_ROW_NUMBER = re.compile(r"^[(]?\d{1,3}(?:\.\d{1,2})?[)分%、.]?$", re.ASCII)
_UNKNOWN_LABEL = re.compile(r"^[^\d%()（）]{1,12}指标$")
_HIDDEN = re.escape(INVISIBLE)
_GAP = re.compile(rf"(?<=[\u4e00-\u9fff)）%％])[{_HIDDEN}]*\s[\s{_HIDDEN}]*")
# The name's unit and the value: (个) ≤3.
_UNIT_AND_VALUE = re.compile(r"^(\s*[(（﹙][^()（）﹙﹚]{1,15}[)）﹚])\s*(\S.*)$")
# A name and its value with nothing between them: a sign or a bracket parts them, or a percentage ends the cell.
_GLUED = (
    re.compile(r"^(.*?[\u4e00-\u9fff)）%％])\s*([<>=≥≤≧≦⩾⩽＞＜﹥﹤＝].*)$"),
    re.compile(r"^(.*[)）])\s*([\d０-９].*)$"),
    re.compile(r"^(.*[率度比])\s*([\d０-９][\d０-９,.，．]*\s*[%％]\s*)$"),
)
# Headers of the columns behind the name. What a target's column ends with: 本年绩效指标值, 预期目标, 指标值/单位.
_VALUE_HEADER = re.compile(r"(?:值|目标|要求)(?:[及/和、(（].*)?$")
_THIS_YEAR = re.compile(r"^(?:本|当|全|今)年|^年度")
_PART_OF_YEAR = re.compile(r"^(?:[上下]?半年|第?[一二三四1-4]季|季度|每?月)")
_DATED = re.compile(r"^[(\[]?((?:19|20)\d\d)(?:年度?|(?=[)\]]?$))[)\]]?", re.ASCII)
# Targets of other times and figures that are no targets: 上年值, 实际完成值, 实施期目标, 历史标准.
_OTHER_TARGET = re.compile(
    r"^(?:上一?年|去年|前[一二两三]?年|历[史年]|往年|实际|长期|中期|中长期|远期|实施期|总|基[准期]|现[状有]|参[考照]|行业"
    r"|标杆|最[低高]|得分|自?评)"
)
_PLANNED = re.compile(r"计划|预[计期]|目标|[应拟]完成")
# Columns of text, of which none is the target's though no word of the vocabulary names them.
_NO_TARGET = re.compile(
    r"(?:方法|公式|依据|来源|解释|说明|备注|标准|规则|材料|资料|部门|单位|责任|方式|性质|属性|类型|类别|方向|内容|权重|分"
    r"|分值|分数|频次|状态|序号|代码|编码|编号|时间|日期|人|原因|措施|符号|情况|名称|过程)$"
)
_OPENING, _CLOSING = "(（﹙[【〔", ")）﹚]】〕"
_BRACKETED = re.compile(r"^\s*[(（﹙\[【〔][^()（）﹙﹚\[\]【】〔〕]{1,15}[)）﹚\]】〕]\s*$")


# What a form prints where there is no indicator: a sign for nothing, perhaps behind its number (指标1：无).
_NOTHING = re.compile(
    r"^(?:指标\d{0,2}[:.、])?(?:-+|/+|\\+|…+|\.{3,}|无|暂无|空|不适用|不涉及|未设置|无此项)?$", re.ASCII
)
_NOTHING_INITIALS = frozenset((*printed_as("-/\\…."), *"无暂空不未指 \u3000"))


# A sign that no number stands behind; behind a name it is that of the value: 人数（人）≥ ⇥ 20.
SIGNS = frozenset(printed_as("<>=≥≤"))
_ANY_SIGN = "".join(sorted(SIGNS))
_SIGN_BEHIND = re.compile(rf"^(.*[^\s{_ANY_SIGN}])\s*([{_ANY_SIGN}]{{1,2}})\s*$")
# A name and its value in a cell that can be nothing else, since it stands alone: 人数：20人, 持证率大于等于95%.
_BEHIND_COLON = re.compile(r"^(?!\s*指标\d*\s*[:：])([^:：]{2,40})[:：]\s*([^:：]+)$")
# Behind a colon also stand a telephone number and the date of a publication.
_NO_TARGET_ALONE = re.compile(r"^(?:[\d-]{5,}|(?:19|20)\d\d[年./-]\d{1,2}[月./-]\d{1,2}日?)$", re.ASCII)
_WORD_BEHIND_NAME = re.compile(
    r"^(.*?[率度比数量)）%％])((?:[大小高低多少]于(?:等于)?|不[低少高多大小]于|不超过|达到|超过).*)$"
)


# One cell of a row read: its role, the number of its indicator on this row (0 for none), its name.
Reading = tuple[Item, str, int, str | None]


class AttributeColumn(NamedTuple):
    """A column of the tree behind the indicator's name: its cell in the header line, its canonical name, its header."""

    column: int
    name: str | None
    printed: str


class TreeHeader(NamedTuple):
    """The columns behind 三级指标 as the header line names them, and the cell of 三级指标 itself.

    `has_numbers` says that columns of numbers stand before it: a number of the row, or the weights of the levels.
    `start` is the tree's first cell and `levels` its columns of labels. `is_dated` says that a column is for a year,
    `has_levels_behind` that the levels stand behind the name only, where a label may be of its own row.
    `beside` is the tree that the same line heads further right, and `period` what each of the two is for where they are
    for different times.
    """

    name_column: int | None
    columns: tuple[AttributeColumn, ...]
    has_numbers: bool = False
    start: int = 1
    levels: frozenset[str] = frozenset()
    is_dated: bool = False
    has_levels_behind: bool = False
    beside: "TreeHeader | None" = None
    period: str | None = None

    @property
    def is_plain(self) -> bool:
        return len(self.columns) <= 1


PLAIN_HEADER = TreeHeader(None, ())


def is_tree_header(items: list[Item]) -> bool:
    """Whether a line names the columns of the indicator tree."""
    headers = {item.label.header for item in items if item.label and item.kinds & HEADER}
    levels = len(headers & _LEVELS)
    return levels >= 2 or (levels == 1 and "value" in headers)


def tree_header(items: list[Item], year: int | None = None) -> TreeHeader:
    """The columns that a header line names behind 三级指标, in order, and those of a second tree beside the first.

    `year` is the table's own, by which the targets of several years are told apart.
    """
    cut = _second_tree(items)
    first = _one_header(items[:cut], year)
    return first._replace(beside=_one_header(items[cut:], year)) if cut < len(items) else first


def header_span(items: list[Item], units: Units) -> tuple[int, int]:
    """From where to where a header line is one: a line end lost before or behind it leaves other cells on its line."""
    headers = [item.label.header if item.label and item.kinds & HEADER else None for item in items]
    name = _name_at(headers)
    if name is None:
        name = max(at for at, header in enumerate(headers) if header in _LEVELS)
    start = next(at for at, item in enumerate(items) if headers[at] in TREE_HEADERS or is_number_column(item))
    last = max(at for at, header in enumerate(headers) if header)
    for at in range(name + 1, len(items)):
        if items[at].kinds & STRONG and not items[at].kinds & HEADER:
            return start, at
        if at > last + 1 and _is_name_and_value(items[at - 1], items[at], at == len(items) - 1 == last + 2, units):
            return start, at - 1
    return start, len(items)


def is_number_column(item: Item) -> bool:
    """Whether a header is of a column of row numbers or of weights."""
    return item.label is not None and (item.label.header == "weight" or item.label.list_column == "listed_no")


def _is_name_and_value(name: Item, value: Item, is_alone: bool, units: Units) -> bool:
    """Whether two cells behind the headers are an indicator and its value; words of quality may head columns too."""
    if value.kinds & YEAR or is_numeric_value(name.text, units):
        return False
    return is_numeric_value(value.text, units) or (
        is_alone and len(squeeze(value.text)) > 1 and looks_like_value(value.text, units)
    )


def with_second_line(header: TreeHeader, items: list[Item]) -> TreeHeader | None:
    """The columns where a second header line says what stands below 指标值 (符号 ⇥ 数值 ⇥ 单位); None if it is no such line."""
    names = [item.label.header if item.label else None for item in items]
    value = next((at for at, column in enumerate(header.columns) if column.name == "value"), None)
    if value is None or header.beside is not None or len(items) < 2 or "value" not in names:
        return None
    if len(set(names)) < len(names) or not _OF_VALUE.issuperset(names):
        return None
    first, *behind = header.columns[value:]
    # Where the cells before it were lost, the line begins at its left.
    shift = 0 if any(item.column == first.column for item in items) else first.column - items[0].column
    below = [
        AttributeColumn(item.column + shift, name, strip(item.text)) for item, name in zip(items, names, strict=True)
    ]
    pushed = max(below[-1].column - behind[0].column + 1, 0) if behind else 0
    behind = [column._replace(column=column.column + pushed) for column in behind]
    return header._replace(columns=(*header.columns[:value], *below, *behind))


def _second_tree(items: list[Item]) -> int:
    """Where the levels begin again behind a column of values: the place of that cell, or behind the last."""
    has_name = has_value = False
    for at, item in enumerate(items):
        header = item.label.header if item.label else None
        if header in TREE_HEADERS and has_value:
            rest = {later.label.header for later in items[at:] if later.label}
            if {"level3", "value"} <= rest:
                return at
        has_name = has_name or header == "level3"
        has_value = has_value or (has_name and header == "value")
    return len(items)


def _one_header(items: list[Item], year: int | None) -> TreeHeader:
    name = _name_at([item.label.header if item.label else None for item in items])
    before, behind = (items, []) if name is None else (items[:name], items[name + 1 :])
    levels = frozenset(item.label.header for item in before if item.label and item.label.header in _LEVELS)
    value = _value_column(behind, year)
    columns = tuple(
        AttributeColumn(item.column, "value" if at == value else _attribute_name(item), strip(item.text))
        for at, item in enumerate(behind)
    )
    return TreeHeader(
        None if name is None else items[name].column,
        columns,
        any(is_number_column(item) for item in before),
        items[0].column,
        levels,
        any(_DATED.match(squeeze(item.text)) for item in behind),
        not levels and any(item.label.header in ("level1", "level2") for item in behind if item.label),
    )


def _name_at(headers: list[str | None]) -> int | None:
    """Which header is that of the indicators' names: the first 三级指标 behind the levels, else the first of all."""
    if "level3" not in headers:
        return None
    levels = [at for at, header in enumerate(headers) if header in ("level1", "level2")]
    behind = [at for at, header in enumerate(headers) if header == "level3" and levels and at > levels[0]]
    return behind[0] if behind else headers.index("level3")


def _attribute_name(item: Item) -> str | None:
    """The canonical name of a column behind the indicator's own; what heads the levels elsewhere is no level there."""
    header = item.label.header if item.label else None
    return None if header in TREE_HEADERS or header == "value" else header


def _value_column(behind: list[Item], year: int | None) -> int | None:
    """Which column holds the targets, by what its header says, else because the others say that they hold none."""
    ranks = [_rank_as_value(item, year) for item in behind]
    best = min((rank for rank in ranks if rank is not None), default=None)
    if best is None or (best >= _ONLY_ALONE and ranks.count(best) > 1):
        return None
    return ranks.index(best)


# Of these, the only one is the column of the targets, and one among several is not.
_ONLY_ALONE = 6


def _rank_as_value(item: Item, year: int | None) -> int | None:
    """How well a header names the column of the table's targets, 0 the best; None where it names something else."""
    text = squeeze(item.text)
    header = item.label.header if item.label else None
    if header not in (None, "value", "tree") or _OTHER_TARGET.match(text):
        return None
    if ("完成" in text or "执行" in text) and not _PLANNED.search(text):
        return None
    dated = _DATED.match(text)
    if dated is not None:
        rest = text[dated.end() :]
        if _OTHER_TARGET.match(rest) or (rest and not _VALUE_HEADER.search(rest)):
            return None
        return (0 if rest else 4) if int(dated[1]) == year else _ONLY_ALONE
    is_value = header == "value"
    if is_value or _VALUE_HEADER.search(text):
        if _THIS_YEAR.match(text):
            return 0 if is_value else 1
        if _PART_OF_YEAR.match(text):
            return 4
        return 2 if is_value else 3
    if header == "tree":
        return 5
    return None if _NO_TARGET.search(text) else _ONLY_ALONE + 1


def read_row(items: list[Item], header: TreeHeader, units: Units) -> list[Reading]:
    """The roles of a row's cells. What fits no pattern is `unread`, its reason as name; nothing is dropped."""
    if header.beside is not None:
        return _beside_each_other(items, header, header.beside, units)
    if header.has_numbers:
        return _without_numbers(items, header, units)
    if header.has_levels_behind:
        return [_level_behind(reading) for reading in _rest_readings(items, header, units)]
    count = _leading_labels(items)
    rest = items[count:]
    if not rest:
        return _label_readings(items)
    if len(rest) == 2:
        # The row as every form prints it: labels, a name and its value.
        named, value = rest
        if (
            not (named.kinds | value.kinds) & _DOUBTFUL
            and named.text.rstrip()[-1] not in SIGNS
            and not (count and items[count - 1].kinds & WEAK)
            and (header.is_plain or _stands_in_value_column(named, value, header))
        ):
            pair = _pair(named, value, units)
            return _label_readings(items[:count]) + pair if count else pair
    first, *others = _groups(items, units)
    readings = _read_group(first, header, units)
    for group in others:
        before = max(number for _, _, number, _ in readings)
        for item, role, number, name in _read_group(group, header, units):
            readings.append((item, role, number + before if number else 0, name))
    return readings


def _level_behind(reading: Reading) -> Reading:
    """A reading of a row whose levels stand behind the name: a label there is of this row, whose number it has."""
    item, role, number, _ = reading
    if role != "attribute" or not item.kinds & STRONG:
        return reading
    _, role, _, name = _label_readings([item])[0]
    return item, role, number, name


def _beside_each_other(items: list[Item], first: TreeHeader, second: TreeHeader, units: Units) -> list[Reading]:
    """A row of two trees that stand side by side: cut where the second begins, or near by where only that reads whole."""
    first = first._replace(beside=None)
    cut = sum(1 for item in items if item.column < second.start)
    readings = None
    for at in (cut, cut - 1, cut + 1, cut - 2, cut + 2):
        if 0 <= at <= len(items):
            halves = [
                read_row(half, header, units) if half else []
                for half, header in ((items[:at], first), (items[at:], second))
            ]
            if readings is None:
                readings = halves
            if all(_is_one_row(half) for half in halves):
                readings = halves
                break
    assert readings is not None
    before = max((number for _, _, number, _ in readings[0]), default=0)
    return [
        *(_in_tree(reading, first, second.levels, 0) for reading in readings[0]),
        *(_in_tree(reading, second, None, before) for reading in readings[1]),
    ]


def _is_one_row(readings: list[Reading]) -> bool:
    """Whether cells read as one row of one tree: one indicator at most, nothing left over, no label as a name or value."""
    return all(
        role != "unread" and number <= 1 and not (role in ("indicator", "value") and item.kinds & STRONG)
        for item, role, number, _ in readings
    )


def _in_tree(reading: Reading, header: TreeHeader, others: frozenset[str] | None, before: int) -> Reading:
    """A reading that says which of two trees it is of; a label holds for both where only one has its column."""
    item, role, number, name = reading
    if header.period and role == "indicator":
        name = header.period
    elif header.period and role in _COLUMN_OF_ROLE and (others is None or _COLUMN_OF_ROLE[role] in others):
        name = f"{name}:{header.period}"
    return item, role, number + before if number else 0, name


def _without_numbers(items: list[Item], header: TreeHeader, units: Units) -> list[Reading]:
    """A row of a form that prints its number, or weights of its levels, before the indicator's name."""
    numbers = []
    rest = []
    for at, item in enumerate(items):
        if item.kinds & (LEVEL | TREE):
            rest.append(item)
        elif _ROW_NUMBER.match(squeeze(item.text)):
            numbers.append(item)
        else:
            rest += items[at:]
            break
    readings: list[Reading] = [(item, "tree_number", 0, None) for item in numbers]
    readings += read_row(rest, header._replace(has_numbers=False), units) if rest else []
    return sorted(readings, key=lambda reading: (reading[0].column, reading[0].part))


def _stands_in_value_column(name: Item, value: Item, header: TreeHeader) -> bool:
    """Whether a row's only cell behind its name stands where the header says that values stand."""
    first = header.columns[0]
    gap = first.column - header.name_column if header.name_column is not None else 1
    return first.name == "value" and value.column - name.column == gap


def _groups(items: list[Item], units: Units) -> list[list[Item]]:
    """A line cut before every label that follows a complete name and value: two rows printed as one."""
    behind = opened = 0
    groups = []
    for at, item in enumerate(items):
        if not item.kinds & (LEVEL | HEADER):
            behind += 1
        elif behind:
            # A weak label (质量) may be a name: it opens a row where a name and a value stand behind it.
            opens = item.kinds & (LEVEL | TREE) and (
                not item.kinds & WEAK or at + 2 < len(items) or (at + 1 < len(items) and unglue(items[-1].text, units))
            )
            if opens and (behind >= 2 or unglue(items[at - 1].text, units)):
                groups.append(items[opened:at])
                behind, opened = 0, at
            elif not (item.kinds & STRONG and _is_before_labels(items[opened:], units)):
                behind += 1
    groups.append(items[opened:])
    return groups


def _read_group(items: list[Item], header: TreeHeader, units: Units) -> list[Reading]:
    count = _leading_labels(items)
    if not count and _is_before_labels(items, units):
        return [(items[0], "unread", 0, "text-before-name"), *_read_group(items[1:], header, units)]
    rest = items[count:]
    if count and rest and _last_label_is_name(items[:count], rest, units, header):
        count, rest = count - 1, items[count - 1 :]
    return [*_label_readings(items[:count]), *_rest_readings(rest, header, units)]


def _is_before_labels(items: list[Item], units: Units) -> bool:
    """Whether the first cell is left over from elsewhere: no name has as its value a label with a row of its own."""
    if len(items) < 3 or not items[1].kinds & STRONG or unglue(items[0].text, units):
        return False
    last = _leading_labels(items[1:])
    # Before a value alone, a weak label is the name.
    return len(items) - 1 - last != 1 or bool(items[last].kinds & WEAK)


def _leading_labels(items: list[Item]) -> int:
    """How many cells before the name are labels: levels, and what is left of a header (指标 ⇥ 指标) that broke in two."""
    count = 0
    for _, _, _, _, kinds in items:
        if not kinds & _LEADING and not (kinds & HEADER and _is_left_over(items, count)):
            break
        count += 1
    return count


def _is_left_over(items: list[Item], at: int) -> bool:
    """Whether a word that heads a column stands with others like it, alone, or before a name and a value."""
    own = items[at].label
    if own is None or own.header not in _LEVELS:
        return False
    beside = [item.label.header for item in (*items[:at], *items[at + 1 :]) if item.label]
    return len(items) == 1 or len(items) - at > 2 or any(header in _LEVELS for header in beside)


def _last_label_is_name(labels: list[Item], rest: list[Item], units: Units, header: TreeHeader) -> bool:
    """满意度 ⇥ ≥90%: the last label is the indicator's own name where only a value stands behind it."""
    last, text = labels[-1], rest[0].text
    if last.kinds & WEAK:
        is_value = is_comparator(text) or is_bracketed(text) or is_numeric_value(text, units)
        # 公众满意度 ⇥ 较高 ⇥ 10: beside further columns, a word of quality is the value.
        is_value = is_value or (not header.is_plain and looks_like_value(text, units))
        is_name = len(rest) == 1 or is_value or (len(labels) > 1 and _stands_as_printed(last, rest[-1], header))
    else:
        is_name = len(rest) == 1 and (_repeats_level(labels) or split_unit(last.text, units)[1] is not None)
    return is_name and not _in_one_cell(text, units)


def _stands_as_printed(name: Item, last: Item, header: TreeHeader) -> bool:
    """Whether a row fills the columns of its header from the name's to the last one, so that no cell was shifted."""
    return not header.is_plain and name.column == header.name_column and last.column == header.columns[-1].column


def _repeats_level(labels: list[Item]) -> bool:
    """Whether the last label says the second level again that the one before it says: 社会效益指标 ⇥ 社会效益."""
    if len(labels) < 2 or not labels[-1].kinds & LEVEL:
        return False
    before, last = labels[-2].label, labels[-1].label
    if squeeze(labels[-2].text) == squeeze(labels[-1].text):
        return len(labels) >= 3
    return bool(before and last and last.level2 and before.level2 == last.level2 and not before.either)


def _label_readings(labels: list[Item]) -> list[Reading]:
    readings: list[Reading] = []
    preceded = False
    for at, item in enumerate(labels, 1):
        label = item.label
        assert label is not None
        level1, level2 = label.level1, label.level2
        if level1 is None and level2 is None:
            readings.append((item, "indicator_header", 0, label.header))
        # What is a first level in some templates and a second level in others is the first where another follows.
        elif level2 is None or (level1 and not preceded and any(later.kinds & LEVEL for later in labels[at:])):
            readings.append((item, "level1_label", 0, level1))
            preceded = True
        else:
            readings.append((item, "level2_label", 0, level2))
            preceded = True
    return readings


def is_nothing(text: str) -> bool:
    """Whether a cell says that there is nothing: —, /, 无, 指标1：无."""
    return _NOTHING.match(squeeze(text)) is not None


def _empty_slot(cells: list[Item]) -> list[Reading]:
    """A row whose name is a sign for nothing: an empty slot where its value says nothing too, else cells without a name."""
    empty = next((at for at, item in enumerate(cells) if not is_nothing(item.text)), len(cells))
    if empty == 1 < len(cells):
        return [(item, "unread", 0, "value-without-name") for item in cells]
    return [
        (item, "empty_slot", 0, None) if at < empty else (item, "unread", 0, "text-behind-value")
        for at, item in enumerate(cells)
    ]


def _rest_readings(rest: list[Item], header: TreeHeader, units: Units) -> list[Reading]:
    if rest and rest[0].text[:1] in _NOTHING_INITIALS and is_nothing(rest[0].text):
        if len(rest) < 3 or is_nothing(rest[1].text):
            return _empty_slot(rest)
        # 无 ⇥ 资金拨付及时率（%） ⇥ 100%: the sign stands before an indicator.
        return [(rest[0], "unread", 0, "text-before-name"), *_rest_readings(rest[1:], header, units)]
    if len(rest) > 1 and (sign := _SIGN_BEHIND.match(rest[0].text)) and is_numeric_value(rest[1].text, units):
        return _with_sign_behind_name(rest, sign, header, units)
    rest = _parted(rest, units)
    if len(rest) > 1 and len(rest[0].text) <= 5 and is_comparator(rest[0].text):
        # ≤ ⇥ 3 ⇥ 天: the name is not there.
        return [(item, "unread", 0, "value-without-name") for item in rest]
    match len(rest):
        case 0:
            return []
        case 1:
            return _single(rest[0], units)
        case 2 if header.is_plain:
            return _pair(rest[0], rest[1], units)
    if not header.is_plain:
        return _with_attributes(rest, header, units)
    return _many(rest, units)


def unglue(text: str, units: Units) -> tuple[str, str] | None:
    """The name and the value that one cell prints together, or None: before (%)100% the name stands in another cell."""
    if is_numeric_value(text, units):
        return None  # 不低于 90%
    for gap in _GAP.finditer(text):
        name, value = text[: gap.start()], text[gap.end() :]
        if squeeze(name) in units.quality_beginnings:
            return None  # 有效 提升
        if looks_like_value(value, units) and not is_numeric_value(name, units):
            return None if is_bracketed(name) else (name, value)
    for pattern in _GLUED:
        glued = pattern.match(text)
        if glued and is_numeric_value(glued[2], units) and not is_numeric_value(glued[1], units):
            return None if is_bracketed(glued[1]) else (glued[1], glued[2])
    return None


def _parted(rest: list[Item], units: Units) -> list[Item]:
    """`rest` with a cell that prints the name's unit and the value taken apart: 村数 ⇥ (个) ≤3."""
    for at, item in enumerate(rest):
        found = _UNIT_AND_VALUE.match(item.text) if item.kinds & BRACKET and at else None
        if found and looks_like_value(found[2], units) and units.find(fold(strip(found[1]))[1:-1]):
            part = item.part or 1
            two = [
                Item(item.column, part, found[1], None, BRACKET),
                Item(item.column, part + 1, found[2], None, BRACKET),
            ]
            return [*rest[:at], *two, *rest[at + 1 :]]
    return rest


def _with_sign_behind_name(rest: list[Item], sign: re.Match[str], header: TreeHeader, units: Units) -> list[Reading]:
    part = rest[0].part or 1
    name = rest[0]._replace(part=part, text=sign[1])
    own = Item(name.column, part + 1, sign[2], None)
    (_, role, number, reason), *others = _rest_readings([name, *rest[1:]], header, units)
    if role != "indicator":
        return [(name, role, number, reason), (own, "unread", 0, "text-before-name"), *others]
    return [(name, role, number, reason), (own, "attribute", number, "operator"), *others]


def _in_one_cell(text: str, units: Units) -> tuple[str, str] | None:
    """The name and the value of a cell with nothing beside it."""
    found = unglue(text, units)
    for pattern in (_BEHIND_COLON, _WORD_BEHIND_NAME):
        if found is None and (parts := pattern.match(text)) and is_numeric_value(parts[2], units):
            name, value = parts.groups()
            is_name = not (is_numeric_value(name, units) or is_bracketed(name))
            found = (name, value) if is_name and not _NO_TARGET_ALONE.match(squeeze(value)) else None
    return found


def _single(item: Item, units: Units) -> list[Reading]:
    glued = _in_one_cell(item.text, units)
    if glued:
        part = item.part or 1
        return [
            (Item(item.column, part, glued[0], None), "indicator", 1, None),
            (Item(item.column, part + 1, glued[1], None), "value", 1, None),
        ]
    reason = "value-without-name" if looks_like_value(item.text, units) else "name-without-value"
    return [(item, "unread", 0, reason)]


def _pair(name: Item, value: Item, units: Units) -> list[Reading]:
    if name.text[:1] in _NOTHING_INITIALS and is_nothing(name.text):
        return _empty_slot([name, value])
    if value.text in SIGNS:
        return [(name, "unread", 0, "name-without-value"), (value, "unread", 0, "name-without-value")]
    if is_numeric_value(name.text, units) or (name.kinds & BRACKET and is_unit_in_brackets(name.text, units)):
        # Neither ≥90% ⇥ 100% nor a value printed before its name says which is which.
        return [(name, "unread", 0, "value-without-name"), (value, "unread", 0, "value-without-name")]
    if value.kinds & BRACKET and is_unit_in_brackets(value.text, units):
        # 面积 ⇥ (平方米): the name's own unit.
        return [(name, "unread", 0, "name-without-value"), (value, "unread", 0, "name-without-value")]
    return [(name, "indicator", 1, None), (value, "value", 1, None)]


def _names(rest: list[Item], units: Units) -> int:
    """How many cells the name takes: it goes on where its bracket is open, or in a bracket of its own."""
    count = 1
    while count < len(rest) - 1:
        text = rest[count].text
        is_part = _is_open("".join(item.text for item in rest[:count])) or is_bracketed(text)
        if not is_part or looks_like_value(text, units):
            break
        count += 1
    return count


def _many(rest: list[Item], units: Units) -> list[Reading]:
    """Three cells or more behind the labels of a template with no further columns."""
    first, second = rest[:2]
    if _is_pairs(rest, units):
        return [
            (item, role, number and at // 2 + 1, name)
            for at in range(0, len(rest), 2)
            for item, role, number, name in _pair(rest[at], rest[at + 1], units)
        ]
    if _UNKNOWN_LABEL.match(squeeze(first.text)) and not looks_like_value(second.text, units):
        return [(first, "unknown_label", 0, strip(first.text)), *_rest_readings(rest[1:], PLAIN_HEADER, units)]
    if is_numeric_value(first.text, units):
        return [(item, "unread", 0, "value-without-name") for item in rest]
    count = _names(rest, units)
    readings: list[Reading] = [(item, "indicator", 1, None) for item in rest[:count]]
    if len(rest) > count + 1 and looks_like_value(rest[-1].text, units) and _is_unit(rest[count].text, units):
        # 合格率 ⇥ % ⇥ ≥95
        readings.append((rest[count], "attribute", 1, "unit"))
        count += 1
    value, *others = rest[count:]
    if others and is_comparator(value.text) and is_numeric_value(others[0].text, units):
        readings += [(value, "attribute", 1, "operator"), (others[0], "value", 1, None)]
        others = others[1:]
    elif (
        len(others) == 1
        and count == 1
        and not looks_like_value(value.text, units)
        and looks_like_value(others[0].text, units)
    ):
        return [
            (first, "unread", 0, "text-before-name"),
            (value, "indicator", 1, None),
            (others[0], "value", 1, None),
        ]
    else:
        readings.append((value, "value", 1, None))
    if others and is_numeric_value(readings[-1][0].text, units) and units.find(fold(others[0].text)):
        readings.append((others[0], "attribute", 1, "unit"))
        others = others[1:]
    for item in others:
        reason = "second-value" if looks_like_value(item.text, units) else "text-behind-value"
        readings.append((item, "unread", 0, reason))
    return readings


def _is_unit(text: str, units: Units) -> bool:
    """Whether a cell is a unit of measure and nothing else."""
    return units.find(fold(text)) is not None and not looks_like_value(text, units)


def is_comparator(text: str) -> bool:
    """Whether a cell is nothing but a sign or a word of comparison, such as ≥ or 定性."""
    return _COMPARATOR.match(squeeze(text)) is not None


def is_bracketed(text: str) -> bool:
    """Whether a cell is nothing but a short bracket, such as (平方米)."""
    return _BRACKETED.match(text) is not None


def is_unit_in_brackets(text: str, units: Units) -> bool:
    """Whether a cell is a unit of measure in brackets and nothing else."""
    return is_bracketed(text) and units.find(fold(strip(text))[1:-1]) is not None


def _is_open(text: str) -> bool:
    return sum(text.count(sign) for sign in _OPENING) > sum(text.count(sign) for sign in _CLOSING)


def _is_pairs(rest: list[Item], units: Units) -> bool:
    """Whether cells are names and values by turns, two of each or more."""
    if len(rest) < 4 or len(rest) % 2:
        return False
    return all(is_numeric_value(item.text, units) == bool(at % 2) for at, item in enumerate(rest))


def _with_attributes(rest: list[Item], header: TreeHeader, units: Units) -> list[Reading]:
    """A row of a template with columns beside the value: each cell goes to the column it fits and lies nearest to."""
    if is_numeric_value(rest[0].text, units):
        return [(item, "unread", 0, "value-without-name") for item in rest]
    count = _names(rest, units)
    columns = header.columns
    if _prints_sign(rest[count:], columns, units):
        return _with_sign(rest, count, header, units)
    cells = rest[count:]
    if count == 1 and _value_stands_in_text(cells, columns, units):
        return [
            (rest[0], "unknown_label", 0, strip(rest[0].text)),
            *_rest_readings(rest[1:], header, units),
        ]
    # The name, or the first or last cell behind it, may be where it belongs, or all of them further left or right.
    # A name in two cells pushes what stands behind it further right.
    places = ((rest[count - 1].column, header.name_column), (cells[0].column, columns[0].column))
    shifts = {0, cells[-1].column - columns[-1].column, *(at - own for at, own in places if own is not None)}
    if len(cells) == len(columns):
        chosen: list[int | None] = list(range(len(columns)))
    else:
        own_shift = places[0][0] - places[0][1] if places[0][1] is not None else 0
        chosen = min(
            (_fit(cells, columns, shift, abs(shift - own_shift) / 2, units) for shift in sorted(shifts, key=abs)),
            key=lambda fit: fit[0],
        )[1]
    names = [columns[at].name if at is not None else None for at in chosen]
    readings: list[Reading] = [(item, "indicator", 1, None) for item in rest[:count]]
    if "value" not in names:
        free = [index for index, at in enumerate(chosen) if at is None]
        numeric = [index for index in free if looks_like_value(cells[index].text, units)]
        for index in (numeric or free)[:1]:
            names[index] = "value"
    has_value = False
    for item, at, column in zip(cells, chosen, names, strict=True):
        if column == "value" and not has_value:
            readings.append((item, "value", 1, None))
            has_value = True
        elif at is None:
            readings.append((item, "unread", 0, "text-behind-value"))
        else:
            readings.append((item, "attribute", 1, column or f":{columns[at].printed}"))
    if not has_value:
        return [
            *((item, "unread", 0, "name-without-value") for item in rest[:count]),
            *((item, "unread", 0, "value-without-name") for item in cells),
        ]
    return readings


def _with_sign(rest: list[Item], count: int, header: TreeHeader, units: Units) -> list[Reading]:
    """次数 ⇥ ≥ ⇥ 50次 in a template that has no column of signs: the number stands a cell further right than its column."""
    sign = rest[count]
    gap = rest[count + 1].column - sign.column
    moved = [item._replace(column=item.column - gap) for item in rest[count + 1 :]]
    readings = _with_attributes([*rest[:count], *moved], header, units)
    name, behind = readings[:count], readings[count:]
    if any(role == "unread" for _, role, _, _ in name):
        return [
            (item, "unread", 0, "value-without-name" if at >= count else "name-without-value")
            for at, item in enumerate(rest)
        ]
    behind = [(item._replace(column=item.column + gap), role, 1, column) for item, role, _, column in behind]
    return [*name, (sign, "attribute", 1, "operator"), *behind]


def _prints_sign(cells: list[Item], columns: tuple[AttributeColumn, ...], units: Units) -> bool:
    """Whether the first cell is the sign of the number behind it, and no column is for signs."""
    if len(cells) < 2 or squeeze(cells[0].text) not in units.before or not is_numeric_value(cells[1].text, units):
        return False
    return all(column.name not in ("operator", "direction") for column in columns)


def _value_stands_in_text(cells: list[Item], columns: tuple[AttributeColumn, ...], units: Units) -> bool:
    """Whether a name stands where the value belongs and the value in a column of text: a label came before both."""
    if len(cells) < 2 or columns[0].name != "value" or columns[1].name not in _TEXT_COLUMNS:
        return False
    name, value = cells[0].text, squeeze(cells[1].text)
    is_target = is_numeric_value(value, units) and not value.isdecimal()
    return is_target and not looks_like_value(name, units) and not is_comparator(name)


def _fit(
    cells: list[Item], columns: tuple[AttributeColumn, ...], shift: int, penalty: float, units: Units
) -> tuple[float, list[int | None]]:
    """For each cell the column that suits it, keeping their order; None where more cells than columns are left.

    Beside it stands how badly the cells suit: the sum of their distances and misfits, and the penalty for a shift that
    is not the name's own.
    """

    def misfit(cell: int, at: int) -> float:
        column, name, _ = columns[at]
        return min(abs(cells[cell].column - column - shift), 3) + _misfit(cells[cell].text, name, units)

    cost, chosen = fit(len(cells), len(columns), misfit, 8)
    return cost + penalty, chosen


# Each cell of a row is held against the same columns at every shift.
@lru_cache(maxsize=4096)
def _misfit(text: str, column: str | None, units: Units) -> float:
    folded = squeeze(text)
    comparator = is_comparator(text)
    match column:
        case "operator" | "direction":
            return 0.0 if comparator else 6.0
        case "unit":
            return 0.0 if not is_numeric_value(text, units) and units.find(folded) else 6.0
        case "weight":
            return 0.0 if re.fullmatch(r"\d+(?:\.\d+)?[分%]?", folded) else 6.0
        case "value":
            return 5.0 if comparator else (0.0 if looks_like_value(text, units) else 1.0)
        case _:
            return 2.0 if comparator else 0.5
