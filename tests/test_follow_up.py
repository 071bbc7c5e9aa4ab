"""The next year's release arrives, joins the one before, and is replaced by a corrected copy: only what depends on it moves."""

import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from conftest import REAL_ID, Workplace
from release_text import Table, Text

TITLE = "项目支出绩效目标表"
FOLLOW_UP = "2021-follow-up"
TRAINING = "文艺骨干培训费"


def follow_up(real_text: str) -> str:
    """The tables of 2020 a year later: other funds, a unit by its short name, one project more, no list."""
    head, *blocks = real_text.split(TITLE)
    del head
    kept = [
        block.replace("2020年)", "2021年)").replace("2020年）", "2021年）")
        for block in blocks
        if "2020年" in block[:40]
    ]
    kept[0] = re.sub(r"(年度资金总额[:：]?\t+)([\d.]+)", lambda found: f"{found[1]}{float(found[2]) + 10:.2f}", kept[0])
    kept = [block.replace("克孜勒苏柯尔克孜自治州广播电视局", "克州广播电视局") for block in kept]
    name = next(found[1] for found in [re.search(r"项目名称\t+([^\t\n]+)", kept[-1])] if found)
    kept.append(kept[-1].replace(name, TRAINING))
    return "2021年克孜勒苏柯尔克孜自治州重点项目绩效目标\n\n单位：万元\n\n" + "".join(TITLE + block for block in kept)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, real_text: str) -> Workplace:
    """The real release and, taken in by a later run, the next year's."""
    place = Workplace(tmp_path_factory.mktemp("both"))
    place.put("2020/kzz-key-projects.txt", real_text)
    assert place.kzz("run").returncode == 0
    place.put("2021/follow-up.txt", follow_up(real_text))
    done = place.kzz("run")
    assert done.returncode == 0, done.stderr
    return place


def test_project_years_join_both_releases(both: Workplace) -> None:
    years = both.read("project_years")
    joined = years[(years["fiscal_year"] == 2021) & years["previous_total_funds_cny"].notna()]
    assert len(joined) == 20
    changed = joined[joined["change_cny"] != 0]
    assert [float(change) for change in changed["change_cny"]] == [100000.0]
    quotients = joined["change_cny"] / joined["previous_total_funds_cny"]
    assert list(joined["change_ratio"]) == [float(quotient) for quotient in quotients]
    assert all(set(ids) == {FOLLOW_UP, REAL_ID} or list(ids) == [FOLLOW_UP] for ids in joined["release_ids"])
    broadcaster = joined[joined["budget_unit"].str.contains("广播电视局")]
    assert not broadcaster.empty
    new = years[years["project_name"].str.contains(TRAINING)]
    assert list(new["fiscal_year"]) == [2021]
    assert new["previous_total_funds_cny"].isna().all()


def test_trace_of_an_aggregate_reaches_the_lines_of_both_files(both: Workplace) -> None:
    traced = both.kzz("trace", "yearly_by_indicator", "2021", "成本指标")
    assert traced.returncode == 0, traced.stderr
    lines = traced.stdout.splitlines()
    for path in ("2020/kzz-key-projects.txt", "2021/follow-up.txt"):
        places = [at for at, line in enumerate(lines) if f"{path} line " in line]
        assert places
        assert all("【" in lines[at + 1] for at in places)


def test_corrected_copy_moves_only_what_depends_on_it(both: Workplace, real_text: str) -> None:
    before = both.files()
    text = follow_up(real_text)
    old = next(found[1] for found in [re.search(r"\t(≥\d+)\t", text)] if found)
    both.put("2021/follow-up.txt", text.replace(f"\t{old}\t", "\t≥7\t", 1))
    done = both.kzz("run")
    assert done.returncode == 0, done.stderr
    assert "1 published, 1 unchanged" in done.stdout
    moved = {place for place, data in both.files().items() if before.get(place) != data}
    assert moved >= {"indicators/2021/2021-follow-up.parquet", "release_changes/2021/2021-follow-up.parquet"}
    assert not [place for place in moved if REAL_ID in place or place.endswith("/2020.parquet")]
    changes = both.read("release_changes")
    values = changes[changes["column_name"] == "value_printed"]
    assert [(row.change, row.old_value, row.new_value) for row in values.itertuples()] == [("changed", old, "≥7")]
    traced = both.kzz("trace", FOLLOW_UP)
    assert traced.stdout.count("version ") >= 2


# -- the year after looks back ------------------------------------------------------------------------------------


def _year(year: int, **funds: str) -> str:
    """A release of a fiscal year: a table for each project, with its funds."""
    tables = [
        Table(project=project, year=f"({year}年)", total=amount, fiscal=amount) for project, amount in funds.items()
    ]
    return Text(tables).text()


def _put_pair(place: Workplace) -> None:
    """A project of 2020 that goes on in 2021, beside one that begins then."""
    place.put("2020/a.txt", _year(2020, 校园安保="10"))
    place.put("2021/b.txt", _year(2021, 校园安保="15", 图书="5"))


def _previous(place: Workplace) -> list[float]:
    years = place.read("project_years")
    return [float(amount) for amount in years["previous_total_funds_cny"][years["fiscal_year"] == 2021].dropna()]


def test_the_year_after_moves_only_where_it_looks_back_on_what_changed(
    workplace: Workplace, in_process: Callable[[], None]
) -> None:
    _put_pair(workplace)
    in_process()
    after = workplace.out / "project_years" / "2021.parquet"
    assert _previous(workplace) == [100000.0]
    inode = after.stat().st_ino
    for place, text, wanted, stands in (
        ("2020/c.txt", _year(2020, 防疫="25"), [100000.0], True),
        ("2020/c.txt", _year(2020, 防疫="30"), [100000.0], True),
        ("2020/a.txt", _year(2020, 校园安保="12"), [120000.0], False),
        ("2020/c.txt", _year(2020, 防疫="30", 图书="1"), [10000.0, 120000.0], False),
        ("2020/a.txt", _year(2020, 体育="12"), [10000.0], False),
    ):
        workplace.put(place, text)
        in_process()
        assert sorted(_previous(workplace)) == wanted
        assert (after.stat().st_ino == inode) is stands
        inode = after.stat().st_ino


# What a run with these arguments does until the year after is to follow, and then is no more.
KILLED = """
import os, sys
from kzz_pipeline import cli, yearly
yearly._staged_after = lambda *_: os._exit(9)
cli.main(sys.argv[1:])
"""


def test_the_year_after_follows_also_where_the_run_was_killed_before(workplace: Workplace) -> None:
    _put_pair(workplace)
    assert workplace.kzz("run").returncode == 0
    workplace.put("2020/a.txt", _year(2020, 校园安保="12"))
    command = [sys.executable, "-c", KILLED, "run", "--raw", str(workplace.raw), "--out", str(workplace.out)]
    assert (
        subprocess.run(command, env=workplace.environment, cwd=workplace.root, check=False, timeout=300).returncode == 9
    )
    assert _previous(workplace) == [100000.0]
    done = workplace.kzz("run")
    assert done.returncode == 0, done.stderr
    assert _previous(workplace) == [120000.0]
