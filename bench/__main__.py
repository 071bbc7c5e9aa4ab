"""`make bench`: every step beside its floor, for growing numbers of releases and growing releases, then whole runs.

What counts are the ratios to the floor of the same run; seconds depend on the machine.
"""

import argparse
import math
import os
import platform
import statistics
from collections.abc import Callable
from datetime import UTC, datetime

from bench.runs import one_large, one_more, whole
from bench.steps import STEPS, Measured, in_own_process
from bench.texts import TABLES

_PARTS = ("core", "runs", "more")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", help="times the real release (default: 1 10 100)")
    parser.add_argument(
        "--large", action="store_true", help="also 1,000 times the real release, and one more beside 10,000"
    )
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS, help="what is measured (default: all)")
    arguments = parser.parse_args()
    sizes = sorted(arguments.sizes or (1, 10, 100, *((1000,) if arguments.large else ())))
    print(
        f"{platform.machine()}, {os.cpu_count()} processors, {platform.python_implementation()} "
        f"{platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    )
    if "core" in arguments.parts:
        _print_core(sizes)
    if "runs" in arguments.parts:
        _print_runs(sizes)
    if "more" in arguments.parts:
        _print_one_more((10, 1000, *((10_000,) if arguments.large else ())))


def _print_core(sizes: list[int]) -> None:
    _print_steps("releases, none of them read before", "releases", sizes, lambda size: f"{size:,}")
    _print_steps("one release", "large", sizes, lambda size: f"{size * TABLES:,} tables")
    again = in_own_process("again", 100)
    print(
        f"\nThe real release itself, read again and again: parse + normalize {again.ratio('parse', 'normalize'):.1f}x, "
        f"rules {again.ratio('rules'):.1f}x the floor of {again.seconds['floor'] * 1000:.2f} ms"
    )


def _print_steps(title: str, what: str, sizes: list[int], name: Callable[[int], str]) -> None:
    """Seconds of processor time and ratios to the floor, then how each step grows."""
    steps = STEPS[1:]
    print(f"\n{title}: seconds of processor time, and times the floor (decoding and splitting into lines and cells)")
    print(f"{'':>14}{'MB':>8}{'floor':>9}" + "".join(f"{step:>17}" for step in steps) + f"{'parse+normalize':>17}")
    measured: dict[int, Measured] = {}
    for size in sizes:
        found = measured[size] = in_own_process(what, size * TABLES if what == "large" else size)
        cells = "".join(f"{found.seconds[step]:>9.3f}{f'({found.ratio(step):.1f}x)':>8}" for step in steps)
        both = found.ratio("parse", "normalize")
        print(
            f"{name(size):>14}{found.size / 1e6:>8.2f}{found.seconds['floor']:>9.4f}{cells}{both:>16.1f}x", flush=True
        )
    growth = [(step, exponent(sizes, [measured[size].seconds[step] for size in sizes])) for step in STEPS]
    print("grows with exponent: " + ", ".join(f"{step} {slope:.2f}" for step, slope in growth))
    largest = measured[sizes[-1]]
    tables = largest.tables / (largest.seconds["parse"] + largest.seconds["normalize"])
    print(f"parse + normalize: {tables:,.0f} tables per second")


def _print_runs(sizes: list[int]) -> None:
    print("\nwhole runs: seconds, beside Dagster with as many empty materializations, and the most memory of a process")
    for size in sizes:
        found = whole(size)
        print(
            f"{size:>6,} releases: kzz run {found.run.seconds:.2f}, empty materializations {found.stock.seconds:.2f} "
            f"({found.run.seconds / found.stock.seconds:.2f}x), with the event log kept open {found.empty.seconds:.2f} "
            f"({found.run.seconds / found.empty.seconds:.2f}x); memory {found.run.peak / 2**20:,.0f} and "
            f"{found.empty.peak / 2**20:,.0f} MiB; again, nothing new, {found.again.seconds:.2f} "
            f"(importing Dagster alone {found.start.seconds:.2f}); {found.kept / size / 1024:,.0f} KiB kept per release",
            flush=True,
        )
    for size in sizes[1:]:
        run, kept = one_large(size * TABLES)
        print(
            f"one release of {kept / 1e6:.1f} MB: kzz run {run.seconds:.2f}, memory {run.peak / 2**20:,.0f} MiB "
            f"({run.peak / kept:.1f}x its size)",
            flush=True,
        )


def _print_one_more(published: tuple[int, ...]) -> None:
    print("\none new release beside those that are published, of ten years, in turn: seconds of kzz run (medians)")
    for count, more, ratio, nothing in one_more(published):
        print(f"{count:>6,} releases: {more:.2f} ({ratio:.2f}x), nothing new {nothing:.2f}", flush=True)


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """How time grows with size: the slope of log(seconds) over log(size); 1 is linear."""
    if len(sizes) < 2:
        return math.nan
    x, y = [math.log(size) for size in sizes], [math.log(second) for second in seconds]
    return statistics.linear_regression(x, y).slope


if __name__ == "__main__":
    main()
