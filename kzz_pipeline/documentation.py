"""The generated pages of docs/: the data dictionary, the rules, and the views for DuckDB.

Everything comes from the column definitions, the rules and the published tables; nothing in them is written by hand.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.rules import RULES, THEMES, Rule
from kzz_pipeline.files import read_parquet, write_atomic
from kzz_pipeline.places import table_files
from kzz_pipeline.schema import TABLES, YEARLY_TABLES, Column, Table

PUBLISHED = tuple(table for table in TABLES.values() if table.published)
_TYPES = {
    "string": ("string", "文本"),
    "int16": ("int16", "整数"),
    "int32": ("int32", "整数"),
    "int64": ("int64", "整数"),
    "float64": ("float64", "小数"),
    "money": ("decimal(20,4), CNY yuan", "金额，元"),
    "strings": ("list of strings", "文本列表"),
}
_SQL_TYPES = {
    "string": "VARCHAR",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "money": "DECIMAL(20,4)",
    "strings": "VARCHAR[]",
}
# In SQL: what the session says, else the project's own.
_ROOT = "coalesce(getvariable('kzz_root'), 'data/curated')"
_KINDS = {
    "reading": "读取",
    "years": "年度",
    "names": "名称与文字",
    "labels": "指标层级",
    "values": "指标值",
    "money": "资金",
    "across": "跨发布文件",
}
_SEVERITIES = {
    "error": "the release is not published until the cell is corrected or the finding accepted",
    "warning": "published; a person should look at it",
    "info": "published; worth knowing",
}
_HASH_LENGTH = 64
_SHOWN_OF_HASH = 12
_LONGEST_EXAMPLE = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """A column as the dictionary shows it; `example` is empty where no published row has a value."""

    column: Column
    type_en: str
    type_zh: str
    description_zh: str
    example: str


@dataclass(frozen=True, slots=True)
class Section:
    """A table as the dictionary shows it."""

    table: Table
    description_zh: str
    layout: str
    entries: tuple[Entry, ...]

    @property
    def key(self) -> str:
        return ", ".join(self.table.key)


@cache
def chinese() -> dict[str, str]:
    """The Chinese of the tables' and columns' descriptions, by the English."""
    text = (Path(__file__).parent / "templates" / "chinese.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def layout(table: Table) -> str:
    """Where the files of a table stand, relative to the curated root."""
    if table.name in YEARLY_TABLES:
        return f"{table.name}/<fiscal_year>.parquet"
    year = next(column for column in table.columns if column.name == table.year_column)
    folder = f"{year.name}, else release_year" if year.nullable else year.name
    return f"{table.name}/<{folder}>/<release_id>.parquet"


def published_files(out_root: Path, table: str) -> list[Path]:
    """The files of a published table, in the order of their names."""
    return [out_root / table / place for place in table_files(out_root / table)]


def require_publication(out_root: Path) -> None:
    """Raises Refusal where nothing is published under `out_root`."""
    if not published_files(out_root, "releases"):
        raise Refusal("nothing-published", f"no release is published under {out_root}", "run kzz run first")


def sections(out_root: Path) -> list[Section]:
    """The published tables, their columns, and an example of each from what is published under `out_root`."""
    found = []
    for table in PUBLISHED:
        examples = _examples(out_root, table)
        entries = tuple(
            Entry(column, *_TYPES[column.type], chinese().get(column.description, ""), examples[column.name])
            for column in table.columns
        )
        found.append(Section(table, chinese().get(table.description, ""), layout(table), entries))
    return found


def _examples(out_root: Path, table: Table) -> dict[str, str]:
    """The first value of every column, in the order of the files; "" where there is none."""
    found = dict.fromkeys(table.column_names, "")
    for path in published_files(out_root, table.name):
        missing = [name for name, example in found.items() if not example]
        if not missing:
            break
        # A file of an earlier version may lack a column.
        rows = read_parquet(path, missing)
        found.update({name: _first(rows[name]) for name in rows.column_names})
    return found


def _first(values: pa.ChunkedArray) -> str:
    for value in pc.drop_null(values).to_pylist():
        if value != []:
            return shorten(value)
    return ""


def shorten(value: Any) -> str:
    """A value for the dictionary, on one line; a long text and a hash are cut and end in …"""
    if isinstance(value, list):
        return shorten(value[0]) + (", …" if len(value) > 1 else "")
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = " ".join(str(value).split())
    if len(text) == _HASH_LENGTH and set(text) <= set("0123456789abcdef"):
        return f"{text[:_SHOWN_OF_HASH]}…"
    return text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1]}…"


def _cell(text: str) -> str:
    """A text as a cell of a Markdown table."""
    for character in "\\`*_<>|[]":
        text = text.replace(character, f"\\{character}")
    return text


def dictionary_markdown(found: list[Section]) -> str:
    """The data dictionary as a Markdown page."""
    lines = [
        "# Data dictionary 数据字典",
        "",
        "Every published table and column. Generated by `kzz docs` from `kzz_pipeline/schema.py`; do not edit. The same",
        "page to open in a browser or to print: [dictionary.html](dictionary.html).",
        "",
        "Absent is null, never an empty text or 0. Money is in CNY yuan (元). A column that ends in `_printed` holds what",
        "the source prints. The examples are the first value of each column as published.",
        "",
        "缺失为空值（null），不写成空文本或 0；金额单位为元；以 `_printed` 结尾的列是原文；示例取自已发布数据中各列的第一个值。",
        "",
        "| table 表 | 中文名 | one row per 一行 |",
        "|---|---|---|",
    ]
    lines += [
        f"| [{section.table.name}](#{section.table.name}) | {section.table.zh} | {_both(section.table.description, section.description_zh)} |"
        for section in found
    ]
    for section in found:
        lines += [
            "",
            f'<a id="{section.table.name}"></a>',
            "",
            f"## {section.table.name} {section.table.zh}",
            "",
            _both(section.table.description, section.description_zh),
            "",
            f"- Key 主键: `{section.key}`",
            f"- Files 文件: `{section.layout}`",
            "",
            "| column 列 | 中文名 | type 类型 | null 可空 | meaning 含义 | values 取值 | from 来源 | example 示例 |",
            "|---|---|---|---|---|---|---|---|",
        ]
        lines += [_dictionary_row(entry) for entry in section.entries]
    return "\n".join(lines) + "\n"


def _both(english: str, zh: str) -> str:
    return _cell(english) + (f"<br>{_cell(zh)}" if zh else "")


def _dictionary_row(entry: Entry) -> str:
    column = entry.column
    cells = [
        f"`{column.name}`",
        _cell(column.zh),
        f"{entry.type_en}<br>{entry.type_zh}",
        "yes 是" if column.nullable else "no 否",
        _both(column.description, entry.description_zh),
        allowed(column),
        _cell(column.source),
        _cell(entry.example),
    ]
    return f"| {' | '.join(cells)} |"


def allowed(column: Column) -> str:
    """What the values of a column may be, beyond its type; "" where its type says all."""
    if column.allowed is not None:
        return ", ".join(column.allowed)
    return f"≥ {column.at_least}" if column.at_least is not None else ""


def dictionary_html(found: list[Section]) -> str:
    """The data dictionary as one HTML file that needs no other."""
    return _template("dictionary.html").render(sections=found, allowed=allowed)


def rules_by_kind() -> dict[str, list[Rule]]:
    """The rules by the theme that they stand under, in the order in which a release is read."""
    found: dict[str, list[Rule]] = {kind: [] for kind in _KINDS}
    for rule in RULES:
        # A rule without a check is one whose findings the yearly stage makes.
        found[rule.check.__module__.rsplit(".", 1)[-1] if rule.check else "across"].append(rule)
    return found


def rules_markdown() -> str:
    """The rules as a Markdown page."""
    themes = {theme.__name__.rsplit(".", 1)[-1]: _theme(theme.__doc__ or "") for theme in THEMES}
    lines = [
        "# Rules 核查规则",
        "",
        f"What the quality checks look for: {len(RULES)} rules. Generated by `kzz docs` from `kzz_pipeline/core/rules`; do not",
        "edit. `kzz rules` lists them, `kzz findings` lists what they found. A finding is accepted, and a cell corrected, in",
        "`data/corrections.yml` ([corrections.md](corrections.md)).",
        "",
        "| severity | meaning | rules |",
        "|---|---|---|",
    ]
    lines += [
        f"| {severity} | {meaning} | {sum(rule.severity == severity for rule in RULES)} |"
        for severity, meaning in _SEVERITIES.items()
    ]
    for kind, rules in rules_by_kind().items():
        lines += [
            "",
            f"## {kind.capitalize()} {_KINDS[kind]}",
            "",
            themes[kind],
            "",
            "| rule | severity | what it looks for | why it matters | what to do |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| `{rule.code}` | {rule.severity} | {_cell(rule.title)} | {_cell(rule.why)} | {_cell(rule.action)} |"
            for rule in rules
        ]
    return "\n".join(lines) + "\n"


def _theme(docstring: str) -> str:
    """What a theme is about, without its name, which the heading says."""
    text = docstring.strip().split(": ", 1)[-1]
    return text[:1].upper() + text[1:]


def views_sql() -> str:
    """A DuckDB script: a view over the files of every table, and views that join them."""
    return _template("views.sql").render(
        tables=PUBLISHED,
        rules=RULES,
        root=_ROOT,
        sql_types=_SQL_TYPES,
        comment=_comment,
        comments=_comments,
        quote=_quote,
    )


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _comment(zh: str, english: str) -> str:
    """A comment in both languages, as an SQL string."""
    translated = chinese().get(english)
    return _quote(f"{zh}: {english}" + (f" {translated}" if translated else ""))


def _comments(view: str, table: str) -> str:
    """The comments on the columns of a view that are the table's own."""
    lines = [
        f'COMMENT ON COLUMN {view}."{column.name}" IS {_comment(column.zh, column.description)};'
        for column in TABLES[table].columns
    ]
    return "\n".join(lines)


def _template(name: str) -> Any:
    environment = Environment(
        loader=PackageLoader("kzz_pipeline"),
        autoescape=name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def pages(out_root: Path) -> dict[str, str]:
    """The generated pages by file name, with examples from what is published under `out_root`.

    Raises Refusal where nothing is.
    """
    require_publication(out_root)
    found = sections(out_root)
    return {
        "dictionary.md": dictionary_markdown(found),
        "dictionary.html": dictionary_html(found),
        "rules.md": rules_markdown(),
        "views.sql": views_sql(),
    }


def write(folder: Path, out_root: Path) -> list[Path]:
    """Write the generated pages into `folder` and return their paths. Raises Refusal where nothing is published."""
    written = []
    for name, text in pages(out_root).items():
        write_atomic(folder / name, text.encode())
        written.append(folder / name)
    return written
