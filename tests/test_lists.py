"""The lists of a release: several of them, each by itself; amounts and totals that were pushed into other cells."""

from decimal import Decimal
from typing import Any

import pytest
from release_text import Table, Text, findings
from soundness import assert_valid, rows

from kzz_pipeline.core.listing import number_of, parted_from_amount

HEADER = "序号\t部门单位\t项目实施单位\t项目名称\t申请预算金额"
OF_2020 = (
    f"2020年甲县重点项目绩效目标\n单位：万元\n{HEADER}\n合计\t\t\t\t30\n"
    "1\t甲县教育局\t甲县教育局\t教师培训经费\t10\n2\t甲县水利局\t甲县水利局\t水渠维修费\t20\n"
)
OF_2021 = f"2021年甲县重点项目绩效目标\n单位：元\n{HEADER}\n合计\t\t\t\t150000\n1\t甲县教育局\t甲县教育局\t教师培训经费\t150000\n"
TABLES = [
    Table(),
    Table(unit="甲县水利局", project="水渠维修费", total="20", fiscal="20", goal="用于维修本县的灌溉水渠。"),
    Table(year="(2021年)", total="15", fiscal="15"),
]
TWO_LISTS = {
    "one behind the other": (OF_2020, OF_2021, *TABLES),
    "the second between the tables": (OF_2020, *TABLES[:2], OF_2021.partition("\n")[2], TABLES[2]),
    "totals last": (
        OF_2020.replace("合计\t\t\t\t30\n", "") + "合计\t\t\t\t30\n",
        OF_2021.replace("合计\t\t\t\t150000\n", "") + "合计\t\t\t\t150000\n",
        *TABLES,
    ),
    "the unit in the header": (OF_2020, OF_2021.replace("单位：元\n", "").replace("金额", "金额（元）"), *TABLES),
    "titled as tables are": (OF_2020, OF_2021.replace("重点项目绩效目标", "项目支出绩效目标表"), *TABLES),
    "title and unit in one line": (OF_2020, OF_2021.replace("目标\n", "目标\t"), *TABLES),
}


def text_of(*parts: str | Table) -> str:
    return "\n".join(part if isinstance(part, str) else "\n".join(part.lines()) for part in parts)


def listed(text: str, *names: str) -> list[tuple[Any, ...]]:
    tables = rows(text)
    assert tables is not None
    assert_valid(tables)
    return list(zip(*(tables["listed_projects"][name] for name in names), strict=True))


def total(text: str) -> Decimal | None:
    tables = rows(text)
    assert tables is not None
    found: Decimal | None = tables["releases"]["listed_total_cny"][0]
    return found


def messages(text: str, *rules: str) -> list[str]:
    found = findings(text)
    return [message for message, rule in zip(found["message"], found["rule"], strict=True) if rule in rules]


@pytest.mark.parametrize("form", TWO_LISTS)
def test_each_list_has_its_own_unit_total_and_numbers(form: str) -> None:
    text = text_of(*TWO_LISTS[form])
    assert listed(text, "list_no", "listed_no", "amount_cny", "list_total_cny", "project_id") == [
        (1, 1, 100000, 300000, "2020-some-t001"),
        (1, 2, 200000, 300000, "2020-some-t002"),
        (2, 1, 150000, 150000, "2020-some-t003"),
    ]
    assert total(text) == 450000
    assert not {"listed-total", "listed-numbers", "listed-twice", "listed-amount", "unread-cell"} & set(
        findings(text)["rule"]
    )


def test_a_total_is_compared_with_the_rows_of_its_own_list() -> None:
    wrong = text_of(OF_2020, OF_2021.replace("\t\t150000\n", "\t\t160000\n"), *TABLES)
    assert messages(wrong, "listed-total") == ["the list's 合计 is 16 万元, its 1 rows add up to 15 万元"]
    found = findings(wrong)
    at = found["rule"].index("listed-total")
    assert wrong.split("\n")[found["source_line"][at] - 1].split("\t")[found["source_column"][at] - 1] == "160000"


def test_a_release_has_no_total_where_one_of_its_lists_has_none() -> None:
    text = text_of(OF_2020, OF_2021.replace("合计\t\t\t\t150000\n", ""), *TABLES)
    assert total(text) is None
    assert messages(text, "listed-total") == [
        "the list of 1 row(s) prints no 合计, as another does: there is none of the release"
    ]
    # The only total may be that of both.
    text = text_of(OF_2020.replace("\t30\n", "\t45\n"), OF_2021.replace("合计\t\t\t\t150000\n", ""), *TABLES)
    assert total(text) == 450000
    assert messages(text, "listed-total") == []


def test_the_first_list_is_never_read_in_the_unit_of_the_second() -> None:
    assert rows(text_of(OF_2020.replace("单位：万元\n", ""), OF_2021, *TABLES)) is None


@pytest.mark.parametrize("again", [f"{HEADER}\n", f"2020年甲县重点项目绩效目标\n单位：万元\n{HEADER}\n"])
def test_the_same_header_on_the_next_page_begins_no_list(again: str) -> None:
    text = text_of(OF_2020.replace("2\t甲县水", f"{again}2\t甲县水"), *TABLES[:2])
    assert listed(text, "list_no", "listed_no", "list_total_cny") == [(1, 1, 300000), (1, 2, 300000)]
    assert messages(text, "listed-total", "listed-numbers") == []


@pytest.mark.parametrize("later_first", [False, True])
def test_a_project_that_is_listed_twice_has_the_table_of_its_amount(later_first: bool) -> None:
    tables = [Table(), Table(year="(2021年)", total="15", fiscal="15")]
    head = f"单位：万元\n{HEADER}\n1\t甲县教育局\t甲县教育局\t教师培训经费\t10\n2\t甲县教育局\t甲县教育局\t教师培训经费\t15\n"
    text = text_of(head, *(reversed(tables) if later_first else tables))
    ids = ["2020-some-t001", "2020-some-t002"]
    assert listed(text, "project_id") == [(name,) for name in (reversed(ids) if later_first else ids)]
    assert messages(text, "listed-amount") == []


def test_a_project_of_two_lists_has_the_table_of_its_year() -> None:
    of_2021 = OF_2021.replace("150000", "").replace("合计\t\t\t\t\n", "")
    text = text_of(OF_2020.replace("\t10\n", "\t\n"), of_2021, TABLES[2], TABLES[1], TABLES[0])
    assert listed(text, "list_no", "project_id") == [
        (1, "2020-some-t003"), (1, "2020-some-t002"), (2, "2020-some-t001"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "head", "name", "amount"),
    [
        ("教师培训经费 10", "合计 30", "教师培训经费", 100000),
        ("教师培训经费\u300010万元", "合计：30", "教师培训经费", 100000),
        ("高标准农田 2020 10", "总计\u00a030", "高标准农田 2020", 100000),
        ("高标准农田 2020\t10", "合计\t\t\t\t30", "高标准农田 2020", 100000),
        ("高标准农田 2020", "合计\t\t\t\t30", "高标准农田 2020", None),
        ("教师培训经费 1 000", "合计\t\t\t\t30", "教师培训经费 1 000", None),
    ],
)
def test_an_amount_that_was_pushed_into_the_name_is_read(row: str, head: str, name: str, amount: int | None) -> None:
    text = OF_2020.replace("教师培训经费\t10", row).replace("合计\t\t\t\t30", head)
    text = text_of(text, Table(project=name), TABLES[1])
    assert listed(text, "project_name", "amount_cny") == [(name, amount), ("水渠维修费", 200000)]
    assert total(text) == 300000


@pytest.mark.parametrize("text", ["教师培训经费", "高标准农田 2020", "经费 1 000", "10", "教师培训经费10"])
def test_a_name_that_holds_no_amount_is_left_whole(text: str) -> None:
    assert parted_from_amount(text) is None


@pytest.mark.parametrize(
    ("printed", "number"),
    [("1", 1), ("2.", 2), ("（2）", 2), ("3、", 3), ("一.", 1), ("（十二）", 12), ("二十", 20), ("1.5", None), ("三五", None),
     ("A1", None), ("", None)],
)  # fmt: skip
def test_number_of_a_row_is_read(printed: str, number: int | None) -> None:
    assert number_of(printed) == number


def test_numbers_in_brackets_and_words_are_published() -> None:
    for one, two in (("（1）", "（2）"), ("一.", "二.")):
        text = OF_2020.replace("\n1\t", f"\n{one}\t").replace("\n2\t", f"\n{two}\t")
        assert listed(text_of(text, *TABLES[:2]), "listed_no") == [(1,), (2,)]


def test_a_release_of_one_list_has_it_as_its_first() -> None:
    assert listed(Text().text(), "list_no", "list_total_cny") == [(1, 100000)]
