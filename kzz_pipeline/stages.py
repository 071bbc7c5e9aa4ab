"""The stages of one release, each from what the one before it stored: bytes, cells, rows, audited tables.

A stage is a plain function of settings and release id, so that Dagster's steps, worker processes and tests call the
same thing. What can be said against a release is raised as Refusal and noted; later stages pass it over.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kzz_pipeline.core.document import Document, line_count
from kzz_pipeline.core.garbage import no_cycles
from kzz_pipeline.core.gate import require_a_release, require_lines
from kzz_pipeline.core.layout import read_chunks
from kzz_pipeline.core.normalize import Columns, Rows, Source, normalize_chunks
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.rules import RULES, audit_chunks
from kzz_pipeline.core.tokens import Chunks, Parse, Token, Tokens
from kzz_pipeline.corrections import Corrections, Decisions, read_corrections
from kzz_pipeline.files import ParquetBytes, parquet_bytes
from kzz_pipeline.forms import read_form
from kzz_pipeline.places import release_path
from kzz_pipeline.releases import locate, read_bytes
from kzz_pipeline.report import REPORTED, render_report
from kzz_pipeline.schema import RELEASE_TABLES, SEVERITIES, TABLES, arrow_schema, to_arrow, to_values
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
# Cells of a chunk, at least, but for the last: some thirty releases of the usual size, in some 50 MB.
MOST_CELLS = 50_000
_MOST_FINDINGS = 5_000
# From so many bytes on, what a release takes at a time decides how much memory is needed.
LARGE_BYTES = 4 * 2**20
NORMALIZED = STAGE_TABLES["normalized_indicators"]
# What a person should do about a finding that forbids publication, in the words of its rule.
_ADVICE = {rule.code: rule.action[0].lower() + rule.action[1:].rstrip(".") for rule in RULES}


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

    @property
    def touched_years(self) -> set[int]:
        """The years that a published release has to do with; the one it is of where none of its tables has one.

        So readers find the yearly tables, if without a row, of whatever is published.
        """
        if self.refusal is not None:
            return set()
        return set(self.facts["fiscal_years"]) or {self.facts["release"]["release_year"]}


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
    facts = {
        "release_id": release_id,
        "source_path": file.source_path,
        "source_sha256": sha256,
        "size_bytes": len(data),
        "encoding": form.encoding,
        "line_count": line_count(form.text),
    }
    store.write_table(release_id, "raw_texts", to_arrow("raw_texts", {name: [value] for name, value in facts.items()}))
    return Outcome(release_id, facts=facts)


def _document(settings: Settings, record: Record) -> Document:
    text = read_form(ByteStore(settings.bytes_root).get(record.source_sha256), Path(record.source_path).suffix).text
    document = Document.from_text(text)
    if not document.gives_back(text):
        raise Refusal("not-lossless", "lines and cells do not give the text back", "report this file: it is our defect")
    require_lines(document)
    return document


@no_cycles()
def _parse_blocks(settings: Settings, store: StageStore, release_id: str) -> Outcome:
    record = store.read_record(release_id)
    known, document = words(), _document(settings, record)
    roles: Counter[str] = Counter()
    first, table_count = Tokens(), 0
    with store.write_chunks(release_id, "cells", arrow_schema("cells")) as write:
        for tokens in read_chunks(document, known.labels, known.units, MOST_CELLS):
            roles.update(tokens.role)
            if not table_count:
                first = tokens
            table_count = max(tokens.table_no, default=table_count)
            write(_cells_table(release_id, tokens))
        require_a_release(document, roles, first)
    _clear(store, record)
    cells = {"cell_count": roles.total(), "unread_cell_count": roles["unread"]}
    return Outcome(release_id, facts={"table_count": table_count, **cells})


def _cells_table(release_id: str, tokens: Tokens) -> pa.Table:
    """Tokens as rows of the table `cells`."""
    columns: Columns = dict(zip(TABLES["cells"].column_names[1:], tokens.columns, strict=True))
    return to_arrow("cells", {"release_id": [release_id] * len(tokens), **columns})


def _tokens(cells: pa.Table) -> Tokens:
    return Tokens.from_columns(to_values(cells[name]) for name in TABLES["cells"].column_names[1:])


def _stored_cells(store: StageStore, release_id: str) -> Chunks[Tokens]:
    """The tokens of a release as their stage stored them."""
    cells = store.chunks(release_id, "cells")
    return Chunks(len(cells), lambda number: _tokens(cells[number]))


class _StoredColumns(Mapping[str, list[Any]]):
    """The columns of rows as lists of Python values, each made when it is asked for."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows
        self._made: Columns = {}

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._made:
            self._made[name] = to_values(self._rows[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows.column_names)

    def __len__(self) -> int:
        return self._rows.num_columns


def _stored_rows(store: StageStore, release_id: str) -> Chunks[Rows]:
    """The rows of a release as their stage stored them."""
    tables = {name: store.chunks(release_id, name) for name in NORMALIZED}
    count = len(tables["releases"])
    return Chunks(count, lambda number: {name: _StoredColumns(chunks[number]) for name, chunks in tables.items()})


def _source(store: StageStore, record: Record) -> Source:
    line_count = store.read_table(record.release_id, "raw_texts", ["line_count"])["line_count"][0].as_py()
    return Source(
        record.release_id,
        record.release_year,
        record.source_path,
        record.source_sha256,
        record.size_bytes,
        record.encoding,
        line_count,
    )


def _corrections(settings: Settings) -> Corrections:
    return read_corrections(settings.corrections_path)


@no_cycles()
def _normalize(settings: Settings, store: StageStore, release_id: str) -> Outcome:
    record = store.read_record(release_id)
    cells = _stored_cells(store, release_id)
    decisions = _corrections(settings).of(release_id)
    corrections = decisions.cell_corrections(cells)
    counts: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    with ExitStack() as stack:
        write = {
            name: stack.enter_context(store.write_chunks(release_id, name, arrow_schema(name))) for name in NORMALIZED
        }
        for rows in normalize_chunks(cells, _source(store, record), words(), corrections, decisions.money_unit):
            for name in NORMALIZED:
                write[name](to_arrow(name, rows[name]))
                counts[f"{name}_rows"] += len(rows[name]["release_id"])
            levels.update(level2 or "(no known label)" for level2 in rows["indicators"]["level2"])
    _clear(store, record)
    facts = {name: counts[name] for name in (f"{table}_rows" for table in NORMALIZED[1:])}
    return Outcome(release_id, facts={**facts, "indicators_by_level2": dict(levels)})


@no_cycles()
def _curate(settings: Settings, store: StageStore, release_id: str) -> Outcome:
    """Audit a release's rows and make its files; raise Refusal on a finding that forbids publication."""
    record = store.read_record(release_id)
    cells, rows = _stored_cells(store, release_id), _stored_rows(store, release_id)
    release = dict(rows[0]["releases"])
    parse = Parse(_document(settings, record), cells, release["project_count"][0])
    found = audit_chunks(parse, _source(store, record), rows, words())
    decisions = _corrections(settings).of(release_id)
    found["accepted_reason"] = [
        decisions.accepted(finding_id, rule)
        for finding_id, rule in zip(found["finding_id"], found["rule"], strict=True)
    ]
    with store.write_chunks(release_id, "findings", arrow_schema("findings")) as write:
        for start in range(0, max(len(found["rule"]), 1), _MOST_FINDINGS):
            write(to_arrow("findings", {name: of[start : start + _MOST_FINDINGS] for name, of in found.items()}))
    releases = to_arrow("releases", {**release, **_open_counts(found)})
    if blocking := _blocking(found):
        raise blocking
    open_rules = Counter(
        rule for rule, reason in zip(found["rule"], found["accepted_reason"], strict=True) if reason is None
    )
    facts = {"findings_by_rule": dict(open_rules), "first_findings": _first_findings(found)}
    # Of a large release, these are most of the memory.
    del found, rows
    tables = {name: store.read_table(release_id, name, list(columns)) for name, columns in REPORTED.items()}
    years = sorted(year for year in pc.unique(tables["projects"]["fiscal_year"]).to_pylist() if year is not None)
    report = _report(store, release_id, {"releases": releases, **tables}, parse, decisions)
    del parse, tables
    counts: dict[str, int] = {}
    files: dict[str, bytes] = {}
    for name in RELEASE_TABLES:
        chunks = Chunks.alone(releases) if name == "releases" else store.chunks(release_id, name)
        counts[name], of_year = _by_year(name, chunks, record.release_year)
        files |= {release_path(name, year, release_id): data for year, data in of_year.items()}
    _clear(store, record)
    facts |= {"fiscal_years": years, "release": releases.to_pylist()[0], "row_counts": counts}
    return Outcome(release_id, facts=facts, files=files, report=report)


def _report(
    store: StageStore, release_id: str, tables: dict[str, pa.Table], parse: Parse, decisions: Decisions
) -> bytes:
    unread: Iterable[Token] = ()
    if tables["releases"]["unread_cell_count"][0].as_py():
        chunks = store.chunks(release_id, "cells")
        unread = (token for cells in chunks for token in _tokens(cells.filter(pc.equal(cells["role"], "unread"))))
    return render_report(tables, parse.document.lines, unread, decisions)


def _first_findings(found: Columns) -> list[dict[str, Any]]:
    """The open findings that a page shows: the worst first, then by place, a screenful."""
    names = ("severity", "rule", "source_path", "source_line", "source_column", "message", "finding_id")
    opened = [at for at, reason in enumerate(found["accepted_reason"]) if reason is None]
    opened.sort(key=lambda at: SEVERITIES.index(found["severity"][at]))  # stable: by place within a severity
    return [{name: found[name][at] for name in names} for at in opened[:_SHOWN_FINDINGS]]


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
    return Refusal(rule, message.rstrip(".。") + more, _ADVICE[rule], line)


def _by_year(name: str, chunks: Iterable[pa.Table], release_year: int) -> tuple[int, dict[int, bytes]]:
    """How many rows a table has, and Parquet files of them by the year of the folder that they are published in.

    There is at least one file, so that readers find the table. A chunk is a row group.
    """
    count, writers = 0, {}
    for rows in chunks:
        count += rows.num_rows
        years = pc.fill_null(rows[TABLES[name].year_column].cast(pa.int32()), release_year)
        found = pc.unique(years).to_pylist()
        for year in found:
            if year not in writers:
                writers[year] = ParquetBytes(rows.schema)
            writers[year].write(rows if len(found) == 1 else rows.filter(pc.equal(years, year)))
    if not count:
        return 0, {release_year: parquet_bytes(arrow_schema(name).empty_table())}
    return count, {year: writers[year].whole() for year in sorted(writers)}


_FUNCTIONS: dict[str, Callable[[Settings, StageStore, str], Outcome]] = {
    "raw_text": _read_raw,
    "parsed_blocks": _parse_blocks,
    "normalized_indicators": _normalize,
    "curated_tables": _curate,
}
