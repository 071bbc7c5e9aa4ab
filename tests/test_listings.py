"""What `kzz findings` gives to programs and spreadsheets."""

import csv
import io
import json
import re

import pytest
from conftest import PROJECT, REAL_ID, Workplace
from release_text import Text

from kzz_pipeline.listings import render

DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＠SUM(A1)"]


@pytest.mark.parametrize("cell", DANGEROUS)
def test_csv_holds_no_cell_that_a_spreadsheet_runs(cell: str) -> None:
    row = next(csv.DictReader(io.StringIO(render([{"message": cell, "line": 3}], "csv"))))
    assert row == {"message": f"'{cell}", "line": "3"}


def test_json_and_parquet_keep_what_is_printed() -> None:
    assert json.loads(render([{"message": "=1+1"}], "json")) == [{"message": "=1+1"}]


def test_a_formula_printed_in_a_release_reaches_no_spreadsheet(workplace: Workplace, real_text: str) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text.replace("造林成活率", "=造林成活率"))
    assert workplace.kzz("run").returncode == 0
    listed = workplace.kzz("findings", "--format", "csv").stdout
    assert "=造林成活率" in listed
    cells = [cell for row in csv.reader(io.StringIO(listed)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert "=造林成活率" in "".join(workplace.read("indicators")["indicator_name"])


def test_csv_without_a_finding_has_its_header(published: Workplace) -> None:
    listed = published.kzz("findings", "--rule", "no-year", "--format", "csv")
    assert listed.returncode == 0
    assert listed.stdout.startswith('"finding_id","rule","severity"')
    assert len(listed.stdout.splitlines()) == 1


def test_release_without_findings_of_its_own_says_why(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", Text().text())
    workplace.put("2020/copy.txt", Text().text())
    workplace.put("2020/letter.txt", "no\trelease\n")
    workplace.put("2020/half.txt", Text(more_listed=("9\t甲县水利局\t甲县水利局\t水渠维修费\t20",)).text())
    assert workplace.kzz("run").returncode == 3
    refused = workplace.kzz("findings", "--release", "2020-letter")
    assert "2020-letter was refused: no table" in refused.stderr
    assert "2020-a: see the findings of that" in workplace.kzz("findings", "--release", "2020-copy").stderr
    assert workplace.kzz("findings", "--release", "2020-a").stderr == ""
    finding = json.loads(workplace.kzz("findings", "--release", "2020-half", "--format", "json").stdout)[0]
    traced = workplace.kzz("trace", finding["finding_id"])
    assert traced.returncode == 0, traced.stderr
    assert f"2020/half.txt line {finding['source_line']} cell {finding['source_column']}" in traced.stdout
    assert "【20】" in traced.stdout


def test_examples_of_what_can_be_traced_are_of_the_release_that_comes_with_the_project(published: Workplace) -> None:
    page = (PROJECT / "docs" / "lineage.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `([^`…]+)` \|", page, re.MULTILINE)
    shown += re.findall(r"^ +kzz trace (.+)$", published.kzz("trace", "--help").stdout, re.MULTILINE)
    assert len(shown) >= 8
    for what in set(shown) - {"kzz trace"}:
        traced = published.kzz("trace", *what.split())
        assert traced.returncode == 0, traced.stderr
        assert "【" in traced.stdout or what == REAL_ID


def test_findings_that_a_year_counts_are_named_with_their_place(published: Workplace) -> None:
    counted = published.read("yearly_by_unit").query("fiscal_year == 2021 and budget_unit == '克州财政局'").iloc[0]
    traced = published.kzz("trace", "yearly_by_unit", "2021", "克州财政局").stdout.splitlines()
    named = [line for line in traced if line.startswith("finding ")]
    assert len(named) == counted["finding_count"] > 0
    assert all(" line " in line and " cell " in line for line in named)


@pytest.mark.parametrize("year", ["²", "２０２１", "1e3", "-1"])
def test_year_that_is_no_number_is_a_usage_error(published: Workplace, year: str) -> None:
    done = published.kzz("trace", "yearly_summary", "--", year)
    assert done.returncode == 2
    assert "needs a fiscal year" in done.stderr


def test_file_that_cannot_be_explained_is_named(workplace: Workplace) -> None:
    path = workplace.put("2020/a.txt", b"%PDF-1.7")
    done = workplace.kzz("explain", str(path))
    assert done.returncode == 2
    assert f"{path}: the file is a PDF" in done.stderr


def test_page_on_a_refused_release_keeps_its_table_whatever_is_printed(workplace: Workplace) -> None:
    listed = "9\t甲县水利局\t甲县水利局\t水渠|\x1b[2J维修费\t20"
    workplace.put("2020/half.txt", Text(more_listed=(listed,)).text())
    assert workplace.kzz("run").returncode == 3
    page = (workplace.root / "quarantine" / "2020-half" / "report.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| 6 "))
    assert re.sub(r"\\\|", "", row).count("|") == 5
    assert "\x1b" not in page
