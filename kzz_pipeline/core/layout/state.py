"""What is known of the release and of the table that is read, and its tokens, until the table is whole.

A table is opened and closed here, and tokens are added; which tokens is for the modules that read its zones.
"""

import re

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.indicator_rows import PLAIN_HEADER, TreeHeader
from kzz_pipeline.core.joint_table import JointTable
from kzz_pipeline.core.layout.cells import Cells
from kzz_pipeline.core.listing import Columns
from kzz_pipeline.core.tokens import Item, Plain, Token, Tokens, token_of
from kzz_pipeline.core.units import Units
from kzz_pipeline.core.vocabulary import BRACKET, UNIT_FIELDS, WHOLE, Label, Vocabulary, bracketed_unit

# What a project may be called: three characters or more, no number and no code.
_MAY_BE_NAME = re.compile(r"^(?=.*[\u4e00-\u9fff]{2})[^()\[\]].{2,60}$")


class State(Cells):
    """The state of one reading; `tokens` are those since the table began, `read` those before."""

    def __init__(self, document: Document, vocabulary: Vocabulary, units: Units) -> None:
        super().__init__(document, vocabulary, units)
        self.read = Tokens()
        self.tokens: list[Plain] = []
        self.table_no = 0
        self.zone = "preamble"
        self.listed = 0
        # The units and the projects that the list names, without white space.
        self.listed_units: set[str] = set()
        self.listed_projects: set[str] = set()
        # Of the list that is read: which one it is, from 0, its columns, its rows so far, whether its total was read,
        # and the year that its title (the release's) or a line above it prints.
        self.list_no = 0
        self.columns: Columns = []
        self.list_rows = 0
        self.has_total = False
        self.list_year: str | None = None
        self.has_title = False
        # The line above is of the table of contents.
        self.has_contents = False
        self.has_money_unit = False
        # Lines of headers and what they say: most forms print the same ones in every table.
        self.known_headers: dict[str, tuple[list[Item], TreeHeader, list[str]]] = {}
        self.joint: JointTable | None = None
        # A line that was read with the one before it.
        self.joined = -1
        # Lines above this one print the header of the table again.
        self.repeated_to = 0
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

    # What inherited classes call and a later one defines; everything else is called by what inherits it.

    def read_line(self, index: int, items: list[Item]) -> None:
        """Read a line, or a part of one, as whatever it is where it stands (reader.py)."""
        raise NotImplementedError

    def _read_fields(self, index: int, items: list[Item]) -> None:
        """Read a line of labels and values (header.py)."""
        raise NotImplementedError

    def _begins_joint_table(self, index: int, items: list[Item]) -> bool:
        """Read a header line of a table over many projects, if it is one (joint.py)."""
        raise NotImplementedError

    def _open_table(self) -> None:
        self.close_table()
        self.table_no += 1
        self.zone = "header"
        self._begin_table_state()

    def _begin_list(self) -> None:
        """What is read from here on is of a further list, with a unit of money, a total and numbers of its own."""
        self.list_no += 1
        self.zone, self.list_rows, self.has_total, self.list_year = "preamble", 0, False, None

    # -- tokens --------------------------------------------------------------------------------------------

    def _emit(self, index: int, item: Item, role: str, item_no: int = 0, name: str | None = None) -> None:
        self.tokens.append((index + 1, item.column, item.part, item.text, role, self.table_no, item_no, name))

    def _emit_field_label(self, index: int, item: Item, label: Label, name: str) -> None:
        self.field_no += 1
        self._emit(index, item, "field_label", self.field_no, f"{name}:{label.unit}" if label.unit else name)

    def _defer(self, index: int, item: Item) -> None:
        """Keep a cell without a label until its table is whole: it may repeat what is printed further down."""
        self.deferred.append(len(self.tokens))
        self._emit(index, item, "unread", 0, "stray")

    def _read_unlabelled(self, index: int, item: Item) -> None:
        """A cell without a label: a unit of money in a bracket, or kept until its table is whole."""
        unit = bracketed_unit(item.text) if item.kinds & BRACKET else None
        if unit is None:
            self._defer(index, item)
        else:
            self._emit(index, item, "money_unit", 0, unit)

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
            elif (name := self._lost_name(tokens, at)) is not None:
                self.fields[name] = squeeze(token.text)
                tokens[at] = token._replace(role="field_value", name=name)
            elif self.table_no and not self.has_goal and len(token.text) >= 15:
                tokens[at] = token._replace(role="goal", name="annual")
            elif not self.table_no and not self.has_title:
                tokens[at] = token._replace(role="title", name=None)
                self.has_title = True
        if repeated_lines:
            self._mark_repeated(tokens, repeated_lines)
        self.deferred = []

    def _lost_name(self, tokens: list[Token], at: int) -> str | None:
        """Whether a cell without a label is the table's unit or its project: as the list has it, or by where it stands."""
        text = squeeze(tokens[at].text)
        before, behind = _beside(tokens, at, -1), _beside(tokens, at, 1)
        if (
            "budget_unit" not in self.fields
            and behind
            and (behind.role, behind.name) == ("field_label", "project_name")
        ):
            return "budget_unit"
        if text in self.listed_units and self.table_no and self.fields.keys().isdisjoint(UNIT_FIELDS):
            return "budget_unit"
        if "project_name" in self.fields or not self.table_no:
            return None
        if text in self.listed_projects:
            return "project_name"
        is_behind_unit = before is not None and before.role == "field_value" and before.name in UNIT_FIELDS
        is_whole = any(token.role == "table_title" and WHOLE in squeeze(token.text) for token in tokens)
        return "project_name" if is_behind_unit and not (behind or is_whole) and _MAY_BE_NAME.match(text) else None

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


def _beside(tokens: list[Token], at: int, step: int) -> Token | None:
    """The token before or behind another on its line."""
    near = at + step
    return tokens[near] if 0 <= near < len(tokens) and tokens[near].line == tokens[at].line else None
