"""Below the indicators: who signed the table and when, remarks, and what else is no row of its tree."""

import re
from collections.abc import Callable

from kzz_pipeline.core.characters import squeeze, strip
from kzz_pipeline.core.indicator_rows import is_nothing
from kzz_pipeline.core.layout.ahead import HeaderBelow
from kzz_pipeline.core.layout.cells import all_kinds
from kzz_pipeline.core.layout.header import Header
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.units import split_unit
from kzz_pipeline.core.values import is_numeric_value, looks_like_value
from kzz_pipeline.core.vocabulary import FIELD, LEVEL, SPLITS, SUM, TREE, UNIT_FIELDS, Label, is_stamped

# What a satisfaction indicator is about; a row below the tree that says what of the budget was spent is none.
_SATISFACTION = re.compile(r"满意|评价|投诉|认可|认同|好评|表扬|率|度$")
# What people think of something, and the people; their answer is a word of quality, and none of these.
_ASKED = re.compile(
    r"反响|反应|反映|反馈|口碑|评议|态度|群众|公众|大众|人员|职工|员工|干部|对象|师生|学生|学员|家长|居民|村民|农户|用户|患者|游客|各界"
)
_NO_ANSWER = {"是", "否", "有"}
_BUDGET_EXECUTION = re.compile(r"^(?:项目|年度)?预算执行率(?:[(\[].*[)\]])?$")
_DATE = re.compile(r"^(?:19|20)\d\d(?:年|[-./])\d{1,2}(?:月|[-./])\d{1,2}日?$", re.ASCII)
# No target of satisfaction, which says that it is a percentage or more or less than something.
_BARE_FIGURE = re.compile(r"^\d[\d,.-]*(?:分|元|万元|页)?$", re.ASCII)
_OFFICE = re.compile(r"[局委办厅府部处科会院]$|中心$")
# Within how many lines a header that is printed again names the project.
_HEADER_LINES = 7
# What a unit is below the indicators of a table that names its own above them.
_SIGNED = Label(field="form_filler")


class Below(Header):
    """Reads the lines between the indicators of a table and the next."""

    # -- who signed ----------------------------------------------------------------------------------------

    def _reads_unit_line(self, index: int, items: list[Item]) -> bool:
        """Read a line below the indicators that names a unit and no project, if it is one.

        It signs the table above, or it heads the next one, which then prints no unit of its own.
        """
        parts = self._split(items)
        if not self._names_only_unit(parts):
            return False
        below = self._header_below(index + 1)
        if self._signs(index, parts, below):
            self._read_signature(index, parts)
            return True
        self._open_table()
        self.awaits_title = below.has_title
        self._read_fields(index, parts)
        return True

    def _read_signature(self, index: int, parts: list[Item]) -> None:
        if self._has_unit():
            parts = [_as_signature(part) for part in parts]
        *others, last = parts
        if others and not others[-1].label and _DATE.match(squeeze(last.text)):
            self._read_fields(index, others)
            self._emit(index, last, "field_value", 0, "form_filler")
        else:
            self._read_fields(index, parts)
        self.pending = None

    def _signs(self, index: int, parts: list[Item], below: HeaderBelow) -> bool:
        """Whether a line that names a unit belongs to the table above it, by what `below` prints behind it."""
        if not below.begins_table:
            return True
        is_above_title, has_stamp_above = self._place_of_unit()
        if below.has_title:
            if is_above_title:
                return False
            if not below.fields.keys().isdisjoint(UNIT_FIELDS):
                return True
            if not self._has_unit() and self._ends_signed():
                return True  # as the last table does
            # Nothing but the lines left blank says which of the two tables it belongs to.
            is_apart, is_apart_below = self._is_blank(index - 1), self._is_blank(index + 1)
            return not is_apart or is_apart_below
        # The next table's title was lost: its header begins as that of the table above did.
        has_stamp = any(is_stamped(part.text) for part in parts)
        own = {part.label.field for part in parts if part.label and part.label.field in UNIT_FIELDS}
        return has_stamp != has_stamp_above or not (own & self.fields.keys() and own.isdisjoint(below.fields))

    def _place_of_unit(self) -> tuple[bool, bool]:
        """Whether the table above names its unit above its title, and whether with a stamp."""
        title = next((line for line, _, _, _, role, *_ in self.tokens if role == "table_title"), 0)
        for line, _, _, _, role, _, _, name in self.tokens:
            if role == "field_label" and name in UNIT_FIELDS:
                stamped = any(at == line and is_stamped(text) for at, _, _, text, *_ in self.tokens)
                return line < title, stamped
            if role == "indicator":
                break
        return False, False

    def _has_unit(self) -> bool:
        return not self.fields.keys().isdisjoint(UNIT_FIELDS)

    def _ends_signed(self) -> bool:
        """Whether the release ends with a line that names a unit."""
        further = range(len(self.lines) - 1, -1, -1)
        last = next((found for at in further if (found := self.items(self.lines[at]))), [])
        return self._names_only_unit(self._split(last))

    def _is_blank(self, index: int) -> bool:
        return not (0 <= index < len(self.lines) and self.items(self.lines[index]))

    # -- the header again ----------------------------------------------------------------------------------

    def _end_of_repeated_header(self, index: int) -> int | None:
        """The next line of the tree, where those before it are the table's own header, printed again on a new page.

        They name the same unit and project and no other year, and neither money nor a goal. Where they name no project,
        or no unit, the table above is not at its end yet.
        """
        if self.has_satisfaction and not self._prints_project_again(index):
            return None
        again = self._header_below(index, self.fields)
        if again.end in (None, index) or not again.years <= {self.year}:
            return None
        if not again.fields.keys().isdisjoint(self.vocabulary.money_fields):
            return None
        is_named = "project_name" in again.fields and not again.fields.keys().isdisjoint(UNIT_FIELDS)
        return again.end if is_named or not self.has_satisfaction else None

    def _prints_project_again(self, index: int) -> bool:
        """Whether one of the next lines prints the project's name just as the table does: looked for before they are read."""
        names = (
            text for _, _, _, text, role, _, _, name in self.tokens if name == "project_name" and role == "field_value"
        )
        printed = strip(next(names, ""))
        return bool(printed) and any(printed in line for line in self.lines[index : index + _HEADER_LINES])

    # -- below the tree ------------------------------------------------------------------------------------

    def _read_row_or_rest(self, index: int, items: list[Item], kinds: int) -> None:
        """A row of the tree, a sum of its rows, or a line below the satisfaction indicators that is neither."""
        is_below = self.has_satisfaction and not kinds & (LEVEL | TREE) and len(items) > 1
        if is_below and kinds & SPLITS:
            is_below = not all_kinds(self._split(items)) & (LEVEL | TREE)
        if kinds & SUM and self.indicators and self._is_sum(items):
            for item in items:
                self._emit(index, item, "subtotal")
        elif is_below and items[0].kinds & FIELD and self._is_left_of_satisfaction(items[0], max):
            self._read_fields(index, items)
        elif is_below and self._is_below_tree(items):
            for item in items:
                self._emit(index, item, "unread", 0, "below-tree")
        else:
            self._read_indicator_row(index, items, kinds)

    def _is_sum(self, items: list[Item]) -> bool:
        """Whether a row says what others add up to: 合计 ⇥ 100, 权重合计（%） ⇥ 100分."""
        return bool(items[0].kinds & SUM) and all(is_numeric_value(item.text, self.units) for item in items[1:])

    def _is_below_tree(self, items: list[Item]) -> bool:
        """Whether a line below the satisfaction indicators is none of them: a remark, an opinion, who signed and when."""
        name, value = squeeze(items[0].text), squeeze(items[-1].text)
        if len(items) == 2 and _BUDGET_EXECUTION.match(name):
            return self._is_left_of_satisfaction(items[0], min)
        is_date = _DATE.match(value) is not None
        if is_date and _OFFICE.search(name):
            return bool(self._satisfaction_columns())
        unit = split_unit(items[0].text, self.units)[1]
        if _SATISFACTION.search(name) or unit is not None:
            return False
        is_asked = _ASKED.search(name) is not None
        if is_numeric_value(value, self.units) and not is_date:
            # A telephone number, a page, an item of expenditure.
            is_figure = len(items) == 2 and _BARE_FIGURE.match(value) is not None and not is_asked
            return is_figure and self._is_left_of_satisfaction(items[0], max)
        is_quality = looks_like_value(value, self.units) and not (is_date or is_nothing(value))
        if is_asked and is_quality and value not in _NO_ANSWER:
            return False  # 工作人员反响 ⇥ 良好
        return self._is_left_of_satisfaction(items[0], max if len(items) == 2 and not is_quality else min)

    def _is_left_of_satisfaction(self, item: Item, which: Callable[[list[int]], int]) -> bool:
        """Whether a cell stands left of every name (`min`) or of one (`max`) under 满意度指标, the label in force."""
        columns = self._satisfaction_columns()
        return bool(columns) and item.column < which(columns)

    def _satisfaction_columns(self) -> list[int]:
        """Where the names under 满意度指标 stand, if that is the label in force; else nowhere."""
        columns = [] if self.header.name_column is None else [self.header.name_column]
        for _, column, _, _, role, _, _, name in reversed(self.tokens):
            if role == "indicator":
                columns.append(column)
            elif role in ("level1_label", "level2_label", "unknown_label"):
                is_satisfaction = (name or "").partition(":")[0] == "满意度指标"
                return columns if is_satisfaction else []
        return []


def _as_signature(part: Item) -> Item:
    is_unit = part.label is not None and part.label.field in UNIT_FIELDS
    return part._replace(label=_SIGNED, kinds=FIELD) if is_unit else part
