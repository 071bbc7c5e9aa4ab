"""The readable report on a published release: one HTML page that stands by itself, every finding beside its print.

Pure: the same rows, lines and decisions give the same bytes. jinja2 is imported where it is used.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from kzz_pipeline.core.rules import RULES
from kzz_pipeline.core.rules.model import Rule
from kzz_pipeline.core.tokens import Token
from kzz_pipeline.corrections import Decisions
from kzz_pipeline.explanation import REASONS
from kzz_pipeline.schema import LEVEL2, SEVERITIES
from kzz_pipeline.spreadsheets import harmless

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

Row = dict[str, Any]
# What the page says of every table, indicator and finding.
REPORTED = {
    "projects": (
        "project_id", "fiscal_year", "table_no", "budget_unit", "project_name", "total_funds_cny", "indicator_count",
        "first_line", "last_line",
    ),
    "indicators": ("budget_unit", "level2"),
    "findings": (
        "finding_id", "rule", "severity", "project_id", "message", "expected", "actual", "source_line", "source_column",
        "accepted_reason",
    ),
}  # fmt: skip
_RULES = {rule.code: rule for rule in RULES}
# Lines shown before and after the one that a finding points at.
_AROUND = 2
# Characters shown of the marked cell, and of each cell beside it.
_MARKED, _BESIDE = 300, 48
# Cells shown before and behind the marked one.
_CELLS = 8
# Findings of one rule, unread cells and the like that are shown with their lines; the others are named.
_MOST = 100
# Rows of each list that are shown at all: a browser opens no page of a hundred thousand. The published tables hold them.
_LISTED = 300
_BARS = 15
# Pieces of the page that are encoded at a time.
_BUFFERED = 1000
_SHOWN_CONTROLS = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n\r"} | {0x7F: "␡"}
# What neither HTML nor XML may hold: C1 controls, surrogates, noncharacters.
_FORBIDDEN = re.compile("[\x80-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_OTHER_LINE = re.compile(r"\bline (\d{1,7})\b")


class Line(NamedTuple):
    """A printed line as shown: the cells before the marked one, that one (None where none is) and those behind it.

    TABs stand between cells. `gap` where the lines before it are left out.
    """

    number: int
    before: str
    marked: str | None = None
    behind: str = ""
    gap: bool = False


class Bar(NamedTuple):
    """A bar of a chart: what it is of, its figure, and its length in percent of the longest."""

    label: str
    figure: str
    length: float


class Group(NamedTuple):
    """The findings of one rule and severity, with the rule's words: how many there are, and the first of them."""

    rule: Rule
    severity: str
    total: int
    findings: list[Row]


def render_report(
    tables: Mapping[str, pa.Table], lines: Sequence[str], unread: Iterable[Token], decisions: Decisions
) -> bytes:
    """A release's report as the bytes of an HTML page, in UTF-8.

    `tables` are the release's own tables as they are published, `releases` and, with these columns at least, those of
    `REPORTED`, `lines` what they are read from, `unread` the cells that were not, and `decisions` what a person
    decided. Raises nothing of its own: any text may stand in a release.
    """
    release, *_ = tables["releases"].to_pylist()
    projects, findings = _Projects(tables["projects"]), _Findings(tables["findings"])
    opened = [at for at, reason in enumerate(findings.accepted_reason) if reason is None]
    accepted = [at for at, reason in enumerate(findings.accepted_reason) if reason is not None]
    funds = _funds(projects)
    open_rules = Counter(findings.rule[at] for at in opened)
    accepted_rules = Counter(findings.rule[at] for at in accepted)
    by_project = Counter(findings.project_id[at] for at in opened)
    units, unit_count = _units(projects, tables["indicators"], findings, opened, funds)
    page = io.BytesIO()
    stream = _template().stream(
        release=release,
        most=_MOST,
        listed=_LISTED,
        years=_years(projects),
        total=sum((amount for amount in funds.values() if amount is not None), Decimal(0)),
        severities=[(severity, release[f"{severity}_count"]) for severity in SEVERITIES],
        rules=[
            (group.rule, group.severity, open_rules[group.rule.code], accepted_rules[group.rule.code])
            for group in _groups(findings, range(len(findings.rule)), projects, lines, with_lines=False)
        ],
        units=units,
        unit_count=unit_count,
        groups=_groups(findings, opened, projects, lines),
        accepted=_groups(findings, accepted, projects, lines),
        corrected=[
            {
                "line": cell.line,
                "column": cell.column,
                "expect": cell.expect,
                "value": cell.value,
                "reason": cell.reason,
                "lines": _excerpt(lines, cell.line, cell.column) if number < _MOST else [],
            }
            for number, cell in enumerate(decisions.cells)
        ],
        assumed_unit=decisions.money_unit,
        unread=[
            {
                "line": token.line,
                "column": token.column,
                "text": _short(token.text, _MARKED),
                "reason": REASONS.get(token.name or "", token.name or ""),
            }
            for token in islice(unread, _LISTED)
        ],
        tables=[row | {"finding_count": by_project[row["project_id"]]} for row in projects.first(_LISTED)],
        funds_bars=_funds_bars(funds),
        level_bars=_level_bars(tables["indicators"]),
    )
    # Not in one piece: as text, the page of a large release takes twice its bytes.
    stream.enable_buffering(_BUFFERED)
    stream.dump(page, "utf-8", "replace")
    return page.getvalue()


class _Projects:
    """Of a release's tables, what the page says of all of them: of a large one, their rows would take too much memory."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.fiscal_year = table["fiscal_year"].to_pylist()
        self.budget_unit = table["budget_unit"].to_pylist()
        self.total_funds_cny = table["total_funds_cny"].to_pylist()
        self._project_name = table["project_name"].to_pylist()
        self._table_no = table["table_no"].to_pylist()
        self.place_of = {project_id: at for at, project_id in enumerate(table["project_id"].to_pylist())}

    def named(self, project_id: str | None) -> Row | None:
        """What names a table: its number, unit and project."""
        at = self.place_of.get(project_id or "")
        if at is None:
            return None
        names = {"table_no": self._table_no, "budget_unit": self.budget_unit, "project_name": self._project_name}
        return {name: values[at] for name, values in names.items()}

    def first(self, count: int) -> list[Row]:
        """The rows of the first tables."""
        rows: list[Row] = self._table.slice(0, count).to_pylist()
        return rows


class _Findings:
    """A release's findings: what is counted of all, and the rows of those that are shown."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.rule = table["rule"].to_pylist()
        self.severity = table["severity"].to_pylist()
        self.project_id = table["project_id"].to_pylist()
        self.accepted_reason = table["accepted_reason"].to_pylist()

    def rows(self, places: list[int]) -> list[Row]:
        """The rows at these places."""
        rows: list[Row] = self._table.take(pa.array(places, pa.int64())).to_pylist()
        return rows


@cache
def _template() -> "Template":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    def load(name: str) -> str:
        return (files(__package__) / "templates" / name).read_text(encoding="utf-8")

    environment = Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    environment.filters |= {"wan": _wan, "short": _short, "cells": _with_bars, "harmless": harmless}
    return environment.get_template("report.html")


def _clean(value: Any) -> Any:
    """Text with its control characters made visible; what else an expression of the template gives, as it is."""
    return _printable(value) if type(value) is str else value


def _printable(text: str) -> str:
    return text if text.isprintable() else _FORBIDDEN.sub("\ufffd", text.translate(_SHOWN_CONTROLS))


def _with_bars(text: str) -> "Markup":
    """Cells with a bar where a new one begins; whoever copies the line copies its TABs."""
    from markupsafe import Markup, escape

    return Markup(str(escape(_printable(text))).replace("\t", "<i>&#9;</i>"))


def _wan(amount: Decimal | None) -> str:
    """An amount in 万元, all its figures and two decimals at least."""
    if amount is None:
        return "not printed"
    text = f"{(amount / 10000).normalize():,f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2} 万元"


def _short(text: str | None, most: int) -> str:
    text = text or ""
    return text if len(text) <= most else text[: most - 1] + "…"


def _funds(projects: _Projects) -> dict[str | None, Decimal | None]:
    """Total funds by unit, the largest first; None for a unit none of whose tables prints any."""
    found: dict[str | None, Decimal | None] = {}
    for unit, amount in zip(projects.budget_unit, projects.total_funds_cny, strict=True):
        known = found.setdefault(unit, None)
        if amount is not None:
            found[unit] = amount + (known or 0)
    return dict(sorted(found.items(), key=lambda item: (item[1] is None, -(item[1] or 0), item[0] or "")))


def _years(projects: _Projects) -> list[tuple[int | None, int, Decimal]]:
    """Fiscal years with their tables and funds."""
    found: dict[int | None, tuple[int, Decimal]] = {}
    for year, amount in zip(projects.fiscal_year, projects.total_funds_cny, strict=True):
        count, total = found.get(year, (0, Decimal(0)))
        found[year] = count + 1, total + (amount or 0)
    ranked = sorted(found.items(), key=lambda item: (item[0] is None, item[0] or 0))
    return [(year, count, total) for year, (count, total) in ranked]


def _units(
    projects: _Projects,
    indicators: pa.Table,
    findings: _Findings,
    opened: list[int],
    funds: dict[str | None, Decimal | None],
) -> tuple[list[Row], int]:
    """What each unit has, those first that have the most findings of the worst severity, and how many units there are."""
    table_counts = Counter(projects.budget_unit)
    indicator_counts = _counted(indicators["budget_unit"])
    nothing: Counter[str] = Counter()
    found = {(True, unit): nothing for unit in funds}
    for finding in opened:
        at = projects.place_of.get(findings.project_id[finding])
        place = (at is not None, None if at is None else projects.budget_unit[at])
        if found.get(place, nothing) is nothing:
            found[place] = Counter()
        found[place][findings.severity[finding]] += 1
    ranked = sorted(found.items(), key=lambda item: [-item[1][severity] for severity in SEVERITIES])
    units = [
        {
            "is_unit": is_unit,
            "unit": unit,
            "tables": table_counts[unit] if is_unit else None,
            "indicators": indicator_counts.get(unit, 0) if is_unit else None,
            "funds": funds[unit] if is_unit else None,
            "counts": [counts[severity] for severity in SEVERITIES],
        }
        for (is_unit, unit), counts in ranked[:_LISTED]
    ]
    return units, len(ranked)


def _counted(column: pa.ChunkedArray) -> dict[str | None, int]:
    return {found["values"]: found["counts"] for found in pc.value_counts(column).to_pylist()}


def _groups(
    findings: _Findings,
    places: Iterable[int],
    projects: _Projects,
    lines: Sequence[str],
    *,
    with_lines: bool = True,
) -> list[Group]:
    """Findings by severity, then rule, the most frequent first, each with the table that it is about and the printed lines it comes from."""
    found: dict[tuple[int, str], list[int]] = {}
    for at in places:
        found.setdefault((SEVERITIES.index(findings.severity[at]), findings.rule[at]), []).append(at)
    groups = []
    for (severity, code), members in sorted(found.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1])):
        rule = _RULES.get(code) or Rule(code, SEVERITIES[severity], code, "", "")
        shown = [
            row
            | {
                "project": projects.named(row["project_id"]),
                "lines": _of_finding(lines, row) if number < _MOST else [],
            }
            for number, row in enumerate(findings.rows(members[:_LISTED]) if with_lines else [])
        ]
        groups.append(Group(rule, SEVERITIES[severity], len(members), shown))
    return groups


def _of_finding(lines: Sequence[str], row: Row) -> list[Line]:
    """The lines around a finding's cell, and the other line that its message names."""
    shown = _excerpt(lines, row["source_line"], row["source_column"], row["actual"])
    named = _OTHER_LINE.search(row["message"])
    if named is None:
        return shown
    number = int(named[1])
    if not 1 <= number <= len(lines) or any(line.number == number for line in shown):
        return shown
    other = Line(number, *_cells(lines[number - 1], None, None))
    if number < shown[0].number:
        return [other, shown[0]._replace(gap=True), *shown[1:]]
    return [*shown, other._replace(gap=True)]


def _excerpt(lines: Sequence[str], line: int, column: int, actual: str | None = None) -> list[Line]:
    """A line with a cell marked, and the lines around it."""
    first, last = max(line - _AROUND, 1), min(line + _AROUND, len(lines))
    return [
        Line(number, *_cells(lines[number - 1], column if number == line else None, actual))
        for number in range(first, last + 1)
    ]


def _cells(line: str, marked: int | None, actual: str | None) -> tuple[str, str | None, str]:
    """The cells of a line before, at and behind the marked one, which counts from 1; long ones and long rows are cut."""
    texts = line.split("\t")
    at = (marked or 1) - 1
    first = max(at - _CELLS, 0)
    last = min(first + 2 * _CELLS + 1, len(texts))
    shown = [_short(text, _BESIDE) for text in texts[first:last]]
    if first:
        shown.insert(0, f"… {first} cells")
        at += 1
    if last < len(texts):
        shown.append(f"… {len(texts) - last} cells")
    if marked is None or marked > len(texts):
        return "\t".join(shown), None, ""
    at -= first
    return "\t".join([*shown[:at], ""]), _around(texts[marked - 1], actual), "\t".join(["", *shown[at + 1 :]])


def _around(text: str, part: str | None) -> str:
    """A text, cut to what is shown of a marked cell: around `part` where that stands in it."""
    if len(text) <= _MARKED:
        return text
    at = text.find(part) if part else -1
    first = max(min(at - _MARKED // 3, len(text) - _MARKED), 0)
    last = first + _MARKED
    return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")


def _funds_bars(funds: dict[str | None, Decimal | None]) -> list[Bar]:
    """Funds in 万元 of the largest units and of the rest together; none where none are printed."""
    known = [(unit or "(no unit printed)", amount / 10000) for unit, amount in funds.items() if amount is not None]
    # One unit more than the limit is shown itself: "the rest" would take its place.
    most = _BARS if len(known) > _BARS + 1 else len(known)
    bars = known[:most]
    if rest := known[most:]:
        bars.append((f"其余 {len(rest)} 个单位", sum((amount for _, amount in rest), Decimal(0))))
    return _bars(bars, "{:,.2f}")


def _level_bars(indicators: pa.Table) -> list[Bar]:
    """Indicators by canonical level."""
    counts = _counted(indicators["level2"])
    return _bars([(level or "(no known label)", counts[level]) for level in (*LEVEL2, None) if level in counts], "{:,}")


def _bars(figures: list[tuple[str, Any]], form: str) -> list[Bar]:
    longest = max((abs(figure) for _, figure in figures), default=0) or 1
    return [Bar(label, form.format(figure), round(float(100 * abs(figure) / longest), 1)) for label, figure in figures]
