"""Money: figures that a release prints twice and that should agree."""

import re
from collections.abc import Iterator
from decimal import Decimal

from kzz_pipeline.core.characters import fold, squeeze, strip
from kzz_pipeline.core.money import is_amount, money_unit_of, read_amount
from kzz_pipeline.core.rules.model import Chunk, Hit, Listed, Release, Row, Table, chunk_rule, rule, table_rule, yuan
from kzz_pipeline.core.vocabulary import declared_unit, says_unit

_GOAL_AMOUNT = re.compile(r"(?<![\d.])(\d[\d,]*(?:\.\d+)?)\s*(亿元|万元|元)(?![/每])")
_CLAUSE_END = re.compile(r"[。；;，,!！?？\n]")
_SENTENCE_END = re.compile(r"[。；;!！?？\n]")
# Before an amount, in its clause: it is the project's money, or it is none of it.
_OF_THE_PROJECT = re.compile(r"资金|投入|安排|预算|经费|投资|使用|拨款|支出|总额|申请")
_OF_THE_WHOLE = re.compile(r"项目(?:总?资金|总?预算|总?投资|总?经费|总额)|总(?:投资|预算|额|经费)")
_OF_OTHERS = re.compile(
    r"收入|带动|拉动|撬动|实现|创收|产值|增收|增加|增长|销售|税|贷款|融资|债|引进|招商|招引|节约|节省|挽回|减免|规模|累计|"
    r"上年|去年|往年|每|均(?!衡)|标准(?!化)|单价|罚|奖|收益|利润|交易|损失|捐|争取|吸引|社会资本|企业"
)
# A part of the money is named so, or is followed at once by what it is for.
_PART = re.compile(r"其中|分别")
_FOR_A_PURPOSE = re.compile(r"(?:专项|全部)?(?:用于|用来|用作|购|支付|开展|建设|发放|作为|补助|采购|支持|解决)")
# A misplaced decimal point shows as a power of ten, give or take the digits that were cut off.
_POWERS = (Decimal("0.01"), Decimal("0.1"), Decimal(10), Decimal(100))
_CUT_OFF = Decimal("0.002")
# Sources that some forms print as parts of another one and some beside it.
_PERHAPS_PARTS = {"central_funds", "regional_funds", "local_funds", "upper_funds"}
_PARTS_OF_FISCAL = {"general_public_budget", "government_fund_budget", "state_capital_budget"}
# What heads a column of amounts of whatever year or kind.
_MONEY = re.compile(r"资金|金额|预算|经费|投资|拨款|[款费额元]$|合计")
_SPLITS = {"fiscal_funds", "other_funds", "general_public_budget"}
_TOTALS = {"total_funds", "whole_period_funds", "project_funds"}
_EXPENDITURE = {"basic_expenditure", "project_expenditure"}
_NOTHING = {"", "-", "--", "/", "无"}
_PRINTED_AMOUNT = ("source_line", "source_column", "amount_printed")
# Cells whose name is the unit of money that they declare.
_DECLARES = {"title", "money_unit", "list_header"}
# Costs by these names are no share of the total, though their unit is plain 元: rates, and what is saved.
_RATE_OR_SAVING = re.compile(
    r"标准(?!化)|单价|均价|平均|[人户亩次日月年台件套]均(?!衡)|每|单位成本|节约|节省|降低|减少|压减"
)


def _listed_name(row: Row) -> str:
    """How a message names the project of a row of the list."""
    return row["project_name"] or "project without name"


@rule(
    "listed-total", "warning", "The list's total is not the sum of its rows",
    "Either a row or the total is misprinted, or a row is missing.",
    "Add up the list in the printed document and ask the bureau which figure holds.",
)  # fmt: skip
def listed_total(release: Release) -> Iterator[Hit]:
    printed = [total for rows in release.lists if (total := rows[0]["list_total_cny"]) is not None]
    whole = sum((amount for amount in release.listed.columns["amount_cny"] if amount is not None), Decimal(0))
    for rows in release.lists:
        total = rows[0]["list_total_cny"]
        amounts = [amount for amount in rows.columns["amount_cny"] if amount is not None]
        # The only total of several lists may be that of all of them.
        if total is not None and amounts and sum(amounts) != total and printed != [whole]:
            line, column = release.total_cells[rows[0]["list_no"]]
            message = f"the list's 合计 is {yuan(total)}, its {len(amounts)} rows add up to {yuan(sum(amounts))}"
            yield Hit(message, line, column, str(sum(amounts)), str(total))
        elif total is None and amounts and printed and release.row["listed_total_cny"] is None:
            message = f"the list of {len(rows)} row(s) prints no 合计, as another does: there is none of the release"
            yield Hit(message, rows[0]["source_line"], rows[0]["source_column"], str(sum(amounts)), None)


@rule(
    "list-amounts-unread", "warning", "The amounts of the list were not read",
    "No column could be told to be the list's own; the list has neither amounts nor a total.",
    "See kzz explain; add the heading of the column to labels.yml, under amount.",
)  # fmt: skip
def list_amounts_unread(release: Release) -> Iterator[Hit]:
    if not release.listed or any(release.listed.columns["amount_printed"]):
        return
    for token in (token for chunk in release.chunks for token in chunk.tokens("list_field")):
        if is_amount(token.text) and _MONEY.search(squeeze(token.name or "")):
            message = f"the list prints amounts such as {strip(token.text)} under {token.name}, and none was read"
            yield Hit(message, token.line, token.column, "a column of amounts", strip(token.text))
            return


@table_rule(
    "listed-amount", "warning", "A project is listed at another amount than its table's total",
    "The budget and the performance table speak of different money.",
    "Ask the unit which figure was approved; digits are often swapped.",
)  # fmt: skip
def listed_amount(table: Table, release: Release) -> Iterator[Hit]:
    listed, total = table.row["listed_amount_cny"], table.row["total_funds_cny"]
    row = release.listed_for(table)
    if row is not None and listed is not None and total is not None and listed != total:
        message = (
            f"{table.name} is listed at {yuan(listed)} (line {row['source_line']}), "
            f"its table's 年度资金总额 is {yuan(total)}"
        )
        yield Hit(message, *table.cell("total_funds"), str(listed), str(total), table.row)


@table_rule(
    "funds-do-not-add-up", "warning", "Total funds are not the sum of their parts",
    "One of 年度资金总额, 财政拨款 and 其他资金 is misprinted, or a source of money is missing.",
    "Ask the unit; the published figures are as printed.",
)  # fmt: skip
def funds_do_not_add_up(table: Table, release: Release) -> Iterator[Hit]:
    total = table.row["total_funds_cny"]
    parts = _parts(table)
    if total is None or not _SPLITS & {found["field"] for found in parts}:
        return
    if _is_unread(table) or _is_printed_empty(table, "total_funds") or _adds_up(total, parts, table.row):
        return
    within = _within(table.row)
    beside = [found for found in parts if found["field"] not in within]
    top = sum((found["amount_cny"] for found in beside), Decimal(0))
    message = f"{table.name}: 年度资金总额 {yuan(total)} is not {_as_sum(beside)}"
    yield Hit(message, *table.cell("total_funds"), str(top), str(total), table.row)


def _parts(table: Table) -> list[Row]:
    """The amounts of a table that say where its money comes from."""
    return [found for found in table.money if found["field"] not in _TOTALS | _EXPENDITURE and not _of_period(found)]


def _adds_up(total: Decimal, parts: list[Row], row: Row) -> bool:
    """Whether the parts come to the total, whichever of them are parts of other parts."""
    # A form with columns for the year and for the whole period prints each part twice.
    fiscal = [found["amount_cny"] for found in parts if found["field"] == "fiscal_funds"]
    other = [found["amount_cny"] for found in parts if found["field"] == "other_funds"]
    if any(total == one + another for one in fiscal for another in other or [Decimal(0)]):
        return True
    perhaps = _within(row) | _PERHAPS_PARTS
    sums = {sum((found["amount_cny"] for found in parts if found["field"] not in perhaps), Decimal(0))}
    # Each may count or not: a table prints a few, and what prints more is not worth the sums of them all.
    for found in [found for found in parts if found["field"] in perhaps][:12]:
        sums |= {amount + found["amount_cny"] for amount in sums}
    return total in sums


def _within(row: Row) -> set[str]:
    """The fields that are parts of 财政拨款 where it is printed."""
    return _PERHAPS_PARTS | _PARTS_OF_FISCAL if row["fiscal_funds_cny"] is not None else set()


def _as_sum(parts: list[Row]) -> str:
    named = " + ".join(yuan(found["amount_cny"]) for found in parts)
    total = sum((found["amount_cny"] for found in parts), Decimal(0))
    return f"{named} = {yuan(total)}" if len(parts) > 1 else f"{named}, the only part printed"


def _is_unread(table: Table) -> bool:
    """Whether an amount of the table is printed and could not be read; a stroke stands for nothing."""
    printed = ((table.row[f"{name}_printed"], table.row[f"{name}_cny"]) for name in ("fiscal_funds", "other_funds"))
    return any(text and amount is None and squeeze(text) not in _NOTHING for text, amount in printed)


def _is_printed_empty(table: Table, name: str) -> bool:
    """Whether the label of a field is printed and no value beside it; 年度预算申请 ⇥ 资金总额 heads the one that has it."""
    labels = [(token.line, token.column, (token.name or "").partition(":")[0]) for token in table.tokens("field_label")]
    heads = {(line, column - 1) for line, column, of in labels if of in _TOTALS}
    return name not in table.fields and any(of == name and (line, at) not in heads for line, at, of in labels)


def _of_period(found: Row) -> bool:
    return (found["field"] or "").startswith("whole_period")


@table_rule(
    "total-without-amount", "warning", "年度资金总额 is printed without an amount",
    "The parts of the money are printed and not their total, which is missing from every sum.",
    "Ask the unit for the total; correct the cell in corrections.yml.",
)  # fmt: skip
def total_without_amount(table: Table, release: Release) -> Iterator[Hit]:
    parts = _parts(table)
    if not parts or not _is_printed_empty(table, "total_funds"):
        return
    label = next(t for t in table.tokens("field_label") if (t.name or "").startswith("total_funds"))
    named = " + ".join(yuan(found["amount_cny"]) for found in parts)
    message = f"{table.name} prints no amount behind {strip(label.text)}, its parts are {named}"
    yield Hit(message, label.line, label.column, "an amount", None, table.row)


@table_rule(
    "cost-indicators", "warning", "The cost indicators do not add up to the total",
    "Part of the money is not accounted for by any cost indicator, or more is spent than there is.",
    "Ask the unit for the missing cost indicators, or for the figure that is wrong.",
)  # fmt: skip
def cost_indicators(table: Table, release: Release) -> Iterator[Hit]:
    total = table.row["total_funds_cny"]
    costs = [row for row in table.indicators if row["level2"] == "成本指标" and row["target_period"] == "annual"]
    absolute = [row for row in costs if _is_share_of_total(row)]
    if total is None or not absolute:
        return
    spent = sum((Decimal(repr(row["base_value"])) for row in absolute), Decimal(0))
    # Rates beside them (元/人, 单价) stand for money too: only too much is certain then.
    if spent == total or (len(absolute) < len(costs) and spent < total):
        return
    message = f"{table.name}: {len(absolute)} cost indicator(s) come to {yuan(spent)}, 年度资金总额 is {yuan(total)}"
    last = absolute[-1]
    yield Hit(message, last["source_line"], last["source_column"], str(total), str(spent), table.row)


def _is_share_of_total(row: Row) -> bool:
    is_money = row["base_unit"] == "元" and row["base_value"] is not None
    return is_money and not _RATE_OR_SAVING.search(squeeze(row["indicator_name"]))


@table_rule(
    "goal-amount", "warning", "The goal names an amount that contradicts the total",
    "A decimal point was misplaced in the goal or in the table.",
    "Compare with the project's documents; the published figure is the table's.",
)  # fmt: skip
def goal_amount(table: Table, release: Release) -> Iterator[Hit]:
    total = table.row["total_funds_cny"]
    if not total or not table.row["annual_goal"]:
        return
    # What the table prints itself, such as the money of the whole period, contradicts nothing.
    printed = {found["amount_cny"] for found in table.money}
    named = [
        (token, amount, text, is_part)
        for token in table.tokens("goal")
        for amount, text, is_part in _own_amounts(fold(token.text))
    ]
    amounts = [amount for _, amount, _, _ in named]
    is_split = total in amounts or sum(amounts) == total
    for token, amount, text, is_part in named:
        is_wrong = amount > total or (_is_shifted(amount, total) and not is_part and not is_split)
        if is_wrong and amount not in printed:
            message = f"the goal of {table.name} says {text}, its 年度资金总额 is {yuan(total)}"
            yield Hit(message, token.line, token.column, str(total), str(amount), table.row)


def _own_amounts(goal: str) -> Iterator[tuple[Decimal, str, bool]]:
    """The amounts that a goal ties to the project's money, as printed, and whether each is named as a part of it."""
    for match in _GOAL_AMOUNT.finditer(goal):
        before, behind = goal[: match.start()], goal[match.end() :]
        clause, sentence = _CLAUSE_END.split(before)[-1], _SENTENCE_END.split(before)[-1]
        amount = read_amount(match[1].replace(",", "") + match[2], "元")
        if not amount or not _OF_THE_PROJECT.search(clause) or _OF_OTHERS.search(clause):
            continue
        has_purpose = _FOR_A_PURPOSE.match(behind) is not None
        has_purpose = has_purpose and ("投入" in clause or _OF_THE_WHOLE.search(clause) is None)
        yield amount, match[0], has_purpose or _PART.search(sentence) is not None


def _is_shifted(amount: Decimal, total: Decimal) -> bool:
    return any(abs(amount / (total * power) - 1) <= _CUT_OFF for power in _POWERS)


@rule(
    "listed-without-table", "error", "A listed project has no table",
    "Tables are missing: the file is most likely a half copy.",
    "Copy the whole release again; if the tables were never published, accept the finding in corrections.yml.",
)  # fmt: skip
def listed_without_table(release: Release) -> Iterator[Hit]:
    if not release.table_count:
        return  # a release of only a list (list-without-tables)
    for row in release.listed:
        if row["project_id"] is None:
            number = f"{row['listed_no']} " if row["listed_no"] is not None else ""
            unit = row["implementing_unit"] or row["department"] or "a unit without name"
            message = f"listed project {number}{_listed_name(row)} of {unit} has no table"
            yield Hit(message, row["source_line"], row["source_column"], "a table", "none")


@table_rule(
    "table-without-listing", "warning", "A table is not in the list",
    "The list and its total leave a project out.",
    "Ask the bureau whether the project was approved.",
)  # fmt: skip
def table_without_listing(table: Table, release: Release) -> Iterator[Hit]:
    if release.listed and release.listed_for(table) is None:
        message = f"{table.name} has a table, but the list does not name it"
        yield Hit(message, *table.cell("project_name"), "a row of the list", "none", table.row)


@rule(
    "listed-twice", "warning", "The list names a project twice",
    "Its money may be counted twice.",
    "Ask the bureau whether these are two projects.",
)  # fmt: skip
def listed_twice(release: Release) -> Iterator[Hit]:
    first: dict[tuple[int, str, str], Row] = {}
    for row in release.listed:
        unit = row["implementing_unit"] or row["department"]
        if unit and row["project_name"]:
            same = first.setdefault((row["list_no"], squeeze(unit), squeeze(row["project_name"])), row)
            if same is not row:
                message = f"{unit}'s {row['project_name']} is listed again, first on line {same['source_line']}"
                yield Hit(message, row["source_line"], row["source_column"], "one row", "two rows")


@rule(
    "listed-numbers", "warning", "The numbers of the list leave one out or repeat one",
    "A row was lost in copying, or one was printed twice.",
    "Compare with the printed document.",
)  # fmt: skip
def listed_numbers(release: Release) -> Iterator[Hit]:
    for rows in release.lists:
        if rows[0]["listed_no"] == 1:  # else codes, or none
            yield from _misnumbered(rows)


def _misnumbered(rows: Listed) -> Iterator[Hit]:
    last, blank = 0, 0
    for row in rows:
        number = row["listed_no"]
        if number is None:
            blank += 1
            continue
        # A row without a number may have one all the same; a further group begins again.
        if number not in (1, last + 1, last + 1 + blank) or (number == 1 == last):
            message = f"{_listed_name(row)} has number {number} in the list, behind number {last}"
            yield Hit(message, row["source_line"], row["source_column"], str(last + 1), str(number))
        last, blank = number, 0


@rule(
    "project-twice", "error", "The same unit's same project has two tables for one year",
    "Which of the two holds cannot be told, and everything would count twice.",
    "Take the table out that does not hold, or accept the finding in corrections.yml if these are two projects.",
)  # fmt: skip
def project_twice(release: Release) -> Iterator[Hit]:
    first: dict[tuple[str, str, int | None], int] = {}
    for table in release.tables():
        unit, project, year = (table.row[name] for name in ("budget_unit", "project_name", "fiscal_year"))
        if not unit or not project:
            continue
        line = table.row["first_line"]
        first_line = first.setdefault((unit, squeeze(project), year), line)
        if first_line != line:
            message = f"{table.name} has a second table for {year}, the first begins on line {first_line}"
            yield Hit(message, *table.cell("project_name"), "one table", "two tables", table.row)


@rule(
    "amount-unreadable", "warning", "An amount cannot be read",
    "The figure is missing from every sum.",
    "Read the printed document; correct the cell in corrections.yml.",
)  # fmt: skip
def amount_unreadable(release: Release) -> Iterator[Hit]:
    for row in release.listed:
        if row["amount_printed"] and row["amount_cny"] is None:
            message = f"the amount of {_listed_name(row)} is printed as {row['amount_printed']}, which is no amount"
            yield Hit(message, row["source_line"], row["source_column"], "an amount", row["amount_printed"])
    for table in release.tables():
        for name in ("total_funds", "fiscal_funds", "other_funds"):
            printed = table.row[f"{name}_printed"]
            if printed and table.row[f"{name}_cny"] is None:
                message = f"{name} of {table.name} is printed as {printed}, which is no amount"
                yield Hit(message, *table.cell(name), "an amount", printed, table.row)


@rule(
    "money-unit-below", "warning", "An amount is printed above the first unit of money",
    "Its unit is taken from further down, where it may be meant for another table only.",
    "Compare with the printed document; if it is another unit, print it behind the amounts in corrections.yml.",
)  # fmt: skip
def money_unit_below(release: Release) -> Iterator[Hit]:
    amounts = list(zip(*(release.listed.columns[name] for name in _PRINTED_AMOUNT), strict=True))
    units = [line for line, _, text in amounts if money_unit_of(text or "")]
    for chunk in release.chunks:
        columns = (chunk.fields[name] for name in ("source_line", "source_column", "value_printed", "amount_cny"))
        own = [(line, column, text) for line, column, text, amount in zip(*columns, strict=True) if amount]
        amounts += own
        printed = [*(line for line, _, text in own if money_unit_of(text)), *_lines_with_a_unit(chunk)]
        if printed:
            units += printed
            break
    below = min(units, default=0)
    above = [found for found in amounts if found[0] < below and found[2]]
    if above:
        line, column, text = min(above)
        unit = release.row["money_unit"]
        message = f"{len(above)} amount(s), the first of them {text}, are taken to be in {unit}, which line {below} prints first"
        yield Hit(message, line, column, "a unit of money above", unit)


@chunk_rule(
    "money-unit-unread", "error", "A unit of money is printed and was not understood",
    "The amounts below it would be published in another unit, most likely wrong by a factor of 10,000.",
    "Print the unit behind the amounts in corrections.yml, or accept the finding if the unit above it holds.",
)  # fmt: skip
def money_unit_unread(chunk: Chunk, release: Release) -> Iterator[Hit]:
    for token in chunk.tokens("unread"):
        # One that is understood, and the same that is in force, changes nothing.
        if "单位" in token.text and says_unit(token.text) and declared_unit(token.text) != release.row["money_unit"]:
            message = f"{strip(token.text)} says a unit of money, and it is not known which"
            yield Hit(message, token.line, token.column, "单位：万元", strip(token.text), chunk.project_of(token))


def _lines_with_a_unit(chunk: Chunk) -> Iterator[int]:
    """The first line on which a label or a line of its own says the unit of money."""
    for line, _, _, _, role, _, _, name in chunk.cells.plain():
        if name and (role in _DECLARES or (role in ("table_title", "field_label") and ":" in name)):
            yield line
            return


@rule(
    "negative-amount", "warning", "An amount is negative",
    "Funds are not negative; a dash before a figure may be a misprint.",
    "Ask the unit; the published figure is as printed.",
)  # fmt: skip
def negative_amount(release: Release) -> Iterator[Hit]:
    for row in release.listed:
        if row["amount_cny"] is not None and row["amount_cny"] < 0:
            message = f"{_listed_name(row)} is listed at {yuan(row['amount_cny'])}"
            yield Hit(message, row["source_line"], row["source_column"], "0 or more", row["amount_printed"])
    for chunk in release.chunks:
        if not any(amount is not None and amount < 0 for amount in chunk.fields["amount_cny"]):
            continue
        for table in chunk.tables():
            for found in table.money:
                if found["amount_cny"] < 0:
                    message = f"{found['label_printed']} of {table.name} is {yuan(found['amount_cny'])}"
                    place = found["source_line"], found["source_column"]
                    yield Hit(message, *place, "0 or more", found["value_printed"], table.row)
