"""The list at the head of a release: which cell of a row is the number, the unit, the project, the amount."""

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.money import is_amount
from kzz_pipeline.core.tokens import Item

_ROLE_OF_COLUMN = {
    "listed_no": "listed_no",
    "department": "department",
    "implementing_unit": "implementing_unit",
    "project_name": "listed_project",
    "amount": "amount",
}
Columns = list[tuple[int, str]]
DEFAULT_COLUMNS: Columns = [
    (1, "listed_no"),
    (2, "department"),
    (3, "implementing_unit"),
    (4, "project_name"),
    (5, "amount"),
]


def is_list_header(items: list[Item]) -> bool:
    """Whether a line names the columns of the list: three or more of them, the amount or the number among them."""
    columns = {item.label.list_column for item in items if item.label and item.label.list_column}
    return len(columns) >= 3 and len(columns) >= len(items) - 1 and not columns.isdisjoint({"amount", "listed_no"})


def header_columns(items: list[Item]) -> Columns:
    """Cell number and meaning of each named column; a meaning named twice counts once."""
    columns: Columns = []
    for item in items:
        name = item.label.list_column if item.label else None
        if name and name not in {known for _, known in columns}:
            columns.append((item.column, name))
    return columns


def is_list_row(items: list[Item]) -> bool:
    """Whether a line reads as a row of a list even where its header was lost: number, texts, amount."""
    return len(items) >= 4 and _is_number(items[0].text) and is_amount(items[-1].text)


def _is_number(text: str) -> bool:
    digits = squeeze(text).rstrip(".")
    return digits.isascii() and digits.isdigit() and len(digits) <= 5


def total_roles(items: list[Item]) -> list[str]:
    """Roles of the cells of a total row: the label, its amount, whatever else stands there unread."""
    roles = []
    for item in items:
        if item.label and item.label.total and "total_label" not in roles:
            roles.append("total_label")
        elif is_amount(item.text) and "total" not in roles:
            roles.append("total")
        else:
            roles.append("unread")
    return roles


def row_roles(items: list[Item], columns: Columns) -> list[str]:
    """The role of each cell of a list row, by order where all columns are filled, else by kind and place."""
    names = [name for _, name in columns]
    if len(items) == len(names):
        return [_ROLE_OF_COLUMN.get(name, "list_field") for name in names]
    roles = ["unread"] * len(items)
    rest = list(range(len(items)))
    shift = 0
    if "listed_no" in names and _is_number(items[0].text):
        roles[0] = "listed_no"
        shift = items[0].column - next(at for at, name in columns if name == "listed_no")
        rest.pop(0)
    if "amount" in names and rest and is_amount(items[rest[-1]].text):
        roles[rest.pop()] = "amount"
    wanted = [(at + shift, name) for at, name in columns if name not in ("listed_no", "amount")]
    if rest and len(rest) <= len(wanted):
        for index, name in zip(rest, _nearest([items[i].column for i in rest], wanted), strict=True):
            roles[index] = _ROLE_OF_COLUMN.get(name, "list_field")
    elif rest:
        for index, (_, name) in zip(rest, wanted, strict=False):
            roles[index] = _ROLE_OF_COLUMN.get(name, "list_field")
    return roles


def _nearest(cells: list[int], wanted: Columns) -> list[str]:
    """The names of the columns that lie nearest to `cells`, kept in order."""
    best: dict[tuple[int, int], tuple[int, tuple[str, ...]]] = {}

    def solve(cell: int, column: int) -> tuple[int, tuple[str, ...]]:
        if cell == len(cells):
            return 0, ()
        if len(wanted) - column < len(cells) - cell:
            return 10**6, ()
        if (cell, column) not in best:
            skipped = solve(cell, column + 1)
            cost, names = solve(cell + 1, column + 1)
            taken = (cost + abs(cells[cell] - wanted[column][0]), (wanted[column][1], *names))
            best[cell, column] = min(taken, skipped, key=lambda found: found[0])
        return best[cell, column]

    return list(solve(0, 0)[1])
