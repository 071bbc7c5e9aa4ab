"""What is printed can be read on any terminal, and no release can steer one."""

import pytest
from click.testing import CliRunner
from conftest import REAL_ID, Workplace
from release_text import Table, Text, with_

from kzz_pipeline.cli import main


def test_terminal_without_chinese_gets_the_numbers_of_the_characters(
    published: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "iso8859-5")
    for arguments in (("run",), ("findings",), ("trace", REAL_ID), ("trace", f"{REAL_ID}-t001-i001"), ("rules",)):
        done = published.kzz(*arguments)
        assert done.returncode == 0, done.stderr
    assert "\\u514b\\u5dde" in published.kzz("trace", f"{REAL_ID}-t001").stdout


def test_names_of_files_are_the_same_under_every_locale(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    workplace.put("2020/喀什.txt", Text().text())
    assert workplace.kzz("run").returncode == 0
    for name, value in (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")):
        monkeypatch.setenv(name, value)
    done = workplace.kzz("run")
    assert done.returncode == 0, done.stderr
    assert "1 unchanged" in done.stdout
    assert workplace.kzz("trace", "2020-喀什-t001").returncode == 0


def test_control_characters_of_a_release_do_not_reach_the_terminal(workplace: Workplace) -> None:
    name = "入学\x1b]0;title\x07率\u202e(%)"
    path = workplace.put("2020/a.txt", Text([Table(indicators=with_(("\t社会效益指标", name, "292%")))]).text())
    assert workplace.kzz("run").returncode == 0
    for arguments in (("findings",), ("trace", "2020-a-t001"), ("explain", str(path))):
        shown = workplace.kzz(*arguments).stdout
        assert "\\x1b]0;title\\x07" in shown
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "入学\x1b]0;title\x07率" in set(workplace.read("indicators")["indicator_name"])


def test_defect_is_one_line_and_its_stack_trace_goes_to_a_file(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("of nothing")

    monkeypatch.setenv("DAGSTER_HOME", str(workplace.home))
    monkeypatch.setattr("kzz_pipeline.listings.rules", broken)
    done = CliRunner().invoke(main, ["rules"])
    assert done.exit_code == 1
    assert done.stdout == ""
    place = workplace.home / "kzz-error.txt"
    assert "ZeroDivisionError: of nothing" in done.stderr
    assert str(place) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "in broken" in place.read_text(encoding="utf-8")
