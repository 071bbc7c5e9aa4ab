"""The real release, row by row, against files whose every row was compared, by reading, with the release."""

import csv
from pathlib import Path
from typing import Any

import pytest
from conftest import REAL, REAL_ID

from kzz_pipeline.core.decoding import decode
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.layout import read_layout
from kzz_pipeline.core.normalize import Columns, Source, normalize
from kzz_pipeline.vocabulary import words

GOLDEN = Path(__file__).parent / "golden"
SHA256 = "0" * 64
Rows = list[dict[str, str]]
# Which golden file holds which table, and how a row of it is called in a message.
FILES = {
    "indicators": ("indicators", "indicator {table_no}.{indicator_no}, line {source_line}"),
    "projects": ("projects", "table {table_no}, line {source_line}"),
    "listed_projects": ("list", "row {listed_no} of the list, line {source_line}"),
}


def golden(table: str) -> Rows:
    """The rows of a golden file; an empty cell is null."""
    with open(GOLDEN / f"kzz-key-projects.{FILES[table][0]}.csv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def printed(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


@pytest.fixture(scope="module")
def read() -> dict[str, Columns]:
    """The rows that the core reads from the real release."""
    data = REAL.read_bytes()
    decoded, known = decode(data), words()
    parse = read_layout(Document.from_text(decoded.text), known.labels, known.units)
    source = Source(
        REAL_ID, 2020, "2020/kzz-key-projects.txt", SHA256, len(data), decoded.encoding, len(parse.document.lines)
    )
    tables = normalize(parse, source, known)
    table_nos = dict(zip(tables["projects"]["project_id"], tables["projects"]["table_no"], strict=True))
    tables["indicators"]["table_no"] = [table_nos[project_id] for project_id in tables["indicators"]["project_id"]]
    return tables


@pytest.fixture(scope="module")
def cells() -> list[list[str]]:
    """The cells of each line of the real release, split by nothing but line ends and TABs."""
    return [line.split("\t") for line in REAL.read_bytes().decode("utf-8").split("\n")]


@pytest.mark.parametrize("table", FILES)
def test_real_release_reads_as_the_golden_file_says(read: dict[str, Columns], table: str) -> None:
    expected = golden(table)
    found = [
        {name: printed(read[table][name][at]) for name in expected[0]}
        for at in range(len(next(iter(read[table].values()))))
    ]
    differences = [
        f"{FILES[table][1].format_map(want)}: {name} is {got[name]!r}, should be {want[name]!r}"
        for want, got in zip(expected, found, strict=False)
        for name in want
        if got[name] != want[name]
    ]
    if len(found) != len(expected):
        differences.insert(0, f"{len(found)} rows, should be {len(expected)}")
    assert not differences, f"{len(differences)} differences in {table}:\n" + "\n".join(differences[:40])


@pytest.mark.parametrize("table", FILES)
def test_every_row_names_its_source_and_no_correction(read: dict[str, Columns], table: str) -> None:
    columns = read[table]
    assert set(columns["release_id"]) == {REAL_ID}
    assert set(columns["source_path"]) == {"2020/kzz-key-projects.txt"}
    assert set(columns["source_sha256"]) == {SHA256}
    assert set(columns["release_year"]) == {2020}
    assert set(columns["correction"]) == {None}


def test_release_row_counts_the_real_release(read: dict[str, Columns]) -> None:
    row = {name: printed(values[0]) for name, values in read["releases"].items()}
    assert row["title"] == "2020年克孜勒苏柯尔克孜自治州重点项目绩效目标"
    assert (row["money_unit"], row["listed_total_cny"]) == ("万元", "25237000.0000")
    assert (row["line_count"], row["cell_count"], row["unread_cell_count"]) == ("666", "1734", "0")
    assert (row["listed_count"], row["project_count"], row["indicator_count"]) == ("30", "30", "292")


def test_golden_indicators_stand_in_the_release_where_they_say(cells: list[list[str]]) -> None:
    for row in golden("indicators"):
        value = cells[int(row["source_line"]) - 1][int(row["source_column"]) - 1]
        name = cells[int(row["indicator_line"]) - 1][int(row["indicator_column"]) - 1]
        assert value.strip() == row["value_printed"], row
        assert name.strip().startswith(row["indicator_name"]), row
        rest = name.strip().removeprefix(row["indicator_name"]).strip("（）() ")
        assert rest in ("", row["unit"]), row


def test_golden_labels_stand_in_the_release_on_the_row_or_above_it(cells: list[list[str]]) -> None:
    first_lines = {row["table_no"]: int(row["first_line"]) for row in golden("projects")}
    for row in golden("indicators"):
        lines = cells[first_lines[row["table_no"]] : int(row["source_line"])]
        above = {cell.strip() for line in lines for cell in line}
        assert {row["level1_printed"], row["level2_printed"]} <= above, row


def test_golden_projects_stand_in_the_release_where_they_say(cells: list[list[str]]) -> None:
    for row in golden("projects"):
        lines = cells[int(row["first_line"]) - 1 : int(row["last_line"])]
        assert lines[0][0] == "项目支出绩效目标表"
        inside = [cell.strip() for line in lines for cell in line]
        text = "\n".join(inside)
        for name in ("year_printed", "budget_unit_printed", "project_name", "total_funds_printed"):
            assert row[name] in inside, (row["table_no"], name)
        assert row["annual_goal"] in text, row["table_no"]
        assert any(cell.strip() for cell in lines[-1])


def test_golden_indicators_take_every_filled_row_of_the_trees(cells: list[list[str]]) -> None:
    """Every line under 三级指标 with more on it than labels is an indicator of the golden file, and nothing else is."""
    labels = {"绩效指标", "项目完成", "项目效益"} | {row["level2_printed"] for row in golden("indicators")}
    labels |= {"经济效益指标", "生态效益指标"}
    tree, filled = False, []
    for number, line in enumerate(cells, 1):
        texts = [cell.strip() for cell in line if cell.strip()]
        tree = ("三级指标" in texts) or (tree and texts != ["项目支出绩效目标表"])
        if tree and "三级指标" not in texts and set(texts) - labels:
            filled.append(number)
    assert filled == [int(row["source_line"]) for row in golden("indicators")]
