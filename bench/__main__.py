"""`make bench`: parse, normalize, checks, Parquet and whole runs, for growing numbers of releases.

Ratios to the floor of the same run are what counts; seconds depend on the machine.
"""

import argparse
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kzz_pipeline.core.decoding import decode
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.layout import read_layout
from kzz_pipeline.core.normalize import Source, normalize
from kzz_pipeline.core.rules import audit
from kzz_pipeline.schema import TABLES, to_arrow, validate
from kzz_pipeline.storage import parquet_bytes
from kzz_pipeline.vocabulary import words

PROJECT = Path(__file__).resolve().parent.parent
REAL = PROJECT / "data" / "raw" / "2020" / "kzz-key-projects.txt"
_REPEATS = 5


def varied(text: str, number: int) -> str:
    """The real release with other figures and names: `number` gives each its own words, so that no cache helps."""
    mark = f"{number % 97 + 1}"
    changed = text.replace("工作", f"工作{mark}").replace("经费", f"经费{number}")
    return changed.replace("≥9", f"≥{number % 9 + 1}")


def _time(work: Callable[[], Any], repeats: int = _REPEATS) -> float:
    """The median seconds of `work`."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def core(count: int) -> dict[str, float]:
    """Seconds of each step over `count` releases of the real one's size, in this process."""
    known = words()
    data = [varied(REAL.read_text(encoding="utf-8"), number).encode() for number in range(count)]
    sources = [
        Source(f"2020-r{number}", 2020, f"2020/r{number}.txt", "0" * 64, len(one), "utf-8")
        for number, one in enumerate(data)
    ]
    texts = [decode(one).text for one in data]
    found: dict[str, float] = {"bytes": float(sum(map(len, data)))}
    repeats = _REPEATS if count <= 10 else 1
    found["split"] = _time(lambda: [[line.split("\t") for line in text.split("\n")] for text in texts], repeats)
    found["decode"] = _time(lambda: [Document.from_text(decode(one).text) for one in data], repeats)
    started = time.perf_counter()
    parses = [read_layout(Document.from_text(text), known.labels, known.units) for text in texts]
    found["parse"] = time.perf_counter() - started
    started = time.perf_counter()
    rows = [normalize(parse, source, known) for parse, source in zip(parses, sources, strict=True)]
    found["normalize"] = time.perf_counter() - started
    started = time.perf_counter()
    findings = [audit(parse, source, one, known) for parse, source, one in zip(parses, sources, rows, strict=True)]
    found["rules"] = time.perf_counter() - started
    tables = [{**one, "findings": found_} for one, found_ in zip(rows, findings, strict=True)]
    started = time.perf_counter()
    arrow = {name: to_arrow(name, _joined(name, tables)) for name in tables[0]}
    for name, table in arrow.items():
        problems = validate(name, table)
        assert not problems, problems
    found["models"] = time.perf_counter() - started
    started = time.perf_counter()
    for one in tables:
        for name in one:
            parquet_bytes(to_arrow(name, one[name]))
    found["parquet"] = time.perf_counter() - started
    return found


def _joined(name: str, tables: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {column: [value for one in tables for value in one[name][column]] for column in TABLES[name].column_names}


def whole(count: int) -> dict[str, float]:
    """Seconds of `kzz run` over `count` new releases, of a second one, and of as many empty materializations."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "raw" / "2020").mkdir(parents=True)
        text = REAL.read_text(encoding="utf-8")
        for number in range(count):
            (root / "raw" / "2020" / f"r{number:05d}.txt").write_text(varied(text, number), encoding="utf-8")
        environment = {**os.environ, "DAGSTER_HOME": str(root / "home"), "PYTHONPATH": str(PROJECT)}
        command = [
            sys.executable,
            "-m",
            "kzz_pipeline.cli",
            "run",
            "--raw",
            str(root / "raw"),
            "--out",
            str(root / "out"),
        ]
        found = {}
        for name in ("run", "again"):
            started = time.perf_counter()
            subprocess.run(command, env=environment, check=True, capture_output=True)
            found[name] = time.perf_counter() - started
        used = subprocess.run(
            ["du", "-sk", str(root / "home"), str(root / "out")], capture_output=True, text=True, check=True
        )
        found["kib per release"] = sum(int(line.split()[0]) for line in used.stdout.splitlines()) / count
        environment["DAGSTER_HOME"] = str(root / "empty")
        (root / "empty").mkdir()
        (root / "empty" / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "bench.empty_assets", str(count)],
            env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import dagster"], env=environment, check=True)
        found["start"] = time.perf_counter() - started
        found["empty"] = float(done.stdout.split()[-1]) + found["start"]
        return found


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """How time grows with size: the slope of log(seconds) over log(size); 1 is linear."""
    if len(sizes) < 2:
        return math.nan
    x, y = [math.log(size) for size in sizes], [math.log(second) for second in seconds]
    return statistics.linear_regression(x, y).slope


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1, 10, 100], help="numbers of releases (default: 1 10 100)"
    )
    parser.add_argument("--core-only", action="store_true", help="leave the whole runs out")
    arguments = parser.parse_args()
    sizes = sorted(arguments.sizes)
    print(
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    )
    core(1)  # what is read once per process is no part of what grows
    steps = ("decode", "parse", "normalize", "rules", "models", "parquet")
    measured = {size: core(size) for size in sizes}
    print("\nSeconds, and the ratio to merely splitting the same text into lines and cells:")
    print(f"{'releases':>9} {'MB':>7} {'split':>9} " + " ".join(f"{step:>18}" for step in steps))
    for size, found in measured.items():
        cells = " ".join(f"{found[step]:>9.4f} ({found[step] / found['split']:>5.1f}x)" for step in steps)
        print(f"{size:>9} {found['bytes'] / 1e6:>7.2f} {found['split']:>9.5f} {cells}")
    for size, found in measured.items():
        both = found["parse"] + found["normalize"]
        print(
            f"{size:>9} releases: parse + normalize {both / found['split']:.1f}x the split, "
            f"{size * 30 / both:,.0f} tables/s, {found['bytes'] / 1e6 / both:.1f} MB/s"
        )
    for step in ("parse", "normalize", "rules"):
        print(f"{step} grows with exponent {exponent(sizes, [measured[size][step] for size in sizes]):.3f}")
    if arguments.core_only:
        return
    print("\nWhole runs, seconds, beside Dagster with as many empty materializations:")
    for size in sizes:
        found = whole(size)
        print(
            f"{size:>9} kzz run {found['run']:.2f}, empty assets {found['empty']:.2f} ({found['run'] / found['empty']:.2f}x), "
            f"again {found['again']:.2f} (Dagster's own import {found['start']:.2f}), "
            f"{found['kib per release']:.0f} KiB kept per release"
        )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of any process: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
