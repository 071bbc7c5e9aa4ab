"""Whole runs of `kzz run` in folders of their own, beside Dagster doing nothing as often."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.texts import varied

_PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Run:
    """A command: seconds on the clock, and the most memory of its process or of one of its workers."""

    seconds: float
    peak: int


@dataclass(frozen=True, slots=True)
class Whole:
    """`kzz run` over new releases, and again; as many empty materializations; `kept` is what stays on disk."""

    run: Run
    again: Run
    empty: Run
    start: Run
    kept: int


def whole(count: int) -> Whole:
    """Take `count` releases in, from nothing to published, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "raw" / "2020").mkdir(parents=True)
        for number in range(count):
            (root / "raw" / "2020" / f"r{number:05d}.txt").write_bytes(varied(number))
        options = ("run", "--raw", str(root / "raw"), "--out", str(root / "out"))
        run = _python(root / "home", "-m", "kzz_pipeline.cli", *options)
        again = _python(root / "home", "-m", "kzz_pipeline.cli", *options)
        kept = sum(path.lstat().st_size for part in ("home", "out") for path in (root / part).rglob("*"))
        (root / "empty").mkdir()
        (root / "empty" / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
        empty = _python(root / "empty", "-W", "ignore", "-m", "bench.empty_assets", str(count))
        start = _python(root / "empty", "-c", "import dagster")
        return Whole(run, again, empty, start, kept)


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
