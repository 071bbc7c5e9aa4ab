"""One definition of every column: the Arrow schema, the Pandera model and the Dagster table schema say the same."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from kzz_pipeline.schema import (
    LEVEL1,
    LEVEL2,
    RELEASE_TABLES,
    TABLES,
    YEARLY_TABLES,
    arrow_schema,
    pandera_schema,
    table_schema,
    to_arrow,
    validate,
    validate_releases,
)
from kzz_pipeline.vocabulary import words

LINEAGE = ["release_id", "source_path", "source_sha256", "source_line", "source_column"]
_SAMPLES: dict[str, Any] = {
    "string": "字", "int16": 2020, "int32": 7, "int64": 7, "float64": 1.5, "money": "12.3400", "strings": ["a", "b"],
}  # fmt: skip


def rows(name: str, count: int = 3) -> dict[str, list[Any]]:
    """Valid rows of a table, made from its definition alone; the key is unique, whatever may be null is null once."""
    columns: dict[str, list[Any]] = {}
    for column in TABLES[name].columns:
        value = column.allowed[0] if column.allowed else _SAMPLES[column.type]
        values = [pa.scalar(value).cast(column.arrow_type).as_py()] * count
        if column.name == TABLES[name].key[-1] and not column.allowed:
            values = [f"{value}{at}" if column.type == "string" else at + 1 for at in range(count)]
        elif column.name in TABLES[name].key and column.allowed:
            values = [column.allowed[at % len(column.allowed)] for at in range(count)]
        elif column.nullable and column.name not in TABLES[name].key:
            values[:1] = [None] * min(count, 1)
        columns[column.name] = values
    if "source_line" in columns:
        columns["source_line"] = [10 * (at + 1) for at in range(count)]
    if "source_path" in columns:
        columns["source_path"] = ["2020/a.txt"] * count
    return columns


def table(name: str, count: int = 3, changed: dict[str, list[Any]] | None = None) -> pa.Table:
    return to_arrow(name, rows(name, count) | (changed or {}))


@pytest.mark.parametrize("name", TABLES)
def test_every_schema_has_the_columns_of_the_definition_in_order(name: str) -> None:
    defined = TABLES[name].columns
    names = [column.name for column in defined]
    arrow, model, shown = arrow_schema(name), pandera_schema(name), table_schema(name)
    assert arrow.names == list(model.columns) == [column.name for column in shown.columns] == names
    assert len(set(names)) == len(names)
    for column, model_column, shown_column in zip(defined, model.columns.values(), shown.columns, strict=True):
        field = arrow.field(column.name)
        assert field.type == column.arrow_type
        assert model_column.dtype.type == pd.ArrowDtype(field.type)
        assert shown_column.type == str(field.type)
        assert model_column.nullable == shown_column.constraints.nullable == column.nullable
        # A null where none may be is for the model to name, by file and line: Arrow must be able to carry it.
        assert field.nullable
    assert set(TABLES[name].key) <= set(names)
    assert (model.unique, model.strict, model.ordered) == (list(TABLES[name].key), True, True)


@pytest.mark.parametrize("name", TABLES)
def test_every_column_says_what_it_is_and_where_it_is_from(name: str) -> None:
    schema = arrow_schema(name)
    assert schema.metadata[b"description"].decode() == TABLES[name].description
    for column in TABLES[name].columns:
        metadata = {key.decode(): value.decode() for key, value in schema.field(column.name).metadata.items()}
        assert metadata == {"description": column.description, "source": column.source, "name_zh": column.zh}
        assert all(metadata.values()), column.name
        assert column.description.endswith("."), column.name
        shown = next(shown for shown in table_schema(name).columns if shown.name == column.name)
        assert column.description in (shown.description or "")
        assert column.source in (shown.description or "")


def test_tables_are_published_by_release_or_by_year() -> None:
    assert set(RELEASE_TABLES) | set(YEARLY_TABLES) <= set(TABLES)
    for name in (*RELEASE_TABLES, *YEARLY_TABLES):
        assert TABLES[name].published
        assert TABLES[name].year_column in TABLES[name].column_names
    for name in RELEASE_TABLES[1:]:
        assert set(LINEAGE) <= set(TABLES[name].column_names)


def test_levels_are_those_of_the_vocabulary() -> None:
    assert tuple(words().labels.level1_of) == LEVEL2
    assert tuple(dict.fromkeys(words().labels.level1_of.values())) == LEVEL1


def test_no_column_has_a_dictionary_type_and_money_is_exact() -> None:
    for defined in TABLES.values():
        for field in arrow_schema(defined.name):
            assert not pa.types.is_dictionary(field.type)
            if field.name.endswith("_cny"):
                assert field.type == pa.decimal128(20, 4)


@pytest.mark.parametrize("name", TABLES)
def test_valid_rows_and_no_rows_are_valid(name: str) -> None:
    assert validate(name, table(name, 1)) == []
    assert validate(name, table(name)) == []
    assert validate(name, table(name, 0)) == []


def test_to_arrow_takes_none_for_null_and_refuses_what_is_not_of_the_type() -> None:
    made = table("projects", changed={"total_funds_cny": [None] * 3})
    assert made.schema.equals(arrow_schema("projects"), check_metadata=True)
    assert made["total_funds_cny"].null_count == 3
    with pytest.raises((pa.ArrowException, TypeError)):
        table("projects", changed={"table_no": ["eins"] * 3})


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("level1", ["项目完成", "瞎写", "项目效益"], "瞎写"),
        ("value_kind", ["number", "guess", "text"], "guess"),
        ("indicator_name", ["字", None, "字"], "not_nullable"),
        ("indicator_no", [1, 0, 3], "0"),
        ("source_column", [1, -1, 3], "-1"),
    ],
)
def test_validate_names_the_bad_row_by_file_and_line(column: str, values: list[Any], said: str) -> None:
    sentences = validate("indicators", table("indicators", changed={column: values}))
    assert len(sentences) == 1
    assert f"indicators.{column}: " in sentences[0]
    assert "2020/a.txt line 20" in sentences[0]
    assert "line 10" not in sentences[0]
    assert "line 30" not in sentences[0]
    assert said in sentences[0]


def test_validate_names_both_rows_of_a_key_that_occurs_twice() -> None:
    (sentence,) = validate("indicators", table("indicators", changed={"indicator_id": ["x", "y", "x"]}))
    assert "indicator_id" in sentence
    assert "2020/a.txt line 10" in sentence
    assert "2020/a.txt line 30" in sentence
    assert "line 20" not in sentence


def test_validate_names_the_file_of_a_release_row_and_the_line_of_a_cell() -> None:
    (sentence,) = validate("releases", table("releases", changed={"size_bytes": [1, 0, 1]}))
    assert "2020/a.txt" in sentence
    (sentence,) = validate("cells", table("cells", changed={"table_no": [1, -1, 1], "line": [10, 20, 30]}))
    assert "字 line 20" in sentence


def test_validate_says_every_thing_that_is_wrong() -> None:
    sentences = validate(
        "indicators", table("indicators", changed={"level1": ["?", None, None], "indicator_no": [1, 0, 3]})
    )
    assert len(sentences) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"level1": ["瞎"] * 5000, "value_kind": ["瞎" * 1000] * 5000},
        {"indicator_name": [None] * 5000},
        {"indicator_id": ["x"] * 5000},
    ],
)
def test_validate_stays_short_however_many_rows_are_bad(wrong: dict[str, list[Any]]) -> None:
    sentences = validate("indicators", table("indicators", 5000, wrong))
    assert len(sentences) == len(wrong)
    for sentence in sentences:
        assert len(sentence) < 600
        assert "\n" not in sentence
        assert "5000 row(s)" in sentence
        assert "and 4995 more" in sentence
        assert "Traceback" not in sentence


def test_validate_says_which_column_is_missing_strange_or_out_of_order() -> None:
    good = table("indicators")
    assert "'unit'" in validate("indicators", good.drop_columns(["unit"]))[0]
    assert "'strange'" in validate("indicators", good.append_column("strange", pa.array([1, 2, 3])))[0]
    assert validate("indicators", good.select(good.column_names[::-1]))
    text = good.set_column(
        good.column_names.index("indicator_no"), "indicator_no", pa.array(["1", "2", "3"], pa.string())
    )
    assert any("indicator_no" in sentence and "int32" in sentence for sentence in validate("indicators", text))


def test_validate_releases_says_what_is_wrong_with_each_release() -> None:
    releases = ["2020-a", "2020-b", "2020-b"]
    assert validate_releases("indicators", table("indicators", changed={"release_id": releases})) == {}
    found = validate_releases(
        "indicators", table("indicators", changed={"release_id": releases, "indicator_no": [1, 0, 3]})
    )
    assert list(found) == ["2020-b"]
    assert "line 20" in found["2020-b"][0]
