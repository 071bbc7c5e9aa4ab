"""Findings and rules as a table to read, JSON, or CSV that no spreadsheet runs."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from kzz_pipeline.catalogue import Catalogue, refusal_of
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.rules import RULES
from kzz_pipeline.files import parquet_dataset
from kzz_pipeline.schema import arrow_schema
from kzz_pipeline.settings import Settings
from kzz_pipeline.spreadsheets import harmless
from kzz_pipeline.state import StageStore
from kzz_pipeline.terminal import visible

Rows = list[dict[str, Any]]
_NARROW = ("severity", "source_path", "source_line", "source_column", "rule", "message")
_PIPE_WIDTH = 240


def findings(settings: Settings, release: str | None, rule: str | None, severity: str | None) -> Rows:
    """The findings of published releases, and those that keep refused ones from being published, by place.

    Raises Refusal where nothing was ever taken in there, or no release or rule has that name.
    """
    _require_known(settings, release, rule)
    tables = []
    folder = settings.out_root / "findings"
    files = sorted(folder.glob("*/*.parquet")) if folder.is_dir() else []
    if files:
        tables.append(parquet_dataset(files, arrow_schema("findings")).to_table())
    tables += _of_refused(settings)
    if not tables:
        return []
    table = pa.concat_tables(tables)
    for name, wanted in (("release_id", release), ("rule", rule), ("severity", severity)):
        if wanted is not None:
            table = table.filter(pc.equal(table[name], wanted))
    order = [
        ("release_id", "ascending"),
        ("source_line", "ascending"),
        ("source_column", "ascending"),
        ("rule", "ascending"),
    ]
    return table.sort_by(order).to_pylist()


def _require_known(settings: Settings, release: str | None, rule: str | None) -> None:
    known = Catalogue(settings.catalogue_path, settings.out_root).current()
    if not known:
        raise Refusal(
            "nothing-taken-in", f"no release was taken in for {settings.out_root}", "run kzz run, or name --out"
        )
    if release is not None and release not in known:
        raise Refusal("no-such-release", f"no release is called {release}", f"known are {', '.join(sorted(known)[:5])}")
    if rule is not None and rule not in {found.code for found in RULES}:
        raise Refusal("no-such-rule", f"no rule is called {rule}", "kzz rules lists them")


def _of_refused(settings: Settings) -> list[pa.Table]:
    store = StageStore(settings.state_root)
    found = []
    for version in Catalogue(settings.catalogue_path, settings.out_root).current().values():
        if version.status == "refused":
            try:
                if store.read_record(version.release_id).refused_at == "curated_tables":
                    table = store.read_table(version.release_id, "findings")
                    found.append(table.filter(pc.equal(table["severity"], "error")))
            except Refusal:
                continue
    return found


def rules() -> Rows:
    """Every rule: its code, severity, title, why it matters and what to do."""
    return [
        {"rule": rule.code, "severity": rule.severity, "title": rule.title, "why": rule.why, "action": rule.action}
        for rule in sorted(RULES, key=lambda rule: rule.code)
    ]


def without_findings(settings: Settings, release: str) -> str | None:
    """Why a release has no findings of its own: it was refused before it was audited, or is an alias or withdrawn."""
    version = Catalogue(settings.catalogue_path, settings.out_root).current()[release]
    if version.status == "refused":
        return f"{release} was refused: {refusal_of(version)}; see {settings.quarantine_root / release / 'report.md'}"
    if version.status == "alias":
        return f"{release} has the same bytes as {version.reason}: see the findings of that"
    return f"{release} was withdrawn: {version.reason}" if version.status == "withdrawn" else None


def render(rows: Rows, form: str, columns: Iterable[str] = ()) -> str:
    """Rows as `table`, `json` or `csv`; the latter has its `columns` also where there is no row."""
    if form == "json":
        return json.dumps(rows, ensure_ascii=False, indent=2, default=str) + "\n"
    if form == "csv":
        return _csv(rows, list(rows[0] if rows else columns))
    return _table(rows)


def _csv(rows: Rows, columns: list[str]) -> str:
    stream = io.StringIO()
    if columns:
        # All text is quoted: a carriage return in a cell would end the record otherwise.
        writer = csv.DictWriter(stream, columns, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        writer.writerows({name: harmless(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def _table(rows: Rows) -> str:
    if not rows:
        return "nothing found\n"
    names: Iterable[str] = _NARROW if "source_line" in rows[0] else rows[0].keys()
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH
    stream = io.StringIO()
    shown = Table(box=None, pad_edge=False)
    titles: Mapping[str, str] = {"source_path": "file", "source_line": "line", "source_column": "cell"}
    for name in names:
        shown.add_column(titles.get(name, name), overflow="fold")
    for row in rows:
        shown.add_row(*("" if row[name] is None else visible(str(row[name])) for name in names))
    console = Console(file=stream, width=width, no_color=True, highlight=False, markup=False)
    console.print(shown)
    return stream.getvalue() + f"{len(rows)} row(s)\n"
