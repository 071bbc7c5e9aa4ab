"""One table over many projects: columns of the unit, the project, its money and its goal stand before the levels.

Each project of it becomes a table of its own. A merged cell's text stands in the first of its rows, or in all.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from kzz_pipeline.core.characters import squeeze, strip
from kzz_pipeline.core.indicator_rows import TreeHeader, is_number_column
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.vocabulary import UNIT_FIELDS

PROJECT, UNIT_OR_PROJECT, NUMBER, PROJECT_GOAL = "project_name", "unit_or_project", "number", "goal"
# 单位名称、项目名称: a line of its own for the unit, and one for each of its projects below it.
_TWO_NAMES = re.compile(r"^[^、/和及]*(?:单位|部门)[^、/和及]*[、/和及(（]+[^、/和及]*项目[^、/和及]*$")


class ProjectColumn(NamedTuple):
    """A column before the levels: the field that its cells are, the unit of money in its header, and the header."""

    name: str
    unit: str | None
    printed: str

    def field_name(self, name: str, *inherited: str) -> str:
        """What a token of this column says of itself: its field, unit of money and header, and what it inherits."""
        return ":".join((name, self.unit or "", self.printed.replace(":", ""), *inherited))


@dataclass(slots=True)
class JointTable:
    """A table over many projects, and what its rows so far say of the unit and the project that they are of.

    `start` is the column of the first level, `unit` the line, column and text of the unit in force, `year` what is
    printed as the year of all.
    """

    columns: dict[int, ProjectColumn]
    start: int
    header: TreeHeader
    year: str | None = None
    unit: tuple[int, int, str] | None = None
    said: dict[str, str] = field(default_factory=dict)

    @property
    def has_lines_of_units(self) -> bool:
        return any(column.name == UNIT_OR_PROJECT for column in self.columns.values())

    def is_new(self, said: dict[str, str]) -> bool:
        """Whether cells of a row name another project, or another unit, than the rows before."""
        return any(self.said.get(name) != text for name, text in said.items() if name in UNIT_FIELDS or name == PROJECT)

    def begin(self, said: dict[str, str]) -> None:
        """Go on to the project that these cells name, of the unit in force where they name none."""
        kept = {
            name: text
            for name, text in self.said.items()
            if name in UNIT_FIELDS and said.keys().isdisjoint(UNIT_FIELDS)
        }
        self.said = kept | said


def project_columns(front: list[Item]) -> dict[int, ProjectColumn] | None:
    """The columns before the levels of a header line; None where none of them names a project."""
    columns = {
        item.column: ProjectColumn(_field(item), item.label.unit if item.label else None, strip(item.text))
        for item in front
    }
    names = {column.name for column in columns.values()}
    return columns if PROJECT in names or UNIT_OR_PROJECT in names else None


def _field(item: Item) -> str:
    label = item.label
    if label is None:
        return UNIT_OR_PROJECT if _TWO_NAMES.match(squeeze(item.text)) else ""
    if is_number_column(item):
        return NUMBER
    if label.goal:
        return PROJECT_GOAL if label.goal != "long_term" else "long_term_goal"
    if label.field:
        return label.field
    return "total_funds" if label.list_column == "amount" else label.list_column or ""
