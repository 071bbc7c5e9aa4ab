"""Amounts and names below their labels: which cell of which line belongs to a label, and which amount is the year's."""

import re
from collections.abc import Mapping

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.layout.cells import TELLING, all_kinds
from kzz_pipeline.core.layout.state import State
from kzz_pipeline.core.money import is_amount, read_amount
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.vocabulary import (
    FIELD,
    GOAL,
    HEADER,
    LEVEL,
    MONEY_UNIT,
    SPLITS,
    THIS_YEAR,
    YEAR,
    Label,
    unit_in_bracket,
    year_of,
)

# What heads the column of one year's amounts where they stand in several, the table's own year or another.
_AMOUNTS_OF = re.compile(
    r"^(?:(?P<own>本年度?|当年|年初)|(?P<year>(?:19|20)\d\d)年度?|上年度?|去年|前年|下年度?|全年|执行率|分值|得分|执行|调整后?)"
    r"(?:预算|资金|安排|投资|执行|完成)*(?:金额|总额|数|额)?$"
)
_BEGINS_AMOUNTS_OF = set("本当年上去前下全执分得调12１２　 ")
_NO_AMOUNT = TELLING & ~YEAR


def _is_of_money(label: Label) -> bool:
    """Whether a label stands for an amount, in a line of such labels."""
    return label.money or label.total_funds or label.list_column == "amount"


def _may_be_below(item: Item, label: Label) -> bool:
    """Whether a cell may be the value of the label above it: no label itself, and a year only of a label that asks for it."""
    if item.kinds & YEAR:
        return label.field == "fiscal_year" or (_is_of_money(label) and is_amount(item.text))
    return not item.kinds & (FIELD | GOAL | HEADER | LEVEL | SPLITS | MONEY_UNIT)


def _adds_up(parts: list[Item]) -> bool:
    """Whether one of a line's amounts is the sum of the others: a total and its parts."""
    amounts = [amount for part in parts if (amount := read_amount(part.text, "元")) is not None]
    return len(amounts) > 2 and 2 * max(amounts) == sum(amounts)


class Amounts(State):
    """Reads lines of labels whose values stand below them, and tells the amounts of a line apart."""

    def _is_label_row(self, index: int, parts: list[Item]) -> bool:
        """Whether a line prints labels, and the next one what belongs to them, cell below cell.

        It begins with two labels that are known. Another may be unknown, where amounts stand below them, or as many
        cells as labels.
        """
        known = unknown = sums = 0
        for part in parts:
            if part.kinds & (FIELD | GOAL) == FIELD:
                known += 1
            elif part.label and _is_of_money(part.label):
                sums += 1
            elif part.kinds or known + sums < 2:
                return False
            else:
                unknown += 1
        if known + sums < 2 or known + sums < 3 * unknown:
            return False
        below = next((found for line in self.lines[index + 1 : index + 4] if (found := self.items(line))), [])
        above = {part.column: part.label for part in parts}
        if not 1 < len(below) <= len(parts) or not all(item.column in above for item in below):
            return False
        if unknown and (len(below) < len(parts) or all_kinds(below) or any(is_amount(part.text) for part in parts)):
            return False
        labelled = [(item, above[item.column]) for item in below]
        if sums and not all(is_amount(item.text) for item, label in labelled if label and _is_of_money(label)):
            return False
        return all(label is None or _may_be_below(item, label) for item, label in labelled)

    def _read_label_row(self, index: int, parts: list[Item]) -> None:
        for at, item in enumerate(parts):
            label = item.label
            # 总额 ⇥ 年度资金总额: the first is not the year's.
            behind = [part.label.field for part in parts[at:] if part.label]
            if label is None or (label.field is None and "total_funds" in behind):
                self._emit(index, item, "unread", 0, "stray")
                continue
            name = label.field or "total_funds"
            self._emit_field_label(index, item, label, name)
            self.label_row.append((item.column, self.field_no, name))
        self.pending = None

    def _read_values_below(self, index: int, items: list[Item]) -> None:
        """The line below a line of labels: each cell is the value of the label above it."""
        above = {column: (number, name) for column, number, name in self.label_row}
        is_other = self.year is not None and any(
            year_of(item.text) not in (self.year, None)
            for item in items
            if above.get(item.column, (0, ""))[1] == "fiscal_year"
        )
        for item in items:
            number, name = above.get(item.column, (0, ""))
            if is_other or not name:
                self._emit(index, item, "unread", 0, "another-column" if is_other else "stray")
            else:
                self._emit(index, item, "field_value", number, name)
                self.fields.setdefault(name, squeeze(item.text))
        if not (is_other and self._is_year_row(index + 1, above)):
            self.label_row = []

    def _is_year_row(self, index: int, above: Mapping[int, tuple[int, str]]) -> bool:
        """Whether a line is one more of those below a line of labels, each for its year."""
        items = self.items(self.lines[index]) if index < len(self.lines) else []
        is_dated = any(item.kinds & YEAR and above.get(item.column, (0, ""))[1] == "fiscal_year" for item in items)
        return is_dated and all(item.column in above for item in items)

    def _heads_rows(self, index: int, parts: list[Item]) -> bool:
        """Whether a line heads the amounts of several rows, each for a part of the project: 总额 ⇥ 财政拨款 ⇥ 其他资金."""
        if not all(part.label and _is_of_money(part.label) for part in parts):
            return False
        columns = {part.column for part in parts}
        below = self.items(self.lines[index + 1]) if index + 1 < len(self.lines) else []
        return sum(1 for item in below if item.column in columns and is_amount(item.text)) > 1

    def _is_summed(self, items: list[Item]) -> bool:
        return len(items) > 1 and all(item.column in self.summed and is_amount(item.text) for item in items)

    def _read_sum(self, index: int, parts: list[Item]) -> None:
        """金额合计 below such rows, which are not read themselves: the amounts of the whole table."""
        self._emit(index, parts[0], "field_label")
        for item in parts[1:]:
            number, name = self.summed[item.column]
            self._emit(index, item, "field_value", number, name)
            self.fields.setdefault(name, squeeze(item.text))
        self.summed, self.pending = {}, None

    def _heads_amounts(self, parts: list[Item]) -> bool:
        """Whether a line names the years of the amounts in the columns below: 项目资金 ⇥ 上年 ⇥ 本年."""
        if parts[-1].text[0] not in _BEGINS_AMOUNTS_OF or not _AMOUNTS_OF.match(squeeze(parts[-1].text)):
            return False
        count = sum(1 for part in parts if _AMOUNTS_OF.match(squeeze(part.text)))
        before = parts[: len(parts) - count]
        others = [part for part in before if not (part.kinds & FIELD and part.label and part.label.money)]
        # The column of the labels may be headed too: 资金情况 ⇥ 项目 ⇥ 上年 ⇥ 本年.
        is_headed = bool(before) or self.has_year
        return (
            is_headed
            and count > 1
            and len(others) <= 1
            and all(part.label and not part.kinds & FIELD for part in others)
        )

    def _read_amount_headings(self, index: int, parts: list[Item]) -> None:
        self.amount_columns = {}
        for item in parts:
            if item.kinds & FIELD and item.label and item.label.field:
                self._emit_field_label(index, item, item.label, item.label.field)
                continue
            match = _AMOUNTS_OF.match(squeeze(item.text))
            if match is not None:
                is_dated = match["year"] is not None and int(match["year"]) == self.year
                self.amount_columns[item.column] = match["own"] is not None or is_dated
            self._emit(index, item, "field_label")
        self.pending = None

    def _not_chosen(self, parts: list[Item]) -> dict[int, str]:
        """The cells that are not read of a label with several amounts behind it, and why.

        The line above may say which amount is the year's. Where nothing does, none is.
        """
        found: dict[int, str] = {}
        for at, (_, _, _, label, _) in enumerate(parts):
            if label is None or not label.money:
                continue
            end = at + 1
            while end < len(parts) and not parts[end].kinds & _NO_AMOUNT:
                end += 1
            if end < at + 3 and label.year is None and not self.amount_columns:
                continue  # no amount, or one
            behind = range(at + 1, end)
            if self._is_of_another_year(label):
                found.update((further, "another-column") for further in (at, *behind))
            elif self.amount_columns:
                own = [further for further in behind if self.amount_columns.get(parts[further].column, False)]
                if own or any(parts[further].column in self.amount_columns for further in behind):
                    found.update((further, "another-column") for further in behind if further not in own[:1])
            else:
                amounts = {read_amount(parts[further].text, "元") for further in behind[:2]}
                if len(amounts) > 1 and None not in amounts:
                    # Where the line adds up, the label of the second was lost, and the first is this one's.
                    lost = behind[1:] if _adds_up(parts) else (at, *behind)
                    found.update((further, "several-amounts") for further in lost)
        return found

    @staticmethod
    def _unit_of_section(parts: list[Item], at: int) -> str | None:
        """The unit of money in the bracket of an unknown label that heads labels of money: 资金申请（万元） ⇥ 资金总额."""
        item = parts[at]
        if item.kinds or at + 1 == len(parts) or item.text[-1:] not in (")", "）", "]", "】"):
            return None
        behind = parts[at + 1].label
        return unit_in_bracket(item.text) if behind is not None and behind.money else None

    def _is_of_another_year(self, label: Label) -> bool:
        """Whether a label names a year that is not the table's: 2021年资金总额 in a table of 2022."""
        is_dated = self.year is not None and label.year is not None and label.year not in THIS_YEAR
        return is_dated and label.year != str(self.year)

    def _name_of_total(self, label: Label, parts: list[Item], at: int) -> str | None:
        """The field that 合计 or 金额 is the label of, behind the label of its section or below its parts; None of none.

        年度预算 ⇥ 金额 ⇥ 450 says the amount; 资金来源 ⇥ 金额 heads the amounts of the parts below, 合计 the last of them.
        """
        money_fields = self.vocabulary.money_fields
        has_amount = at + 1 < len(parts) and is_amount(parts[at + 1].text)
        if at > 0 and self.pending in money_fields:
            is_total = has_amount or (label.total and at + 1 == len(parts))
            return "total_funds" if is_total and self.pending == "project_funds" else self.pending
        is_sum = at == 0 and label.total and has_amount and "total_funds" not in self.fields
        return "total_funds" if is_sum and not money_fields.isdisjoint(self.fields) else None

    def _repeated_money(self, parts: list[Item]) -> dict[int, str]:
        """Names for the amounts printed twice on a line: for the whole period, then (or before) for the year."""
        places: dict[str, list[int]] = {}
        for at, item in enumerate(parts):
            label = item.label
            if label and label.money and label.field:
                places.setdefault(label.field, []).append(at)
        names = {}
        for name, found in places.items():
            if len(found) == 2:
                whole = (
                    found[self.totals.index("whole_period_funds")]
                    if "whole_period_funds" in self.totals[:2]
                    else found[0]
                )
                names[whole] = f"whole_period_{name}"
        return names
