"""The tree of indicators: its header, its rows, and what is below it.

What a row says is read in `core/indicator_rows.py`; here it is found which cells make a row.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile

from kzz_pipeline.core.characters import squeeze, strip
from kzz_pipeline.core.damaged_header import in_order, over_rows, tree_headings
from kzz_pipeline.core.indicator_rows import (
    SIGNS,
    TreeHeader,
    header_span,
    is_bracketed,
    is_comparator,
    is_unit_in_brackets,
    read_row,
    tree_header,
    unglue,
    with_second_line,
)
from kzz_pipeline.core.layout.cells import all_kinds
from kzz_pipeline.core.layout.state import State
from kzz_pipeline.core.money import is_amount
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.values import is_numeric_value, looks_like_value
from kzz_pipeline.core.vocabulary import (
    BRACKET,
    FIELD,
    HEADER,
    LEVEL,
    SPLITS,
    SPLITS_WEAKLY,
    STRONG,
    TITLE,
    TREE,
    year_of,
)

# Added to the parts of cells that are read with those of the line above.
_BELOW = 1000
_MOST_HEADERS = 1_000
_ROWS_ASKED = 20


def header_names(header: TreeHeader, items: list[Item]) -> list[str]:
    """What each cell of a header line is: the canonical name of its column, else what it prints."""
    columns = [*header.columns, *(header.beside.columns if header.beside is not None else ())]
    names = {column.column: column.name or column.printed for column in columns}
    return [names.get(item.column) or (item.label.header if item.label else None) or strip(item.text) for item in items]


class Tree(State):
    """Reads the header of a tree and the rows of its indicators."""

    # -- the header ----------------------------------------------------------------------------------------

    def _read_tree_header(self, index: int, items: list[Item]) -> None:
        known = self.known_headers.get(self.lines[index])
        if known is not None and known[0] == items:
            self._begin_tree(index, *known)
            return
        if all_kinds(items) & SPLITS:
            items = self._split_levels(items)
        start, stop = header_span(items, self.units)
        if self._begins_joint_table(index, items[:stop]):
            for item in items[stop:]:
                # Of which project they are stands where the header does.
                self._emit(index, item, "unread", 0, "stray")
            return
        self.joint = None
        if start and self._is_glued_on(items[:start]):
            self.read_line(index, items[:start])
        else:
            start = 0
        own = items[start:stop]
        headings, header, names = self._read_headings(index, own, self._year())
        # What stands before the levels, and the year that a column is for, may be another in the next table; so may the
        # rows, by which the order of the headings is judged.
        if headings == items == in_order(items) and items[0].kinds & HEADER and not header.is_dated:
            if len(self.known_headers) >= _MOST_HEADERS:
                self.known_headers.clear()
            self.known_headers[self.lines[index]] = items, header, names
        self._begin_tree(index, own, header, names)
        if stop < len(items):
            self.read_line(index, items[stop:])

    def _read_headings(
        self, index: int, items: list[Item], year: int | None, front: Sequence[Item] = ()
    ) -> tuple[list[Item], TreeHeader, list[str]]:
        """The headings of a header line as they were before it was damaged, what they say, and what each cell is.

        `front` are the columns of a table over many projects before them.
        """
        parted = tree_headings(items, self.vocabulary)
        parted = over_rows(parted, {item.column for item in front}, self._first_rows(index))
        headings = [heading for heading, _ in parted]
        ordered = in_order(headings)
        if ordered != headings and self._levels_stand_first(index, items[0].column if front else 0):
            headings = ordered
        header = tree_header(headings, year)
        names = []
        for name, (heading, count) in zip(header_names(header, [whole for whole, _ in parted]), parted, strict=True):
            # Of a heading in several cells each says the whole.
            names += [name if count == 1 else f"{name}:{heading.text}"] * count
        return headings, header, names

    def _first_rows(self, index: int) -> Iterator[list[Item]]:
        """The first lines below a header, as far as the next table."""
        rows = map(self.items, self.lines[index + 1 : index + 1 + _ROWS_ASKED])
        return takewhile(lambda row: not all_kinds(row) & TITLE, rows)

    def _levels_stand_first(self, index: int, start: int) -> bool:
        """Whether the rows below a header begin, from a column on, with their levels, wherever the header has them."""
        own = [
            [item for item in row if item.column >= start and not item.kinds & TREE] for row in self._first_rows(index)
        ]
        firsts = [row[0].kinds for row in map(self._split_levels, own) if all_kinds(row) & STRONG]
        if firsts:
            return 2 * sum(1 for kinds in firsts if kinds & LEVEL) >= len(firsts)
        # Printed again above the last rows of a tree, it is what it was.
        return self.zone == "indicators" and not self.header.has_levels_behind

    def _is_glued_on(self, front: list[Item]) -> bool:
        """Whether cells before a header of the tree are the line above it and no columns of the header."""
        parts = self._split(front)
        first = parts[0].label
        if self.zone == "indicators":
            readings = read_row(self._split_levels(front), self.header, self.units)
            return all(role != "unread" for _, role, _, _ in readings)
        if first and first.goal and len(parts) > 1:
            return True
        if self.zone == "goal":
            text = squeeze(parts[0].text)
            is_sentence = any(sign in text for sign in "。；;，,")
            return is_sentence or (first is None and not self.has_goal and len(text) > 3 and "指标" not in text)
        # Values behind their labels, an amount among them: the columns of a table over many projects are labels alone.
        values = [at for at, part in enumerate(parts) if not part.label]
        return (
            bool(values)
            and all(at > 0 and parts[at - 1].kinds & FIELD for at in values)
            and any(is_amount(parts[at].text) for at in values)
        )

    def _begin_tree(self, index: int, items: list[Item], header: TreeHeader, names: list[str]) -> None:
        self.zone, self.pending, self.header, self.joint = "indicators", None, header, None
        if header.beside is not None:
            self._tell_periods(items, header.beside)
        for item, name in zip(items, names, strict=True):
            self._emit(index, item, "indicator_header", 0, name)

    def _tell_periods(self, items: list[Item], second: TreeHeader) -> None:
        """Say which of two trees side by side is for the whole period: by their own labels, else as the goals stand."""
        for line in (self.tree_labels, items):
            labels = [item for item in line if item.kinds & TREE]
            long_term = [at for at, item in enumerate(labels) if item.label and item.label.header == "long_term_tree"]
            if long_term:
                column = labels[long_term[0]].column
                # 绩效指标 may stand before both, so that a label before it says nothing.
                is_second = long_term[0] == len(labels) - 1 and second.start - column < column - self.header.start
                break
        else:
            if not {"annual", "long_term"} <= set(self.goals_named):
                return
            is_second = self.goals_named.index("annual") < self.goals_named.index("long_term")
        periods = ("annual", "long_term") if is_second else ("long_term", "annual")
        self.header = self.header._replace(period=periods[0], beside=second._replace(period=periods[1]))

    def _reads_second_header(self, index: int, items: list[Item]) -> bool:
        """Read a line right below a header of the tree that says what stands below 指标值, if it is one."""
        if not self.tokens or self.tokens[-1][4] != "indicator_header":
            return False
        header = with_second_line(self.header, items)
        if header is None:
            return False
        self.header = header
        for item in items:
            self._emit(index, item, "indicator_header", 0, item.label.header if item.label else None)
        return True

    def _year(self) -> int | None:
        """The year of the table so far, for which some columns of its tree may be."""
        printed = self._year_printed()
        return year_of(printed) if printed else None

    def _year_printed(self) -> str | None:
        for _, _, _, text, role, _, _, name in self.tokens:
            if role == "year" or (role == "field_value" and name == "fiscal_year"):
                return text
            if role == "table_title" and name:
                year, _, _ = name.partition(":")
                if year:
                    return year
        return None

    # -- the rows ------------------------------------------------------------------------------------------

    def _read_indicator_row(self, index: int, items: list[Item], kinds: int) -> None:
        tokens, line, table_no, before = self.tokens, index + 1, self.table_no, self.indicators
        if kinds & TREE and all(item.kinds & TREE for item in items):
            # 长期指标 ⇥ 年度指标 above the columns of two trees.
            self.tree_labels = items
        if kinds & (SPLITS | SPLITS_WEAKLY):
            items = self._split_levels(items)
        if items[-1].text in SIGNS and self._reads_number_below(index, items):
            return
        if kinds & BRACKET and items[0].kinds & BRACKET and self._reads_name_above(index, items):
            return
        for (column, part, text, _, _), role, number, name in read_row(items, self.header, self.units):
            if number:
                number += before
                self.indicators = max(self.indicators, number)
            if name == "满意度指标" or "满意度" in text:
                self.has_satisfaction = True
            tokens.append((line, column, part, text, role, table_no, number, name))

    def _reads_number_below(self, index: int, items: list[Item]) -> bool:
        """Read a row whose sign and number a line end inside their cell parted, if the next line goes on with it."""
        below = self.items(self.lines[index + 1]) if index + 1 < len(self.lines) else []
        if (
            not below
            or not is_numeric_value(below[0].text, self.units)
            or not self._reads_two_lines(index, items, below)
        ):
            return False
        self.joined = index + 1
        return True

    def _reads_name_above(self, index: int, items: list[Item]) -> bool:
        """Read a row whose name stands on the line above and whose unit begins this one, if it is one."""
        if len(items) < 2 or not is_unit_in_brackets(items[0].text, self.units):
            return False
        start = len(self.tokens)
        while start and self.tokens[start - 1][0] == index:
            start -= 1
        above = self.tokens[start:]
        if not above or above[-1][7] != "name-without-value" or any(token[6] for token in above):
            return False
        del self.tokens[start:]
        if self._reads_two_lines(index - 1, self._split_levels(self.items(self.lines[index - 1])), items):
            return True
        self.tokens += above
        return False

    def _reads_two_lines(self, index: int, items: list[Item], below: list[Item]) -> bool:
        """Read two lines as one row, if that reads whole and the second begins no row of its own."""
        if below[0].column > 1 or self.header.has_numbers or all_kinds(below) & (LEVEL | HEADER | SPLITS):
            return False
        shift = items[-1].column - 1
        moved = [item._replace(column=item.column + shift, part=item.part + _BELOW) for item in below]
        readings = read_row([*items, *moved], self.header, self.units)
        if any(role == "unread" or item.part > _BELOW for item, role, _, _ in readings):
            return False
        before = self.indicators
        for item, role, number, name in readings:
            if item.part == _BELOW:
                own, at = item._replace(column=item.column - shift, part=0), index + 1
            else:
                own, at = item, index
            self._emit(at, own, role, number + before if number else 0, name)
        self.indicators = before + max(number for _, _, number, _ in readings)
        return True

    def _split_levels(self, items: list[Item]) -> list[Item]:
        """`items` with merged labels taken apart (数量指标 培训人数)."""
        parts: list[Item] = []
        for at, item in enumerate(items):
            if item.kinds & SPLITS:
                split = self._parts(item)
            elif item.kinds & SPLITS_WEAKLY:
                split = self._split_weak(item, parts, items[at + 1 :])
            else:
                split = [item]
            if len(split) > 1 and split[0].kinds & LEVEL:
                parts.extend(split)
            else:
                parts.append(item)
        return parts

    def _split_weak(self, item: Item, before: list[Item], behind: list[Item]) -> list[Item]:
        """数量 培训人数 ⇥ ≥3 is a label and its indicator; so are 数量 培训人数 ≥3 and 满意度 服务对象满意度指标."""
        split = self._parts(item, weak=True)
        if split[1].text.startswith(("(", "（")):
            return [item]
        # 数量指标 ⇥ 质量指标持证率: the label of the row is there already, 质量指标持证率 alone brings its own.
        is_strong = bool(split[0].kinds & STRONG)
        if is_strong and any(part.label and part.label.level2 for part in before):
            return [item]
        tail = split[1]
        values = [cell.text for cell in behind if not (is_bracketed(cell.text) or is_comparator(cell.text))]
        is_row = (len(values) == 1 or (values and looks_like_value(values[0], self.units))) and (
            is_strong or len(tail.text) >= 4
        )
        # What follows begins the next row, or there is nothing.
        is_last = not behind or behind[0].kinds & LEVEL
        if is_row or tail.kinds & LEVEL or (is_last and unglue(tail.text, self.units)):
            return split
        return [item]
