"""What `kzz findings` gives to programs and spreadsheets."""

import csv
import io
import json

import pytest
from conftest import Workplace

from kzz_pipeline.listings import render

DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"]


@pytest.mark.parametrize("cell", DANGEROUS[:6])
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
