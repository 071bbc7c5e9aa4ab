"""Names: the same unit and the same project are recognised however they are written, and different ones are not."""

from decimal import Decimal

import pytest
from conftest import REAL
from release_text import Table, Text
from soundness import rows

from kzz_pipeline.core.names import Listed, Names, Tabled, project_name_key
from kzz_pipeline.vocabulary import words

NAMES = words().names
PREFECTURE = "克孜勒苏柯尔克孜自治州"
PLACES = sorted({full for _, _, full in NAMES.regions})


@pytest.mark.parametrize(
    ("printed", "published"),
    [
        ("克州财政局", "克州财政局"),
        ("克孜勒苏柯尔克孜自治州财政局", "克州财政局"),
        (" 克孜勒苏柯尔克孜自治州　财政局 ", "克州财政局"),
        ("克孜勒苏柯尔克孜自治财政局", "克州财政局"),
        ("克孜勒苏柯尔克自治州财政局", "克州财政局"),
        ("克州住建局（人防办）", "克州住建局（人防办）"),
        ("克州住建局(人防办)", "克州住建局（人防办）"),
        ("克州住建局【人防办】", "克州住建局（人防办）"),
        ("克孜勒苏柯尔克孜自治州住房和城乡建设局", "克州住建局（人防办）"),
        ("克州残联", "克孜勒苏柯尔克孜自治州残疾人联合会"),
        ("克孜勒苏柯尔克孜自治扶贫开发办公室", "克孜勒苏柯尔克孜自治州扶贫开发办公室"),
        ("中共克州委员会组织部", "中共克孜勒苏柯尔克孜自治州委员会组织部"),
    ],
)
def test_budget_unit_is_the_vocabularys_name(printed: str, published: str) -> None:
    assert NAMES.budget_unit(printed) == published


@pytest.mark.parametrize(
    ("printed", "published"),
    [
        # Not in the vocabulary: published as printed, its place put right where a character was lost.
        ("克州审计局", "克州审计局"),
        ("克孜勒苏柯尔克孜自治州审计局", "克孜勒苏柯尔克孜自治州审计局"),
        ("克孜勒苏柯尔克孜自治审计局", "克孜勒苏柯尔克孜自治州审计局"),
        (" 井研县马踏镇人民政府 ", "井研县马踏镇人民政府"),
        ("巴州区财政局", "巴州区财政局"),
        # As a person sees it: radicals and invisible characters look like nothing else.
        ("甲\u200b县⼈⺠政府（⼈防办）", "甲县人民政府（人防办）"),
        ("\u2060恩施\u00ad土家族苗族自治州审计局", "恩施土家族苗族自治州审计局"),
    ],
)
def test_budget_unit_of_an_unknown_unit_is_as_printed(printed: str, published: str) -> None:
    assert NAMES.budget_unit(printed) == published


def test_unit_key_is_the_same_for_every_form_of_a_name() -> None:
    forms = ["克州审计局", f"{PREFECTURE}审计局", "克孜勒苏柯尔克孜自治审计局", "克 州 审计局", "“克州”审计局"]
    assert {NAMES.unit_key(form) for form in forms} == {"克州审计局"}
    assert len({NAMES.unit_key(f"{PREFECTURE[:at]}{PREFECTURE[at + 1 :]}审计局") for at in range(len(PREFECTURE))}) == 1


@pytest.mark.parametrize("place", PLACES)
def test_a_place_is_never_taken_for_another(place: str) -> None:
    """黔南布依族苗族自治州 is 黔西南布依族苗族自治州 with a character lost, and a place of its own."""
    assert NAMES.budget_unit(f"{place}审计局") == f"{place}审计局"
    same = [other for other in PLACES if NAMES.unit_key(f"{other}审计局") == NAMES.unit_key(f"{place}审计局")]
    assert same == [place]


@pytest.mark.parametrize("printed", ["海藏族自治州教育局", "南藏族自治州教育局"])
def test_a_lossy_name_that_fits_two_places_is_left_as_printed(printed: str) -> None:
    assert NAMES.budget_unit(printed) == printed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2020年财政业务系统维护、维保费", "2021年财政业务系统维护、维保费"),
        ("2020年财政业务系统维护、维保费", "财政业务系统维护维保费"),
        ("财政业务系统维护、维保费（2021年度）", "财政业务系统维护、维保费"),
        ("克州2020-2021年政府采购", "克州政府采购"),
        ("“专网”经费", "「专网」经费"),
        ("ＭＨＫ监考费", "mhk 监考费"),
        ("新疆***教经学院运行经费", "新疆**教经学院运行经费"),
    ],
)
def test_project_key_joins_years_and_ways_of_writing(one: str, other: str) -> None:
    assert NAMES.project_key("克州财政局", one) == NAMES.project_key(f"{PREFECTURE}财政局", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("克州财政局", "办公经费"), ("克州审计局", "办公经费")),
        (("克州财政局", "办公经费"), ("克州财政局", "培训经费")),
        (("克州财政局", "系统建设（一期）"), ("克州财政局", "系统建设（二期）")),
        (("克州财政局", "12329热线"), ("克州财政局", "12345热线")),
        (("克州财政局", "2020年"), ("克州财政局", "其他")),
        (("克州财政局", "***"), ("克州财政局", "（）")),
    ],
)
def test_project_key_keeps_different_projects_apart(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert NAMES.project_key(*one) != NAMES.project_key(*other)


def test_project_key_reads_as_unit_and_project() -> None:
    assert NAMES.project_key(f"{PREFECTURE}司法局", "“七五普法经费”") == "克州司法局/七五普法经费"
    assert NAMES.project_key(None, "培训费") == "/培训费"
    assert NAMES.project_key("克州文联", None) == "克州文联/"


def test_project_name_key_is_never_empty() -> None:
    assert [project_name_key(name) for name in ("2020年", "——")] == ["2020年", "--"]


def listed(unit: str, project: str, amount: str | None = None, department: str | None = None) -> Listed:
    units = (unit, department) if department else (unit,)
    return Listed(units, project, Decimal(amount) if amount else None)


def tabled(unit: str | None, project: str | None, amount: str | None = None) -> Tabled:
    return Tabled(unit, project, Decimal(amount) if amount else None)


def test_match_finds_every_listed_project_of_the_real_release() -> None:
    lines = [line.split("\t") for line in REAL.read_text(encoding="utf-8").split("\n")]
    entries = [listed(cells[2], cells[3], cells[4], cells[1]) for cells in lines[8:38]]
    heads = [[cell for cell in cells if cell] for cells in lines if cells[0] == "预算单位"]
    tables = [tabled(head[1], head[3]) for head in heads]
    found = NAMES.match(entries, tables)
    assert sorted(at for at in found if at is not None) == list(range(30))
    assert [tables[at].project for at in found if at is not None] == [entry.project for entry in entries]


def test_match_tells_the_same_project_at_two_units_apart() -> None:
    entries = [listed("克州财政局", "办公经费", "1"), listed("克州审计局", "办公经费", "2")]
    tables = [tabled("克州审计局", "办公经费", "2"), tabled(f"{PREFECTURE}财政局", "办公经费", "1")]
    assert NAMES.match(entries, tables) == [1, 0]
    assert NAMES.match(entries, tables[:1]) == [None, 0]
    assert NAMES.match(entries[:1], tables[:1]) == [None]


def test_match_gives_a_table_to_one_row_only() -> None:
    entries = [listed("克州财政局", "办公经费"), listed("克州财政局", "办公经费")]
    assert NAMES.match(entries, [tabled("克州财政局", "办公经费")]) == [0, None]
    assert NAMES.match(entries, [tabled("克州财政局", "办公经费")] * 2) == [0, 1]


@pytest.mark.parametrize(
    ("entry", "table"),
    [
        # The unit abbreviated in one of the two places, left out, or named by its department.
        (listed("克州住房和城乡建设厅", "系统采购"), tabled("克州住建厅", "系统采购")),
        (listed("克州审计局", "系统采购"), tabled("审计局", "系统采购")),
        (listed("克州审计局", "系统采购"), tabled(None, "系统采购")),
        (listed("克州审计局信息中心", "系统采购", department="克州审计局"), tabled("克州审计局", "系统采购")),
        # The name with a character more or less, with the year, in other brackets.
        (listed("克州审计局", "审计业务系统采购项目"), tabled("克州审计局", "审计业务系统采购")),
        (listed("克州审计局", "2020年审计系统采购"), tabled("克州审计局", "审计系统采购(2021年)")),
        # Another name, but the same unit and the same amount.
        (listed("克州审计局", "系统采购", "30.6"), tabled("克州审计局", "业务平台建设", "30.60")),
        (listed("克州审计局", "校园维修一期", "30"), tabled("克州审计局", "校园维修二期", "30")),
        # Another unit, but the same name and the same amount.
        (listed("克州农机局", "监控中心建设", "30.6"), tabled("克州农业农村局", "监控中心建设", "30.6")),
    ],
)
def test_match_joins_what_is_alike(entry: Listed, table: Tabled) -> None:
    other = (listed("克州文联", "出版杂志", "9"), tabled("克州文联", "出版杂志", "9"))
    assert NAMES.match([entry, other[0]], [other[1], table]) == [1, 0]


@pytest.mark.parametrize(
    ("entry", "table"),
    [
        (listed("克州财政局", "办公经费", "1"), tabled("克州民政局", "办公经费", "2")),
        (listed("克州财政局", "办公经费", "1"), tabled("克州财政局", "培训经费", "2")),
        (listed("克州财政局", "教师培训", "30"), tabled("克州财政局", "学生资助", "30")),
        (listed("克州财政局", "办公经费"), tabled("克州文联", "出版杂志")),
        (listed("克州财政局", "办公经费"), tabled(None, None)),
        (listed("克州财政局", ""), tabled("克州文联", None)),
    ],
)
def test_match_leaves_apart_what_is_not_alike(entry: Listed, table: Tabled) -> None:
    assert NAMES.match([entry], [table]) == [None]


def test_match_takes_the_surer_pair_first() -> None:
    entries = [listed("克州财政局", "业务系统维护费", "5"), listed("克州财政局", "业务系统维护服务费", "6")]
    tables = [tabled("克州财政局", "业务系统维护服务费", "7")]
    assert NAMES.match(entries, tables) == [None, 0]


def test_match_of_nothing_is_nothing() -> None:
    assert NAMES.match([], [tabled("克州财政局", "办公经费")]) == []
    assert NAMES.match([listed("克州财政局", "办公经费")], []) == [None]


@pytest.mark.parametrize(
    ("one", "other", "published"),
    [
        ("恩施州林业局", "恩施土家族苗族自治州林业局", "恩施土家族苗族自治州林业局"),
        ("恩施土家族苗族自治州林业局", "恩施州林业局", "恩施土家族苗族自治州林业局"),
        ("恩施土家族苗族自治林业局", "恩施州林业局", "恩施土家族苗族自治州林业局"),
        ("甲县财政局（本级）", "甲县财政局(本级)", "甲县财政局（本级）"),
        ("克州财政局", "克孜勒苏柯尔克孜自治州财政局", "克州财政局"),
    ],
)
@pytest.mark.parametrize("has_list", [False, True])
def test_a_unit_has_one_name_in_a_release(one: str, other: str, published: str, has_list: bool) -> None:
    text = Text(
        [Table(unit=one, project="造林"), Table(unit=other, project="护林", listed_unit=one)], has_list=has_list
    )
    found = rows(text.text())
    assert found is not None
    assert found["projects"]["budget_unit"] == [published] * 2
    assert set(found["indicators"]["budget_unit"]) == {published}
    assert found["projects"]["budget_unit_printed"] == [one, other]


def test_names_are_data() -> None:
    """A person adds a place, a unit and its other names to the vocabulary, and they are read."""
    data = {"regions": {"某某族自治县": ["某县"]}, "budget_units": {"某县水务局": ["某县水利局"]}}
    names = Names.from_data(data)
    assert names.budget_unit("某某族自治县水利局") == "某县水务局"
    assert names.budget_unit("某族自治县水利局") == "某县水务局"
