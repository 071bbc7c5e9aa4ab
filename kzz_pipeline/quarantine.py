"""The readable report on a refused release: what is wrong, where, with the printed lines, and what to do."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

from kzz_pipeline.core.document import Document
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.forms import read_form
from kzz_pipeline.settings import Settings
from kzz_pipeline.state import ByteStore, Record, StageStore
from kzz_pipeline.terminal import visible

_AROUND = 3
_MOST = 50


def describe(settings: Settings, record: Record, refusal: Refusal, standing: bool) -> dict[str, bytes]:
    """The files of a refused release's quarantine folder: `report.md` to read, `report.json` for programs."""
    lines = _printed_lines(settings, record)
    errors = _error_findings(settings, record)
    where = f"line {refusal.line}" if refusal.line is not None else "the whole file"
    text = [
        f"# {record.release_id} was refused",
        "",
        f"- File: `{record.source_path or record.release_id}`",
        f"- SHA-256: `{record.source_sha256 or 'not read'}`",
        f"- What: {refusal.message} (`{refusal.code}`)",
        f"- Where: {where}",
        f"- What to do: {refusal.advice}",
        f"- Published before: {'yes, and it stands' if standing else 'nothing'}",
        "",
    ]
    if refusal.line is not None:
        text += ["## The lines around it", "", *_excerpt(lines, refusal.line), ""]
    if errors:
        text += ["## Findings that forbid publication", "", "| line | rule | what | id |", "|---|---|---|---|"]
        text += [
            f"| {row['source_line']} | {row['rule']} | {str(row['message']).replace('|', chr(92) + '|')} | {row['finding_id']} |"
            for row in errors[:_MOST]
        ]
        if len(errors) > _MOST:
            text += ["", f"… and {len(errors) - _MOST} more."]
        text += [""]
    content = {
        "release_id": record.release_id,
        "source_path": record.source_path,
        "source_sha256": record.source_sha256,
        "code": refusal.code,
        "message": refusal.message,
        "line": refusal.line,
        "advice": refusal.advice,
        "published_before": standing,
        "findings": errors,
    }
    return {
        "report.md": visible("\n".join(text)).encode(),
        "report.json": (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode(),
    }


def _printed_lines(settings: Settings, record: Record) -> Sequence[str]:
    try:
        data = ByteStore(settings.bytes_root).get(record.source_sha256)
        return Document.from_text(read_form(data, PurePosixPath(record.source_path).suffix).text).lines
    except Refusal:
        return []


def _excerpt(lines: Sequence[str], line: int) -> list[str]:
    first = max(line - _AROUND, 1)
    shown = []
    for number in range(first, min(line + _AROUND, len(lines)) + 1):
        mark = ">" if number == line else " "
        shown.append(f"    {mark} {number:>5}  {lines[number - 1].replace(chr(9), ' ⇥ ')[:200]}")
    return shown or ["    (the file cannot be shown as text)"]


def _error_findings(settings: Settings, record: Record) -> list[dict[str, object]]:
    if record.refused_at != "curated_tables":
        return []
    try:
        rows = StageStore(settings.state_root).read_table(record.release_id, "findings").to_pylist()
    except Refusal:
        return []
    names = ("finding_id", "rule", "message", "source_line", "source_column", "expected", "actual")
    return [
        {name: row[name] for name in names} for row in rows if row["severity"] == "error" and not row["accepted_reason"]
    ]
