"""Layout recovery: lines of ragged cells to tokens with roles.

A release is read top to bottom: what stands before the tables, the list, then table after table. Inside a table the
zone (header fields, goal, indicators) follows from the labels that the lines themselves print, never from a
cell's number alone. What fits nowhere is `unread`, with its reason.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import takewhile
from math import inf
from operator import getitem

from kzz_pipeline.core.characters import squeeze, strip
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.garbage import no_cycles
from kzz_pipeline.core.indicator_rows import (
    PLAIN_HEADER,
    SIGNS,
    TREE_HEADERS,
    TreeHeader,
    header_span,
    is_bracketed,
    is_comparator,
    is_tree_header,
    is_unit_in_brackets,
    read_row,
    tree_header,
    unglue,
    with_second_line,
)
from kzz_pipeline.core.joint_table import (
    NUMBER,
    PROJECT,
    PROJECT_GOAL,
    UNIT_OR_PROJECT,
    UNITS,
    JointTable,
    ProjectColumn,
    project_columns,
)
from kzz_pipeline.core.listing import (
    DEFAULT_COLUMNS,
    Columns,
    header_columns,
    header_end,
    is_list_header,
    is_list_row,
    is_subtotal,
    row_roles,
    total_roles,
)
from kzz_pipeline.core.money import is_amount, read_amount
from kzz_pipeline.core.tokens import Chunks, Item, Parse, Plain, Token, Tokens, token_of
from kzz_pipeline.core.units import Units, split_unit
from kzz_pipeline.core.values import is_numeric_value, looks_like_value
from kzz_pipeline.core.vocabulary import (
    BRACKET,
    FIELD,
    GOAL,
    HEADER,
    LEVEL,
    LIST_COLUMN,
    MONEY_UNIT,
    SPLITS,
    SPLITS_WEAKLY,
    STRONG,
    THIS_YEAR,
    TITLE,
    TOTAL,
    TREE,
    YEAR,
    Label,
    TitleReading,
    Vocabulary,
    bracketed_unit,
    declared_unit,
    is_unit_over_two,
    only_year_in,
    parted_from_unit,
    unit_in_bracket,
    unit_in_title,
    year_of,
)

# Fields that open a table's header: a line with one of them is a line of fields wherever it stands.
_ANCHORS = {"budget_unit", "project_name", "implementing_unit", "department", "total_funds", "project_funds"}
_NAME_FIELDS = {"budget_unit", "project_name", "implementing_unit", "department"}
_WHOSE = {"budget_unit", "implementing_unit", "department"}
# Fields whose text may go on in further cells and lines.
_BLOCK_FIELDS = {"main_duties", "main_tasks", "project_summary", "project_basis"}
# Fields that stand below the indicators: who filled the table in.
_SIGNATURE = {"form_filler", "contact", "project_leader", "note"}
_LOOKAHEAD_LINES = 12
# How the items of a goal are numbered: 目标3：, 2.、（一）
_GOAL_ITEM = re.compile(r"^(?:目标[\d一二三四五六七八九十]*[:.、]?|[(]?[\d一二三四五六七八九十]{1,2}[):.、])")
# A label of one goal among several, and what it says that the goal is for; what none of these says is kept as printed.
_GOAL_LABEL = re.compile(r"^[^\d。；;，,、]{0,8}(?:目标|情况|完成|成效|内容)(?:[(][^()]*[)])?$")
_LONG_TERM = re.compile(r"实施|总|中期|中长|长期|周期|远期")
_ANNUAL = re.compile(r"年度|[当本全]年|预期|计划")
# Such as - 5 - and 第 6 页 共 10 页, alone on a line.
_PAGE_NUMBER = re.compile(
    r"^(?:[-·]\d{1,4}[-·]|第\d{1,4}页(?:[,/]?共\d{1,4}页)?|共\d{1,4}页[,/]?第\d{1,4}页)$", re.ASCII
)
_LONGEST_PAGE_NUMBER = 20
_GAP = re.compile(r"(?<=\S)\s+(?=\S)")
_TITLE_WORDS = ("绩效", "目标", "预算", "项目")
# What heads the column of one year's amounts where they stand in several, the table's own year or another.
_AMOUNTS_OF = re.compile(
    r"^(?:(?P<own>本年度?|当年|年初)|(?P<year>(?:19|20)\d\d)年度?|上年度?|去年|前年|下年度?|全年|执行率|分值|得分|执行|调整后?)"
    r"(?:预算|资金|安排|投资|执行|完成)*(?:金额|总额|数|额)?$"
)
# What a satisfaction indicator is about; a row below the tree that says what of the budget was spent is none.
_SATISFACTION = re.compile(r"满意|评价|投诉|认可|认同|好评|表扬|率|度$")
_BUDGET_EXECUTION = re.compile(r"^(?:项目|年度)?预算执行率(?:[(\[].*[)\]])?$")
_DATE = re.compile(r"^(?:19|20)\d\d(?:年|[-./])\d{1,2}(?:月|[-./])\d{1,2}日?$", re.ASCII)
_OFFICE = re.compile(r"[局委办厅府部处科会院]$|中心$")
_BEGINS_AMOUNTS_OF = set("本当年上去前下全执分得调12１２　 ")
# A line between indicators that holds none of these is a row of the tree.
_TELLING = YEAR | MONEY_UNIT | TITLE | SPLITS | FIELD | GOAL | HEADER | LIST_COLUMN
_NO_AMOUNT = _TELLING & ~YEAR
# So many texts of a column are kept ready; labels that were forgotten are soon there again.
_MOST_KEPT, _LONGEST_KEPT = 5_000, 500
# Added to the parts of cells that are read with those of the line above.
_BELOW = 1000
_MOST_HEADERS = 1_000
# Of a line's cells; further columns are added where a line has more.
_COLUMNS = 16


@no_cycles()
def read_layout(document: Document, vocabulary: Vocabulary, units: Units) -> Parse:
    """The tokens of a release, in reading order: every non-empty cell has a role, or one for each of its parts."""
    (tokens,) = read_chunks(document, vocabulary, units, inf)
    return Parse(document, Chunks.alone(tokens), max(tokens.table_no, default=0))


def read_chunks(document: Document, vocabulary: Vocabulary, units: Units, most_cells: float) -> Iterator[Tokens]:
    """The tokens of `read_layout` a chunk at a time: whole tables, until they have so many cells; at least one chunk."""
    reader = _Reader(document, vocabulary, units)
    for index, line in enumerate(document.lines):
        if line and index != reader.joined and (items := reader.items(line)):
            reader.read_line(index, items)
            # A list behind the tables still counts to the last of them.
            if len(reader.read) >= most_cells and reader.read.table_no[-1] != reader.table_no:
                yield reader.read
                reader.read = Tokens()
    reader.close_table()
    yield reader.read


def _is_year_line(items: list[Item]) -> bool:
    """Whether a line prints a year, perhaps with the unit of money, and nothing else."""
    return bool(items[0].kinds & YEAR) and all(item.kinds & (YEAR | MONEY_UNIT) for item in items)


def _is_of_money(label: Label) -> bool:
    """Whether a label stands for an amount, in a line of such labels."""
    return label.money or label.total_funds


def _may_be_below(item: Item, label: Label) -> bool:
    """Whether a cell may be the value of the label above it: no label itself, and a year only of a label that asks for it."""
    if item.kinds & YEAR:
        return label.field == "fiscal_year" or (_is_of_money(label) and is_amount(item.text))
    return not item.kinds & (FIELD | GOAL | HEADER | LEVEL | SPLITS | MONEY_UNIT)


def _kinds(items: list[Item]) -> int:
    """What the cells of a line may be, all together."""
    kinds = 0
    for _, _, _, _, own in items:
        kinds |= own
    return kinds


def _header_names(header: TreeHeader, items: list[Item]) -> list[str]:
    """What each cell of a header line is: the canonical name of its column, else what it prints."""
    columns = [*header.columns, *(header.beside.columns if header.beside is not None else ())]
    names = {column.column: column.name or column.printed for column in columns}
    return [names.get(item.column) or (item.label.header if item.label else None) or strip(item.text) for item in items]


def _goal_scope(item: Item) -> str:
    """What the goal below a label is for: the year, the whole period, or what the label prints."""
    if item.label and item.label.goal and item.label.goal != "section":
        return item.label.goal
    text = squeeze(item.text)
    return "long_term" if _LONG_TERM.search(text) else "annual" if _ANNUAL.search(text) else f"other:{text}"


class _Column(dict[str, Item | None]):
    """The items of one column of cells, by what is printed in them; None where that is no ink."""

    def __init__(self, column: int, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.column = column
        self.vocabulary = vocabulary

    def __missing__(self, printed: str) -> Item | None:
        if len(self) >= _MOST_KEPT:
            self.clear()
        found = Item(self.column, 0, printed, *self.vocabulary.word(printed)) if strip(printed) else None
        if len(printed) <= _LONGEST_KEPT:
            self[printed] = found
        return found


@lru_cache(maxsize=8)
def _columns(vocabulary: Vocabulary) -> list[_Column]:
    """The first columns of any release; labels stand in the same ones in every table."""
    return [_Column(column, vocabulary) for column in range(1, _COLUMNS + 1)]


class _Reader:
    """The state of one reading; `tokens` are those since the table began, `read` those before."""

    def __init__(self, document: Document, vocabulary: Vocabulary, units: Units) -> None:
        self.lines = document.lines
        self.vocabulary = vocabulary
        self.units = units
        self.known = _columns(vocabulary)
        self.read = Tokens()
        self.tokens: list[Plain] = []
        self.table_no = 0
        self.zone = "preamble"
        self.listed = 0
        self.columns: Columns = []
        # The year that the release's title or a line above the list prints.
        self.list_year: str | None = None
        self.has_total = False
        self.has_title = False
        self.has_money_unit = False
        # Lines of headers and what they say: most forms print the same ones in every table.
        self.known_headers: dict[str, tuple[list[Item], TreeHeader, list[str]]] = {}
        self.joint: JointTable | None = None
        # A line that was read with the one before it.
        self.joined = -1
        self._begin_table_state()

    def _begin_table_state(self) -> None:
        self.header: TreeHeader = PLAIN_HEADER
        self.tree_labels: list[Item] = []
        self.indicators = 0
        self.field_no = 0
        self.fields: dict[str, str] = {}
        self.totals: list[str] = []
        self.pending: str | None = None
        self.goal_scopes: list[str] = ["annual"]
        self.goal_columns: dict[int, str] = {}
        self.goals_named: list[str] = []
        self.has_goal = False
        self.has_satisfaction = False
        self.has_year = False
        self.year: int | None = None
        self.awaits_title = False
        self.label_row: list[tuple[int, int, str]] = []
        # Of a line of labels above several rows that a total adds up: the column, the number and the name of each.
        self.summed: dict[int, tuple[int, str]] = {}
        # Of a line that heads columns of amounts: whether each column is for the table's own year.
        self.amount_columns: dict[int, bool] = {}
        self.deferred: list[int] = []

    # -- cells ---------------------------------------------------------------------------------------------

    def items(self, line: str) -> list[Item]:
        """The cells of a line that hold ink."""
        cells = line.split("\t")
        if len(cells) > len(self.known):
            further = range(len(self.known) + 1, len(cells) + 1)
            self.known = [*self.known, *(_Column(column, self.vocabulary) for column in further)]
        items = list(filter(None, map(getitem, self.known, cells)))
        # Every unit of money ends in 元.
        return self._parted_from_unit(items) if "元" in line and "单位" in line else items

    def _item(self, column: int, part: int, text: str) -> Item:
        return Item(column, part, text, *self.vocabulary.word(text))

    def _parted_from_unit(self, items: list[Item]) -> list[Item]:
        """`items` with every cell that prints a unit of money beside something else taken apart."""
        found: list[Item] = []
        for item in items:
            two = None if item.kinds & SPLITS else parted_from_unit(item.text)
            part = item.part or 1
            found += (
                [item] if two is None else [self._item(item.column, part + at, text) for at, text in enumerate(two)]
            )
        for at in range(len(found) - 1):
            if is_unit_over_two(found[at].text, found[at + 1].text):
                found[at : at + 2] = [item._replace(label=None, kinds=MONEY_UNIT) for item in found[at : at + 2]]
        return found

    def _split(self, items: list[Item]) -> list[Item]:
        """`items` with every cell that merges a label and what stood beside it taken apart."""
        for item in items:
            if item.kinds & SPLITS:
                return [part for item in items for part in (self._parts(item) if item.kinds & SPLITS else (item,))]
        return items

    def _parts(self, item: Item, weak: bool = False) -> list[Item]:
        """The label and what stood beside it, in one cell that merges them."""
        spans = self.vocabulary.split(item.text, weak)
        assert spans is not None, item
        (_, head_end), (tail_start, _) = spans
        first = item.part or 1
        head = self._item(item.column, first, item.text[:head_end])
        tail = self._item(item.column, first + 1, item.text[tail_start:])
        is_field = head.kinds & FIELD and not head.kinds & GOAL and not tail.kinds & SPLITS
        at = self._next_label(tail.text) if is_field else None
        if at is not None:
            value = self._item(item.column, first + 1, tail.text[:at])
            return [head, value, *self._split([self._item(item.column, first + 2, tail.text[at:].lstrip())])]
        return [head, *self._split(self._parted_from_unit([tail]))]

    def _next_label(self, text: str) -> int | None:
        """Where a further field begins behind a field's value in one cell: 甲局 项目名称：甲项目, 120 财政拨款 100."""
        for gap in _GAP.finditer(text):
            rest = text[gap.end() :]
            spans = self.vocabulary.split(rest)
            label = self.vocabulary.label(rest[: spans[0][1]]) if spans else None
            if spans and label is not None and label.field:
                has_colon = any(sign in rest[spans[0][1] : spans[1][0]] for sign in ":：")
                if has_colon or (label.money and is_amount(text[: gap.start()])):
                    return gap.start()
        return None

    def _emit(self, index: int, item: Item, role: str, item_no: int = 0, name: str | None = None) -> None:
        self.tokens.append((index + 1, item.column, item.part, item.text, role, self.table_no, item_no, name))

    def _defer(self, index: int, item: Item) -> None:
        """Keep a cell without a label until its table is whole: it may repeat what is printed further down."""
        self.deferred.append(len(self.tokens))
        self._emit(index, item, "unread", 0, "stray")

    # -- lines ---------------------------------------------------------------------------------------------

    def read_line(self, index: int, items: list[Item]) -> None:
        if self.label_row:
            self._read_values_below(index, items)
            return
        kinds = _kinds(items)
        if self.joint is not None and self._reads_joint_row(index, items, kinds, self.joint):
            return
        if not kinds and len(items) == 1 and self._is_page_number(items[0].text):
            self._emit(index, items[0], "page_number")
            return
        if self.zone == "indicators" and not kinds & _TELLING:
            if self.has_satisfaction and not kinds & LEVEL and len(items) > 1 and self._is_below_tree(items):
                for item in items:
                    self._emit(index, item, "unread", 0, "below-tree")
            else:
                self._read_indicator_row(index, items, kinds)
            return
        if items[0].kinds & (YEAR | MONEY_UNIT | FIELD | SPLITS) and self._heads_title(index, items, kinds):
            self._open_table()
            self.awaits_title = True
            if all(item.kinds & (YEAR | MONEY_UNIT) for item in items):
                for item in items:
                    self._read_loose(index, item, "")
            else:
                self._read_fields(index, items)
            return
        if kinds & TITLE and len(items) <= 6 and self._read_title(index, items):
            return
        if self.zone in ("preamble", "list"):
            self._read_before_tables(index, items, kinds)
            return
        if kinds & LIST_COLUMN and is_list_header(items):
            self._read_list_header(index, items)
            return
        if self.zone == "indicators" and self.indicators:
            if self._heads_list(index, items):
                self.close_table()
                self.zone = "preamble"
                self._read_preamble(index, items)
                return
            if self._is_next_table(index, items):
                self._open_table()
        if kinds & HEADER and is_tree_header(items):
            self._read_tree_header(index, items)
        elif self.zone == "indicators":
            if kinds & HEADER and self._reads_second_header(index, items):
                return
            if self._is_field_line(items):
                self._read_fields(index, items)
            elif self._is_goal_line(items):
                self._read_goal_labels(index, items)
            elif self.indicators and (self._is_signature(items) or all(item.kinds & MONEY_UNIT for item in items)):
                self._read_fields(index, items)
            else:
                self._read_indicator_row(index, items, kinds)
        elif self.zone == "goal":
            self._read_in_goal(index, items, kinds)
        else:
            self._read_in_header(index, items, kinds)

    @staticmethod
    def _is_page_number(text: str) -> bool:
        return len(text) <= _LONGEST_PAGE_NUMBER and _PAGE_NUMBER.match(squeeze(text)) is not None

    def _read_title(self, index: int, items: list[Item]) -> bool:
        at, reading = 0, None
        for at, item in enumerate(items):  # noqa: B007 - the place where it stopped is asked for below
            if item.kinds & TITLE:
                reading = self.vocabulary.title(item.text)
                break
        if reading is None or at > 1 or (self.zone == "goal" and not self._next_is(index, ("field",))):
            return False
        following = self._next_structure(index)
        if self.zone == "preamble" and following in ("list", "title"):
            for item in items:
                self._read_loose(index, item, "title")
            return True
        if following == "title" and self.table_no:
            for item in items:
                self._emit(index, item, "unread", 0, "title-without-table")
            return True
        if not self.awaits_title and not (following == "tree" and self.indicators and not self.has_satisfaction):
            self._open_table()
        self.awaits_title = False
        for item in items:
            role = "table_title" if item is items[at] else ""
            self._read_loose(index, item, role, reading if role else None)
        return True

    def _read_loose(self, index: int, item: Item, role: str, reading: TitleReading | None = None) -> None:
        """A cell of a title line: the title (perhaps with its year), a year, a unit of money, or unread."""
        if reading is not None and (reading.year or reading.unit or reading.office):
            if reading.office:
                item = self._cut_office(index, item, reading.office)
            self._emit(index, item, role, 0, f"{reading.year or ''}:{reading.unit}" if reading.unit else reading.year)
            self._note_year(reading.year)
        elif role and (role == "table_title" or self.vocabulary.title(item.text)):
            self._emit(index, item, role, 0, unit_in_title(item.text) if role == "title" else None)
            if role == "title":
                self.has_title = True
                self.list_year = self.list_year or only_year_in(item.text)
        elif item.kinds & YEAR:
            self._emit(index, item, "year")
            self._note_year(item.text)
        elif item.kinds & MONEY_UNIT:
            self._emit(index, item, "money_unit", 0, declared_unit(item.text))
        elif item.kinds & BRACKET and (unit := bracketed_unit(item.text)):
            self._emit(index, item, "money_unit", 0, unit)
        else:
            self._emit(index, item, "unread", 0, "beside-title")

    def _cut_office(self, index: int, item: Item, office: str) -> Item:
        """The title without the unit that it begins with, which counts where the table names none."""
        end = next(at for at in range(len(item.text)) if squeeze(item.text[:at]) == office)
        self._emit(index, item._replace(part=1, text=item.text[:end]), "field_value", 0, "title_unit")
        return item._replace(part=2, text=item.text[end:])

    def _note_year(self, printed: str | None) -> None:
        """Keep the year of a table, the first that it prints."""
        if printed is not None and not self.has_year:
            self.has_year, self.year = True, year_of(printed)

    # -- looking ahead -------------------------------------------------------------------------------------

    def _heads_title(self, index: int, items: list[Item], kinds: int) -> bool:
        """Whether a line is of a table whose title stands below it: its year, its unit of money, whose it is."""
        if len(items) > 4 or self.zone == "goal":
            return False
        if len(items) > 2 and not kinds & (YEAR | MONEY_UNIT | SPLITS):
            return False
        if self.zone == "header" and not self.has_year and not self.fields:
            return False
        # The first unit of money above the first table is the release's.
        is_unit = (self.has_money_unit or self.indicators > 0) and all(item.kinds & MONEY_UNIT for item in items)
        if not (is_unit or _is_year_line(items) or self._names_unit(items)):
            return False
        for at in range(index + 1, len(self.lines)):
            below = self.items(self.lines[at])
            if below:
                is_title = len(below) <= 6 and any(self.vocabulary.title(item.text) for item in below[:2])
                return is_title and self._next_is(at, ("field", "tree"))
        return False

    def _names_unit(self, items: list[Item]) -> bool:
        """Whether a line says whose a table is: 填报单位：某局, perhaps with the unit of money."""
        if not items[0].kinds & (FIELD | SPLITS):
            return False
        parts = self._split(items)
        label = parts[0].label
        if len(parts) < 2 or label is None or label.field not in _WHOSE or parts[1].label is not None:
            return False
        return all(part.kinds & (YEAR | MONEY_UNIT) for part in parts[2:])

    def _next_is(self, index: int, kinds: tuple[str, ...]) -> bool:
        return self._next_structure(index) in kinds

    def _next_structure(self, index: int) -> str:
        """What the next telling line is: `list`, `field`, `tree`, `title`, `end` of the file or `none`."""
        seen = 0
        for at in range(index + 1, len(self.lines)):
            line = self.lines[at]
            items = self.items(line) if line else None
            if not items:
                continue
            kinds = _kinds(items)
            if kinds & LIST_COLUMN and is_list_header(items):
                return "list"
            if kinds & HEADER and is_tree_header(items):
                return "tree"
            if kinds & (FIELD | LEVEL | SPLITS):
                parts = self._split(items)
                if any(part.label.field in _ANCHORS for part in parts if part.label):
                    return "field"
                if _kinds(parts) & STRONG:
                    return "tree"
            if len(items) <= 3 and "标" in line and any(self.vocabulary.title(item.text) for item in items):
                return "title"
            seen += 1
            if seen >= _LOOKAHEAD_LINES:
                return "none"
        return "end"

    def _is_next_table(self, index: int, items: list[Item]) -> bool:
        """Whether a line behind indicators opens a further table whose title was lost: its header begins again."""
        if all(item.kinds & (YEAR | MONEY_UNIT) for item in items):
            return self._next_is(index, ("field",))
        names = [part for part in self._split(items) if part.label and part.label.field in _NAME_FIELDS]
        return any(self._is_anchor(part, items) and part.label.field in self.fields for part in names if part.label)

    def _heads_list(self, index: int, items: list[Item]) -> bool:
        """Whether a line behind indicators is the year or the unit of money of a list that follows."""
        return all(item.kinds & (YEAR | MONEY_UNIT) for item in items) and self._next_is(index, ("list",))

    @staticmethod
    def _is_anchor(part: Item, items: list[Item]) -> bool:
        label = part.label
        if label is None or label.field not in _ANCHORS or label.unit:
            return False
        return not _kinds(items) & STRONG

    def _has_level(self, items: list[Item], kinds: int) -> bool:
        """Whether a line prints a level of the indicator tree that can be nothing else."""
        if items[0].kinds & SPLITS:
            kinds |= _kinds(self._split(items[:1]))
        return bool(kinds & STRONG)

    def _is_field_line(self, items: list[Item]) -> bool:
        return any(self._is_anchor(part, items) for part in self._split(items) if part.kinds & FIELD)

    def _is_signature(self, items: list[Item]) -> bool:
        """Whether a line below the indicators says who filled the table in."""
        first = self._split(items[:1])[0].label
        return first is not None and first.field in _SIGNATURE

    @staticmethod
    def _is_goal_line(items: list[Item]) -> bool:
        return items[0].label is not None and items[0].label.goal is not None and not items[0].label.header

    # -- before the tables ---------------------------------------------------------------------------------

    def _read_before_tables(self, index: int, items: list[Item], kinds: int) -> None:
        if kinds & LIST_COLUMN and is_list_header(items):
            self._read_list_header(index, items)
        elif (kinds & HEADER and is_tree_header(items)) or (
            kinds & (YEAR | FIELD | LEVEL | SPLITS) and self._opens_without_title(index, items)
        ):
            self._open_table()
            self.read_line(index, items)
        elif _kinds(items[:2]) & TOTAL:
            self._read_total(index, items)
        elif self.zone == "list" and len(items) > 1:
            self._read_list_row(index, items)
        elif is_list_row(items):
            self.zone, self.columns = "list", DEFAULT_COLUMNS
            self._read_list_row(index, items)
        else:
            self._read_preamble(index, items)

    def _opens_without_title(self, index: int, items: list[Item]) -> bool:
        if all(item.kinds & YEAR for item in items):
            return self._next_is(index, ("field",))
        if items[0].label and items[0].label.list_column == "listed_no":
            return False
        parts = self._split(items)
        if _kinds(parts) & STRONG:
            return True
        fields = {part.label.field for part in parts if part.label}
        return len(fields & _ANCHORS) >= 2 or ("budget_unit" in fields and len(items) <= 2 and self.zone == "list")

    def _read_list_header(self, index: int, items: list[Item]) -> None:
        if self.table_no:
            self.close_table()
        self.zone = "list"
        end = header_end(items)
        year = self.list_year or (str(self.year) if self.year else None)
        self.columns = header_columns(items[:end], year, self._rows_below(index))
        for item, (_, name) in zip(items[:end], self.columns, strict=True):
            unit = item.label.unit if item.label else unit_in_bracket(item.text) if name == "amount" else None
            self._emit(index, item, "list_header", 0, unit)
            self.has_money_unit = self.has_money_unit or unit is not None
        if end < len(items):
            self._read_before_tables(index, items[end:], _kinds(items[end:]))

    def _rows_below(self, index: int) -> Iterator[list[Item]]:
        """The first lines below the header of the list that hold ink, as far as the tables."""
        for line in self.lines[index + 1 : index + 1 + _LOOKAHEAD_LINES]:
            items = self.items(line)
            if items and _kinds(items) & (TITLE | HEADER):
                return
            if items:
                yield items

    def _read_total(self, index: int, items: list[Item]) -> None:
        for item, role in zip(items, total_roles(items, self.columns), strict=True):
            if role == "total" and self.has_total:
                role = "unread"
            self._emit(index, item, role, 0, "beside-total" if role == "unread" else None)
        self.has_total = self.has_total or any(item for item in items if is_amount(item.text))

    def _read_list_row(self, index: int, items: list[Item]) -> None:
        if is_subtotal(items, self.columns):
            for item in items:
                self._emit(index, item, "subtotal")
            return
        cells = row_roles(items, self.columns)
        if not any(role in ("amount", "listed_project") for role, _ in cells):
            for item in items:
                self._read_preamble_cell(index, item)
            return
        self.listed += 1
        for item, (role, name) in zip(items, cells, strict=True):
            self._emit(index, item, role, self.listed, name)

    def _read_preamble(self, index: int, items: list[Item]) -> None:
        for item in items:
            self._read_preamble_cell(index, item)

    def _read_preamble_cell(self, index: int, item: Item) -> None:
        if item.kinds & MONEY_UNIT:
            # Behind the tables it is the list's alone.
            role = "list_header" if self.table_no else "money_unit"
            self._emit(index, item, role, 0, declared_unit(item.text))
            self.has_money_unit = True
        elif self.zone == "list":
            self._emit(index, item, "unread", 0, "stray")
        elif self.listed == 0 and not self.has_title and any(word in squeeze(item.text) for word in _TITLE_WORDS):
            self._emit(index, item, "title", 0, unit_in_title(item.text))
            self.has_title = True
            self.list_year = self.list_year or only_year_in(item.text)
        elif item.kinds & YEAR:
            self._emit(index, item, "year")
            self.list_year = self.list_year or only_year_in(item.text)
        else:
            self._read_unlabelled(index, item)

    # -- the header of a table -----------------------------------------------------------------------------

    def _open_table(self) -> None:
        self.close_table()
        self.table_no += 1
        self.zone = "header"
        self._begin_table_state()

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
            elif label and label.goal and not label.field:
                self._read_goal_labels(index, parts[at:])
                return
            elif item.kinds & YEAR and not self.has_year and self.pending is None:
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
        if self.pending not in _BLOCK_FIELDS:
            self.pending = None

    def _read_unlabelled(self, index: int, item: Item) -> None:
        """A cell without a label: a unit of money in a bracket, or kept until its table is whole."""
        unit = bracketed_unit(item.text) if item.kinds & BRACKET else None
        if unit is None:
            self._defer(index, item)
        else:
            self._emit(index, item, "money_unit", 0, unit)

    def _emit_field_label(self, index: int, item: Item, label: Label, name: str) -> None:
        self.field_no += 1
        self._emit(index, item, "field_label", self.field_no, f"{name}:{label.unit}" if label.unit else name)

    def _goes_on(self, parts: list[Item]) -> bool:
        """Whether a line may begin with the value of the last label of the line above.

        Of several amounts, or of one before parts of the money, it is not known that the first is that value.
        """
        if self.pending not in self.vocabulary.money_fields or len(parts) == 1:
            return True
        is_alone = parts[0].kinds & FIELD or parts[1].kinds & (FIELD | GOAL | MONEY_UNIT)
        return bool(is_alone) and not any(part.label and part.label.money for part in parts[1:])

    def _is_value_here(self, label: Label, parts: list[Item], at: int) -> bool:
        """Whether a word that could be a label is the value of the name field before it (项目名称 ⇥ 公用经费)."""
        if self.pending not in _NAME_FIELDS or label.field in _NAME_FIELDS or at == 0:
            return False
        follower = parts[at + 1] if at + 1 < len(parts) else None
        if follower is None or label.money:
            return follower is None or not is_amount(follower.text)
        # 项目名称 ⇥ 项目编码 ⇥ 654001: it has a value of its own, and the name was left blank.
        is_own = not follower.kinds & _TELLING or (label.field == "fiscal_year" and follower.kinds & YEAR)
        return not is_own

    # -- amounts and names below their labels --------------------------------------------------------------

    def _is_label_row(self, index: int, parts: list[Item]) -> bool:
        """Whether a line prints labels, and the next one what belongs to them, cell below cell.

        It begins with two labels that are known. Another may be unknown, where amounts stand below them, or as many
        cells as labels.
        """
        known = unknown = sums = 0
        for part in parts:
            if part.kinds & (FIELD | GOAL) == FIELD:
                known += 1
            elif part.label and part.label.total_funds:
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
        if unknown and (len(below) < len(parts) or _kinds(below) or any(is_amount(part.text) for part in parts)):
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
                    found.update((further, "several-amounts") for further in (at, *behind))
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

    # -- the goal ------------------------------------------------------------------------------------------

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
        if len(below) < len(scopes) or _kinds(below) & (STRONG | HEADER | FIELD | GOAL):
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
        if not self.has_year and _is_year_line(items):
            for item in items:
                self._read_loose(index, item, "")
            return
        first = items[0].label
        if (self._has_level(items, kinds) and not self._is_sentence(items)) or self._starts_tree(items):
            self.zone = "indicators"
            self._read_indicator_row(index, items, kinds)
        elif first and first.field and first.field not in _BLOCK_FIELDS and not first.goal:
            self._read_fields(index, items)
        elif (first and first.goal) or (not first and self._begins_with_goal_label(items[0])):
            self._read_goal_labels(index, items)
        elif self._is_field_line(items[:1]) or self._is_field_below_goal(items):
            self._read_fields(index, items)
        else:
            for item, scope in zip(items, self._goal_scopes_of(items), strict=True):
                self._emit(index, item, "goal", 0, scope)
            self.has_goal = True

    @staticmethod
    def _is_sentence(items: list[Item]) -> bool:
        """Whether a line of the goal only begins as a level would: 数量指标：培训100人；质量指标：合格率95%以上。"""
        return len(items) == 1 and any(sign in items[0].text for sign in "。；;")

    def _is_field_below_goal(self, items: list[Item]) -> bool:
        """Whether a line in the goal names a unit or a project, or begins with a label and its short text."""
        if len(items) > 1 and any(item.label and item.label.field in _NAME_FIELDS for item in items):
            return True
        head = self._split(items[:1])
        label = head[0].label
        return (
            len(head) == 2
            and label is not None
            and label.field is not None
            and label.field not in _BLOCK_FIELDS
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
        elif is_numeric_value(value.text, self.units):
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

    # -- the indicators ------------------------------------------------------------------------------------

    def _read_tree_header(self, index: int, items: list[Item]) -> None:
        known = self.known_headers.get(self.lines[index])
        if known is not None and known[0] == items:
            self._begin_tree(index, *known)
            return
        if _kinds(items) & SPLITS:
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
        header = tree_header(own, self._year())
        names = _header_names(header, own)
        # What stands before the levels, and the year that a column is for, may be another in the next table.
        if len(own) == len(items) and items[0].kinds & HEADER and not header.is_dated:
            if len(self.known_headers) >= _MOST_HEADERS:
                self.known_headers.clear()
            self.known_headers[self.lines[index]] = items, header, names
        self._begin_tree(index, own, header, names)
        if stop < len(items):
            self.read_line(index, items[stop:])

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

    # -- one table over many projects ----------------------------------------------------------------------

    def _begins_joint_table(self, index: int, items: list[Item]) -> bool:
        """Read a header line of a table over many projects, if it is one."""
        first = next(at for at, item in enumerate(items) if item.label and item.label.header in TREE_HEADERS)
        columns = project_columns(items[:first]) if first else None
        if columns is None:
            return False
        year = self.joint.year if self.joint else self._year_printed()
        header = tree_header(items[first:], year_of(year) if year else None)
        if self.joint is None or self.joint.columns != columns:
            above = (token for token in self.tokens if token[4] == "field_value" and token[7] in UNITS)
            unit = next(((line, column, text) for line, column, _, text, *_ in above), None)
            self.joint = JointTable(columns, items[first].column, header, year, unit)
        self.zone, self.pending, self.header = "indicators", None, header
        for item, name in zip(items, _header_names(header, items), strict=True):
            self._emit(index, item, "indicator_header", 0, name)
        return True

    def _reads_joint_row(self, index: int, items: list[Item], kinds: int, joint: JointTable) -> bool:
        """Read a row of a table over many projects, if a line is one."""
        if items[0].kinds & TITLE or (kinds & LIST_COLUMN and is_list_header(items)):
            self.joint = None
            return False
        if kinds & HEADER and is_tree_header(items):
            self._read_tree_header(index, items)
            return True
        cut = self._end_of_project(items, joint)
        front, row = items[:cut], items[cut:]
        if not row and (self._is_signature(items) or (len(front) == 1 and not joint.has_lines_of_units)):
            return False
        if front and front[0].kinds & TOTAL:
            for item in items:
                self._emit(index, item, "subtotal")
            return True
        if front:
            self._read_project(index, front, bool(row), joint)
        if row:
            self._read_indicator_row(index, row, _kinds(row))
        return True

    @staticmethod
    def _end_of_project(items: list[Item], joint: JointTable) -> int:
        """How many cells of a row stand before its levels."""
        return sum(1 for _ in takewhile(lambda item: item.column < joint.start and not item.kinds & STRONG, items))

    def _read_project(self, index: int, front: list[Item], has_row: bool, joint: JointTable) -> None:
        """The cells before the levels: of a further project, which begins a table, or the same as in the rows above."""
        names = [self._project_field(index, item, has_row, joint) for item in front]
        said = {name: squeeze(item.text) for name, item in zip(names, front, strict=True) if name}
        if self._is_shifted(said):
            # Whose row it is cannot be told: no other project's, and not the one above.
            self._open_joint_table(joint)
            joint.begin({})
            for item in front:
                self._emit(index, item, "unread", 0, "stray")
            return
        is_new = joint.is_new(said)
        if is_new:
            if self.indicators or PROJECT in self.fields:
                self._open_joint_table(joint)
            joint.begin(said)
        for item, name in zip(front, names, strict=True):
            column = joint.columns.get(item.column)
            if column is None or name is None:
                self._emit(index, item, "unread", 0, "stray")
            elif name == NUMBER:
                self._emit(index, item, "tree_number")
            elif not is_new and joint.said.get(name) == squeeze(item.text):
                self._emit(index, item, "repeated_header")
            elif name in (PROJECT_GOAL, "long_term_goal"):
                self._emit(index, item, "goal", 0, "annual" if name == PROJECT_GOAL else "long_term")
                self.has_goal = True
            elif not is_new and name in joint.said:
                self._emit(index, item, "unread", 0, "stray")
            else:
                self._emit_project_field(index, item, name, column, joint)
            if name:
                joint.said[name] = squeeze(item.text)

    def _open_joint_table(self, joint: JointTable) -> None:
        self._open_table()
        self.zone, self.header, self.has_year = "indicators", joint.header, True

    def _is_shifted(self, said: dict[str, str]) -> bool:
        """Whether cells stand under other columns than their own: words under money, or an amount for a name."""
        return any(
            is_amount(text) if name == PROJECT else name in self.vocabulary.money_fields and text[0].isalpha()
            for name, text in said.items()
        )

    def _project_field(self, index: int, item: Item, has_row: bool, joint: JointTable) -> str | None:
        """Which field a cell before the levels is; None where no column stands above it."""
        column = joint.columns.get(item.column)
        if column is None:
            return None
        if column.name != UNIT_OR_PROJECT:
            return column.name or column.printed
        if has_row:
            return PROJECT
        further = range(index + 1, len(self.lines))
        below = next((found for at in further if (found := self.items(self.lines[at]))), [])
        # A department stands above its units.
        is_unit = self._end_of_project(below, joint) < len(below)
        return "budget_unit" if is_unit else "department"

    def _emit_project_field(self, index: int, item: Item, name: str, column: ProjectColumn, joint: JointTable) -> None:
        inherited: tuple[str, ...] = ()
        if name in UNITS:
            joint.unit = index + 1, item.column, item.text
        elif name == PROJECT:
            # Unit and year are printed once for all of their projects.
            inherited = ((joint.year or "").replace(":", ""), *map(str, joint.unit or ("", "", "")))
        self.fields[name] = squeeze(item.text)
        field_name = "" if name == column.printed else name
        self._emit(index, item, "field_value", 0, column.field_name(field_name, *inherited))

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

    def _is_below_tree(self, items: list[Item]) -> bool:
        """Whether a line below the satisfaction indicators is none of them: a remark, an opinion, who signed and when."""
        name, value = squeeze(items[0].text), items[-1].text
        is_date = _DATE.match(squeeze(value)) is not None
        if _SATISFACTION.search(name) or (is_numeric_value(value, self.units) and not is_date):
            is_weight = len(items) == 2 and _BUDGET_EXECUTION.match(name) is not None
            return is_weight and self._is_left_of_satisfaction(items[0].column)
        if split_unit(items[0].text, self.units)[1] is not None:
            return False
        return self._is_left_of_satisfaction(items[0].column if not (is_date and _OFFICE.search(name)) else 0)

    def _is_left_of_satisfaction(self, column: int) -> bool:
        """Whether a cell stands left of every name under 满意度指标, which is the label in force."""
        places = [] if self.header.name_column is None else [self.header.name_column]
        for _, at, _, _, role, _, _, name in reversed(self.tokens):
            if role == "indicator":
                places.append(at)
            elif role in ("level1_label", "level2_label", "unknown_label"):
                is_satisfaction = (name or "").partition(":")[0] == "满意度指标"
                return is_satisfaction and bool(places) and column < min(places)
        return False

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
        if below[0].column > 1 or self.header.has_numbers or _kinds(below) & (LEVEL | HEADER | SPLITS):
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
                split = self._split_weak(item, items[at + 1 :])
            else:
                split = [item]
            if len(split) > 1 and split[0].kinds & LEVEL:
                parts.extend(split)
            else:
                parts.append(item)
        return parts

    def _split_weak(self, item: Item, behind: list[Item]) -> list[Item]:
        """数量 培训人数 ⇥ ≥3 is a label and its indicator; so are 数量 培训人数 ≥3 and 满意度 服务对象满意度指标."""
        split = self._parts(item, weak=True)
        if split[1].text.startswith(("(", "（")):
            return [item]
        tail = split[1]
        values = [cell.text for cell in behind if not (is_bracketed(cell.text) or is_comparator(cell.text))]
        is_row = (len(values) == 1 or (values and looks_like_value(values[0], self.units))) and len(tail.text) >= 4
        # What follows begins the next row, or there is nothing.
        is_last = not behind or behind[0].kinds & LEVEL
        if is_row or tail.kinds & LEVEL or (is_last and unglue(tail.text, self.units)):
            return split
        return [item]

    # -- the end of a table --------------------------------------------------------------------------------

    def close_table(self) -> None:
        """Pass on the tokens of a table (or the preamble), now that it is whole."""
        if self.deferred:
            tokens = [token_of(plain) for plain in self.tokens]
            self._place_deferred(tokens)
            self.read.extend(tokens)
        else:
            self.read.extend(self.tokens)
        self.tokens.clear()

    def _place_deferred(self, tokens: list[Token]) -> None:
        """Say what the cells without a label were."""
        values = set(self.fields.values())
        repeated_lines = set()
        for at in self.deferred:
            token = tokens[at]
            if squeeze(token.text) in values:
                tokens[at] = token._replace(role="repeated_header", name=None)
                repeated_lines.add(token.line)
            elif "budget_unit" not in self.fields and self._stands_before_project(tokens, at):
                self.fields["budget_unit"] = squeeze(token.text)
                tokens[at] = token._replace(role="field_value", name="budget_unit")
            elif self.table_no and not self.has_goal and len(token.text) >= 15:
                tokens[at] = token._replace(role="goal", name="annual")
            elif not self.table_no and not self.has_title:
                tokens[at] = token._replace(role="title", name=None)
                self.has_title = True
        if repeated_lines:
            self._mark_repeated(tokens, repeated_lines)
        self.deferred = []

    @staticmethod
    def _stands_before_project(tokens: list[Token], at: int) -> bool:
        """Whether a cell stands where a unit stands that has no label, directly before 项目名称."""
        if at + 1 >= len(tokens):
            return False
        behind = tokens[at + 1]
        return behind.line == tokens[at].line and behind.role == "field_label" and behind.name == "project_name"

    @staticmethod
    def _mark_repeated(tokens: list[Token], lines: set[int]) -> None:
        """The other cells of a stray line that repeats unit and project, where the proper line prints them too."""
        own = [at for at, token in enumerate(tokens) if token.line in lines]
        behind = tokens[own[0] :]
        elsewhere = {token.name for token in behind if token.role == "field_value" and token.line not in lines}
        for at in own:
            token = tokens[at]
            if token.role in ("field_label", "field_value") and token.name in elsewhere:
                tokens[at] = token._replace(role="repeated_header")
