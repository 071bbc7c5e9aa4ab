"""Nothing is lost between a release's text and its cells: neither by splitting it nor by giving cells their roles."""

import pytest
from conftest import REAL
from hypothesis import given, settings
from hypothesis import strategies as st
from soundness import assert_every_cell_has_its_roles, parsed

from kzz_pipeline.core.document import Document

LINES = REAL.read_text(encoding="utf-8").split("\n")
CELLS = sorted({cell for line in LINES for cell in line.split("\t")} | {"≥90%", "100", "某新指标", "　", "\u200b", " "})


@pytest.mark.parametrize(
    ("text", "lines", "ends"),
    [
        ("", [""], [""]),
        ("\n", [""], ["\n"]),
        ("a\tb", ["a\tb"], [""]),
        ("a\tb\n", ["a\tb"], ["\n"]),
        ("a\n\nb", ["a", "", "b"], ["\n", "\n", ""]),
        ("a\r\nb\rc\nd", ["a", "b", "c", "d"], ["\r\n", "\r", "\n", ""]),
        ("a\r", ["a"], ["\r"]),
        ("\r\r\n\n", ["", "", ""], ["\r", "\r\n", "\n"]),
        ("a\u2028b\x0bc\x0cd\x85e", ["a\u2028b\x0bc\x0cd\x85e"], [""]),
    ],
)
def test_document_splits_at_line_ends_only(text: str, lines: list[str], ends: list[str]) -> None:
    document = Document.from_text(text)
    assert (document.lines, document.ends) == (lines, ends)


@given(st.text(alphabet="指标 \t\r\n\u2028\u3000\x0b\x85\x00"))
def test_document_joined_is_the_text(text: str) -> None:
    document = Document.from_text(text)
    assert document.text == text
    assert all("\n" not in line and "\r" not in line for line in document.lines)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_real_release_is_lossless_and_fully_read(line_end: str) -> None:
    text = line_end.join(LINES)
    parse = parsed(text)
    assert parse.document.text == text
    assert len(parse.document.lines) == 666
    assert_every_cell_has_its_roles(parse)
    assert not [token for token in parse.tokens if token.role in ("unread", "unknown_label")]
    merged = [token.text for token in parse.tokens if token.part]
    assert merged[:2] == ["其他资金", "0"]


def test_line_ends_do_not_change_what_is_read() -> None:
    of_lf, *others = (list(parsed(end.join(LINES)).tokens) for end in ("\n", "\r\n", "\r"))
    assert all(tokens == of_lf for tokens in others)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_shuffled_releases_lose_no_cell(data: st.DataObject) -> None:
    """Lines of the real release in any order, cells of it in any place: all is read, or kept as unread."""
    start = data.draw(st.integers(0, len(LINES) - 1))
    lines = LINES[start : start + data.draw(st.integers(1, 60))]
    lines = data.draw(st.permutations(lines)) if data.draw(st.booleans()) else lines
    rows = data.draw(st.lists(st.lists(st.sampled_from(CELLS), min_size=1, max_size=7), max_size=6))
    for row in rows:
        lines.insert(data.draw(st.integers(0, len(lines))), "\t".join(row))
    text = data.draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines)
    parse = parsed(text)
    assert parse.document.text == text
    assert_every_cell_has_its_roles(parse)
