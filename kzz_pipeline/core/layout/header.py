"""The header of a table: lines of fields, each a label and its value."""

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.layout.ahead import BLOCK_FIELDS
from kzz_pipeline.core.layout.amounts import Amounts
from kzz_pipeline.core.layout.cells import NAME_FIELDS, TELLING
from kzz_pipeline.core.layout.goal import Goal
from kzz_pipeline.core.money import is_amount
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.vocabulary import FIELD, GOAL, MONEY_UNIT, TOTAL, YEAR, Label, declared_unit


class Header(Amounts, Goal):
    """Reads the fields above the goal and the tree, or below them."""

    def _read_in_header(self, index: int, items: list[Item], kinds: int) -> None:
        if (self._has_level(items, kinds) and not self._is_field_line(items)) or self._starts_tree(items):
            self.zone = "indicators"
            self._read_indicator_row(index, items, kinds)
        elif self._is_goal_line(items):
            self._read_goal_labels(index, items)
        else:
            self._read_fields(index, items)

    def _read_fields(self, index: int, items: list[Item]) -> None:
        """A line of labels and values: each value belongs to the last label before it that still lacks one."""
        parts = self._split(items)
        if len(parts) > 1 and self._is_label_row(index, parts):
            self._read_label_row(index, parts)
            return
        if len(parts) > 1 and self._heads_amounts(parts):
            self._read_amount_headings(index, parts)
            return
        if parts[0].kinds & TOTAL and self.summed and self._is_summed(parts[1:]):
            self._read_sum(index, parts)
            return
        if len(parts) > 1 and parts[0].label and parts[0].label.total_funds and self._heads_rows(index, parts):
            for item in parts:
                assert item.label is not None
                name = item.label.field or "total_funds"
                self._emit_field_label(index, item, item.label, name)
                self.summed[item.column] = self.field_no, name
            self.pending = None
            return
        if self.pending is not None and not self._goes_on(parts):
            self.pending = None
        if self.amount_columns and sum(1 for part in parts if part.kinds & FIELD) > 1:
            self.amount_columns = {}
        repeated = self._repeated_money(parts)
        not_chosen = self._not_chosen(parts)
        for at, item in enumerate(parts):
            label = item.label
            if not_chosen and at in not_chosen:
                self._emit(index, item, "unread", 0, not_chosen[at])
            elif label is None and not item.kinds and self.pending is not None:
                self._read_field_value(index, item)
            elif label and label.total_funds and (total := self._name_of_total(label, parts, at)):
                self._emit_field_label(index, item, label, total)
                self.pending = total
            elif self.pending is None and (unit := self._unit_of_section(parts, at)):
                # Nothing is read under it: the label behind it has the amount.
                self.field_no += 1
                self._emit(index, item, "field_label", self.field_no, f"project_funds:{unit}")
            elif not item.kinds:
                self._read_field_value(index, item)
            elif label and label.goal and not label.field and not self._is_named(parts, at):
                self._read_goal_labels(index, parts[at:])
                return
            elif item.kinds & YEAR and self.pending is None and self._may_be_year(item):
                self._emit(index, item, "year")
                self._note_year(item.text)
            elif item.kinds & MONEY_UNIT:
                self._emit(index, item, "money_unit", 0, declared_unit(item.text))
            elif label and label.field and not self._is_value_here(label, parts, at):
                name = repeated.get(at, label.field)
                self.pending = name
                if label.field in ("whole_period_funds", "total_funds"):
                    self.totals.append(label.field)
                self._emit_field_label(index, item, label, name)
            else:
                self._read_field_value(index, item)
        if self.zone != "indicators":
            self.zone = "header"

    def _read_field_value(self, index: int, item: Item) -> None:
        if self.pending is None:
            self._read_unlabelled(index, item)
            return
        self._emit(index, item, "field_value", self.field_no, self.pending)
        self.fields.setdefault(self.pending, squeeze(item.text))
        if self.pending not in BLOCK_FIELDS:
            self.pending = None

    def _goes_on(self, parts: list[Item]) -> bool:
        """Whether a line may begin with the value of the last label of the line above.

        Of several amounts, or of one before parts of the money, it is not known that the first is that value.
        """
        if self.pending not in self.vocabulary.money_fields or len(parts) == 1:
            return True
        behind = parts[1].label
        if behind and behind.money and is_amount(parts[0].text) and len(parts) > 2 and is_amount(parts[2].text):
            # 财政拨款 above 80 ⇥ 其他资金 ⇥ 40; before 其中 stands the total.
            return self.pending == "total_funds" or not parts[1].text.startswith("其中")
        is_alone = parts[0].kinds & FIELD or parts[1].kinds & (FIELD | GOAL | MONEY_UNIT)
        return bool(is_alone) and not any(part.label and part.label.money for part in parts[1:])

    def _is_named(self, parts: list[Item], at: int) -> bool:
        """Whether the label of a goal at the end of a line is the name that a label asks for: 项目名称 ⇥ 预期目标."""
        if self.pending not in NAME_FIELDS or not 0 < at == len(parts) - 1:
            return False
        return parts[at].column - parts[at - 1].column <= 1

    def _is_value_here(self, label: Label, parts: list[Item], at: int) -> bool:
        """Whether a word that could be a label is the value of the name field before it (项目名称 ⇥ 公用经费)."""
        if self.pending not in NAME_FIELDS or label.field in NAME_FIELDS or at == 0:
            return False
        follower = parts[at + 1] if at + 1 < len(parts) else None
        if follower is None or label.money:
            return follower is None or not is_amount(follower.text)
        # 项目名称 ⇥ 项目编码 ⇥ 654001: it has a value of its own, and the name was left blank.
        is_own = not follower.kinds & TELLING or (label.field == "fiscal_year" and follower.kinds & YEAR)
        return not is_own
