"""The generated pages are current and complete, the views run, and the Data Package describes what is published."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT, Workplace
from frictionless import Package

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.rules import RULES
from kzz_pipeline.datapackage import datapackage
from kzz_pipeline.documentation import PUBLISHED, chinese, pages, rules_by_kind, shorten

DOCS = PROJECT / "docs"
PAGES = ("dictionary.md", "dictionary.html", "rules.md", "views.sql")
# Nothing was replaced in a release that was published once.
WITHOUT_ROWS = {"release_changes"}


@pytest.fixture(scope="module")
def generated(published: Workplace) -> dict[str, str]:
    return pages(published.out)


@pytest.fixture
def views(published: Workplace) -> duckdb.DuckDBPyConnection:
    """A DuckDB session with the views of docs/views.sql over the published real release."""
    connection = duckdb.connect()
    connection.execute("SET VARIABLE kzz_root = ?", [str(published.out)])
    connection.execute((DOCS / "views.sql").read_text(encoding="utf-8"))
    return connection


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_on_disk_are_current(generated: dict[str, str], name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == generated[name], "write docs/ again with make run docs"


def test_the_command_writes_the_same_pages_anywhere(
    published: Workplace, generated: dict[str, str], tmp_path: Path
) -> None:
    done = published.kzz("docs", "--to", str(tmp_path / "pages"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "pages" / name) for name in PAGES]
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "pages").iterdir()} == generated


@pytest.mark.parametrize("command", ["docs", "package"])
def test_nothing_is_written_where_nothing_is_published(workplace: Workplace, command: str) -> None:
    arguments = ["--to", str(workplace.root / "pages")] if command == "docs" else []
    done = workplace.kzz(command, *arguments)
    assert done.returncode == 2
    assert "no release is published" in done.stderr
    assert not workplace.out.exists()
    assert not (workplace.root / "pages").exists()


@pytest.mark.parametrize("name", ["dictionary.md", "dictionary.html"])
def test_the_dictionary_names_every_column(generated: dict[str, str], name: str) -> None:
    text = generated[name]
    for table in PUBLISHED:
        start = f"## {table.name} " if name.endswith("md") else f'<section id="{table.name}">'
        section = text.split(start, 1)[1].split("\n## " if name.endswith("md") else "</section>", 1)[0]
        quoted = re.findall(r"^\| `(\w+)` \|" if name.endswith("md") else r"<td><code>(\w+)</code></td>", section, re.M)
        assert quoted == table.column_names
        assert all(column.zh in section for column in table.columns)


def test_every_row_of_the_dictionary_has_its_eight_cells(generated: dict[str, str]) -> None:
    rows = [line for line in generated["dictionary.md"].splitlines() if line.startswith("| `")]
    assert len(rows) == sum(len(table.columns) for table in PUBLISHED)
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {10}


def test_examples_are_what_is_published(generated: dict[str, str]) -> None:
    assert "| `value_printed` | 指标值(原文) | string<br>文本 | no 否 |" in generated["dictionary.md"]
    for example in ("≥3365", "国家孕前优生健康检查项目（对）", "25237000.0000", "2020-kzz-key-projects-t001-i001"):
        assert f"| {example} |" in generated["dictionary.md"]
        assert f'<td class="example">{example}</td>' in generated["dictionary.html"]


def test_every_description_is_there_in_chinese() -> None:
    used = {text for table in PUBLISHED for text in (table.description, *(c.description for c in table.columns))}
    assert used - set(chinese()) == set(), "add the Chinese to kzz_pipeline/templates/chinese.yml"
    assert set(chinese()) - used == set(), "no column says this any more"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\n b\t|", "a b |"),
        ("x" * 40, "x" * 31 + "…"),
        ("0123456789abcdef" * 4, "0123456789ab…"),
        (["a", "b"], "a, …"),
        (0, "0"),
        (0.5, "0.5"),
    ],
)
def test_examples_stand_on_one_line(value: Any, shown: str) -> None:
    assert shorten(value) == shown


class _Page(HTMLParser):
    """What a page opens, and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
                self.targets.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_html_needs_no_other_file(generated: dict[str, str]) -> None:
    html = generated["dictionary.html"]
    page = _Page()
    page.feed(html)
    assert not page.open
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed"}
    assert page.targets == [f"#{name}" for name in page.ids] == [f"#{table.name}" for table in PUBLISHED]
    assert not re.search(r"://|url\(|@import", html)


def test_the_rules_page_names_every_rule_once(generated: dict[str, str]) -> None:
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| (\w+) \|", generated["rules.md"], re.M)
    assert sorted(listed) == [(rule.code, rule.severity) for rule in RULES]
    assert sorted(rule.code for rules in rules_by_kind().values() for rule in rules) == [rule.code for rule in RULES]
    assert all(rules_by_kind().values())


def test_every_view_runs(views: duckdb.DuckDBPyConnection) -> None:
    names = [
        name for (name,) in views.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    ]  # fmt: skip
    assert {table.name for table in PUBLISHED} < set(names)
    rows = {name: len(views.execute(f"FROM {name}").fetchall()) for name in names}
    assert {name for name, count in rows.items() if not count} == WITHOUT_ROWS


@pytest.mark.parametrize("table", PUBLISHED, ids=lambda table: table.name)
def test_a_view_returns_the_table(views: duckdb.DuckDBPyConnection, published: Workplace, table: Any) -> None:
    relation = views.sql(f"FROM {table.name}")
    assert relation.columns == table.column_names
    files = sorted((published.out / table.name).glob("**/*.parquet"))
    assert len(relation) == sum(pq.read_metadata(path).num_rows for path in files)
    if files:
        straight = views.sql(f"FROM read_parquet('{published.out}/{table.name}/**/*.parquet')")
        assert relation.types == straight.types
        assert sorted(map(str, relation.fetchall())) == sorted(map(str, straight.fetchall()))


def test_every_view_and_column_has_a_comment_in_both_languages(views: duckdb.DuckDBPyConnection) -> None:
    comments = views.execute(
        "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal "
        "UNION ALL SELECT table_name || '.' || column_name, comment FROM duckdb_columns() WHERE NOT internal"
    ).fetchall()
    assert comments
    for name, comment in comments:
        assert re.search(r"[一-鿿]", comment or "")
        assert re.search(r"[A-Za-z]{2}", comment), name


def test_the_joined_views_keep_the_rows_of_their_tables(views: duckdb.DuckDBPyConnection) -> None:
    def count(name: str) -> int:
        return len(views.execute(f"FROM {name}").fetchall())

    assert count("indicators_with_funds") == count("indicators")
    assert count("findings_with_values") == count("findings")
    assert count("unit_years") == count("yearly_by_unit")
    assert count("level_years") == count("yearly_by_indicator")
    assert count("rules") == len(RULES)
    counted, funds = views.execute("SELECT count(*), sum(total_funds_cny) FROM current_projects").fetchall()[0]
    assert (counted, funds) == views.execute(
        "SELECT sum(project_count), sum(total_funds_cny) FROM yearly_summary"
    ).fetchall()[0]  # fmt: skip


def test_views_and_package_tell_what_counts_of_two_releases(real_text: str, workplace: Workplace) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    assert workplace.kzz("run").returncode == 0
    workplace.put("2020/kzz-key-projects.txt", real_text.replace("≥3365", "≥3366"))
    workplace.put("2021/again.txt", real_text)
    assert workplace.kzz("run").returncode == 0
    connection = duckdb.connect()
    connection.execute("SET VARIABLE kzz_root = ?", [str(workplace.out)])
    connection.execute((DOCS / "views.sql").read_text(encoding="utf-8"))

    def rows(query: str) -> list[Any]:
        return connection.execute(query).fetchall()

    assert rows("SELECT release_id, count(*) FROM current_projects GROUP BY 1") == [("2021-again", 30)]
    assert rows("SELECT is_current, count(*) FROM indicators_with_funds GROUP BY 1 ORDER BY 1") == [
        (False, 292),
        (True, 292),
    ]
    assert rows(
        "SELECT DISTINCT change, column_name, old_value, new_value FROM release_changes WHERE column_name = 'value_printed'"
    ) == [("changed", "value_printed", "≥3365", "≥3366")]
    assert rows("SELECT count(*) FROM findings_with_values WHERE rule = 'project-in-two-releases' AND is_open") == [
        (30,)
    ]
    report = Package.from_descriptor(_with_rows(datapackage(workplace.out), workplace.out)).validate()
    assert report.valid, report.flatten(["name", "rowNumber", "fieldName", "message"])[:5]
    assert report.stats["tasks"] == len(PUBLISHED)


def test_the_views_say_so_where_nothing_is_published(workplace: Workplace) -> None:
    connection = duckdb.connect()
    connection.execute("SET VARIABLE kzz_root = ?", [str(workplace.out)])
    with pytest.raises(duckdb.IOException, match="No files found"):
        connection.execute((DOCS / "views.sql").read_text(encoding="utf-8"))


def _with_rows(descriptor: dict[str, Any], root: Path) -> dict[str, Any]:
    """The descriptor with the published rows in place of the files, which Frictionless reads no Parquet of."""
    for resource in descriptor["resources"]:
        paths = resource.pop("path")
        del resource["format"], resource["mediatype"]
        resource["data"] = [row for path in paths for row in pq.ParquetFile(root / path).read().to_pylist()]
    return descriptor


def test_the_data_package_is_valid(published: Workplace) -> None:
    report = Package.validate_descriptor(datapackage(published.out))
    assert report.valid, report.flatten(["message"])


def test_the_published_rows_are_valid_by_the_data_package(published: Workplace) -> None:
    report = Package.from_descriptor(_with_rows(datapackage(published.out), published.out)).validate()
    assert report.valid, report.flatten(["name", "rowNumber", "fieldName", "message"])[:5]
    assert report.stats["tasks"] == len(PUBLISHED) - len(WITHOUT_ROWS)


@pytest.mark.parametrize(
    ("resource", "column", "value", "error"),
    [
        ("indicators", "value_kind", "nombre", "constraint-error"),
        ("indicators", "indicator_id", None, "primary-key"),
        ("indicators", "project_id", "of-no-table", "foreign-key"),
        ("findings", "release_id", "of-no-release", "foreign-key"),
        ("projects", "total_funds_cny", "much", "type-error"),
    ],
)
def test_the_data_package_tells_wrong_rows(
    published: Workplace, resource: str, column: str, value: Any, error: str
) -> None:
    descriptor = _with_rows(datapackage(published.out), published.out)
    rows = next(found["data"] for found in descriptor["resources"] if found["name"] == resource)
    rows[0][column] = value
    report = Package.from_descriptor(descriptor).validate()
    assert error in {found for (found,) in report.flatten(["type"])}


def test_the_data_package_lists_every_published_file_with_its_columns(published: Workplace) -> None:
    descriptor = datapackage(published.out)
    listed = [path for resource in descriptor["resources"] for path in resource["path"]]
    assert sorted(listed) == list(published.files())
    for resource in descriptor["resources"]:
        names = [field["name"] for field in resource["schema"]["fields"]]
        for path in resource["path"]:
            assert pq.read_schema(published.out / path).names == names


def test_the_command_writes_the_data_package_beside_the_tables(real_text: str, workplace: Workplace) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    assert workplace.kzz("run").returncode == 0
    before = workplace.files()
    done = workplace.kzz("package")
    assert done.returncode == 0, done.stderr
    target = workplace.out / "datapackage.json"
    assert done.stdout.strip() == str(target)
    assert json.loads(target.read_bytes()) == datapackage(workplace.out)
    written = target.read_bytes()
    assert workplace.kzz("run").returncode == 0
    assert workplace.kzz("package").returncode == 0
    assert target.read_bytes() == written
    assert workplace.files() == before


def test_nothing_published_is_no_data_package(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="no release is published"):
        datapackage(tmp_path)
