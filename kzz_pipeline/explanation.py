"""How a file is read, line by line: every cell with its role, what was made of it, and why a cell was not read."""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from kzz_pipeline.core.document import Document
from kzz_pipeline.core.gate import require_a_release, require_lines
from kzz_pipeline.core.layout import read_layout
from kzz_pipeline.core.normalize import Columns, Source, normalize
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.rules import audit
from kzz_pipeline.core.tokens import Token
from kzz_pipeline.forms import read_form
from kzz_pipeline.releases import FORMS, SIZE_CAP_BYTES
from kzz_pipeline.vocabulary import words

# Why a cell has no role, in the words of whoever has to mend it.
REASONS = {
    "name-without-value": "an indicator's name, but no value stands behind it",
    "value-without-name": "a value, but no indicator's name stands before it",
    "second-value": "a second value behind an indicator",
    "text-behind-value": "text behind an indicator's value, and no column of that kind",
    "text-before-name": "text before an indicator's name that is no known label: perhaps a synonym for labels.yml",
    "stray": "text without a label: perhaps a synonym that labels.yml lacks",
    "beside-title": "text beside a table's title",
    "title-without-table": "a table's title, but no table follows",
    "unknown-column": "a column of the list that labels.yml does not name",
    "no-such-column": "a cell of the list beyond its columns",
    "beside-total": "text beside the total",
}


def explain(path: Path, only_unread: bool = False) -> Iterator[str]:
    """Lines of text that say how a file is read. Raises Refusal where the file cannot be read at all."""
    known = words()
    data = _read(path)
    try:
        # A file need not be a release by its name: what has no suffix of a form is read as text.
        form = read_form(data, path.suffix if path.suffix.lower() in FORMS else ".txt")
        document = Document.from_text(form.text)
        require_lines(document)
    except Refusal as unread:
        raise Refusal(unread.code, f"{path}: {unread.message}", unread.advice, unread.line) from None
    parse = read_layout(document, known.labels, known.units)
    tokens = list(parse.tokens)
    source = Source("0000-file", _release_year(path), path.name, "", len(data), form.encoding, len(document.lines))
    refusal, rows, findings = None, None, None
    try:
        require_a_release(document, {token.role for token in tokens}, tokens)
        rows = normalize(parse, source, known)
        findings = audit(parse, source, rows, known)
    except Refusal as caught:
        refusal = caught
    made = _made(rows) if rows else {}
    remarks = _remarks(findings) if findings else {}
    yield f"{path}: {form.encoding}, {len(document.lines)} lines, {len(tokens)} cells read as:"
    table = 0
    for line, of_line in groupby(tokens, key=lambda token: token.line):
        cells = list(of_line)
        if cells[0].table_no != table:
            table = cells[0].table_no
            if not only_unread:
                yield f"      -- table {table} --"
        if only_unread and all(token.role != "unread" for token in cells):
            continue
        place = form.place(line)
        yield f"{line:>5}  {'  '.join(_cell(token) for token in cells)}{f'  ({place})' if place else ''}"
        for text in (*made.get(line, ()), *remarks.get(line, ())):
            yield f"         {text}"
    yield from _summary(parse.table_count, tokens, rows, findings, refusal)


def _release_year(path: Path) -> int:
    """The release year that the file's folder names, as under data/raw; 0 where it names none."""
    folder = path.absolute().parent.name
    return int(folder) if re.fullmatch(r"(?:19|20)\d\d", folder, re.ASCII) else 0


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(SIZE_CAP_BYTES + 1)
    except OSError as error:
        raise Refusal("unreadable-file", f"{path}: {error.strerror}", "name a file that can be read") from None
    if len(data) > SIZE_CAP_BYTES:
        raise Refusal("too-large", f"{path} is larger than a release may be", "split the release")
    return data


def _cell(token: Token) -> str:
    text = token.text.strip()
    shown = text if len(text) <= 40 else text[:39] + "…"
    if token.role == "unread":
        return f"[{token.column}] !! UNREAD 「{shown}」 ({REASONS.get(token.name or '', token.name)})"
    name = f"={token.name}" if token.name and token.name != text else ""
    return f"[{token.column}] {token.role}{name} 「{shown}」"


def _made(rows: dict[str, Columns]) -> dict[int, list[str]]:
    """What became of the indicators, by the line of their value."""
    made: dict[int, list[str]] = {}
    indicators = rows["indicators"]
    for at, line in enumerate(indicators["source_line"]):
        row: dict[str, Any] = {name: values[at] for name, values in indicators.items()}
        bounds = f"{row['operator']} {row['target_min']}..{row['target_max']}" if row["operator"] else "no number"
        made.setdefault(line, []).append(
            f"-> {row['level1']} / {row['level2']}: {row['indicator_name']} | {row['value_kind']}, {bounds}, "
            f"unit {row['unit']}"
        )
    return made


def _remarks(findings: Columns) -> dict[int, list[str]]:
    remarks: dict[int, list[str]] = {}
    columns = ("source_line", "severity", "rule", "message")
    for line, severity, rule, message in zip(*(findings[name] for name in columns), strict=True):
        remarks.setdefault(line, []).append(f"?? {severity} {rule}: {message}")
    return remarks


def _summary(
    tables: int, tokens: list[Token], rows: dict[str, Columns] | None, findings: Columns | None, refusal: Refusal | None
) -> Iterator[str]:
    unread = sum(1 for token in tokens if token.role == "unread")
    listed = len(rows["listed_projects"]["release_id"]) if rows else 0
    indicators = len(rows["indicators"]["release_id"]) if rows else 0
    yield f"{listed} listed projects, {tables} tables, {indicators} indicators, {unread} unread cells"
    if findings is not None:
        counts = {severity: findings["severity"].count(severity) for severity in ("error", "warning", "info")}
        yield ", ".join(f"{count} {severity}(s)" for severity, count in counts.items())
        errors = [
            message
            for severity, message in zip(findings["severity"], findings["message"], strict=True)
            if severity == "error"
        ]
        if errors:
            yield f"would be refused until accepted in corrections.yml: {'; '.join(errors[:3])}"
    if refusal is not None:
        yield f"would be refused: {refusal}"
