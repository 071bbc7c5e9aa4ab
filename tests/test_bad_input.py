"""What bad input gets: refused with file, place and next step, read right, or kept with a finding. One run over all."""

import os
from pathlib import Path

import pandas as pd
import pytest
from conftest import Workplace
from release_text import SOUND, Table, Text, with_

OTHER = Table(unit="甲县水利局", project="水渠维修费", goal="用于维修本县的灌溉水渠，保障农田用水。")
SOUND_TEXT = Text([Table(), OTHER]).text()


def _named(name: str, text: str = SOUND_TEXT) -> str:
    """The text with a project of its own, so that no two releases hold the same one or the same bytes."""
    return text.replace("教师培训经费", f"教师培训经费{name}").replace("水渠维修费", f"水渠维修费{name}")


def _utf8(name: str, text: str = SOUND_TEXT) -> bytes:
    return _named(name, text).encode()


# file name: its bytes, and what the refusal says
REFUSED = {
    "zero": (b"", "no byte"),
    "white": (" \r\n\t\u3000\n".encode(), "nothing but white space"),
    "half-character": (_utf8("a")[: _utf8("a").rindex("满意度（".encode()) + 1], "middle of a character"),
    "half-list": (_utf8("b", Text([Table()], more_listed=("9\t甲县水利局\t甲县水利局\t水渠维修费\t20",)).text()), "has no table"),
    "only-list": (_utf8("o", "\n".join(SOUND_TEXT.split("\n")[:5])), "no 项目支出绩效目标表 follows (copy the whole release"),
    "half-rows": (_utf8("p", SOUND_TEXT[: SOUND_TEXT.rindex("\t项目效益")]), "none of effect or satisfaction"),
    "half-table": (_utf8("c", SOUND_TEXT[: SOUND_TEXT.rindex("绩效指标\t")]), "the last table"),
    "utf-16": (_named("d").encode("utf-16-le"), "UTF-16"),
    "mixed": (_named("e").encode("gb18030") + _utf8("e") * 2, "mixes"),
    "nul": (_utf8("f").replace("培训".encode(), b"\0", 1), "NUL"),
    "page": (b"<!DOCTYPE html><html><body>" + _utf8("g"), "HTML"),
    "pdf": (b"%PDF-1.7\n" + _utf8("h"), "PDF"),
    "zip": (b"PK\x03\x04" + _utf8("i"), "zip"),
    "spaces": (_utf8("j").replace(b"\t", b"    "), "no columns found"),
    "one-line": (_utf8("m").replace(b"\n", b"\t") * 20, "no line of a release"),
    "letter": ("各单位：\n\t请按时报送。\n".encode(), "no table"),
    "twice": (_utf8("k", Text([Table(), Table()]).text()), "second table"),
    "no-unit": (_utf8("l", Text(money_unit="").text().replace("（万元）", "（批）")), "unit of money"),
}  # fmt: skip

# file name: its bytes; all read as the sound release is
READ_RIGHT = {
    "gb18030": _named("A").encode("gb18030"),
    "bom": b"\xef\xbb\xbf" + _utf8("B"),
    "utf-16-bom": _named("C").encode("utf-16"),
    "crlf": _utf8("D").replace(b"\n", b"\r\n"),
    "cr": _utf8("E").replace(b"\n", b"\r"),
    "nbsp": _named("F").replace("项目名称", "\u00a0项目名称\u3000").replace("≥100", "≥\u00a0100").encode(),
    "zero-width": _named("G").replace("数量指标", "数\u200b量指标").replace("预算单位", "\ufeff预算单位").encode(),
    "radicals": _named("H").replace("项目完成", "项⽬完成").encode(),
    "full-width": _named("I").replace("≥100", "≥１００").replace(":", "：").encode(),
    "line-separator": _named("J").replace("提升教学水平", "提升\u2028教学水平").encode(),
    "yuan": _named("K").replace("单位：万元", "单位：元").replace("（万元）", "（元）").encode(),
    "yi": _named("L").replace("单位：万元", "单位：亿元").replace("（万元）", "（亿元）").encode(),
    "two-units": _utf8("M", Text([Table(), Table(unit="甲县水利局", goal="用于水利系统职工的业务培训，提升业务水平。")]).text()),
}  # fmt: skip


def _with(label: str, name: str, value: str) -> str:
    return Text([Table(indicators=with_((label, name, value))), OTHER]).text()


# file name: its bytes, the rule that speaks of it, and what is printed in the finding
KEPT = {
    "label": (_utf8("a1", _with("\t协调指标", "受益农户(户)", "100")), "unknown-label", "协调指标"),
    "no-name": (_utf8("a2", SOUND_TEXT + "\n\t\t\t\t≥90%"), "unread-cell", "≥90%"),
    "no-value": (_utf8("a3", _with("\t社会效益指标", "受益农户(户)", "")), "unread-cell", "受益农户(户)"),
    "two-values": (_utf8("a4", _with("\t社会效益指标", "受益农户(户)", "≥100\t≥200")), "unread-cell", "≥200"),
    "month-13": (_utf8("a5", _with("\t社会效益指标", "完成时间", "2026年13月")), "number-left-text", "2026年13月"),
    "no-year": (_utf8("a6").replace("(2020年)\n".encode(), b""), "no-year", None),
    "damaged": (_utf8("a7").replace("中小学".encode(), "中\ufffd\ue000学".encode()), "damaged-characters", None),
    "comma": (_utf8("a8", Text([Table(total="1,23.4", listed="10"), OTHER]).text()), "amount-unreadable", "1,23.4"),
    "dash": (_utf8("a9", Text([Table(other="—"), OTHER]).text()), "amount-unreadable", "—"),
    "negative": (_utf8("a10", Text([Table(fiscal="15", other="-5"), OTHER]).text()), "negative-amount", "-5"),
    "292": (_utf8("a11", _with("\t社会效益指标", "入学率(%)", "292%")), "percentage-over-100", "292%"),
    "masked": (_utf8("a12", _with("\t社会效益指标", "受益农户(人)", "**人")), "masked-text", "**人"),
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    found = Workplace(tmp_path_factory.mktemp("bad"))
    for name, (data, _) in REFUSED.items():
        found.put(f"2020/{name}.txt", data)
    for name, data in READ_RIGHT.items():
        found.put(f"2020/right-{name}.txt", data)
    for name, (data, _, _) in KEPT.items():
        found.put(f"2020/kept-{name}.txt", data)
    outside = found.root / "outside.txt"
    outside.write_bytes(_utf8("out"))
    (found.raw / "2020" / "link.txt").symlink_to(outside)
    (found.raw / "2020" / 'quo"te.txt').write_bytes(_utf8("q"))
    (found.raw / "2020" / "new\nline.txt").write_bytes(_utf8("n"))
    (found.raw / "2020" / "..up.txt").write_bytes(_utf8("u"))
    (found.raw / "2020" / f"{'长' * 80}.txt").write_bytes(_utf8("v"))
    with (found.raw / "2020" / "huge.txt").open("wb") as stream:
        os.truncate(stream.fileno(), 1 << 30)
    return found


@pytest.fixture(scope="module")
def stderr(place: Workplace) -> str:
    done = place.kzz("run")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", REFUSED)
def test_bad_release_is_refused_with_its_reason(place: Workplace, stderr: str, name: str) -> None:
    said = [line for line in stderr.splitlines() if f"refused 2020/{name}.txt:" in line]
    assert len(said) == 1
    assert REFUSED[name][1] in said[0]
    assert (place.root / "quarantine" / f"2020-{name}" / "report.md").is_file()
    assert not list(place.out.glob(f"**/2020-{name}.parquet"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [("link.txt", "a link"), ('quo"te.txt', "letters"), ("new\\x0aline.txt", "letters"), ("huge.txt", "MiB"),
     ("长" * 80 + ".txt", "too long")],
)  # fmt: skip
def test_bad_name_or_place_is_refused(stderr: str, name: str, reason: str) -> None:
    said = [line for line in stderr.splitlines() if f"refused 2020/{name}:" in line]
    assert len(said) == 1
    assert reason in said[0]


@pytest.mark.parametrize("name", ["link", "huge"])
def test_file_that_is_a_release_by_its_name_is_described_though_not_read(
    place: Workplace, stderr: str, name: str
) -> None:
    report = place.root / "quarantine" / f"2020-{name}" / "report.md"
    assert f"see {report}" in stderr
    assert f"`2020/{name}.txt`" in report.read_text(encoding="utf-8")
    assert not list(place.root.glob("quarantine/*长*"))


@pytest.mark.parametrize("name", READ_RIGHT)
def test_odd_but_sound_release_is_read_right(place: Workplace, stderr: str, name: str) -> None:
    assert f"right-{name}" not in stderr
    release_id = f"2020-right-{name}"
    projects = pd.read_parquet(place.out / "projects" / "2020" / f"{release_id}.parquet")
    indicators = pd.read_parquet(place.out / "indicators" / "2020" / f"{release_id}.parquet")
    factor = {"yuan": 1, "yi": 100_000_000}.get(name, 10_000)
    assert [float(total) for total in projects["total_funds_cny"]] == [10.0 * factor] * 2
    assert list(indicators["level2"]) == [row[0].rpartition("\t")[2] for row in SOUND] * 2
    assert list(indicators["target_value"].dropna()) == [100.0, 95.0, 100.0, 10.0, 90.0] * 2
    assert not place.read("findings").query("release_id == @release_id and severity == 'error'").size


@pytest.mark.parametrize("name", KEPT)
def test_doubtful_cell_is_kept_with_a_finding(place: Workplace, stderr: str, name: str) -> None:
    assert f"kept-{name}" not in stderr
    _, rule, printed = KEPT[name]
    findings = pd.read_parquet(sorted(place.out.glob(f"findings/*/2020-kept-{name}.parquet"))[0])
    found = findings[findings["rule"] == rule]
    assert len(found), sorted(findings["rule"])
    if printed is not None:
        assert printed in set(found["actual"])


def test_nothing_is_written_outside_the_output_folders(place: Workplace, stderr: str) -> None:
    assert {entry.name for entry in Path(place.root).iterdir()} <= {
        "raw", "curated", "home", "quarantine", "reports", "outside.txt",
    }  # fmt: skip
