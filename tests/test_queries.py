"""Every query of docs/queries.md runs on the published real release and gives the result that the page prints."""

import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from conftest import PROJECT, Workplace

PAGE = (PROJECT / "docs" / "queries.md").read_text(encoding="utf-8")
_BLOCK = re.compile(
    r"^## (?P<title>[^\n]+)$|^```(?P<language>\w+)\n(?P<code>.*?)^```\n(?:\n(?P<result>(?:^\|[^\n]*\n)+))?", re.M | re.S
)


def blocks() -> list[Any]:
    """The fenced blocks of the page: language, code and printed result, named by their headings."""
    found, title = [], "Opening"
    for match in _BLOCK.finditer(PAGE):
        if match["title"]:
            title = match["title"]
        else:
            found.append(pytest.param(match["language"], match["code"], match["result"] or "", id=title))
    return found


def shown(value: Any) -> str:
    """A value as the page prints it: null as nothing, numbers without zeros that say nothing."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
    return f"{value:.15g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def as_table(names: Iterable[Any], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as a Markdown table."""
    names = [str(name) for name in names]
    lines = [names, ["---"] * len(names), *([shown(value) for value in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def run_block(language: str, code: str) -> str:
    """The result of a block, run in the working directory, as a Markdown table; "" if it gives none."""
    if language == "python":
        names: dict[str, Any] = {}
        exec(compile(code, "docs/queries.md", "exec"), names)
        result = names.get("result")
        return "" if result is None else as_table(result.columns, result.itertuples(index=False))
    connection = duckdb.connect()
    connection.execute(Path("docs/views.sql").read_text(encoding="utf-8"))
    cursor = connection.execute(code)
    return as_table([column[0] for column in cursor.description or []], cursor.fetchall())


@pytest.fixture
def project_folder(published: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder as an analyst has it after `make run`."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "curated").symlink_to(published.out)
    (tmp_path / "docs").symlink_to(PROJECT / "docs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project_folder")
@pytest.mark.parametrize(("language", "code", "result"), blocks())
def test_a_query_gives_the_printed_result(language: str, code: str, result: str) -> None:
    assert run_block(language, code) == result


def test_every_query_prints_its_result() -> None:
    assert [block.id for block in blocks() if not block.values[2]] == ["Opening"]
    assert {block.values[0] for block in blocks()} == {"sql", "python"}
    assert len(blocks()) > 12
