"""A run that is killed (SIGKILL) at any moment: readers see whole files, and the next run ends as an undisturbed one."""

import os
import signal
import subprocess
import sys
import time
from random import Random

import pyarrow.parquet as pq
from conftest import Workplace

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
