"""The list at the head of a release: which cell of a row is the number, the unit, the project, the amount."""

import re
from collections.abc import Iterable

from kzz_pipeline.core.characters import squeeze, strip
from kzz_pipeline.core.fitting import fit
from kzz_pipeline.core.money import is_amount
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.vocabulary import THIS_YEAR, TOTAL, YEAR

_ROLE_OF_COLUMN = {
    "listed_no": "listed_no",
    "department": "department",
    "implementing_unit": "implementing_unit",
    "project_name": "listed_project",
    "amount": "amount",
}
# What heads a column of amounts, unless it is another year's or says of what kind they are.
_MONEY_COLUMN = re.compile(r"资金|金额|预算|经费|投资|拨款|[款费额元]$|合计|总计|[(\[][万亿]?元[)\]]$")
_OF_OTHER_MONEY = re.compile(r"上年|去年|前年|往年|执行|决算|结转|增减|增长|累计|来源|科目|编码|性质|类|单位|个数|比")
_YEAR_NAMED = re.compile(r"(?:19|20)\d\d(?=年)", re.ASCII)
_GAP = re.compile(r"(?<=\S)(?:\s*[:：]\s*|\s+)(?=\S)")
_YEAR_ALONE = re.compile(r"(?:19|20)\d\d", re.ASCII)
_NUMERALS = "零一二三四五六七八九"
_SUBTOTALS = {"小计", "部门小计", "单位小计", "分项小计"}
_CHINESE_NUMBER = re.compile(r"^[(]?([一二三四五六七八九十]{1,3})[)、.]{0,2}$")
_NUMBER = re.compile(r"^[(\[]?(\d{1,9})[)\]]?[、.]?$", re.ASCII)
Columns = list[tuple[int, str]]
DEFAULT_COLUMNS: Columns = [
    (1, "listed_no"),
    (2, "department"),
    (3, "implementing_unit"),
    (4, "project_name"),
    (5, "amount"),
    (6, ""),
]


def header_end(items: list[Item]) -> int:
    """How many cells of a line name the columns of the list; 0 if it names none.

    Three or more columns are known, the amount or the number among them. The total or the first row may be glued
    behind them.
    """
    columns = {item.label.list_column for item in items if item.label and item.label.list_column}
    if len(columns) < 3 or columns.isdisjoint({"amount", "listed_no"}):
        return 0
    if "listed_no" not in columns and _has_values(items):
        return 0
    end = len(items)
    for at, item in enumerate(items):
        if at >= 3 and (is_amount(item.text) and not item.kinds & YEAR):
            is_total = any(before.kinds & TOTAL for before in items[3:at])
            end = next(before for before in range(3, at) if items[before].kinds & TOTAL) if is_total else at
            break
    if any(item.kinds & TOTAL for item in items[3:end]):
        columns.add("amount")  # 合计 ⇥ 财政拨款 ⇥ 其他资金
    if end < len(items):
        return end if "listed_no" in columns and len(columns) >= end - 1 else 0
    return end if len(columns) >= end - 1 or 2 * len(columns) > end else 0


def _has_values(items: list[Item]) -> bool:
    """Whether a cell that names no column stands between those that do: 预算单位 ⇥ 某局 ⇥ 项目名称 ⇥ 项目经费."""
    known = [at for at, item in enumerate(items) if item.label and item.label.list_column]
    return known[-1] - known[0] >= len(known)


def is_list_header(items: list[Item]) -> bool:
    """Whether a line names the columns of the list."""
    return header_end(items) > 0


def header_columns(items: list[Item], year: str | None = None, rows: Iterable[list[Item]] = ()) -> Columns:
    """Cell number and meaning of each column; one that has no known meaning goes by what its header prints.

    Of several columns of amounts that of `year` or of 本年 is the list's. `rows` are the first lines below: they say
    whether the one column that is headed as money holds amounts, where none has a known heading.
    """
    columns: Columns = []
    amount = _amount_column(items, year) or _amount_column_by_rows(items, year, list(rows))
    for item in items:
        name = item.label.list_column if item.label else None
        taken = name is None or name in {known for _, known in columns} or (name == "amount" and item is not amount)
        columns.append((item.column, "amount" if item is amount else strip(item.text) if taken or not name else name))
    return columns


def _amount_column(items: list[Item], year: str | None) -> Item | None:
    """The column of the list's own amounts, by what it is called."""
    amounts = [item for item in items if item.label and item.label.list_column == "amount"]
    dated = {item.column: item.label.year for item in amounts if item.label}
    own = [item for item in amounts if dated[item.column] in (*THIS_YEAR, year or THIS_YEAR[0])]
    undated = [item for item in amounts if dated[item.column] is None]
    alone = amounts if len(amounts) == 1 and year is None else []
    return next(iter((*own, *undated, *alone)), None)


def _amount_column_by_rows(items: list[Item], year: str | None, rows: list[list[Item]]) -> Item | None:
    """The only column without a known heading that is headed as money and holds amounts; 合计 goes before its parts."""
    found = []
    for item in items:
        name = item.label.list_column if item.label else None
        years = _YEAR_NAMED.findall(squeeze(item.text))
        if name is not None or not names_money(item.text) or any(other != year for other in years):
            continue
        cells = [cell.text for row in rows for cell in row if cell.column == item.column]
        if cells and all(map(is_amount, cells)):
            found.append(item)
    totals = [item for item in found if item.kinds & TOTAL]
    found = totals or found
    return found[0] if len(found) == 1 else None


def names_money(heading: str) -> bool:
    """Whether the heading of a column is that of amounts for the year."""
    text = squeeze(heading)
    return _MONEY_COLUMN.search(text) is not None and _OF_OTHER_MONEY.search(text) is None


def is_list_row(items: list[Item]) -> bool:
    """Whether a line reads as a row of a list even where its header was lost: number, texts, amount, a remark."""
    return len(items) >= 4 and _is_number(items[0].text) and any(is_amount(item.text) for item in items[3:][-2:])


def number_of(printed: str) -> int | None:
    """The number of a row: 2, 2., （2）, 二 or （二）; None where it is a code or none."""
    text = squeeze(printed)
    if match := _NUMBER.match(text):
        return int(match[1])
    numeral = _CHINESE_NUMBER.match(text)
    return _spelled(numeral[1]) if numeral else None


def _spelled(numeral: str) -> int | None:
    """A number below a hundred in Chinese: 三, 十, 十二, 二十一; None where the signs make none."""
    tens, ten, ones = numeral.rpartition("十")
    if len(tens) > 1 or len(ones) > 1 or "十" in tens:
        return None
    return (_NUMERALS.index(tens) if tens else 1) * 10 * bool(ten) + (_NUMERALS.index(ones) if ones else 0)


def _is_number(text: str) -> bool:
    digits = squeeze(text).rstrip(".")
    return digits.isascii() and digits.isdigit() and len(digits) <= 5


def _is_any_number(text: str) -> bool:
    number = number_of(text)
    return number is not None and number < 100_000


def is_subtotal(items: list[Item], columns: Columns) -> bool:
    """Whether a row adds up others or says what a sum is made of: 小计, a Chinese number and no project, 其中."""
    first = squeeze(items[0].text)
    if any(squeeze(item.text) in _SUBTOTALS for item in items[:2]) or first.startswith(("其中:", "其中,")):
        return True
    if items[0].label and items[0].label.money and items[0].label.field:
        # 财政拨款 below 其中, where the numbers stand.
        return items[0].column < next((column for column, name in columns if name == "project_name"), 0)
    is_numbered = _CHINESE_NUMBER.match(first) and "listed_no" in {name for _, name in columns}
    if not is_numbered and not any(squeeze(item.text).endswith(("小计", "小计)")) for item in items[:2]):
        return False
    return "listed_project" not in {role for role, _ in row_roles(items, columns)}


def parted_from_amount(text: str) -> tuple[str, str] | None:
    """What one cell prints before an amount that was pushed into it, and the amount: 校园安保经费 10, 合计 30.

    None where there is none: a year belongs to the name before it (高标准农田 2020), a torn number is two.
    """
    for gap in _GAP.finditer(text):
        name, amount = text[: gap.start()], text[gap.end() :]
        if is_amount(amount):
            last = squeeze(_GAP.split(name)[-1])
            is_torn = is_amount(last) and not _YEAR_ALONE.fullmatch(last)
            return None if is_torn or _YEAR_ALONE.fullmatch(squeeze(amount)) else (name, amount)
    return None


def total_roles(items: list[Item], columns: Columns) -> list[str]:
    """Roles of the cells of a total row: the label, the total of the amounts' column, totals of others, or unread."""
    own = next((column for column, name in columns if name == "amount"), None)
    amounts = [item for item in items if is_amount(item.text) and not (item.label and item.label.total)]
    total = min(amounts, key=lambda item: abs(item.column - (own or 0)), default=None)
    further = {column for column, name in columns if name not in _ROLE_OF_COLUMN}
    if columns and own is None and (len(amounts) > 1 or further.intersection(item.column for item in amounts)):
        total = None  # the only amount, under no heading, is the list's: its heading was lost
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
        if name == "listed_no" and _is_any_number(items[0].text):
            shift = items[0].column - at

    def misfit(cell: int, at: int) -> float:
        column, name = columns[at]
        return min(abs(items[cell].column - column - shift), 9) + _misfit(items[cell].text, name)

    return fit(len(items), len(columns), misfit, 100)[1]


def _misfit(text: str, column: str) -> int:
    match column:
        case "listed_no":
            return 0 if _is_any_number(text) else 60
        case "amount":
            return 0 if is_amount(text) else 60
        case "department" | "implementing_unit" | "project_name":
            return 30 if is_amount(text) else 0
        case _:
            return 1
