"""The words of the tables: what a printed label means, as data (`kzz_pipeline/vocabulary/*.yml`).

One printed word can mean several things (项目名称 heads a list column and a field; 满意度指标 is a first and a
second level); `Label` carries every meaning and the layout picks by place.
"""

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from kzz_pipeline.core.characters import fold, squeeze
from kzz_pipeline.core.money import is_amount, money_unit_of


@dataclass(slots=True)
class Label:
    """Every meaning of one printed label; None where it has no such meaning.

    `weak` says that the word may also be an indicator's own name, `either` that it is a first level in some
    templates and a second level in others, `sum` that it heads a sum below the indicators, `total_funds` that it is
    the total among labels of money, `unit` which unit of money its bracket declares, `year` which year stands before
    it or in its bracket (本年: the table's own).
    """

    list_column: str | None = None
    total: bool = False
    sum: bool = False
    header: str | None = None
    level1: str | None = None
    level2: str | None = None
    weak: bool = False
    either: bool = False
    field: str | None = None
    money: bool = False
    total_funds: bool = False
    goal: str | None = None
    unit: str | None = None
    year: str | None = None

    @property
    def is_level(self) -> bool:
        return self.level1 is not None or self.level2 is not None


# What a text may be by itself, as bits: where no cell of a line has a bit, the line need not be looked at for that.
# `SPLITS` and `SPLITS_WEAKLY` say that `Vocabulary.split` takes the text apart. The second line are meanings of labels: a
# level of the indicator tree that may also be an indicator's own name is weak, every other is strong.
YEAR, MONEY_UNIT, TITLE, SPLITS, SPLITS_WEAKLY, BRACKET = (1 << at for at in range(6))
LEVEL, WEAK, STRONG, FIELD, GOAL, HEADER, TREE, LIST_COLUMN, TOTAL, SUM = (1 << at for at in range(6, 16))


class Word(NamedTuple):
    """What a printed text means by itself: its label, and its kinds as bits."""

    label: Label | None
    kinds: int


@dataclass(frozen=True, slots=True)
class TitleReading:
    """A table's title and, where they stand in the same cell, its year as printed and its unit of money.

    `office` is whose table it is where the title begins with that, without white space: 甲县财政局2022年….
    """

    title: str
    year: str | None
    unit: str | None = None
    office: str | None = None


# 一、 (2) ③
_NUMBERING = re.compile(r"^(?:[(\[]?[一二三四五六七八九十\d]{1,2}[)\].、:]\s*|[①-⑳])+")
# 1.1 before a level; before a field it may be the amount of the field before.
_DECIMAL_NUMBERING = re.compile(r"^\d{1,2}(?:\.\d{1,2})+(?=[^\d.])")
_LEADING = re.compile(r"^(?:其中[:,]?)+")
_WEIGHT = re.compile(r"[(\[]\d{1,3}(?:\.\d+)?(?:分|%|分值)?[)\]]$")
_BRACKET = re.compile(r"[(\[]([^()\[\]]*)[)\]]$")
# What any of these can be found in; most texts are neither a label nor a label with something about it.
_DECORATED = re.compile(r"^(?:[(\[]?[一二三四五六七八九十\d]|[①-⑳]|其中|本年|当年)|[)\]元]$")
# The years that a goal or a tree of targets is for: 实施期目标（2022年-2024年）; 20XX年 in an empty form.
_PERIOD = re.compile(r"^[12][\dxX*]{3}年?度?(?:[-~至到](?:[12][\dxX*]{3}(?:\+n)?)年?度?)?$", re.ASCII)
# 2024年度绩效目标, 2024年指标值, 本年预算数
_YEARS_BEFORE = (
    re.compile(r"^((?:19|20)\d\d)(?=年度)", re.ASCII),
    re.compile(r"^((?:19|20)\d\d)年度?", re.ASCII),
    re.compile(r"^(本年|当年)度?"),
)
THIS_YEAR = ("本年", "当年")
# How a form says what an amount is the sum of: 年度资金总额（A+B）.
_FORMULA = re.compile(r"^(?:[A-Z]\d?|[①-⑳])(?:[=+*/×-](?:[A-Z]\d?|[①-⑳]))*$")
_STAMP = {"盖章", "公章", "签章", "章", "加盖公章"}
_STAMPED = re.compile(rf"[(\[](?:{'|'.join(sorted(_STAMP))})[)\]]")
_YEAR = r"(?:(?:19|20)\d\d|[二〇○零一二三四五六七八九]{4})"
_YEAR_CELL = re.compile(rf"^[(\[]?({_YEAR})(?:年度?|年度预算)?[)\]]?(?:年度?)?$")
_YEAR_BESIDE = re.compile(rf"[(\[]?({_YEAR})年?度?[)\]]?度?")
_ANY_BRACKET = re.compile(r"[(\[][^()\[\]。；;]{1,30}[)\]]$")
_YEARS_NAMED = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|[二〇○零一二三四五六七八九]{4}(?=年)", re.ASCII)
# Whose table a title says it is; a place alone, or all departments of one, is nobody's.
_OFFICE = re.compile(
    r"^(?!.*(?:部门|预算|重点|项目))[\u4e00-\u9fff()]{2,30}(?:局|委员会|办公室|厅|中心|学校|[中小大]学|医院|政府|[支大总]队|馆|法院|检察院)$"
)
_CHINESE_DIGITS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_UNIT = "(亿元|千万元|百万元|[万萬]元|千元|百元|元)"
# A cell that says what the money is printed in: a few words of label, then the unit; perhaps what else is measured in.
_UNIT_LINE = re.compile(
    r"^[(\[]?(?:注[:.]?)?(?:本表|表中)?(?:(?:金额|计量|货币|资金)?单位[:是为]?|金额:)均?为?[(\[]?(?:人民币)?[(\[]?¥?"
    rf"(?:{_UNIT}|([万亿])(?=[)\]]?$))[)\]]{{0,2}}(?:(?:[、,;]|数量单位:)[^元]{{1,12}}|[(\[][^元()\[\]]{{1,12}}[)\]])?[)\]。]?$"
)
# 以万元为单位, a whole cell; （万元）, where that is all of a cell above the amounts.
_UNIT_TAKEN = re.compile(rf"^(?:注:)?(?:本表|金额)?均?以(?:人民币)?{_UNIT}为(?:金额|计量)?单位。?$")
_UNIT_BRACKETED = re.compile(rf"^[(\[](?:人民币)?{_UNIT}[)\]]$")
# What begins as such a cell, whether or not it is understood.
_SAYS_UNIT = re.compile(
    r"^[(\[]?(?:注[:.]?)?(?:本表|表中)?(?:金额|计量|货币|资金)?单位[:是为(\[]+(?:人民币)?[(\[]?[亿万萬千百]{0,2}元"
    r"(?![\u4e00-\u9fff]|[/每](?![亿万千百]*元))"
)
# The same over two cells: 单位： ⇥ 万元.
_UNIT_LABEL = re.compile(r"^[(\[]?(?:金额|计量|货币|资金)?单位[:是为]?$")
_UNIT_ALONE = re.compile(rf"^(?:人民币)?{_UNIT}[)\]]?$")
_UNIT_IN_TITLE = re.compile(rf"[(\[](?:金额|计量|货币|资金)?单位[:是为]?(?:人民币)?{_UNIT}[)\]]$")
# The same behind a label: 申请预算金额 单位：万元, 金额/元.
_UNIT_BEHIND = re.compile(rf"(?:[:,/]|单位[:是为]?)+(?:人民币)?{_UNIT}$")
# The same beside something else in one cell: （2022年）  单位：万元.
_UNIT_BESIDE = (
    re.compile(r"^(.*\S)(?:\s+|(?<=[)）年度]))([(（]?\S{0,2}单位\s*[:：].{0,8}元[)）]?)\s*$"),
    re.compile(r"^(\s*[(（]?\S{0,2}单位\s*[:：]\S{0,8}元[)）]?)\s+(\S.*)$"),
)
# What most values are: ≥90%, 1,234.50.
_FIGURE = re.compile(r"^[<>=≥≤±]?\d[\d.,]*[%‰]?$", re.ASCII)
_SPLIT = re.compile(r"[:：]|\s+")
# What a cell holds that merges a label with what stood beside it.
_MERGED = re.compile(r"[:：\s\d]")
# An amount behind its label with nothing between them: 其他资金0.
_GLUED_AMOUNT = re.compile(r"^([^\d]{1,20}[\u4e00-\u9fff)）])([-－−]?\d.{0,30})$")
# A level and what stands beside it with no more than a dash between them: 质量指标持证率, 项目完成-数量指标. 指标完成率 is a name.
_GLUED_LEVEL = re.compile(r"^(\S{2,12}?指标)(?=[\u4e00-\u9fff]{2})(?!完成|达|实现|考核|执行|值)")
_LEVEL_AND_LEVEL = re.compile(r"^(\S{2,12}?)[-－—–/、](\S{2,14})$")
# What the title of a table of a whole unit says, which names no project.
WHOLE = "整体支出"
# Fields that say whose a table is, the surest first.
UNIT_FIELDS = ("budget_unit", "implementing_unit", "department")
_LONGEST_LABEL, _LONGEST_TITLE, _LONGEST_YEAR, _LONGEST_UNIT_OF_LEVEL = 60, 80, 12, 6
# A vocabulary forgets what it has read when it knows this many texts; labels are soon known again.
_MOST_KNOWN, _LONGEST_KNOWN = 20_000, 500


@lru_cache(maxsize=1024)
def year_of(printed: str) -> int | None:
    """The fiscal year that a cell prints alone, such as （2021年）, 2021年度 or 二〇二一年; None if it is no year."""
    match = _YEAR_CELL.match(squeeze(printed))
    return int(match[1].translate(_CHINESE_DIGITS)) if match else None


@dataclass(slots=True, eq=False)
class Vocabulary:
    """Label look-up. Build it once with `from_data`; look-ups are remembered by the printed text."""

    labels: dict[str, Label]
    titles: frozenset[str]
    level1_of: dict[str, str]
    named_level2: tuple[tuple[str, str], ...]
    money_fields: frozenset[str]
    initials: frozenset[str]
    _labels_seen: dict[str, Label | None] = field(default_factory=dict)
    _titles_seen: dict[str, TitleReading | None] = field(default_factory=dict)
    _words_seen: dict[str, Word] = field(default_factory=dict)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Vocabulary":
        """The vocabulary of `labels.yml`, given as plain dicts and lists."""
        labels: dict[str, Label] = {}

        def label(word: str) -> Label:
            return labels.setdefault(squeeze(word), Label())

        for column, words in data["list_columns"].items():
            for word in words:
                label(word).list_column = column
        for word in data["total_labels"]:
            label(word).total = label(word).sum = True
        for word in data["sum_labels"]:
            label(word).sum = True
        for word in data["funds_totals"]:
            label(word).total_funds = True
        for column, words in data["indicator_headers"].items():
            for word in words:
                label(word).header = column
        for canonical, words in data["level1"].items():
            for word in (canonical, *words):
                label(word).level1 = canonical
        level1_of = {}
        for canonical, entry in data["level2"].items():
            level1_of[canonical] = entry["level1"]
            for word in (canonical, *entry["synonyms"], *entry.get("weak", ())):
                label(word).level2 = canonical
            for word in entry.get("weak", ()):
                label(word).weak = True
        for word in data["either_level"]:
            meant = label(word)
            meant.either = True
            if meant.level1 is None and meant.level2 is not None:
                meant.level1 = level1_of[meant.level2]
        money_fields = set()
        for name, entry in data["fields"].items():
            for word in entry["synonyms"]:
                label(word).field = name
                label(word).money = bool(entry.get("money"))
            if entry.get("money"):
                money_fields.add(name)
        for scope, words in data["goals"].items():
            for word in words:
                label(word).goal = scope
        named = tuple((part, level2) for level2, parts in data["named_level2"].items() for part in parts)
        titles = frozenset(squeeze(title) for title in data["table_titles"])
        # What a label, its numbering, 其中 before it or a year begins with.
        initials = frozenset(word[0] for word in labels) | frozenset("其零一二三四五六七八九十")
        return cls(labels, titles, level1_of, named, frozenset(money_fields), initials)

    def word(self, printed: str) -> Word:
        """What `printed` means by itself; remembered, since the labels stand in every table."""
        if len(printed) > _LONGEST_KNOWN:
            return self._read_word(printed)
        found = self._words_seen.get(printed)
        if found is None:
            if len(self._words_seen) >= _MOST_KNOWN:
                self._words_seen.clear()
            found = self._words_seen[printed] = self._read_word(printed)
        return found

    def _read_word(self, printed: str) -> Word:
        bare = printed.strip()
        if "\u4e00" <= bare[:1] <= "\u9fff" and bare[0] not in self.initials and "单" not in bare:
            # Most names begin like no label; a unit of money is declared by 单位.
            return Word(None, TITLE if self.title(printed) is not None else 0)
        if _FIGURE.match(bare):
            return Word(None, YEAR if _YEAR_CELL.match(bare) else 0)
        # A goal of some hundred characters is no label and no year, and costs most to fold.
        text = squeeze(printed) if len(bare) <= _LONGEST_LABEL else ""
        label = self._look_up(text) if text and len(printed) <= _LONGEST_LABEL else None
        kinds = BRACKET if bare.startswith(("(", "（", "﹙", "[", "【", "〔")) else 0
        if label is not None:
            kinds |= (LEVEL | (WEAK if label.weak else STRONG)) if label.is_level else 0
            kinds |= FIELD if label.field else 0
            kinds |= GOAL if label.goal else 0
            kinds |= HEADER if label.header else 0
            kinds |= TREE if label.header in ("tree", "long_term_tree") else 0
            kinds |= LIST_COLUMN if label.list_column else 0
            kinds |= TOTAL if label.total else 0
            kinds |= SUM if label.sum else 0
        elif _MERGED.search(printed, 1) or "指标" in printed:
            kinds |= SPLITS if self.split(printed) else 0
            kinds |= SPLITS_WEAKLY if self.split(printed, weak=True) else 0
        if (label is None or label.goal) and self.title(printed) is not None:
            kinds |= TITLE
        if len(text) <= _LONGEST_YEAR and _YEAR_CELL.match(text):
            kinds |= YEAR
        elif ("单位" in text or text.startswith("金额:")) and money_unit_line(printed):
            kinds |= MONEY_UNIT
        return Word(label, kinds)

    def label(self, printed: str) -> Label | None:
        """What `printed` means as a label, or None."""
        if len(printed) > _LONGEST_LABEL:
            return None
        try:
            return self._labels_seen[printed]
        except KeyError:
            if len(self._labels_seen) >= _MOST_KNOWN:
                self._labels_seen.clear()
            found = self._labels_seen[printed] = self._look_up(squeeze(printed))
            return found

    def _look_up(self, text: str) -> Label | None:
        text = text.strip(":;,")
        known = self.labels.get(text)
        if known is not None or not _DECORATED.search(text):
            return known
        level = self.labels.get(_DECIMAL_NUMBERING.sub("", text))
        if level is not None and level.is_level and level.field is None:
            return level
        for before in _YEARS_BEFORE:
            year = before.match(text)
            of_year = self._look_up(text[year.end() :]) if year else None
            if of_year is None or year is None:
                continue
            if of_year.goal or of_year.header == "value":
                return of_year
            if of_year.money or of_year.list_column == "amount":
                return _of_year(of_year, year[1])
        for candidate in (text, _NUMBERING.sub("", text)):
            bare = _LEADING.sub("", candidate)
            if bare is not candidate:
                bare = _NUMBERING.sub("", bare)  # 其中：1.财政拨款
            for key in (candidate, bare, _WEIGHT.sub("", bare)):
                if key in self.labels:
                    return self.labels[key]
            unit = None if money_unit_line(text) else _UNIT_BEHIND.search(bare)
            if unit is not None:
                return _in_unit(self.labels.get(bare[: unit.start()]), _unit(unit[1]))
            bracket = _BRACKET.search(bare)
            if bracket is None:
                continue
            base = self.labels.get(bare[: bracket.start()].rstrip(":"))
            if base is None:
                continue
            # 数量指标（个）
            if base.is_level and not (base.weak or base.either) and len(bracket[1]) <= _LONGEST_UNIT_OF_LEVEL:
                return base
            # 合计（2个项目）
            if base.header == "value" or base.sum or (bracket[1] in _STAMP and base.field):
                return base
            if (base.goal or base.header in ("tree", "long_term_tree")) and _PERIOD.match(bracket[1]):
                return base
            if base.money and _FORMULA.match(bracket[1]):
                return base
            if (base.money or base.list_column == "amount") and _YEAR_CELL.match(bracket[1]):
                return _of_year(base, bracket[1][:4])
            in_bracket = money_unit_of(bracket[1])
            if in_bracket is not None and (of_unit := _in_unit(base, in_bracket)):
                return of_unit
        return None

    def either(self, printed: str) -> Label | None:
        """What `printed` means where that is a first level in some templates and a second level in others, or None."""
        found = self.label(printed)
        return found if found is not None and found.either else None

    def title(self, printed: str) -> TitleReading | None:
        """The table title in a cell, with the year printed in the same cell, or None if it is no title."""
        if len(printed) > _LONGEST_TITLE or "标" not in printed:
            return None
        try:
            return self._titles_seen[printed]
        except KeyError:
            if len(self._titles_seen) >= _MOST_KNOWN:
                self._titles_seen.clear()
            found = self._titles_seen[printed] = self._read_title(printed)
            return found

    def _read_title(self, printed: str) -> TitleReading | None:
        text = squeeze(printed)
        unit = unit_in_title(printed)
        if unit is not None:
            text = _UNIT_IN_TITLE.sub("", text)
        if text in self.titles:
            return TitleReading(printed, None, unit)
        if (numbered := _NUMBERING.sub("", text)) in self.titles:
            return TitleReading(printed, None, unit)
        year = _YEAR_BESIDE.search(numbered)
        rest = numbered[: year.start()] + numbered[year.end() :] if year else numbered
        # …（一）, …（续）, …（甲项目）
        rest = _ANY_BRACKET.sub("", rest) if rest not in self.titles else rest
        if rest in self.titles:
            return TitleReading(printed, year[1] if year else None, unit)
        # A locality or a bureau may stand before the form's own name.
        ends = [title for title in self.titles if len(title) >= 6 and rest.endswith(title)]
        if not ends:
            return None
        before = rest[: -max(map(len, ends))]
        office = before if text.startswith(before) and _OFFICE.match(before) else None
        return TitleReading(printed, year[1] if year else None, unit, office)

    def split(self, printed: str, weak: bool = False) -> list[tuple[int, int]] | None:
        """Where a cell that merges a label with what stood beside it is cut: spans of label, then rest.

        None unless the cell begins with a label and something follows, set off by a colon or white space, or an
        amount behind a label of money, or a level behind a level. `weak` admits what may also begin an indicator's own
        name.
        """
        best: tuple[int, int] | None = None
        for count, gap in enumerate(_SPLIT.finditer(printed, 1)):
            if count == 4 or gap.start() > 40:
                break
            # White space may stand inside a label (其他 资金 0): the longest that is one counts.
            if self._is_head(printed[: gap.start()], weak):
                best = gap.span()
        glued = _GLUED_AMOUNT.match(printed)
        if glued is not None and is_amount(glued[2]):
            found = self.label(glued[1])
            if found is not None and found.money and found.field:
                best = glued.end(1), glued.start(2)
        if best is None and "指标" in printed:
            best = self._split_at_level(printed, weak)
        if best is None:
            return None
        rest = printed[best[1] :]
        if not fold(rest):
            return None
        return [(0, best[0]), (len(printed) - len(rest.lstrip(" :：\u00a0\u3000")), len(printed))]

    def _split_at_level(self, printed: str, weak: bool) -> tuple[int, int] | None:
        """Where a cell is cut that prints two levels with a dash, or, only if `weak`, a level and a name with nothing between."""
        both = _LEVEL_AND_LEVEL.match(printed)
        if both is not None and all(self._is_strong_level(text) for text in both.groups()):
            return both.end(1), both.start(2)
        glued = _GLUED_LEVEL.match(printed) if weak else None
        return (glued.end(), glued.end()) if glued is not None and self._is_strong_level(glued[1]) else None

    def _is_strong_level(self, printed: str) -> bool:
        found = self.label(printed)
        return found is not None and found.is_level and not found.weak

    def _is_head(self, head: str, weak: bool) -> bool:
        found = self.label(head)
        if found is None or (found.weak and not weak) or (found.list_column and not (found.field or found.goal)):
            return False
        return found.is_level or found.field is not None or found.goal is not None


def _in_unit(label: Label | None, unit: str) -> Label | None:
    """A label of money that says in which unit it is; None where it is none of money."""
    if label is None or not (label.money or label.total_funds or label.list_column == "amount"):
        return None
    return Label(
        list_column=label.list_column,
        field=label.field,
        money=label.money,
        total_funds=label.total_funds,
        header=label.header,
        unit=unit,
    )


def _of_year(label: Label, year: str) -> Label:
    """A label of money that says which year it is for: 2021年资金总额 is no total of a whole period."""
    is_whole = label.field == "whole_period_funds"
    return replace(label, year=year, field="total_funds" if is_whole else label.field)


def only_year_in(text: str) -> str | None:
    """The year that a title names, in digits; None where it names none or several."""
    found = {year.translate(_CHINESE_DIGITS) for year in _YEARS_NAMED.findall(squeeze(text))}
    return found.pop() if len(found) == 1 else None


def unit_in_bracket(printed: str) -> str | None:
    """The unit of money that is all that a bracket at the end of a text holds: 资金申请（万元）."""
    bracket = _BRACKET.search(squeeze(printed)) if len(printed) <= _LONGEST_LABEL else None
    alone = _UNIT_ALONE.match(bracket[1]) if bracket else None
    return _unit(alone[1]) if alone else None


def unit_in_title(printed: str) -> str | None:
    """The unit of money that a bracket at the end of a title declares (…绩效目标（单位：万元）), or None."""
    match = _UNIT_IN_TITLE.search(squeeze(printed)) if "单位" in printed and len(printed) <= _LONGEST_TITLE else None
    return _unit(match[1]) if match else None


def parted_from_unit(printed: str) -> tuple[str, str] | None:
    """The two parts of a cell that prints a unit of money beside something else, or None."""
    if "单位" not in printed or "元" not in printed or len(printed) > _LONGEST_TITLE:
        return None
    if money_unit_line(printed) or unit_in_title(printed):
        return None
    for pattern in _UNIT_BESIDE:
        match = pattern.match(printed)
        if match and any(map(money_unit_line, match.groups())):
            return match[1], match[2]
    return None


def money_unit_line(printed: str) -> str | None:
    """The unit of money that a cell such as 单位：万元 declares (万元, 元, 亿元 …), or None."""
    if len(printed) > 30:
        return None
    text = squeeze(printed)
    match = _UNIT_LINE.match(text) or _UNIT_TAKEN.match(text)
    return _unit(next(filter(None, match.groups()))) if match else None


def _unit(printed: str) -> str:
    """A unit of money as `money` knows it."""
    unit = printed.replace("萬", "万")
    return unit if unit.endswith("元") else unit + "元"


def is_stamped(printed: str) -> bool:
    """Whether a cell asks for a stamp: 填报单位（盖章）."""
    return _STAMPED.search(squeeze(printed)) is not None


def bracketed_unit(printed: str) -> str | None:
    """The unit of money that a cell such as （万元） holds and nothing else, or None."""
    match = _UNIT_BRACKETED.match(squeeze(printed)) if len(printed) <= _LONGEST_YEAR else None
    return _unit(match[1]) if match else None


def says_unit(printed: str) -> bool:
    """Whether a cell says what the money is printed in, even where what it says is not understood (单位：元/万元)."""
    return len(printed) <= _LONGEST_TITLE and _SAYS_UNIT.match(squeeze(printed)) is not None


def declared_unit(printed: str) -> str | None:
    """The unit of money that a cell declares, alone or as the second of two."""
    alone = _UNIT_ALONE.match(squeeze(printed))
    return _unit(alone[1]) if alone else money_unit_line(printed)


def is_unit_over_two(printed: str, behind: str) -> bool:
    """Whether a cell and the one behind it declare a unit of money together: 单位： ⇥ 万元."""
    if len(printed) > 12 or len(behind) > 12:
        return False
    return bool(_UNIT_LABEL.match(squeeze(printed)) and _UNIT_ALONE.match(squeeze(behind)))
