"""What holds of any text whatever: it is refused in words, or every cell of it is accounted for and every row is valid."""

from typing import Any

from kzz_pipeline.core.characters import strip
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.gate import require_a_release, require_lines
from kzz_pipeline.core.layout import read_layout
from kzz_pipeline.core.normalize import Source, normalize
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.rules import audit
from kzz_pipeline.core.tokens import ROLES, Parse
from kzz_pipeline.schema import to_arrow, validate_releases
from kzz_pipeline.vocabulary import words

Rows = dict[str, dict[str, list[Any]]]
SOURCE = Source("2020-some", 2020, "2020/some.txt", "0" * 64, 1, "utf-8", 1)
# What parts one label from another, or from its value.
_BETWEEN = "：:-－—–/、 "
PLACES = {"source_line", "source_column", "indicator_line", "indicator_column", "first_line", "last_line"}


def parsed(text: str) -> Parse:
    known = words()
    return read_layout(Document.from_text(text), known.labels, known.units)


def assert_every_cell_has_its_roles(parse: Parse) -> None:
    """Every non-empty cell has one token, or one per part; the parts hold all of its ink but the signs between them."""
    tokens: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for token in parse.tokens:
        assert token.role in ROLES
        tokens.setdefault((token.line, token.column), []).append((token.part, token.text))
    assert list(tokens) == sorted(tokens)
    cells = {
        (number, column): cell
        for number, line in enumerate(parse.document.lines, 1)
        for column, cell in enumerate(line.split("\t"), 1)
        if strip(cell)
    }
    assert set(tokens) == set(cells)
    for place, cell in cells.items():
        parts = tokens[place]
        if len(parts) == 1:
            assert parts == [(0, cell)], place
            continue
        assert [part for part, _ in parts] == list(range(1, len(parts) + 1)), place
        rest = cell
        for _, text in parts:
            gap, found, rest = rest.partition(text)
            assert found, (place, text)
            assert not strip(gap).strip(_BETWEEN), (place, gap)
        assert not strip(rest).strip(_BETWEEN), (place, rest)


def rows(text: str) -> Rows | None:
    """The rows and findings of a text, after checking everything that must hold of them; None where it is refused."""
    known = words()
    document = Document.from_text(text)
    assert document.text == text
    try:
        require_lines(document)
        parse = read_layout(document, known.labels, known.units)
        assert_every_cell_has_its_roles(parse)
        require_a_release(document, {token.role for token in parse.tokens}, parse.tokens)
        tables = normalize(parse, SOURCE, known)
    except Refusal:
        return None
    tables["findings"] = audit(parse, SOURCE, tables, known)
    values = sum(1 for token in parse.tokens if token.role == "value")
    assert values == len(tables["indicators"]["indicator_id"])
    unread = {(token.line, token.column) for token in parse.tokens if token.role == "unread"}
    assert tables["releases"]["unread_cell_count"] == [len(unread)]
    return tables


def assert_valid(tables: Rows) -> None:
    """The rows keep the models that are checked before publication."""
    for name in ("releases", "listed_projects", "projects", "indicators", "project_fields", "findings"):
        assert not validate_releases(name, to_arrow(name, tables[name])), name


def what_is_said(tables: Rows, without: frozenset[str] = frozenset()) -> dict[str, list[tuple[Any, ...]]]:
    """The rows without their places: what a text says, wherever it says it."""
    return {
        name: [
            tuple(row) for row in zip(*(c for key, c in columns.items() if key not in PLACES | without), strict=True)
        ]
        for name, columns in tables.items()
        if name not in ("releases", "findings")
    }
