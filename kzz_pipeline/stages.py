"""The stages of one release, each from what the one before it stored: bytes, cells, rows, audited tables.

A stage is a plain function of settings and release id, so that Dagster's steps, worker processes and tests call the
same thing. What can be said against a release is raised as Refusal and noted; later stages pass it over.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kzz_pipeline.core.document import Document
from kzz_pipeline.core.gate import require_a_release, require_lines
from kzz_pipeline.core.layout import read_layout
from kzz_pipeline.core.normalize import Columns, Source, normalize
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.rules import audit
from kzz_pipeline.core.tokens import Parse, Tokens
from kzz_pipeline.corrections import Corrections, read_corrections
from kzz_pipeline.files import parquet_bytes
from kzz_pipeline.forms import read_form
from kzz_pipeline.places import release_path
from kzz_pipeline.releases import locate, read_bytes
from kzz_pipeline.report import render_report
from kzz_pipeline.schema import RELEASE_TABLES, SEVERITIES, TABLES, to_arrow, to_values
from kzz_pipeline.settings import Settings
from kzz_pipeline.state import ByteStore, Record, StageStore
from kzz_pipeline.vocabulary import words

STAGES = ("raw_text", "parsed_blocks", "normalized_indicators", "curated_tables")
# The intermediate tables that each stage makes.
STAGE_TABLES = {
    "raw_text": ("raw_texts",),
    "parsed_blocks": ("cells",),
    "normalized_indicators": ("releases", "listed_projects", "projects", "indicators", "project_fields"),
    "curated_tables": ("findings",),
}
_SHOWN_FINDINGS = 20
NORMALIZED = STAGE_TABLES["normalized_indicators"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage did to a release: facts to show, the files it made (curated place to bytes), or why it refused.

    `report` is the page about the release. Once all is published, the files' hashes are in `published` and the report
    stands at `report_path`.
    """

    release_id: str
    seconds: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    refusal: Refusal | None = None
    passed_over: bool = False
    published: dict[str, str] = field(default_factory=dict)
    report: bytes = b""
    report_path: Path | None = None


def run_stage(stage: str, settings: Settings, release_id: str) -> Outcome:
    """Run one stage on one release; a Refusal is noted in the release's record and returned, never raised."""
    store = StageStore(settings.state_root)
    started = time.perf_counter()
    try:
        if stage != "raw_text":
            record = store.read_record(release_id)
            if record.refused_at and STAGES.index(record.refused_at) < STAGES.index(stage):
                return Outcome(release_id, refusal=record.refusal, passed_over=True)
        done = _FUNCTIONS[stage](settings, store, release_id)
        return replace(done, seconds=time.perf_counter() - started)
    except Refusal as refusal:
        note_refusal(store, release_id, stage, refusal)
        return Outcome(release_id, time.perf_counter() - started, refusal=refusal)


def note_refusal(store: StageStore, release_id: str, stage: str, refusal: Refusal) -> None:
    """Write into a release's record that a stage refused it."""
    store.write_record(store.known_record(release_id).refused(stage, refusal))


def _clear(store: StageStore, record: Record) -> None:
    if record.refused_at:
        store.write_record(record.accepted())


def _read_raw(settings: Settings, store: StageStore, release_id: str) -> Outcome:
    file = locate(settings.raw_root, release_id)
    record = Record(file.release_id, file.release_year, file.source_path, stamp=file.stamp, size_bytes=file.size)
    try:
        data, sha256 = read_bytes(file)
        record = record.with_bytes(sha256, len(data))
        ByteStore(settings.bytes_root).put(sha256, data)
        form = read_form(data, file.path.suffix)
        record = record.with_encoding(form.encoding)
    finally:
        store.write_record(record)
    lines = len(Document.from_text(form.text).lines)
    facts = {
        "release_id": release_id,
        "source_path": file.source_path,
        "source_sha256": sha256,
        "size_bytes": len(data),
        "encoding": form.encoding,
        "line_count": lines,
    }
    store.write_table(release_id, "raw_texts", to_arrow("raw_texts", {name: [value] for name, value in facts.items()}))
    return Outcome(release_id, facts=facts)


def _document(settings: Settings, record: Record) -> Document:
    data = ByteStore(settings.bytes_root).get(record.source_sha256)
    text = read_form(data, Path(record.source_path).suffix).text
    document = Document.from_text(text)
    if document.text != text:
        raise Refusal("not-lossless", "lines and cells do not give the text back", "report this file: it is our defect")
    require_lines(document)
    return document


def _parse_blocks(settings: Settings, store: StageStore, release_id: str) -> Outcome:
    record = store.read_record(release_id)
    known = words()
    parse = read_layout(_document(settings, record), known.labels, known.units)
    require_a_release(parse)
    store.write_table(release_id, "cells", cells_table(release_id, parse))
    _clear(store, record)
    unread = parse.cells.role.count("unread")
    facts = {"table_count": parse.table_count, "cell_count": len(parse.cells), "unread_cell_count": unread}
    return Outcome(release_id, facts=facts)


def cells_table(release_id: str, parse: Parse) -> pa.Table:
    """The tokens of a parse as the table `cells`."""
    names = TABLES["cells"].column_names[1:]
    columns: Columns = dict(zip(names, parse.cells.columns, strict=True))
    return to_arrow("cells", {"release_id": [release_id] * len(parse.cells), **columns})


def stored_parse(settings: Settings, store: StageStore, release_id: str) -> Parse:
    """The parse of a release as its stage stored it."""
    cells = store.read_table(release_id, "cells")
    tokens = Tokens.from_columns(to_values(cells[name]) for name in TABLES["cells"].column_names[1:])
    last = max(tokens.table_no, default=0)
    return Parse(_document(settings, store.read_record(release_id)), tokens, last)


def _source(record: Record) -> Source:
    return Source(
        record.release_id,
        record.release_year,
        record.source_path,
        record.source_sha256,
        record.size_bytes,
        record.encoding,
    )


def _corrections(settings: Settings) -> Corrections:
    return read_corrections(settings.corrections_path)


def _normalize(settings: Settings, store: StageStore, release_id: str) -> Outcome:
    record = store.read_record(release_id)
    parse = stored_parse(settings, store, release_id)
    decisions = _corrections(settings).of(release_id)
    rows = normalize(parse, _source(record), words(), decisions.cell_corrections(parse), decisions.money_unit)
    for name in NORMALIZED:
        store.write_table(release_id, name, to_arrow(name, rows[name]))
    _clear(store, record)
    facts = {f"{name}_rows": len(rows[name]["release_id"]) for name in NORMALIZED[1:]}
    levels: dict[str, int] = {}
    for level2 in rows["indicators"]["level2"]:
        levels[level2 or "(no known label)"] = levels.get(level2 or "(no known label)", 0) + 1
    return Outcome(release_id, facts={**facts, "indicators_by_level2": levels})


def _curate(settings: Settings, store: StageStore, release_id: str) -> Outcome:
    """Audit a release's rows and make its files; raise Refusal on a finding that forbids publication."""
    record = store.read_record(release_id)
    tables = {name: store.read_table(release_id, name) for name in NORMALIZED}
    parse = stored_parse(settings, store, release_id)
    columns = {
        name: dict(zip(table.column_names, map(to_values, table.columns), strict=True))
        for name, table in tables.items()
    }
    findings = audit(parse, _source(record), columns, words())
    decisions = _corrections(settings).of(release_id)
    findings["accepted_reason"] = [
        decisions.accepted(finding_id, rule)
        for finding_id, rule in zip(findings["finding_id"], findings["rule"], strict=True)
    ]
    tables["findings"] = to_arrow("findings", findings)
    store.write_table(release_id, "findings", tables["findings"])
    tables["releases"] = to_arrow("releases", {**columns["releases"], **_open_counts(findings)})
    # Of a large release, these are most of the memory.
    del columns
    blocking = _blocking(findings)
    if blocking:
        raise blocking
    report = render_report(tables, parse, decisions)
    del parse
    files = {}
    for name in RELEASE_TABLES:
        for year, rows in by_year(name, tables[name], record.release_year).items():
            files[release_path(name, year, release_id)] = parquet_bytes(rows)
    _clear(store, record)
    rules: dict[str, int] = {}
    for rule, reason in zip(findings["rule"], findings["accepted_reason"], strict=True):
        if reason is None:
            rules[rule] = rules.get(rule, 0) + 1
    release = tables["releases"].to_pylist()[0]
    years = sorted(year for year in pc.unique(tables["projects"]["fiscal_year"]).to_pylist() if year is not None)
    facts = {"fiscal_years": years, "findings_by_rule": rules, "release": release}
    facts["first_findings"] = first_findings(tables["findings"])
    facts["row_counts"] = {name: table.num_rows for name, table in tables.items()}
    return Outcome(release_id, facts=facts, files=files, report=report)


def first_findings(findings: pa.Table) -> list[dict[str, Any]]:
    """The open findings that a page shows: the worst first, then by place, a screenful."""
    opened = findings.filter(pc.is_null(findings["accepted_reason"])).to_pylist()
    opened.sort(key=lambda row: SEVERITIES.index(row["severity"]))  # stable: by place within a severity
    shown = opened[:_SHOWN_FINDINGS]
    names = ("severity", "rule", "source_path", "source_line", "source_column", "message", "finding_id")
    return [{name: row[name] for name in names} for row in shown]


def _open_counts(findings: Columns) -> Columns:
    counts = {"error": 0, "warning": 0, "info": 0}
    for severity, reason in zip(findings["severity"], findings["accepted_reason"], strict=True):
        counts[severity] += reason is None
    return {f"{severity}_count": [count] for severity, count in counts.items()}


def _blocking(findings: Columns) -> Refusal | None:
    """The refusal that open findings of severity error ask for, or None."""
    rows = zip(
        *(findings[name] for name in ("severity", "accepted_reason", "rule", "message", "source_line")), strict=True
    )
    errors = [
        (rule, message, line) for severity, reason, rule, message, line in rows if severity == "error" and not reason
    ]
    if not errors:
        return None
    rule, message, line = errors[0]
    more = f" (and {len(errors) - 1} more error(s))" if len(errors) > 1 else ""
    advice = "put the whole release there again, or accept the finding with a reason in corrections.yml"
    return Refusal(rule, message.rstrip(".。") + more, advice, line)


def by_year(name: str, rows: pa.Table, release_year: int) -> dict[int, pa.Table]:
    """A release's rows by the year of the folder they are published in; at least one entry, so that readers find a file."""
    if not rows.num_rows:
        return {release_year: rows}
    years = pc.fill_null(rows[TABLES[name].year_column].cast(pa.int32()), release_year)
    found = sorted(pc.unique(years).to_pylist())
    if len(found) == 1:
        return {found[0]: rows}
    return {year: rows.filter(pc.equal(years, year)) for year in found}


_FUNCTIONS: dict[str, Callable[[Settings, StageStore, str], Outcome]] = {
    "raw_text": _read_raw,
    "parsed_blocks": _parse_blocks,
    "normalized_indicators": _normalize,
    "curated_tables": _curate,
}
