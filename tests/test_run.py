"""`kzz run` from the raw root to the published tables, as a user sees it."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from conftest import REAL, REAL_ID, Workplace
from filelock import FileLock
from release_text import Table, Text

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.schema import RELEASE_TABLES, TABLES, YEARLY_TABLES, arrow_schema
from kzz_pipeline.settings import Settings

EXPECTED_LEVELS = {
    "数量指标": 68, "质量指标": 44, "时效指标": 30, "成本指标": 51, "经济效益指标": 3, "社会效益指标": 32,
    "生态效益指标": 3, "可持续影响指标": 26, "满意度指标": 35,
}  # fmt: skip


def test_run_publishes_every_row_of_the_real_release(published: Workplace) -> None:
    release = published.read("releases").iloc[0]
    assert release["listed_count"] == 30
    assert release["listed_total_cny"] == Decimal("25237000.0000")
    assert release["unread_cell_count"] == 0
    projects = published.read("projects")
    assert projects.groupby("fiscal_year").size().to_dict() == {2020: 20, 2021: 10}
    assert projects["total_funds_cny"].sum() == Decimal("25219000.0000")
    indicators = published.read("indicators")
    assert indicators["level2"].value_counts().to_dict() == EXPECTED_LEVELS
    assert indicators["indicator_id"].is_unique


def test_run_publishes_one_schema_per_table(published: Workplace) -> None:
    for table in (*RELEASE_TABLES, *YEARLY_TABLES):
        files = sorted((published.out / table).glob("**/*.parquet"))
        assert files, table
        for file in files:
            found = pq.read_schema(file)
            assert found.equals(arrow_schema(table), check_metadata=False), file
            assert all(field.metadata[b"description"] for field in found)


@pytest.mark.parametrize("table", [*RELEASE_TABLES, *YEARLY_TABLES])
def test_readers_find_every_row_once(published: Workplace, table: str) -> None:
    pattern = f"{published.out}/{table}/**/*.parquet"
    rows = len(published.read(table))
    assert duckdb.sql(f"select count(*) from read_parquet('{pattern}')").fetchall() == [(rows,)]
    assert pl.read_parquet(pattern).height == rows
    assert list(published.read(table).columns) == TABLES[table].column_names


def test_yearly_tables_add_up_to_the_rows(published: Workplace) -> None:
    projects, indicators = published.read("projects"), published.read("indicators")
    summary = published.read("yearly_summary").set_index("fiscal_year")
    by_unit, by_level = published.read("yearly_by_unit"), published.read("yearly_by_indicator")
    for year in (2020, 2021):
        of_year = projects[projects["fiscal_year"] == year]
        assert summary.loc[year, "project_count"] == len(of_year)
        assert summary.loc[year, "total_funds_cny"] == of_year["total_funds_cny"].sum()
        assert summary.loc[year, "unit_count"] == of_year["budget_unit"].nunique()
        assert by_unit.loc[by_unit["fiscal_year"] == year, "total_funds_cny"].sum() == of_year["total_funds_cny"].sum()
        counted = by_level.loc[by_level["fiscal_year"] == year, "indicator_count"].sum()
        assert counted == (indicators["fiscal_year"] == year).sum() == summary.loc[year, "indicator_count"]


def test_run_again_changes_no_byte(published: Workplace) -> None:
    before = published.files()
    again = published.kzz("run")
    assert again.returncode == 0
    assert "0 published, 1 unchanged" in again.stdout
    assert published.files() == before


def test_same_release_gives_the_same_bytes_elsewhere(published: Workplace, workplace: Workplace) -> None:
    workplace.put("2020/kzz-key-projects.txt", REAL.read_bytes())
    assert workplace.kzz("run").returncode == 0
    assert workplace.files() == published.files()


def test_bad_releases_are_named_and_the_others_published(workplace: Workplace, real_text: str) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    workplace.put("2021/empty.txt", b"")
    workplace.put("2021/blank.txt", " \n\t\n")
    workplace.put("2021/spaces.txt", real_text.replace("\t", "  "))
    workplace.put("2021/picture.txt", b"\x89PNG\r\n\x1a\n" + bytes(100))
    workplace.put("2021/letter.txt", "尊敬的\t领导\n")
    workplace.put("2021/half.txt", real_text.encode()[:20000])
    workplace.put("2021/a b.txt", real_text)
    workplace.put("loose.txt", real_text)
    done = workplace.kzz("run")
    assert done.returncode == 3
    for name in ("empty", "blank", "spaces", "picture", "letter", "half", "a b"):
        assert f"refused 2021/{name}.txt" in done.stderr
    assert "refused loose.txt" in done.stderr
    assert "Traceback" not in done.stderr
    assert set(workplace.read("releases")["release_id"]) == {REAL_ID}
    report = json.loads((workplace.root / "quarantine" / "2021-half" / "report.json").read_text(encoding="utf-8"))
    assert report["line"] is not None
    assert report["advice"]


def test_refused_release_leaves_what_was_published(workplace: Workplace, real_text: str) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    assert workplace.kzz("run").returncode == 0
    before = workplace.files()
    workplace.put("2020/kzz-key-projects.txt", real_text.encode()[:20000])
    done = workplace.kzz("run")
    assert done.returncode == 3
    assert "what was published before of it stands" in done.stderr
    assert workplace.files() == before
    workplace.put("2020/kzz-key-projects.txt", real_text)
    assert workplace.kzz("run").returncode == 0
    assert workplace.files() == before
    assert not (workplace.root / "quarantine").exists()


def test_same_bytes_under_another_name_are_published_once(workplace: Workplace, real_text: str) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    workplace.put("2021/copy.txt", real_text)
    done = workplace.kzz("run")
    assert done.returncode == 0
    assert "2021-copy: the same bytes as 2020-kzz-key-projects" in done.stdout
    assert len(workplace.read("projects")) == 30


def test_id_of_an_alias_is_traced_to_the_release_that_is_published(workplace: Workplace) -> None:
    for name in ("2020/a", "2021/b"):
        workplace.put(f"{name}.txt", _release("300"))
    assert workplace.kzz("run").returncode == 0
    traced = workplace.kzz("trace", "2021-b-t001-i001")
    assert traced.returncode == 0, traced.stderr
    note, first, *_ = traced.stdout.splitlines()
    assert note == "2021-b has the same bytes as 2020-a, and is published under that name"
    assert first == "indicator 2020-a-t001-i001"
    assert "alias of 2020-a" in workplace.kzz("trace", "2021-b").stdout
    assert workplace.kzz("trace", "2021-b-t009").returncode == 2


def test_quarantine_of_a_file_that_is_gone_goes_too(workplace: Workplace) -> None:
    bad = workplace.put("2020/bad.txt", "no\trelease\n")
    link = workplace.raw / "2020" / "link.txt"
    link.symlink_to(bad)
    kept = workplace.root / "quarantine" / "notes"
    kept.mkdir(parents=True)
    assert workplace.kzz("run").returncode == 3
    assert sorted(path.name for path in kept.parent.iterdir()) == ["2020-bad", "2020-link", "notes"]
    report = kept.parent / "2020-link" / "report.md"
    before = report.stat().st_mtime_ns
    assert workplace.kzz("run").returncode == 3
    assert report.stat().st_mtime_ns == before
    link.unlink()
    bad.unlink()
    done = workplace.kzz("run")
    assert done.returncode == 0
    assert "2020-bad: its file, which was refused, is gone" in done.stdout
    assert [path.name for path in kept.parent.iterdir()] == ["notes"]
    # Put there again, it is described again.
    workplace.put("2020/bad.txt", "no\trelease\n")
    assert workplace.kzz("run").returncode == 3
    assert (kept.parent / "2020-bad" / "report.md").is_file()


def test_usage_errors_exit_2(workplace: Workplace) -> None:
    workplace.raw.rmdir()
    done = workplace.kzz("run")
    assert done.returncode == 2
    assert "--raw" in done.stderr
    workplace.raw.mkdir()
    (workplace.root / "corrections.yml").write_text("accept:\n  - finding: x\n", encoding="utf-8")
    done = workplace.kzz("run")
    assert done.returncode == 2
    assert "accept[0].reason" in done.stderr


def test_unwritable_output_is_one_line(workplace: Workplace, real_text: str) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    workplace.out = Path("/proc/nowhere/curated")
    done = workplace.kzz("run")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def _release(total: str, project: str = "教师培训经费") -> str:
    return Text([Table(total=total, fiscal=total, project=project)]).text()


def _funds(place: Workplace) -> float:
    return float(place.read("yearly_summary")["total_funds_cny"].sum())


def test_release_that_becomes_an_alias_leaves_no_rows_behind(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", _release("300"))
    workplace.put("2020/b.txt", _release("350"))
    assert workplace.kzz("run").returncode == 0
    assert _funds(workplace) == 3500000
    workplace.put("2020/b.txt", _release("300"))
    assert workplace.kzz("run").returncode == 0
    assert list(workplace.read("releases")["release_id"]) == ["2020-a"]
    assert _funds(workplace) == 3000000
    assert not workplace.root.joinpath("reports", "2020-b.html").exists()
    workplace.put("2020/b.txt", _release("360"))
    assert workplace.kzz("run").returncode == 0
    assert _funds(workplace) == 3600000


def test_missing_file_is_named_until_its_release_is_withdrawn(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", _release("300"))
    gone = workplace.put("2020/draft.txt", _release("350", "图书经费"))
    assert workplace.kzz("run").returncode == 0
    gone.unlink()
    done = workplace.kzz("run")
    assert done.returncode == 0
    assert "2020/draft.txt is gone" in done.stderr
    assert _funds(workplace) == 6500000
    decision = "withdraw: [{release: 2020-draft, reason: replaced by the final one}]\n"
    (workplace.root / "corrections.yml").write_text(decision, encoding="utf-8")
    done = workplace.kzz("run")
    assert "2020-draft: withdrawn (replaced by the final one)" in done.stdout
    assert done.stderr == ""
    assert _funds(workplace) == 3000000
    assert "gone" not in workplace.kzz("run").stderr
    assert "draft.txt" in workplace.kzz("trace", "2020-draft").stdout


def test_old_version_is_traced_by_its_own_number_after_a_refused_one(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", _release("300"))
    assert workplace.kzz("run").returncode == 0
    workplace.put("2020/a.txt", "no release at all")
    assert workplace.kzz("run").returncode == 3
    workplace.put("2020/a.txt", _release("400"))
    assert workplace.kzz("run").returncode == 0
    traced = workplace.kzz("trace", "--version", "1", "2020-a-t001")
    assert traced.returncode == 0, traced.stderr
    assert "300" in traced.stdout
    assert workplace.kzz("trace", "--version", "2", "2020-a-t001").returncode == 2
    history = workplace.kzz("trace", "2020-a").stdout
    assert '["' not in history


def test_absurd_amounts_are_no_amounts(workplace: Workplace) -> None:
    text = Text([Table(total="90000000", fiscal="90000000"), Table(project="图书经费")]).text().replace("万元", "亿元")
    workplace.put("2020/a.txt", text)
    done = workplace.kzz("run")
    assert done.returncode == 0, done.stderr
    assert workplace.read("projects")["total_funds_cny"].isna().sum() == 1
    assert "amount-unreadable" in set(workplace.read("findings")["rule"])
    assert not workplace.read("yearly_summary").empty


@pytest.mark.parametrize(
    "arguments", [("--rule", "no-such-rule"), ("--release", "2020-nothing"), ("--severity", "fatal")]
)
def test_findings_of_what_is_not_there_are_a_usage_error(published: Workplace, arguments: tuple[str, str]) -> None:
    done = published.kzz("findings", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""


def test_findings_where_nothing_was_taken_in_are_a_usage_error(workplace: Workplace) -> None:
    done = workplace.kzz("findings")
    assert done.returncode == 2
    assert "no release was taken in" in done.stderr


def test_failed_yearly_check_fails_the_run(
    workplace: Workplace, in_process: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kzz_pipeline import yearly

    workplace.put("2020/a.txt", _release("300"))
    monkeypatch.setattr(yearly, "_problems", lambda *_: ["funds by unit: 1 published, 2 in the rows behind"])
    with pytest.raises(Refusal, match="failed in yearly_aggregates"):
        in_process()  # type: ignore[operator]
    assert not (workplace.out / "yearly_summary").exists()


@pytest.mark.parametrize("lines", [20, 38, 300])
def test_beginning_of_a_published_release_replaces_nothing(workplace: Workplace, real_text: str, lines: int) -> None:
    workplace.put("2020/real.txt", real_text)
    assert workplace.kzz("run").returncode == 0
    before = workplace.files()
    workplace.put("2020/real.txt", "\n".join(real_text.split("\n")[:lines]) + "\n")
    done = workplace.kzz("run")
    assert done.returncode == 3
    assert workplace.files() == before


@pytest.mark.parametrize(
    "saved",
    [lambda text: text.replace("\n", "\r\n").encode(), lambda text: text.encode("utf-8-sig"),
     lambda text: text.replace("\n", "\t \n\n").encode("gb18030"), lambda text: text[:-3].encode("utf-16")],
    ids=["crlf", "bom", "gb18030 and white space", "cut in a line"],
)  # fmt: skip
def test_beginning_is_known_however_it_was_saved(workplace: Workplace, saved: Callable[[str], bytes]) -> None:
    text = Text([Table(), Table(project="图书经费")], has_list=False).text()
    half = text[: text.rindex("项目支出绩效目标表")]
    workplace.put("2020/a.txt", text)
    assert workplace.kzz("run").returncode == 0
    before = workplace.files()
    workplace.put("2020/a.txt", saved(half))
    done = workplace.kzz("run")
    assert done.returncode == 3
    assert "only the beginning of the one that is published" in done.stderr
    assert workplace.files() == before
    # The whole of it, saved so, is no beginning.
    workplace.put("2020/a.txt", saved(text + "   "))
    assert workplace.kzz("run").returncode == 0


def test_list_without_tables_waits_until_it_is_accepted(workplace: Workplace) -> None:
    text = Text([Table(), Table(project="图书经费")]).text()
    workplace.put("2020/a.txt", text[: text.index("项目支出绩效目标表")])
    done = workplace.kzz("run")
    assert done.returncode == 3
    assert "no 项目支出绩效目标表 follows" in done.stderr
    assert not workplace.files()
    decision = "accept: [{rule: list-without-tables, release: 2020-a, reason: only the list was published}]\n"
    (workplace.root / "corrections.yml").write_text(decision, encoding="utf-8")
    done = workplace.kzz("run")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(workplace.read("listed_projects")["amount_cny"]) == [100000, 100000]
    assert "list-without-tables" in set(workplace.read("findings")["rule"])
    for table in (*RELEASE_TABLES, *YEARLY_TABLES):
        assert list(workplace.read(table).columns) == TABLES[table].column_names
    assert workplace.read("yearly_summary").empty


def test_yearly_tables_are_read_though_the_last_year_went(workplace: Workplace) -> None:
    text = Text([Table()]).text()
    workplace.put("2021/a.txt", text)
    assert workplace.kzz("run").returncode == 0
    accepted = "".join(
        f"  - {{rule: {rule}, release: 2021-a, reason: the tables were taken back}}\n"
        for rule in ("list-without-tables", "table-breaks-off")
    )
    (workplace.root / "corrections.yml").write_text(f"accept:\n{accepted}", encoding="utf-8")
    workplace.put("2021/a.txt", text[: text.index("项目支出绩效目标表")])
    assert workplace.kzz("run").returncode == 0
    for table in YEARLY_TABLES:
        assert workplace.read(table).empty
        assert list(workplace.read(table).columns) == TABLES[table].column_names
    before = workplace.files()
    assert workplace.kzz("run").returncode == 0
    assert workplace.files() == before


def test_raw_root_without_a_release_says_where_to_put_one(workplace: Workplace) -> None:
    done = workplace.kzz("run")
    assert done.returncode == 0
    assert f"no release under {workplace.raw}: put one at <year>/<name>.txt there" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "what"),
    [(("--out", ""), "the name of the folder is empty"), (("--raw", ""), "the name of the folder is empty"),
     (("--raw", "raw", "--out", "raw/tables"), "among the releases")],
)  # fmt: skip
def test_folder_that_cannot_be_meant_is_a_usage_error(
    workplace: Workplace, arguments: tuple[str, ...], what: str
) -> None:
    command = [sys.executable, "-m", "kzz_pipeline.cli", "run", *arguments]
    done = subprocess.run(
        command, env=workplace.environment, cwd=workplace.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert what in done.stderr
    assert list(workplace.root.iterdir()) == [workplace.raw]


def test_published_release_whose_file_is_refused_by_its_name_is_not_said_to_be_gone(
    workplace: Workplace, real_text: str
) -> None:
    path = workplace.put("2020/a.txt", real_text)
    assert workplace.kzz("run").returncode == 0
    before = workplace.files()
    path.rename(workplace.root / "elsewhere.txt")
    path.symlink_to(workplace.root / "elsewhere.txt")
    done = workplace.kzz("run")
    assert done.returncode == 3
    assert "refused 2020/a.txt: a link" in done.stderr
    assert "what was published before of it stands" in done.stderr
    assert "gone" not in done.stderr
    assert workplace.files() == before


def test_amounts_of_a_release_in_yuan_are_shown_whole(workplace: Workplace) -> None:
    text = Text([Table(total="25", fiscal="25")]).text().replace("万元", "元")
    workplace.put("2020/a.txt", text)
    assert "total 0.0025 万元" in workplace.kzz("run").stdout


def test_place_that_cannot_be_used_is_one_line(published: Workplace, workplace: Workplace, real_text: str) -> None:
    workplace.put("2020/a.txt", real_text)
    workplace.root.joinpath("file").write_text("", encoding="utf-8")
    workplace.out = workplace.root / "file" / "curated"
    done = workplace.kzz("run")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_published_files_that_were_taken_away_or_damaged_come_back(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", _release("300"))
    assert workplace.kzz("run").returncode == 0
    before = workplace.files()
    damaged = workplace.out / "projects" / "2020" / "2020-a.parquet"
    damaged.write_bytes(b"PAR1")
    for arguments in (("run",), ("trace", "yearly_summary", "2020")):
        done = workplace.kzz(*arguments)
        assert done.returncode != 0
        assert len(done.stderr.strip().splitlines()) == 1
        assert f"{damaged}" in done.stderr
        assert "damaged" in done.stderr
    damaged.unlink()
    (workplace.out / "yearly_by_unit" / "2020.parquet").unlink()
    assert workplace.kzz("run").returncode == 0
    assert workplace.files() == before
    (workplace.out / "yearly_summary" / "2020.parquet").unlink()
    assert workplace.kzz("run").returncode == 0
    assert workplace.files() == before


def test_rows_of_before_a_column_was_added_are_replaced(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", _release("300"))
    assert workplace.kzz("run").returncode == 0
    older = workplace.out / "listed_projects" / "2020" / "2020-a.parquet"
    pq.write_table(pq.read_table(older).drop_columns(["list_total_cny"]), older)
    workplace.put("2020/a.txt", _release("301"))
    done = workplace.kzz("run")
    assert done.returncode == 0, done.stderr
    assert list(workplace.read("listed_projects")["list_total_cny"]) == [3010000]
    assert set(workplace.read("release_changes")["change"]) == {"changed"}


def test_no_change_is_made_up_where_a_published_file_was_taken_away(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", _release("300"))
    assert workplace.kzz("run").returncode == 0
    (workplace.out / "indicators" / "2020" / "2020-a.parquet").unlink()
    workplace.put("2020/a.txt", _release("301"))
    assert workplace.kzz("run").returncode == 0
    assert not (workplace.out / "release_changes").exists()
    workplace.put("2020/a.txt", _release("302"))
    assert workplace.kzz("run").returncode == 0
    assert set(workplace.read("release_changes")["change"]) == {"changed"}


def test_report_on_a_refused_release_comes_back(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", "no\trelease\n")
    assert workplace.kzz("run").returncode == 3
    report = workplace.root / "quarantine" / "2020-a" / "report.md"
    report.unlink()
    assert workplace.kzz("run").returncode == 3
    assert report.is_file()


@pytest.mark.parametrize("port", ["0", "65536", "taken"])
def test_port_that_cannot_be_used_is_a_usage_error(workplace: Workplace, port: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = workplace.kzz("ui", "--port", str(taken.getsockname()[1]) if port == "taken" else port)
    assert done.returncode == 2
    assert "port" in done.stderr
    assert not workplace.home.exists()


def test_run_that_waits_for_another_says_so(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", _release("300"))
    state = Settings(workplace.raw, workplace.out, workplace.home).state_root
    state.mkdir(parents=True)
    command = [sys.executable, "-m", "kzz_pipeline.cli", "run"]
    command += ["--raw", str(workplace.raw), "--out", str(workplace.out)]
    with FileLock(state / ".lock"):
        waiting = subprocess.Popen(command, env=workplace.environment, stderr=subprocess.PIPE, text=True)
        assert waiting.stderr is not None
        assert "another run is at work" in waiting.stderr.readline()
    assert waiting.communicate(timeout=120)[1] == ""
    assert waiting.returncode == 0


def test_what_dagster_keeps_and_cannot_read_is_one_line(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", _release("300"))
    workplace.home.mkdir()
    settings_file = workplace.home / "dagster.yaml"
    settings_file.write_text("telemetry: [", encoding="utf-8")
    done = workplace.kzz("run")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "dagster.yaml in DAGSTER_HOME is not valid" in done.stderr
    settings_file.unlink()
    history = workplace.home / "history"
    history.mkdir()
    (history / "runs.db").write_text("no database", encoding="utf-8")
    done = workplace.kzz("run")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "what Dagster keeps in DAGSTER_HOME cannot be read" in done.stderr


def test_alias_of_a_release_that_is_withdrawn_takes_its_place_at_once(workplace: Workplace) -> None:
    gone = workplace.put("2020/a.txt", _release("300"))
    workplace.put("2021/b.txt", _release("300"))
    assert workplace.kzz("run").returncode == 0
    gone.unlink()
    decision = "withdraw: [{release: 2020-a, reason: moved}]\n"
    (workplace.root / "corrections.yml").write_text(decision, encoding="utf-8")
    done = workplace.kzz("run")
    assert done.returncode == 0, done.stderr
    assert "2021-b  published" in done.stdout
    assert list(workplace.read("releases")["release_id"]) == ["2021-b"]
    assert _funds(workplace) == 3000000
    assert "0 published, 1 unchanged" in workplace.kzz("run").stdout
