"""Whole runs of `kzz run` in folders of their own: beside Dagster doing nothing as often, and beside much that stands."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.texts import of_county, one_release
from kzz_pipeline.home import prepare

_PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Run:
    """A command: seconds on the clock, and the most memory of its process or of one of its workers."""

    seconds: float
    peak: int


@dataclass(frozen=True, slots=True)
class Whole:
    """`kzz run` over new releases, and again; as many empty materializations; `kept` is what stays on disk.

    `empty` is with the instance's settings that `kzz run` writes, `stock` with Dagster's own.
    """

    run: Run
    again: Run
    empty: Run
    stock: Run
    start: Run
    kept: int


def whole(count: int) -> Whole:
    """Take `count` releases in, from nothing to published, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number in range(count):
            _put(root, number, 2020)
        run, again = _kzz_run(root), _kzz_run(root)
        kept = sum(path.lstat().st_size for part in ("home", "out") for path in (root / part).rglob("*"))
        prepare(root / "empty")
        (root / "stock").mkdir()
        (root / "stock" / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
        empty, stock = (
            _python(root / home, "-W", "ignore", "-m", "bench.empty_assets", str(count)) for home in ("empty", "stock")
        )
        start = _python(root / "empty", "-c", "import dagster")
        return Whole(run, again, empty, stock, start, kept)


def one_large(tables: int) -> tuple[Run, int]:
    """Take in one release of so many tables; its bytes beside it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        place = root / "raw" / "2020" / "large.txt"
        place.parent.mkdir(parents=True)
        size = place.write_bytes(one_release(tables))
        return _kzz_run(root), size


def one_more(published: Sequence[int], times: int = 8) -> list[tuple[int, float, float, float]]:
    """Take in one new release beside so many, of ten years, then nothing: medians.

    For each number: itself, seconds with a new release, how many times those of the first number that is, and seconds
    with nothing new. What is compared is run in turn, to and fro, since a machine is not equally fast all the time.
    """
    with tempfile.TemporaryDirectory() as folder:
        roots = [Path(folder) / str(count) for count in published]
        for count, root in zip(published, roots, strict=True):
            for number in range(count):
                _put(root, number // 10, 2010 + number % 10)
            _kzz_run(root)
        # What was published is on the disk before anything is measured beside it.
        os.sync()
        more: list[list[float]] = []
        nothing: list[list[float]] = []
        for number in range(times):
            for count, root in zip(published, roots, strict=True):
                _put(root, count + number, 2015)
            for rounds in (more, nothing):
                seconds = {root: _kzz_run(root).seconds for root in (roots if number % 2 else reversed(roots))}
                rounds.append([seconds[root] for root in roots])
    ratios = [[seconds / of_round[0] for seconds in of_round] for of_round in more]
    medians = [
        [statistics.median(column) for column in zip(*rounds, strict=True)] for rounds in (more, ratios, nothing)
    ]
    return list(zip(published, *medians, strict=True))


def _put(root: Path, county: int, year: int) -> None:
    place = root / "raw" / str(year) / f"county-{county:05d}.txt"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(of_county(county, year))


def _kzz_run(root: Path) -> Run:
    return _python(
        root / "home", "-m", "kzz_pipeline.cli", "run", "--raw", str(root / "raw"), "--out", str(root / "out")
    )


def _python(home: Path, *arguments: str) -> Run:
    environment = {**os.environ, "DAGSTER_HOME": str(home), "PYTHONPATH": str(_PROJECT)}
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(arguments)}: exit {process.returncode}\n{said.read().decode()}")
    return Run(seconds, usage.ru_maxrss * 1024)
