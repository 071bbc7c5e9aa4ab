"""What a person decided, in corrections.yml: it lasts, is shown, and fails loudly once it no longer fits."""

import json

import pandas as pd
import pytest
from conftest import REAL_ID, Workplace
from release_text import Table, Text
from soundness import parsed

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.tokens import Tokens
from kzz_pipeline.corrections import Correction, Decisions, read_corrections

HALF_ACCEPTED = """
accept:
  - rule: listed-without-table
    release: 2021-half
    reason: the bureau published fourteen tables only
  - {rule: table-breaks-off, release: 2021-half, reason: so printed}
"""
CORRECTED = f"""
accept:
  - finding: {REAL_ID}-unit-misspelt-142-2
    reason: the unit confirmed its name
correct:
  - {{release: {REAL_ID}, line: 608, column: 3, expect: "87.96", value: "89.76", reason: digits swapped}}
  - {{release: {REAL_ID}, line: 186, column: 5, expect: "0.70%", value: "70%", reason: a fraction}}
"""


def _decide(workplace: Workplace, text: str) -> None:
    (workplace.root / "corrections.yml").write_text(text, encoding="utf-8")


def test_half_copy_is_published_once_a_person_accepts_it(workplace: Workplace, real_text: str) -> None:
    lines = real_text.split("\n")
    workplace.put("2021/half.txt", "\n".join(lines[:314]))
    assert workplace.kzz("run").returncode == 3
    listed = json.loads(workplace.kzz("findings", "--format", "json").stdout)
    assert {row["rule"] for row in listed} >= {"listed-without-table"}
    _decide(workplace, HALF_ACCEPTED)
    done = workplace.kzz("run")
    assert done.returncode == 0, done.stderr
    findings = workplace.read("findings")
    accepted = findings[findings["rule"] == "listed-without-table"]
    assert len(accepted) == 16
    assert set(accepted["accepted_reason"]) == {"the bureau published fourteen tables only"}
    assert workplace.read("releases")["error_count"].sum() == 0


def test_corrected_cell_keeps_what_is_printed_and_says_why(workplace: Workplace, real_text: str) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    assert workplace.kzz("run").returncode == 0
    warnings = workplace.read("releases")["warning_count"].iloc[0]
    _decide(workplace, CORRECTED)
    assert workplace.kzz("run").returncode == 0
    projects = workplace.read("projects").set_index("project_name")
    corrected = projects.loc["专用通信运行维护费"]
    assert str(corrected["total_funds_cny"]) == "897600.0000"
    assert corrected["total_funds_printed"] == "87.96"
    assert corrected["correction"] == "digits swapped"
    indicators = workplace.read("indicators").set_index("indicator_name")
    row = indicators.loc["造林成活率"]
    assert (row["value_printed"], row["target_value"], row["correction"]) == ("0.70%", 70.0, "a fraction")
    findings = workplace.read("findings")
    assert "listed-amount" not in set(findings["rule"])
    accepted = findings[findings["accepted_reason"].notna()]
    assert list(accepted["rule"]) == ["unit-misspelt"]
    assert workplace.read("releases")["warning_count"].iloc[0] < warnings
    changes = pd.read_parquet(workplace.out / "release_changes")
    assert ("total_funds_cny", "879600.0000", "897600.0000") in set(
        zip(changes["column_name"], changes["old_value"], changes["new_value"], strict=True)
    )


def test_correction_for_other_bytes_refuses_the_release(workplace: Workplace, real_text: str) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text.replace("87.96", "88.96"))
    _decide(workplace, CORRECTED)
    done = workplace.kzz("run")
    assert done.returncode == 3
    assert "line 608" in done.stderr
    assert "expects 87.96" in done.stderr


@pytest.mark.parametrize(
    ("line", "column", "expect", "role"),
    [
        (6, 1, "预算单位", "field_label"),
        (9, 2, "三年建成校舍。", "long_term goal"),
        (11, 2, "项目完成", "level1_label"),
    ],
)
def test_correction_that_nothing_follows_from_refuses_the_release(
    line: int, column: int, expect: str, role: str
) -> None:
    goals = "总体目标\t实施期目标\t年度目标\n\t三年建成校舍。\t建成一期。"
    text = Text([Table()], has_list=False).text().replace("总体目标\t年度目标\n\t" + Table().goal, goals)
    cells = [token for token in parsed(text).tokens if token.line == line]
    assert [token.text for token in cells if token.column == column] == [expect]
    wrong = Correction(release="2020-a", line=line, column=column, expect=expect, value="别的", reason="x")
    with pytest.raises(Refusal, match=f"read as {role}: nothing follows"):
        Decisions(cells=(wrong,)).cell_corrections([Tokens(tuple(token) for token in cells)])


def test_money_unit_that_is_nowhere_printed_is_assumed_by_a_person_only(workplace: Workplace, real_text: str) -> None:
    silent = real_text.replace("单位：万元\n", "")
    workplace.put("2020/silent.txt", silent)
    done = workplace.kzz("run")
    assert done.returncode == 3
    assert "unit of money" in done.stderr
    _decide(workplace, "assume:\n  - {release: 2020-silent, money_unit: 元, reason: said in a letter}\n")
    assert workplace.kzz("run").returncode == 0
    assert str(workplace.read("releases")["listed_total_cny"].iloc[0]) == "2523.7000"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("accept: [", "line"),
        ("accept:\n  - reason: x\n", "accept[0]"),
        ("correct:\n  - {release: r, line: 0, column: 1, expect: a, value: b, reason: c}\n", "correct[0].line"),
        ("wrong: []\n", "wrong"),
    ],
)
def test_invalid_file_is_named_and_nothing_changes(workplace: Workplace, text: str, named: str) -> None:
    _decide(workplace, text)
    done = workplace.kzz("run")
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accept:\n  - rule: no-year\n    release: 2020-a\n    reason: x\naccept: []\n", "line 5: accept stands twice"),
        ("accept:\n  - rule: nope\n    release: 2020-a\n    reason: x\n", "line 2: accept[0]: there is no rule nope"),
        ("accept:\n  rule: no-year\n", "accept: a list of entries is wanted"),
        ("accepted: []\n", "accepted: there is no entry of that name"),
        ("- a\n", "the file: an entry with names and values is wanted"),
        ("withdraw:\n  - release: 2020-a\n", "line 2: withdraw[0].reason: is missing"),
        (
            "correct:\n  - {release: 2020-a, line: 1, column: 1, expect: 89.70, value: '1', reason: x}\n",
            "line 2: correct[0].expect: a text is wanted: put it between quotes",
        ),
        (
            "correct:\n  - {release: 2020-a, line: 1, column: 1, expect: a, value: b, reason: x}\n"
            "  - {release: 2020-a, line: 1, column: 1, expect: a, value: c, reason: x}\n",
            "correct names line 1, column 1 of 2020-a twice",
        ),
        (
            "assume: [{release: 2020-a, money_unit: 元, reason: x}, {release: 2020-a, money_unit: 万元, reason: x}]\n",
            "assume names 2020-a twice",
        ),
        ("a: &a [*a]\n", "recursion"),
    ],
)  # fmt: skip
def test_file_that_is_not_valid_is_named_with_the_line(workplace: Workplace, text: str, said: str) -> None:
    _decide(workplace, text)
    with pytest.raises(Refusal) as caught:
        read_corrections(workplace.root / "corrections.yml")
    assert said in str(caught.value)
    assert "corrections.yml" in caught.value.message


def test_headings_without_entries_decide_nothing(workplace: Workplace) -> None:
    _decide(workplace, "accept:\n#  - finding: x\n")
    assert read_corrections(workplace.root / "corrections.yml").of("2020-a").digest == ""


def test_entries_that_nothing_follows_from_are_named(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", Text().text())
    _decide(
        workplace,
        "accept:\n"
        "  - {finding: 2020-a-no-year-7-1, reason: x}\n"
        "  - {finding: 2020-b-no-year-7-1, reason: x}\n"
        "  - {rule: no-year, release: 2020-a, reason: x}\n"
        "assume:\n"
        "  - {release: 2020-c, money_unit: 元, reason: x}\n"
        "  - {release: 2020-a, money_unit: 元, reason: x}\n"
        "withdraw: [{release: 2020-a, reason: x}]\n",
    )
    done = workplace.kzz("run")
    assert done.returncode == 0
    said = [line.partition("corrections.yml ")[2] for line in done.stderr.splitlines()]
    assert said == [
        "accept[0]: 2020-a has no finding 2020-a-no-year-7-1 (kzz findings lists them)",
        "accept[1]: no release has a finding 2020-b-no-year-7-1 (kzz findings lists them)",
        "accept[2]: 2020-a has no finding no-year (kzz findings lists them)",
        "assume[0]: no release is called 2020-c",
        "assume[1]: 2020-a prints 万元 itself",
        "withdraw[0]: the file of 2020-a is still there; take it away, and the release goes too",
    ]


def test_finding_across_releases_can_be_accepted(workplace: Workplace) -> None:
    workplace.put("2020/a.txt", Text().text())
    workplace.put("2021/b.txt", Text([Table(total="12", fiscal="12")]).text())
    assert workplace.kzz("run").returncode == 0
    opened = workplace.read("yearly_summary")["warning_count"].iloc[0]
    _decide(workplace, "accept: [{rule: project-in-two-releases, release: 2020-a, reason: replaced}]\n")
    done = workplace.kzz("run")
    assert done.returncode == 0
    assert "nothing follows" not in done.stderr
    findings = workplace.read("findings").set_index("rule")
    assert findings.loc["project-in-two-releases", "accepted_reason"] == "replaced"
    assert workplace.read("yearly_summary")["warning_count"].iloc[0] == opened - 1
