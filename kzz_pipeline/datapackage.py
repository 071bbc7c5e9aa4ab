"""What is published, described as a Data Package (datapackage.json) for the tools that read one."""

import json
from pathlib import Path
from typing import Any

from kzz_pipeline.documentation import PUBLISHED, chinese, published_files, require_publication
from kzz_pipeline.files import write_atomic
from kzz_pipeline.schema import Column, Table
from kzz_pipeline.storage import writer

FILE = "datapackage.json"
_TYPES = {
    "string": "string",
    "int16": "integer",
    "int32": "integer",
    "int64": "integer",
    "float64": "number",
    "money": "number",
    "strings": "array",
}
# Column to the table that it names a row of, wherever the column stands outside that table.
_REFERENCES = {"release_id": "releases", "project_id": "projects", "indicator_id": "indicators"}


def datapackage(out_root: Path) -> dict[str, Any]:
    """The descriptor of everything published under `out_root`: a resource per table that has a file, with its schema.

    Paths are relative to `out_root`. Raises Refusal where nothing is published.
    """
    require_publication(out_root)
    files = {table.name: published_files(out_root, table.name) for table in PUBLISHED}
    return {
        "name": "kzz-budget-performance",
        "title": "Budget performance targets 项目支出绩效目标",
        "description": "Published budget-performance releases as tables. Money is in CNY yuan (元); absent is null.",
        "profile": "data-package",
        "resources": [
            {
                "name": table.name.replace("_", "-"),
                "title": table.zh,
                "description": _both(table.description),
                "profile": "data-resource",
                "path": [path.relative_to(out_root).as_posix() for path in files[table.name]],
                "format": "parquet",
                "mediatype": "application/vnd.apache.parquet",
                "schema": table_schema(table, {name for name, found in files.items() if found}),
            }
            for table in PUBLISHED
            if files[table.name]
        ],
    }


def table_schema(table: Table, present: set[str]) -> dict[str, Any]:
    """The Table Schema of a table. Foreign keys are given to tables that are `present`.

    A key of which a column may be null is no primary key of a Table Schema, and is left out.
    """
    schema: dict[str, Any] = {"fields": [_field(table, column) for column in table.columns]}
    if not any(column.nullable for column in table.columns if column.name in table.key):
        schema["primaryKey"] = list(table.key)
    references = [
        {"fields": [name], "reference": {"resource": target.replace("_", "-"), "fields": [name]}}
        for name, target in _REFERENCES.items()
        if name in table.column_names and target != table.name and target in present
    ]
    if references:
        schema["foreignKeys"] = references
    return schema


def _field(table: Table, column: Column) -> dict[str, Any]:
    constraints: dict[str, Any] = {"required": not column.nullable}
    if table.key == (column.name,):
        constraints["unique"] = True
    if column.allowed is not None:
        constraints["enum"] = list(column.allowed)
    if column.at_least is not None:
        constraints["minimum"] = column.at_least
    return {
        "name": column.name,
        "type": _TYPES[column.type],
        "title": column.zh,
        "description": f"{_both(column.description)} From: {column.source}.",
        "constraints": constraints,
    }


def _both(description: str) -> str:
    translated = chinese().get(description)
    return f"{description} {translated}" if translated else description


def write(out_root: Path) -> Path:
    """Write the descriptor to `<out_root>/datapackage.json` and return its path. Raises Refusal as `datapackage` does."""
    require_publication(out_root)
    with writer(out_root):
        text = json.dumps(datapackage(out_root), ensure_ascii=False, indent=2) + "\n"
        write_atomic(out_root / FILE, text.encode())
    return out_root / FILE
