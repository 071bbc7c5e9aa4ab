"""The readable report on a published release: one HTML page that stands by itself, every finding beside its print.

Pure: the same rows, lines and decisions give the same bytes. jinja2 and pygal are imported where they are used.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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
_BARS = 15
_SHOWN_CONTROLS = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n\r"} | {0x7F: "␡"}
# What neither HTML nor XML may hold: C1 controls, surrogates, noncharacters.
_FORBIDDEN = re.compile("[\x80-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_OTHER_LINE = re.compile(r"\bline (\d{1,7})\b")


class Cell(NamedTuple):
    """A cell of a printed line as shown; `marked` is the one that is spoken of."""

    text: str
    marked: bool = False


class Line(NamedTuple):
    """A printed line as shown; `gap` where the lines before it are left out."""

    number: int
    cells: list[Cell]
    is_hit: bool = False
    gap: bool = False


class Group(NamedTuple):
    """The findings of one rule and severity, with the rule's words."""

    rule: Rule
    severity: str
    findings: list[Row]


def render_report(tables: Mapping[str, pa.Table], parse: Parse, decisions: Decisions) -> bytes:
    """A release's report as the bytes of an HTML page, in UTF-8.

    `tables` are the release's own tables as they are published, `parse` the cells and lines that they are read from,
    `decisions` what a person decided. Raises nothing of its own: any text may stand in a release.
    """
    rows = {name: table.to_pylist() for name, table in tables.items()}
    release, projects, findings = rows["releases"][0], rows["projects"], rows["findings"]
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
            years=_years(projects),
            total=sum((amount for amount in funds.values() if amount is not None), Decimal(0)),
            severities=[(severity, release[f"{severity}_count"]) for severity in SEVERITIES],
            rules=[
                (group.rule, group.severity, open_rules[group.rule.code], accepted_rules[group.rule.code])
                for group in _groups(findings, by_id, lines, with_lines=False)
            ],
            units=_units(projects, rows["indicators"], opened, funds),
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
                for token in unread
            ],
            tables=[project | {"finding_count": by_project[project["project_id"]]} for project in projects],
            funds_chart=_funds_chart(funds),
            levels_chart=_levels_chart(rows["indicators"]),
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
    environment.filters |= {"wan": _wan, "short": _short, "harmless": harmless}
    return environment.get_template("report.html")


def _clean(value: Any) -> Any:
    """Text with its control characters made visible; what else an expression of the template gives, as it is."""
    return _printable(value) if type(value) is str else value


def _printable(text: str) -> str:
    return text if text.isprintable() else _FORBIDDEN.sub("\ufffd", text.translate(_SHOWN_CONTROLS))


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
    projects: list[Row], indicators: list[Row], opened: list[Row], funds: dict[str | None, Decimal | None]
) -> list[Row]:
    """What each unit has, the units with the most findings of the worst severity first."""
    unit_of = {row["project_id"]: row["budget_unit"] for row in projects}
    table_counts = Counter(unit_of.values())
    indicator_counts = Counter(row["budget_unit"] for row in indicators)
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
            for number, row in enumerate(members)
            if with_lines
        ]
        groups.append(Group(rule, SEVERITIES[severity], shown))
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
    other = Line(number, _cells(lines[number - 1], None, None))
    if number < shown[0].number:
        return [other, shown[0]._replace(gap=True), *shown[1:]]
    return [*shown, other._replace(gap=True)]


def _excerpt(lines: list[str], line: int, column: int, actual: str | None = None) -> list[Line]:
    """A line with a cell marked, and the lines around it."""
    first, last = max(line - _AROUND, 1), min(line + _AROUND, len(lines))
    return [
        Line(number, _cells(lines[number - 1], column if number == line else None, actual), number == line)
        for number in range(first, last + 1)
    ]


def _cells(line: str, marked: int | None, actual: str | None) -> list[Cell]:
    """The cells of a line, long ones and long rows of them cut; `marked` counts from 1."""
    texts = line.split("\t")
    first = max((marked or 1) - 1 - _CELLS, 0)
    last = min(first + 2 * _CELLS + 1, len(texts))
    cells = [
        Cell(_around(texts[at], actual), marked=True) if at + 1 == marked else Cell(_short(texts[at], _BESIDE))
        for at in range(first, last)
    ]
    before = [Cell(f"… {first} cells")] if first else []
    behind = [Cell(f"… {len(texts) - last} cells")] if last < len(texts) else []
    return [*before, *cells, *behind]


def _around(text: str, part: str | None) -> str:
    """A text, cut to what is shown of a marked cell: around `part` where that stands in it."""
    if len(text) <= _MARKED:
        return text
    at = text.find(part) if part else -1
    first = max(min(at - _MARKED // 3, len(text) - _MARKED), 0)
    last = first + _MARKED
    return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")


def _funds_chart(funds: dict[str | None, Decimal | None]) -> "Markup | None":
    """Funds of the largest units and of the rest together, as horizontal bars; None where none are printed."""
    known = [(unit or "(no unit printed)", amount) for unit, amount in funds.items() if amount is not None]
    # One unit more than the limit is shown itself: "the rest" would take its place.
    most = _BARS if len(known) > _BARS + 1 else len(known)
    bars = known[:most]
    rest = known[most:]
    if rest:
        bars.append((f"其余 {len(rest)} 个单位", sum((amount for _, amount in rest), Decimal(0))))
    return _bars("funds", "Total funds by budget unit, 万元", [(name, float(a / 10000)) for name, a in bars], _figure)


def _levels_chart(indicators: list[Row]) -> "Markup | None":
    """Indicators by canonical level, as horizontal bars; None where there are none."""
    counts = Counter(row["level2"] for row in indicators)
    bars = [(level or "(no known label)", float(counts[level])) for level in (*LEVEL2, None) if counts[level]]
    return _bars("levels", "Indicators by canonical level", bars, lambda value: f"{value:.0f}")


def _figure(value: float) -> str:
    return f"{value:,.2f}"


def _bars(
    name: str, title: str, bars: Iterable[tuple[str, float]], formatter: Callable[[float], str]
) -> "Markup | None":
    """Bars as inline SVG, the first on top, that takes its colours and fonts from the page; None for no bars."""
    bars = [(_short(_printable(label).replace("\n", " "), 26), value) for label, value in bars]
    if not bars:
        return None
    import pygal
    from lxml import etree
    from markupsafe import Markup
    from pygal.style import Style

    width = 13 * max(_width(label) for label, _ in bars)
    longest = max(len(label) for label, _ in bars)
    chart = pygal.HorizontalBar(
        style=Style(font_family="inherit", label_font_size=13, major_label_font_size=13, value_font_size=13),
        js=(), no_prefix=True, width=640, height=26 * len(bars) + 8, margin=0, spacing=6,
        # pygal takes every character for 0.6 of its height; a Chinese one is as wide as it is high.
        margin_left=max(int(width - 0.6 * 13 * longest), 0) + 6, margin_right=84,
        show_legend=False, show_x_labels=False, show_x_guides=False, show_y_guides=False,
        print_values=True, print_values_position="top", truncate_label=99, include_x_axis=True,
        value_formatter=formatter,
    )  # fmt: skip
    chart.x_labels = [label for label, _ in reversed(bars)]
    chart.add(name, [value for _, value in reversed(bars)])
    tree = chart.render_tree()
    # Left out: the day of rendering (a comment), pygal's own styles and scripts, and what only its scripts use.
    for node in list(tree.iter()):
        parent = node.getparent()
        if parent is None:
            continue
        kind = etree.QName(node).localname if isinstance(node.tag, str) else ""
        places = (node.get("class") or "").split()
        if kind in {"", "defs", "title", "desc"} or "tooltip-overlay" in places or "background" in places:
            parent.remove(node)
    del tree.attrib["id"]
    tree.attrib.update({"role": "img", "aria-labelledby": f"{name}-title {name}-desc", "lang": "zh-Hans"})
    described = "; ".join(f"{label} {formatter(value)}" for label, value in bars)
    for at, (kind, text) in enumerate((("title", title), ("desc", described))):
        node = etree.Element(f"{{{tree.nsmap[None]}}}{kind}", id=f"{name}-{kind}")
        node.text = text
        tree.insert(at, node)
    text = etree.tostring(tree, encoding="unicode")
    # Inline in HTML, SVG needs no namespaces; without them the page names no address at all.
    return Markup(re.sub(r' xmlns(:\w+)?="[^"]*"', "", text))


def _width(text: str) -> float:
    """About how wide a text is, in the height of its characters."""
    return sum(1.0 if ord(character) > 0x2E7F else 0.58 for character in text)
