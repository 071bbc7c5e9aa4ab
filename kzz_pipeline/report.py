"""The readable report on a published release: one HTML page that stands by itself, every finding beside its print.

Pure: the same rows, lines and decisions give the same bytes. jinja2 is imported where it is used.
"""

import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from kzz_pipeline.core.rules import RULES
from kzz_pipeline.core.rules.model import Rule
from kzz_pipeline.core.tokens import Parse
from kzz_pipeline.corrections import Decisions
from kzz_pipeline.explanation import REASONS
from kzz_pipeline.schema import LEVEL2, SEVERITIES
from kzz_pipeline.spreadsheets import harmless

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

Row = dict[str, Any]
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
_LISTED = 1000
_BARS = 15
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


def render_report(tables: Mapping[str, pa.Table], parse: Parse, decisions: Decisions) -> bytes:
    """A release's report as the bytes of an HTML page, in UTF-8.

    `tables` are the release's own tables as they are published, `parse` the cells and lines that they are read from,
    `decisions` what a person decided. Raises nothing of its own: any text may stand in a release.
    """
    release, *_ = tables["releases"].to_pylist()
    projects, findings = tables["projects"].to_pylist(), tables["findings"].to_pylist()
    lines = parse.document.lines
    by_id = {project["project_id"]: project for project in projects}
    opened = [row for row in findings if row["accepted_reason"] is None]
    accepted = [row for row in findings if row["accepted_reason"] is not None]
    funds = _funds(projects)
    unread = [token for token in parse.cells if token.role == "unread"]
    open_rules = Counter(row["rule"] for row in opened)
    accepted_rules = Counter(row["rule"] for row in accepted)
    by_project = Counter(row["project_id"] for row in opened)
    return (
        _template()
        .render(
            release=release,
            most=_MOST,
            listed=_LISTED,
            years=_years(projects),
            total=sum((amount for amount in funds.values() if amount is not None), Decimal(0)),
            severities=[(severity, release[f"{severity}_count"]) for severity in SEVERITIES],
            rules=[
                (group.rule, group.severity, open_rules[group.rule.code], accepted_rules[group.rule.code])
                for group in _groups(findings, by_id, lines, with_lines=False)
            ],
            units=_units(projects, tables["indicators"], opened, funds),
            groups=_groups(opened, by_id, lines),
            accepted=_groups(accepted, by_id, lines),
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
                for token in unread[:_LISTED]
            ],
            tables=[project | {"finding_count": by_project[project["project_id"]]} for project in projects[:_LISTED]],
            funds_bars=_funds_bars(funds),
            level_bars=_level_bars(tables["indicators"]),
        )
        .encode("utf-8", "replace")
    )


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


def _funds(projects: list[Row]) -> dict[str | None, Decimal | None]:
    """Total funds by unit, the largest first; None for a unit none of whose tables prints any."""
    found: dict[str | None, Decimal | None] = {}
    for row in projects:
        unit, amount = row["budget_unit"], row["total_funds_cny"]
        known = found.setdefault(unit, None)
        if amount is not None:
            found[unit] = amount + (known or 0)
    return dict(sorted(found.items(), key=lambda item: (item[1] is None, -(item[1] or 0), item[0] or "")))


def _years(projects: list[Row]) -> list[tuple[int | None, int, Decimal]]:
    """Fiscal years with their tables and funds."""
    found: dict[int | None, tuple[int, Decimal]] = {}
    for row in projects:
        count, total = found.get(row["fiscal_year"], (0, Decimal(0)))
        found[row["fiscal_year"]] = count + 1, total + (row["total_funds_cny"] or 0)
    ranked = sorted(found.items(), key=lambda item: (item[0] is None, item[0] or 0))
    return [(year, count, total) for year, (count, total) in ranked]


def _units(
    projects: list[Row], indicators: pa.Table, opened: list[Row], funds: dict[str | None, Decimal | None]
) -> list[Row]:
    """What each unit has, the units with the most findings of the worst severity first."""
    unit_of = {row["project_id"]: row["budget_unit"] for row in projects}
    table_counts = Counter(unit_of.values())
    indicator_counts = Counter(indicators["budget_unit"].to_pylist())
    found: dict[tuple[bool, str | None], Counter[str]] = {(True, unit): Counter() for unit in funds}
    for row in opened:
        place = (row["project_id"] in unit_of, unit_of.get(row["project_id"]))
        found.setdefault(place, Counter())[row["severity"]] += 1
    units = [
        {
            "is_unit": is_unit,
            "unit": unit,
            "tables": table_counts[unit] if is_unit else None,
            "indicators": indicator_counts[unit] if is_unit else None,
            "funds": funds[unit] if is_unit else None,
            "counts": [counts[severity] for severity in SEVERITIES],
        }
        for (is_unit, unit), counts in found.items()
    ]
    return sorted(units, key=lambda row: [-count for count in row["counts"]])


def _groups(findings: list[Row], by_id: dict[str, Row], lines: list[str], *, with_lines: bool = True) -> list[Group]:
    """Findings by severity, then rule, the most frequent first, each with the table that it is about and the printed lines it comes from."""
    found: dict[tuple[int, str], list[Row]] = {}
    for row in findings:
        found.setdefault((SEVERITIES.index(row["severity"]), row["rule"]), []).append(row)
    groups = []
    for (severity, code), members in sorted(found.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1])):
        rule = _RULES.get(code) or Rule(code, SEVERITIES[severity], code, "", "")
        shown = [
            row
            | {
                "project": by_id.get(row["project_id"]),
                "lines": _of_finding(lines, row) if number < _MOST else [],
            }
            for number, row in enumerate(members[:_LISTED])
            if with_lines
        ]
        groups.append(Group(rule, SEVERITIES[severity], len(members), shown))
    return groups


def _of_finding(lines: list[str], row: Row) -> list[Line]:
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


def _excerpt(lines: list[str], line: int, column: int, actual: str | None = None) -> list[Line]:
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
    counts = Counter(indicators["level2"].to_pylist())
    return _bars([(level or "(no known label)", counts[level]) for level in (*LEVEL2, None) if counts[level]], "{:,}")


def _bars(figures: list[tuple[str, Any]], form: str) -> list[Bar]:
    longest = max((abs(figure) for _, figure in figures), default=0) or 1
    return [Bar(label, form.format(figure), round(float(100 * abs(figure) / longest), 1)) for label, figure in figures]
