"""A run that is killed (SIGKILL) at any moment: readers see whole files, and the next run ends as an undisturbed one."""

import os
import signal
import subprocess
import sys
import time
from random import Random

import pyarrow.parquet as pq
import pytest
from conftest import Workplace

from kzz_pipeline.files import write_temporary

KILLS = 4


def changed(real_text: str) -> str:
    return real_text.replace("≥3365", "≥3366").replace("\t46\t", "\t47\t")


def killed_run(place: Workplace, seconds: float) -> None:
    command = [sys.executable, "-m", "kzz_pipeline.cli", "run", "--raw", str(place.raw), "--out", str(place.out)]
    run = subprocess.Popen(
        command, env=place.environment, cwd=place.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    time.sleep(seconds)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def killed_before_the_record(place: Workplace) -> None:
    """Rows and report of everything that is there are published, and the run dies before it notes so."""
    program = (
        "import os, signal\n"
        "from kzz_pipeline.catalogue import Catalogue\n"
        "from kzz_pipeline.cli import main\n"
        "Catalogue.record = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"main(['run', '--raw', {str(place.raw)!r}, '--out', {str(place.out)!r}])"
    )
    run = subprocess.run([sys.executable, "-c", program], env=place.environment, cwd=place.root, check=False)
    assert run.returncode == -signal.SIGKILL


def assert_readable(place: Workplace) -> None:
    for path in place.out.glob("**/*.parquet"):
        pq.read_table(path)


def test_killed_at_random_moments_the_next_run_ends_as_an_undisturbed_one(workplace: Workplace, real_text: str) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    assert workplace.kzz("run").returncode == 0
    first = workplace.files()
    workplace.put("2020/kzz-key-projects.txt", changed(real_text))
    started = time.perf_counter()
    assert workplace.kzz("run").returncode == 0
    whole = time.perf_counter() - started
    second = {place: data for place, data in workplace.files().items() if not place.startswith("release_changes/")}
    assert second != first
    rng = Random(1)
    texts = [real_text, changed(real_text)]
    for number in range(KILLS):
        workplace.put("2020/kzz-key-projects.txt", texts[number % 2])
        killed_run(workplace, rng.uniform(0.3, 1.0) * whole)
        assert_readable(workplace)
    for text, wanted in ((texts[0], first), (texts[1], second)):
        workplace.put("2020/kzz-key-projects.txt", text)
        done = workplace.kzz("run")
        assert done.returncode == 0, done.stderr
        found = {place: data for place, data in workplace.files().items() if not place.startswith("release_changes/")}
        assert found == {place: data for place, data in wanted.items() if not place.startswith("release_changes/")}
        assert not list(workplace.out.glob("**/.*tmp*"))


def test_what_a_kill_left_half_written_of_a_report_or_in_quarantine_goes(workplace: Workplace, real_text: str) -> None:
    workplace.put("2020/kzz-key-projects.txt", real_text)
    killed_before_the_record(workplace)
    reports, quarantine = workplace.out.parent / "reports", workplace.out.parent / "quarantine"
    write_temporary(reports / "2020-kzz-key-projects.html", b"<html>")
    others = [reports / ".mine.html.tmp-1", quarantine / "notes" / "report.docx"]
    # Their files were taken away before the next run.
    (quarantine / "2020-gone").mkdir(parents=True)
    write_temporary(quarantine / "2020-gone" / "report.md", b"# 2020-gone was ref")
    (quarantine / "2020-half").mkdir()
    (quarantine / "2020-half" / "report.md").write_bytes(b"# 2020-half was refused\n")
    for other in others:
        other.parent.mkdir(exist_ok=True)
        other.write_bytes(b"mine")
    done = workplace.kzz("run")
    assert done.returncode == 0, done.stderr
    left = [path for folder in (reports, quarantine) for path in folder.rglob("*") if path.is_file()]
    assert sorted(left) == sorted([*others, reports / "2020-kzz-key-projects.html"])
    assert [path.name for path in quarantine.iterdir()] == ["notes"]


NEW, OTHER, THIRD = "2020/new.txt", "2021/other.txt", "2020/third.txt"
# What is put (by letter of a text), moved or taken away before each of a few runs, of which the second is killed.
SCENES: dict[str, list[dict[str, str]]] = {
    "a new one, then renamed": [{OTHER: "b"}, {NEW: "a"}, {NEW: "", THIRD: "a"}],
    "another version, then renamed": [{NEW: "a"}, {NEW: "b"}, {NEW: "", THIRD: "b"}],
    "another year, then refused, then as before": [{NEW: "a"}, {NEW: "other year"}, {NEW: "half"}, {NEW: "a"}],
    "a copy of another, then gone": [{NEW: "a", OTHER: "b"}, {NEW: "b"}, {NEW: ""}, {THIRD: "a"}],
}


@pytest.mark.parametrize("scene", SCENES)
def test_what_a_killed_run_could_not_record_is_as_if_it_had(
    scene: str, workplace: Workplace, real_text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    texts = {"a": real_text, "b": changed(real_text), "half": real_text[: len(real_text) // 2]}
    texts["other year"] = real_text.replace("(2020年)", "(2022年)", 1).replace("（2020年）", "（2022年）", 1)
    assert len(set(texts.values())) == len(texts)
    undisturbed = Workplace(tmp_path_factory.mktemp("undisturbed"))
    for place in (workplace, undisturbed):
        for number, files in enumerate(SCENES[scene]):
            for name, letter in files.items():
                path = place.put(name, texts.get(letter, ""))
                if not letter:
                    path.unlink()
            if number == 1 and place is workplace:
                killed_before_the_record(place)
            else:
                done = place.kzz("run")
                assert done.returncode in (0, 3), done.stderr
    assert workplace.files() == undisturbed.files()
    for folder in ("reports", "quarantine"):
        names = [{path.name for path in (place.root / folder).glob("*")} for place in (workplace, undisturbed)]
        assert names[0] == names[1]
