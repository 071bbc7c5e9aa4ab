"""The readable report on a release: what it shows, that it stands by itself, and that nothing in a release breaks it."""

import html
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from bs4 import BeautifulSoup, Tag
from conftest import REAL, REAL_ID, Workplace
from release_text import Table, Text

from kzz_pipeline.core.decoding import decode
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.layout import read_layout
from kzz_pipeline.core.normalize import Source, normalize
from kzz_pipeline.core.rules import RULES, audit
from kzz_pipeline.corrections import Correction, Decisions
from kzz_pipeline.report import render_report
from kzz_pipeline.schema import to_arrow
from kzz_pipeline.vocabulary import words


def _page(text: Text | str, decisions: Decisions | None = None) -> tuple[str, dict[str, pa.Table]]:
    """A release's report, and the tables that it is made from."""
    known, decisions = words(), decisions or Decisions()
    data = (text if isinstance(text, str) else text.text()).encode()
    parse = read_layout(Document.from_text(decode(data).text), known.labels, known.units)
    source = Source("2020-test", 2020, "2020/test.txt", "0" * 64, len(data), "utf-8", len(parse.document.lines))
    rows = normalize(parse, source, known, decisions.cell_corrections(parse.chunks), decisions.money_unit)
    rows["findings"] = audit(parse, source, rows, known)
    rows["findings"]["accepted_reason"] = [
        decisions.accepted(finding, rule)
        for finding, rule in zip(rows["findings"]["finding_id"], rows["findings"]["rule"], strict=True)
    ]
    tables = {name: to_arrow(name, columns) for name, columns in rows.items()}
    unread = (token for token in parse.tokens if token.role == "unread")
    return render_report(tables, parse.document.lines, unread, decisions).decode(), tables


def _soup(page: str) -> BeautifulSoup:
    return BeautifulSoup(page, "html.parser")


def _one(soup: BeautifulSoup | Tag, selector: str) -> Tag:
    found = soup.select(selector)
    assert len(found) == 1, f"{selector}: {len(found)}"
    return found[0]


def _report(place: Workplace, release_id: str = REAL_ID) -> Path:
    return place.root / "reports" / f"{release_id}.html"


@pytest.fixture(scope="module")
def page(published: Workplace) -> BeautifulSoup:
    return _soup(_report(published).read_text(encoding="utf-8"))


def _assert_stands_alone(page: str) -> None:
    soup = _soup(page)
    assert not soup.select("script, link, iframe, object, embed, img, base, form")
    for tag in soup.find_all(True):
        for name, value in tag.attrs.items():
            assert not name.lower().startswith("on"), f"{tag.name} {name}"
            if name in ("src", "href", "xlink:href", "action"):
                assert str(value).startswith("#"), f"{tag.name} {name}={value}"
    for style in soup.find_all("style"):
        assert "url(" not in style.text
        assert "@import" not in style.text
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert {str(a["href"])[1:] for a in soup.find_all("a")} <= set(map(str, ids))


def test_every_finding_stands_beside_its_marked_cell(published: Workplace, page: BeautifulSoup) -> None:
    lines = REAL.read_text(encoding="utf-8").split("\n")
    findings = published.read("findings")
    assert len(page.select(".finding")) == len(findings) > 0
    for row in findings.to_dict("records"):
        shown = _one(page, f'[id="{row["finding_id"]}"]')
        assert row["message"] in shown.get_text()
        assert f"line {row['source_line']}, cell {row['source_column']}" in shown.get_text()
        hit = _one(shown, "tr.hit")
        assert _one(hit, "th").get_text() == str(row["source_line"])
        cell = lines[row["source_line"] - 1].split("\t")[row["source_column"] - 1]
        marked = _one(hit, "mark").get_text()
        assert marked.strip("…∅") in cell
        assert len(marked) >= min(len(cell), 300)


def test_lines_show_their_tabs(page: BeautifulSoup) -> None:
    line = REAL.read_text(encoding="utf-8").split("\n")[185]
    hit = page.select(f'[id="{REAL_ID}-percentage-oddly-small-186-5"] tr.hit td')[0]
    shown = "".join("\t" if isinstance(part, Tag) and part.name == "i" else part.get_text() for part in hit.children)
    assert shown == line


def test_the_other_line_that_a_message_names_is_shown(page: BeautifulSoup) -> None:
    shown = page.select(f'[id^="{REAL_ID}-listed-amount-"] tr')
    assert [_one(row, "th").get_text() for row in shown] == ["15", "606", "607", "608", "609", "610"]
    assert "89.76" in shown[0].get_text()


def test_counts_are_those_of_the_tables(published: Workplace, page: BeautifulSoup) -> None:
    findings = published.read("findings")
    shown = {str(row["data-rule"]): int(row.select("td.n")[0].get_text()) for row in page.select("tr[data-rule]")}
    assert shown == findings["rule"].value_counts().to_dict()
    severities = {str(tile["data-severity"]): int(_one(tile, "b").get_text()) for tile in page.select("li.error, li.warning, li.info")}  # fmt: skip
    assert {name: number for name, number in severities.items() if number} == (
        findings["severity"].value_counts().to_dict()
    )
    order = [str(tag["class"][-1]) for tag in page.select("details.group")]
    assert order == sorted(order, key=["error", "warning", "info"].index)
    text = page.get_text()
    for rule in RULES:
        if rule.code in shown:
            assert rule.title in text
            assert rule.why in text
            assert rule.action in text


def test_head_and_tables_tell_the_release(published: Workplace, page: BeautifulSoup) -> None:
    release = published.read("releases").iloc[0]
    head = _one(page, "header").get_text()
    for text in (REAL_ID, release["title"], release["source_path"], release["source_sha256"], "666 lines", "万元"):
        assert text in head
    assert "2,523.70 万元" in head
    assert "2,521.90 万元" in head
    for row in published.read("projects").to_dict("records"):
        shown = _one(page, f"#t{row['table_no']}").get_text("\t")
        assert row["budget_unit"] in shown
        assert row["project_name"] in shown
        assert f"{row['first_line']}–{row['last_line']}" in shown


def test_charts_show_the_largest_units_and_every_level(published: Workplace, page: BeautifulSoup) -> None:
    funds, levels = page.select(".bars")
    totals = published.read("projects").groupby("budget_unit")["total_funds_cny"].sum().sort_values(ascending=False)
    bars = {_one(row, "th").get_text(): _one(row, ".n").get_text() for row in funds.select("tr")}
    assert set(totals.index[:15]) | {f"其余 {len(totals) - 15} 个单位"} == set(bars)
    assert bars[totals.index[0]] == f"{totals.iloc[0] / 10000:,.2f}"
    assert [str(bar["style"]) for bar in funds.select("i")][:1] == ["width:100.0%"]
    assert "满意度指标" in levels.get_text()


def test_page_stands_by_itself(published: Workplace) -> None:
    text = _report(published).read_text(encoding="utf-8")
    _assert_stands_alone(text)
    assert "http" not in text.replace("http-equiv", "")
    assert str(published.root) not in text


def test_the_same_release_gives_the_same_page(published: Workplace, workplace: Workplace) -> None:
    workplace.put("2020/kzz-key-projects.txt", REAL.read_bytes())
    done = workplace.kzz("run")
    assert done.returncode == 0
    assert f"  report      {_report(workplace)}\n" in done.stdout
    assert _report(workplace).read_bytes() == _report(published).read_bytes()
    assert not list(_report(workplace).parent.glob(".*"))
    assert _page(Text())[0] == _page(Text())[0]


def test_a_refused_version_leaves_the_report_of_what_stands(workplace: Workplace, real_text: str) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    workplace.put("2021/half.txt", real_text.encode()[:20000])
    assert workplace.kzz("run").returncode == 3
    before = _report(workplace).read_bytes()
    assert not _report(workplace, "2021-half").exists()
    workplace.put("2020/kzz-key-projects.txt", real_text.encode()[:20000])
    assert workplace.kzz("run").returncode == 3
    assert _report(workplace).read_bytes() == before
    workplace.put("2020/kzz-key-projects.txt", real_text.replace("469.37", "469.38"))
    assert "1 published" in workplace.kzz("run").stdout
    assert _report(workplace).read_bytes() != before


def test_an_interrupted_publication_is_made_good_with_its_report(
    workplace: Workplace, real_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kzz_pipeline import publication
    from kzz_pipeline.catalogue import Catalogue
    from kzz_pipeline.intake import survey
    from kzz_pipeline.settings import Settings

    chosen = Settings(workplace.raw, workplace.out, workplace.home)
    workplace.put("2020/kzz-key-projects.txt", real_text)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for stage in ("raw_text", "parsed_blocks", "normalized_indicators"):
        publication.run_stage_on(stage, chosen, [REAL_ID], "run")
    with monkeypatch.context() as patched:
        patched.setattr(publication, "write_report", killed)
        with pytest.raises(KeyboardInterrupt):
            list(publication.publish_releases(chosen, [REAL_ID], "run"))
    assert not _report(workplace).exists()
    found = survey(chosen, Catalogue(chosen.catalogue_path, chosen.out_root))
    assert [arrival.file.release_id for arrival in found.arrivals] == [REAL_ID]
    outcome = next(publication.publish_releases(chosen, [REAL_ID], "run"))
    assert outcome.report_path == _report(workplace)
    assert outcome.report == b""
    assert _report(workplace).is_file()


@pytest.mark.parametrize(
    "nasty",
    [
        "<script>alert(1)</script>",
        "</title></svg><script>alert(1)</script>",
        "\"><img src=x onerror='alert(1)'>",
        "{{ 7 * 7 }}{% raw %}",
        "]]><!-- &lt; &#x3c;script&#x3e; -->",
        "</style><a href=javascript:alert(1)>x</a>",
        "a\x01\x08\x0b\x0c\x1b\x7f\x85\u202e\ufffe\uffffz",
    ],
)
def test_nothing_in_a_release_becomes_markup(nasty: str) -> None:
    calm, _ = _page(Text([Table()]))
    page, _ = _page(Text([Table(unit=f"甲县{nasty}局", project=nasty, goal=nasty, total="9", indicators=(("项目完成\t数量指标", nasty, nasty),))]))  # fmt: skip
    _assert_stands_alone(page)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]", page)
    if nasty.isprintable():
        assert html.escape(nasty, quote=False) in page.replace("&#34;", '"').replace("&#39;", "'")
    known = {tag.name for tag in _soup(calm).find_all(True)}
    assert {tag.name for tag in _soup(page).find_all(True)} - known <= {"details", "summary", "ol", "mark", "li"} | {
        "table", "i", "dl", "dt", "dd", "b", "code", "thead", "tbody", "tr", "th", "td", "a", "div",
    }  # fmt: skip


def test_long_cells_and_long_lines_are_shortened_around_the_marked_cell() -> None:
    goal = "甲" * 2000 + "丙》" + "乙" * 2000
    page, _ = _page(Text([Table(goal=goal)], tail="\n" + "\t".join(f"余{number}" for number in range(500))))
    soup = _soup(page)
    assert all(len(line.select("i")) <= 18 for line in soup.select(".lines tr"))
    assert len(soup.select(".lines")) < len(soup.select(".finding"))
    marks = [mark.get_text() for mark in soup.select("mark")]
    assert all(len(mark) <= 302 for mark in marks)
    assert any(len(mark) >= 300 for mark in marks)


def test_decisions_are_shown_apart(real_text: str) -> None:
    cell = Correction(release="2020-test", line=13, column=5, expect="43", value="44", reason="misprint, asked")
    lines = real_text.split("\n")
    cell = cell.model_copy(update={"expect": lines[12].split("\t")[4].strip()})
    decisions = Decisions(rules={"masked-text": "as the bureau <publishes> it"}, cells=(cell,), money_unit="万元")
    page, tables = _page(real_text, decisions)
    soup = _soup(page)
    decided = soup.select("section[aria-labelledby=decisions]")[0]
    accepted = [row for row in tables["findings"].to_pylist() if row["accepted_reason"]]
    assert accepted
    for row in accepted:
        assert decided.select(f'[id="{row["finding_id"]}"]')
        assert not soup.select("section[aria-labelledby=findings]")[0].select(f'[id="{row["finding_id"]}"]')
    assert "as the bureau <publishes> it" in decided.get_text()
    assert "misprint, asked" in decided.get_text()
    row = _one(soup, 'tr[data-rule="masked-text"]')
    assert [cell.get_text() for cell in row.select("td.n")] == ["0", str(len(accepted))]
    _assert_stands_alone(page)


def test_unread_cells_are_listed_with_their_text() -> None:
    page, tables = _page(Text().text().replace("绩效目标表\n", "绩效目标表\t还有<一格>\n"))
    soup = _soup(page)
    count = tables["releases"].to_pylist()[0]["unread_cell_count"]
    shown = soup.select("section[aria-labelledby=unread] tbody tr")
    assert len(shown) == count > 0
    assert "还有<一格>" in "".join(row.get_text() for row in shown)


def test_a_release_without_findings_amounts_or_list_has_a_report() -> None:
    page, tables = _page(Text([Table(total="", fiscal="", other="")], has_list=False, money_unit=""))
    assert tables["projects"].to_pylist()[0]["total_funds_cny"] is None
    assert "No funds are printed." in page
    _assert_stands_alone(page)
    sound, tables = _page(Text())
    assert "Nothing was found." in sound or tables["findings"].num_rows


def test_page_is_where_the_run_says(workplace: Workplace, real_text: str) -> None:
    """Dagster shows the report of each release."""
    from kzz_pipeline.pages import of_outcome
    from kzz_pipeline.stages import Outcome

    release = dict.fromkeys(
        ("indicator_count", "project_count", "unread_cell_count", "error_count", "warning_count", "info_count"), 0
    )
    facts = {"fiscal_years": [], "findings_by_rule": {}, "release": release, "first_findings": [], "row_counts": {}}
    shown = of_outcome("curated_tables", Outcome(REAL_ID, facts=json.loads(json.dumps(facts)), report_path=Path("r.html")))  # fmt: skip
    assert shown["report"].value == "r.html"


def test_no_cell_of_the_report_is_run_by_a_spreadsheet_that_opens_it() -> None:
    text = Text([Table(unit="=甲县教育局", project="+1|calc", goal="goal")], tail="\n\t\t\t\t\t\t@SUM(A1)\n").text()
    soup = _soup(_page(text)[0])
    cells = [cell.get_text() for cell in soup.select("table:not(.lines) td, table:not(.lines) th")]
    assert {"'=甲县教育局", "'+1|calc", "'@SUM(A1)"} <= {cell.strip() for cell in cells}
    assert not [cell for cell in cells if cell.strip().startswith(("=", "+", "-", "@"))]
