"""What changed where a release replaces an earlier version of itself: rows added, removed, and cells with another value."""

from collections import defaultdict
from typing import Any

import pyarrow as pa

from kzz_pipeline.schema import TABLES, to_arrow

Row = dict[str, Any]
# What identifies a row between two versions, and the columns whose values are compared.
_IDENTITY = {
    "listed_projects": ("implementing_unit", "project_name"),
    "projects": ("project_key",),
    "indicators": ("project_key", "level2", "indicator_name"),
}
_COMPARED = {
    "listed_projects": ("listed_no", "department", "amount_cny"),
    "projects": (
        "budget_unit", "project_name", "fiscal_year", "total_funds_cny", "fiscal_funds_cny", "other_funds_cny",
        "annual_goal", "listed_amount_cny",
    ),
    "indicators": (
        "fiscal_year", "level1", "indicator_printed", "unit", "value_printed", "value_kind", "operator",
        "target_value", "target_min", "target_max", "base_unit", "base_value", "target_period",
    ),
}  # fmt: skip


def changes(old: dict[str, pa.Table], new: dict[str, pa.Table]) -> pa.Table:
    """The table `release_changes` between two versions of a release, each given as its published tables."""
    rows: list[Row] = []
    release = new["releases"].to_pylist()[0]
    before = old["releases"].to_pylist()[0] if old["releases"].num_rows else {}
    shared = {
        "release_id": release["release_id"],
        "release_year": release["release_year"],
        "old_sha256": before.get("source_sha256"),
        "new_sha256": release["source_sha256"],
    }
    for table, identity in _IDENTITY.items():
        left, right = _keyed(old[table], identity), _keyed(new[table], identity)
        for key in [*left, *(key for key in right if key not in left)]:
            for row in _compare(left.get(key), right.get(key), _COMPARED[table]):
                rows.append(shared | {"table_name": table, "row_key": " / ".join(map(str, key))} | row)
    names = TABLES["release_changes"].column_names
    return to_arrow("release_changes", {name: [row[name] for row in rows] for name in names})


def _keyed(table: pa.Table, identity: tuple[str, ...]) -> dict[tuple[Any, ...], Row]:
    """Rows by what identifies them; the second, third … of the same name is numbered."""
    seen: dict[tuple[Any, ...], int] = defaultdict(int)
    rows = {}
    for row in table.to_pylist():
        key = tuple(row[name] for name in identity)
        seen[key] += 1
        rows[key if seen[key] == 1 else (*key, seen[key])] = row
    return rows


def _compare(old: Row | None, new: Row | None, columns: tuple[str, ...]) -> list[Row]:
    places = {
        "old_line": old["source_line"] if old else None,
        "old_column": old["source_column"] if old else None,
        "new_line": new["source_line"] if new else None,
        "new_column": new["source_column"] if new else None,
    }
    if old is None or new is None:
        change = "added" if old is None else "removed"
        return [{"change": change, "column_name": None, "old_value": None, "new_value": None, **places}]
    return [
        {
            "change": "changed",
            "column_name": name,
            "old_value": _text(old[name]),
            "new_value": _text(new[name]),
            **places,
        }
        for name in columns
        if old[name] != new[name]
    ]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
