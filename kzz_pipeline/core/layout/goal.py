"""The goal: its labels, several side by side or one, its texts, and where it ends."""

import re

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.indicator_rows import is_bracketed, unglue
from kzz_pipeline.core.layout.ahead import BLOCK_FIELDS
from kzz_pipeline.core.layout.cells import NAME_FIELDS, all_kinds, is_year_line
from kzz_pipeline.core.layout.titles import Titles
from kzz_pipeline.core.layout.tree import Tree
from kzz_pipeline.core.money import is_amount
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.units import split_unit
from kzz_pipeline.core.values import is_numeric_value
from kzz_pipeline.core.vocabulary import FIELD, GOAL, HEADER, LEVEL, STRONG, UNIT_FIELDS, Label

# How the items of a goal are numbered: 目标3：, 2.、（一）
_GOAL_ITEM = re.compile(r"^(?:目标[\d一二三四五六七八九十]*[:.、]?|[(]?[\d一二三四五六七八九十]{1,2}[):.、])")
# A label of one goal among several, and what it says that the goal is for; what none of these says is kept as printed.
_GOAL_LABEL = re.compile(r"^[^\d。；;，,、]{0,8}(?:目标|情况|完成|成效|内容)(?:[(][^()]*[)])?$")
# Behind a name with a unit, a text no longer than this is its value: 维护成本（万元/年） ⇥ 不超预算.
_LONGEST_VALUE = 12
_LONG_TERM = re.compile(r"实施|总|中期|中长|长期|周期|远期")
_ANNUAL = re.compile(r"年度|[当本全]年|预期|计划")


def _goal_scope(item: Item) -> str:
    """What the goal below a label is for: the year, the whole period, or what the label prints."""
    if item.label and item.label.goal and item.label.goal != "section":
        return item.label.goal
    text = squeeze(item.text)
    return "long_term" if _LONG_TERM.search(text) else "annual" if _ANNUAL.search(text) else f"other:{text}"


class Goal(Tree, Titles):
    """Reads the lines of the goal; one of them may begin the tree below it."""

    def _read_goal_labels(self, index: int, items: list[Item]) -> None:
        parts = self._split(items)
        scopes = self._goals_side_by_side(index, parts) if len(parts) > 1 else []
        if scopes:
            for item, scope in zip(parts[-len(scopes) :], scopes, strict=True):
                self.goal_columns[item.column] = scope
            for at, item in enumerate(parts, len(scopes) - len(parts)):
                self._emit(index, item, "goal_label", 0, scopes[at] if at >= 0 else "section")
        else:
            for item in parts:
                label = item.label
                if label and label.goal:
                    if label.goal != "section":
                        scopes.append(label.goal)
                        self.goal_columns[item.column] = label.goal
                    self._emit(index, item, "goal_label", 0, label.goal)
                else:
                    self._emit(index, item, "goal", 0, scopes[-1] if scopes else self.goal_scopes[-1])
                    self.has_goal = True
        if scopes:
            self.goal_scopes = scopes
            self.goals_named += scopes
        self.zone, self.pending = "goal", None

    def _goals_side_by_side(self, index: int, parts: list[Item]) -> list[str]:
        """What the labels of a line of goals are for, all but a first that is for all; none where its cells are no labels.

        A label that nobody knows is told by its ending, and by a text below each of them.
        """
        known = [part.label.goal if part.label else None for part in parts]
        scopes = parts[1:] if known[0] == "section" else parts
        if all(known) or len(scopes) < 2 or "annual" not in map(_goal_scope, scopes):
            return []
        if any(
            goal is None and not _GOAL_LABEL.match(squeeze(part.text)) for goal, part in zip(known, parts, strict=True)
        ):
            return []
        below = next((found for line in self.lines[index + 1 : index + 4] if (found := self.items(line))), [])
        if len(below) < len(scopes) or all_kinds(below) & (STRONG | HEADER | FIELD | GOAL):
            return []
        return [_goal_scope(part) for part in scopes]

    def _goal_scopes_of(self, items: list[Item]) -> list[str]:
        """Which goal each text of a line belongs to: in order where each has one, else by its column."""
        if len(self.goal_scopes) == 1:
            return self.goal_scopes * len(items)
        if len(items) == len(self.goal_scopes):
            self.goal_columns.update((item.column, scope) for item, scope in zip(items, self.goal_scopes, strict=True))
            return self.goal_scopes
        last = next((scope for scope in reversed(self.goal_scopes) if ":" not in scope), self.goal_scopes[-1])
        return [self.goal_columns.get(item.column, last) for item in items]

    def _read_in_goal(self, index: int, items: list[Item], kinds: int) -> None:
        if is_year_line(items) and self._may_be_year(items[0]):
            for item in items:
                self._read_loose(index, item, "")
            return
        first = items[0].label
        if self._is_line_of_goal(index, items):
            self._read_goal_texts(index, items)
        elif (self._has_level(items, kinds) and not self._is_sentence(items)) or self._starts_tree(items):
            self.zone = "indicators"
            self._read_indicator_row(index, items, kinds)
        elif first and first.field and first.field not in BLOCK_FIELDS and not first.goal:
            self._read_fields_in_goal(index, items)
        elif (first and first.goal) or (not first and self._begins_with_goal_label(items[0])):
            self._read_goal_labels(index, items)
        elif self._is_field_line(items[:1]) or self._is_field_below_goal(items):
            self._read_fields_in_goal(index, items)
        else:
            self._read_goal_texts(index, items)

    def _read_goal_texts(self, index: int, items: list[Item]) -> None:
        for item, scope in zip(items, self._goal_scopes_of(items), strict=True):
            self._emit(index, item, "goal", 0, scope)
        self.has_goal = True

    def _is_line_of_goal(self, index: int, items: list[Item]) -> bool:
        """Whether a line only looks like a label and its value in one cell: 1.人员经费：6万元, 成本指标：10万元.

        The money of the table was printed above, and its tree is still to come. A remark is none all the same.
        """
        if len(items) > 1 or self.fields.keys().isdisjoint(self.vocabulary.money_fields):
            return False
        head, *rest = self._split(items)
        if not rest or head.label is None or head.label.goal or self._is_signature(items):
            return False
        if not _GOAL_ITEM.match(squeeze(head.text)) and head.label.field and self._is_of_header(head.label, rest[0]):
            return False
        return self._has_header_of_tree_below(index)

    def _is_of_header(self, label: Label, value: Item) -> bool:
        """Whether a label in one cell with its value is a field as those above.

        It says whose table it is, late or once more, or the table prints other fields than money so.
        """
        name = label.field or ""
        if name in NAME_FIELDS:
            names = set(UNIT_FIELDS) if name in UNIT_FIELDS else {name}
            if names.isdisjoint(self.fields) or self.fields.get(name) == squeeze(value.text):
                return True
        labels = (
            (known or "").partition(":")[0]
            for *_, part, _, role, _, _, known in self.tokens
            if part and role == "field_label"
        )
        return not self.vocabulary.money_fields.issuperset(labels)

    def _read_fields_in_goal(self, index: int, items: list[Item]) -> None:
        self._read_fields(index, items)
        if self._is_signature(items) and self.pending is None:
            # 其他说明：… stands between the lines of a goal, which goes on below it.
            self.zone = "goal"

    @staticmethod
    def _is_sentence(items: list[Item]) -> bool:
        """Whether a line of the goal only begins as a level would: 数量指标：培训100人；质量指标：合格率95%以上。"""
        return len(items) == 1 and any(sign in items[0].text for sign in "。；;")

    def _is_field_below_goal(self, items: list[Item]) -> bool:
        """Whether a line in the goal names a unit or a project, or begins with a label and its short text."""
        if len(items) > 1 and any(item.label and item.label.field in NAME_FIELDS for item in items):
            return True
        head = self._split(items[:1])
        label = head[0].label
        return (
            len(head) == 2
            and label is not None
            and label.field is not None
            and label.field not in BLOCK_FIELDS
            and label.goal is None
            and len(head[1].text) <= 30
            and (not label.money or is_amount(head[1].text))
        )

    def _starts_tree(self, items: list[Item]) -> bool:
        """Whether a line below the goal begins the indicators, though their header line was lost."""
        first = items[0].label
        is_tree = first is not None and first.header in ("tree", "long_term_tree")
        return is_tree or (self.has_goal and self._is_bare_row(items))

    def _is_bare_row(self, items: list[Item]) -> bool:
        """Whether a line below the goal is an indicator and its value though neither header nor level stands there."""
        parts = self._split_levels(items)
        labels = [part.label for part in parts if part.label]
        if any(part.label and not part.kinds & LEVEL for part in self._split(parts)):
            return False
        if labels and len(labels) == len(parts):
            return True
        *_, name, value = parts if len(parts) > 1 else (parts[0], parts[0])
        if name is value or name.label:
            glued = unglue(value.text, self.units)
            if glued is None:
                return False
            text = glued[0]
        elif is_numeric_value(value.text, self.units) or (
            split_unit(name.text, self.units)[1] is not None and len(value.text) <= _LONGEST_VALUE
        ):
            text = name.text
        else:
            return False
        if _GOAL_ITEM.match(squeeze(text)):
            return False
        is_name = split_unit(text, self.units)[1] is not None or is_bracketed(text)
        return bool(labels) or is_name or (len(text) <= 30 and not any(sign in text for sign in "。；;，,"))

    def _begins_with_goal_label(self, item: Item) -> bool:
        head = self._split([item])[0]
        return head.part == 1 and head.label is not None and head.label.goal in ("section", "annual", "long_term")
