"""`python -m bench.killed 10000`: releases of the tests' generator, in one run that is left alone, and in one that is killed
(SIGKILL) when half of them are published and then started again. Both must end with the same files.

`python -m bench.killed 1000 20` kills it that many times, each a random moment after another part is published.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.generator import generate

_REFUSED = 3


def main(count: int, kills: int = 1) -> int:
    """Run both, print what was seen; 1 where the files differ, which are then named and kept."""
    root = Path(tempfile.mkdtemp(prefix="killed-"))
    for seed in range(count):
        place = root / "raw" / str(2015 + seed % 10) / f"r{seed:05d}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(generate(seed).text, encoding="utf-8", newline="")
    alone = _timed("left alone", root, "alone", count + 1)
    published = _published(root, "alone")
    parts = [published * number // (kills + 1) for number in range(1, kills + 1)]
    killed = {_timed("killed in the middle", root, "killed", part) for part in parts}
    again = _timed("started again", root, "killed", count + 1)
    left, right = _files(root / "alone"), _files(root / "killed")
    different = sorted(place for place in left.keys() | right.keys() if left.get(place) != right.get(place))
    print(f"{len(left):,} files, {len(right):,} files, {len(different)} different; exits {alone}, {killed}, {again}")
    if different:
        print("\n".join(different), f"see {root}", sep="\n")
    else:
        shutil.rmtree(root)
    return int(bool(different) or killed != {-signal.SIGKILL} or not {alone, again} <= {0, _REFUSED})


def _timed(what: str, root: Path, name: str, kill_at: int) -> int:
    """Run, kill the run and its workers when so many releases are published, and print how long it took."""
    environment = {**os.environ, "DAGSTER_HOME": str(root / f"{name}-home")}
    out = root / name / "curated"
    command = [sys.executable, "-m", "kzz_pipeline.cli", "run", "--raw", str(root / "raw"), "--out", str(out)]
    started, chance = time.perf_counter(), Random(kill_at)
    with (root / f"{name}.log").open("ab") as log:
        run = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        while run.poll() is None:
            time.sleep(0.5)
            if _published(root, name) >= kill_at:
                time.sleep(chance.uniform(0, 1))
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
    seconds = time.perf_counter() - started
    print(f"{what}: {seconds:.0f} s, exit {run.returncode}, {_published(root, name):,} releases published", flush=True)
    return run.returncode


def _published(root: Path, name: str) -> int:
    return sum(1 for _ in (root / name / "curated" / "releases").glob("*/*.parquet"))


def _files(root: Path) -> dict[str, bytes]:
    """What is published, quarantined and reported, and whatever an interruption left there; but for the lock."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
