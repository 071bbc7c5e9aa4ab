"""A large release is read, checked and written some tables at a time: what comes of it is the same as in one piece."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import REAL, REAL_ID, Workplace
from generator import generate
from hypothesis import given, settings
from hypothesis import strategies as st
from release_text import Table, Text
from soundness import SOURCE

from kzz_pipeline import publication, stages, validation
from kzz_pipeline.core import document
from kzz_pipeline.core.document import Document, line_count
from kzz_pipeline.core.layout import read_chunks, read_layout
from kzz_pipeline.core.normalize import normalize, normalize_chunks
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.rules import audit, audit_chunks
from kzz_pipeline.core.tokens import Chunks, Parse
from kzz_pipeline.vocabulary import words

Read = tuple[list[Any], dict[str, dict[str, list[Any]]], dict[str, list[Any]]]


def _whole(text: str) -> Read:
    known = words()
    parse = read_layout(Document.from_text(text), known.labels, known.units)
    rows = normalize(parse, SOURCE, known)
    return list(parse.tokens), rows, audit(parse, SOURCE, rows, known)


def _in_chunks(text: str, most_cells: int) -> tuple[Read, int]:
    """What is read of a text some cells at a time, and in how many chunks."""
    known, whole = words(), Document.from_text(text)
    chunks = list(read_chunks(whole, known.labels, known.units, most_cells))
    cells = Chunks(len(chunks), chunks.__getitem__)
    count = max((number for chunk in chunks for number in chunk.table_no), default=0)
    parse = Parse(whole, cells, count)
    made = list(normalize_chunks(cells, SOURCE, known))
    findings = audit_chunks(parse, SOURCE, Chunks(len(made), made.__getitem__), known)
    rows = {
        name: {column: list(itertools.chain.from_iterable(rows[name][column] for rows in made)) for column in columns}
        for name, columns in made[0].items()
    }
    return (list(parse.tokens), rows, findings), len(chunks)


def _or_refusal(read: Callable[[], Read]) -> Read | str:
    try:
        return read()
    except Refusal as refusal:
        return str(refusal)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), most_cells=st.sampled_from([1, 60, 200]))
def test_a_release_in_chunks_is_the_release_in_one_piece(seed: int, most_cells: int) -> None:
    text = generate(seed).text
    assert _or_refusal(lambda: _in_chunks(text, most_cells)[0]) == _or_refusal(lambda: _whole(text))


def test_what_two_tables_say_together_is_found_across_chunks() -> None:
    """A goal of another unit, a project twice, a list behind the tables, a unit of money that a later table prints."""
    goal = "该项目资金用于全县中小学教师的业务培训和教学设备的购置，提升教学水平。"
    tables = [
        Table(unit="甲县教育局", project="教师培训", goal=goal),
        Table(unit="甲县财政局", project="预算评审", goal=goal),
        Table(unit="甲县教育局", project="教师培训"),
    ]
    text = Text(tables, money_unit="", has_list=False).text().replace("年度资金总额:\t10", "年度资金总额:\t10万元", 3)
    whole = _whole(text)
    found, count = _in_chunks(text, 1)
    assert count >= 3
    assert found == whole
    assert {"goal-shared", "project-twice"} <= set(found[2]["rule"])


@given(st.text(alphabet="指标 \t\r\n　\x0b\x85\x00a"))
def test_lines_cut_out_of_a_large_text_are_those_of_a_small_one(text: str) -> None:
    small = Document.from_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "_LARGE", -1)
        large = Document.from_text(text)
    assert list(large.lines) == list(small.lines)
    assert list(large.ends) == list(small.ends)
    assert large.text == text
    assert large.gives_back(text)
    assert not large.gives_back(text + "x")
    assert large.lines[1:3] == small.lines[1:3]
    assert line_count(text) == len(small.lines)


def _rows(root: Path) -> dict[str, list[dict[str, Any]]]:
    return {
        path.relative_to(root).as_posix(): pq.read_table(path).to_pylist() for path in sorted(root.glob("**/*.parquet"))
    }


def test_a_large_release_is_published_as_a_small_one(
    workplace: Workplace, published: Workplace, in_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In many chunks, findings and all, or in another process: the same rows and the same report."""
    place = "2020/kzz-key-projects.txt"
    report = Path("reports") / f"{REAL_ID}.html"
    for limits in (
        {(stages, "MOST_CELLS"): 200, (stages, "_MOST_FINDINGS"): 7, (validation, "_MOST_BYTES"): 1000},
        {(publication, "LARGE_BYTES"): 1000},
    ):
        with monkeypatch.context() as patch:
            for (module, name), value in limits.items():
                patch.setattr(module, name, value)
            workplace.put(place, REAL.read_bytes())
            in_process()
        assert _rows(workplace.out) == _rows(published.out)
        assert (workplace.root / report).read_bytes() == (published.root / report).read_bytes()
        shutil.rmtree(workplace.out)
