"""The list at the head of a release: which cell of a row is the number, the unit, the project, the amount."""

import re

from kzz_pipeline.core.characters import squeeze, strip
from kzz_pipeline.core.fitting import fit
from kzz_pipeline.core.money import is_amount
from kzz_pipeline.core.tokens import Item

_ROLE_OF_COLUMN = {
    "listed_no": "listed_no",
    "department": "department",
    "implementing_unit": "implementing_unit",
    "project_name": "listed_project",
    "amount": "amount",
}
_SUBTOTALS = {"小计", "部门小计", "单位小计", "分项小计"}
_CHINESE_NUMBER = re.compile(r"^[(]?[一二三四五六七八九十]{1,3}[)、.]?$")
Columns = list[tuple[int, str]]
DEFAULT_COLUMNS: Columns = [
    (1, "listed_no"),
    (2, "department"),
    (3, "implementing_unit"),
    (4, "project_name"),
    (5, "amount"),
    (6, ""),
]


def is_list_header(items: list[Item]) -> bool:
    """Whether a line names the columns of the list: three or more of them, the amount or the number among them."""
    columns = {item.label.list_column for item in items if item.label and item.label.list_column}
    if len(columns) < 3 or columns.isdisjoint({"amount", "listed_no"}):
        return False
    return len(columns) >= len(items) - 1 or (
        2 * len(columns) > len(items) and not any(is_amount(item.text) for item in items)
    )


def header_columns(items: list[Item]) -> Columns:
    """Cell number and meaning of each column; one that has no known meaning goes by what its header prints."""
    columns: Columns = []
    for item in items:
        name = item.label.list_column if item.label else None
        taken = name is None or name in {known for _, known in columns}
        columns.append((item.column, strip(item.text) if taken or name is None else name))
    return columns


def is_list_row(items: list[Item]) -> bool:
    """Whether a line reads as a row of a list even where its header was lost: number, texts, amount, a remark."""
    return len(items) >= 4 and _is_number(items[0].text) and any(is_amount(item.text) for item in items[3:][-2:])


def _is_number(text: str) -> bool:
    digits = squeeze(text).rstrip(".")
    return digits.isascii() and digits.isdigit() and len(digits) <= 5


def is_subtotal(items: list[Item], columns: Columns) -> bool:
    """Whether a row adds up those of one department: 小计, or a Chinese number and no project."""
    if any(squeeze(item.text) in _SUBTOTALS for item in items[:2]):
        return True
    if not _CHINESE_NUMBER.match(squeeze(items[0].text)) or "listed_no" not in {name for _, name in columns}:
        return False
    return "listed_project" not in {role for role, _ in row_roles(items, columns)}


def total_roles(items: list[Item], columns: Columns) -> list[str]:
    """Roles of the cells of a total row: the label, the total of the amounts' column, totals of others, or unread."""
    own = next((column for column, name in columns if name == "amount"), 0)
    amounts = [item for item in items if is_amount(item.text) and not (item.label and item.label.total)]
    total = min(amounts, key=lambda item: abs(item.column - own), default=None)
    further = {column for column, name in columns if name not in _ROLE_OF_COLUMN}
    roles = []
    for item in items:
        if item.label and item.label.total and "total_label" not in roles:
            roles.append("total_label")
        else:
            is_other = item in amounts and item.column in further
            roles.append("total" if item is total else "subtotal" if is_other else "unread")
    return roles


def row_roles(items: list[Item], columns: Columns) -> list[tuple[str, str | None]]:
    """The role of each cell of a list row, by order where all columns are filled, else by kind and place.

    The name beside it is the printed header of a further column (role `list_field`), or why a cell is unread.
    """
    if len(items) == len(columns):
        chosen: list[int | None] = list(range(len(columns)))
    else:
        chosen = _fit(items, columns)
    roles: list[tuple[str, str | None]] = []
    for at in chosen:
        if at is None:
            roles.append(("unread", "no-such-column"))
        elif columns[at][1] in _ROLE_OF_COLUMN:
            roles.append((_ROLE_OF_COLUMN[columns[at][1]], None))
        else:
            roles.append(("list_field", columns[at][1]))
    return roles


def _fit(items: list[Item], columns: Columns) -> list[int | None]:
    """For each cell the column that suits it and lies nearest, keeping their order; None where none is left."""
    shift = 0
    for at, name in columns:
        if name == "listed_no" and _is_number(items[0].text):
            shift = items[0].column - at

    def misfit(cell: int, at: int) -> float:
        column, name = columns[at]
        return min(abs(items[cell].column - column - shift), 9) + _misfit(items[cell].text, name)

    return fit(len(items), len(columns), misfit, 100)[1]


def _misfit(text: str, column: str) -> int:
    match column:
        case "listed_no":
            return 0 if _is_number(text) else 60
        case "amount":
            return 0 if is_amount(text) else 60
        case "department" | "implementing_unit" | "project_name":
            return 30 if is_amount(text) else 0
        case _:
            return 1
