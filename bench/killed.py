"""`python -m bench.killed 10000`: releases of the tests' generator, in one run that is left alone, and in one that is killed
(SIGKILL) when half of them are published and then started again. Both must end with the same files.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.generator import generate

_REFUSED = 3


def main(count: int) -> int:
    """Run both, print what was seen; 1 where the files differ."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for seed in range(count):
            place = root / "raw" / str(2015 + seed % 10) / f"r{seed:05d}.txt"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(generate(seed).text, encoding="utf-8", newline="")
        alone = _timed("left alone", root, "alone", count + 1)
        killed = _timed("killed in the middle", root, "killed", count // 2)
        again = _timed("started again", root, "killed", count + 1)
        left, right = _files(root / "alone"), _files(root / "killed")
        different = [place for place in left.keys() | right.keys() if left.get(place) != right.get(place)]
        print(
            f"{len(left):,} files, {len(right):,} files, {len(different)} different; exits {alone}, {killed}, {again}"
        )
        return int(bool(different) or killed != -signal.SIGKILL or not {alone, again} <= {0, _REFUSED})


def _timed(what: str, root: Path, name: str, kill_at: int) -> int:
    """Run, kill the run and its workers when so many releases are published, and print how long it took."""
    environment = {**os.environ, "DAGSTER_HOME": str(root / f"{name}-home")}
    out = root / name / "curated"
    command = [sys.executable, "-m", "kzz_pipeline.cli", "run", "--raw", str(root / "raw"), "--out", str(out)]
    started = time.perf_counter()
    with (root / f"{name}.log").open("ab") as log:
        run = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        while run.poll() is None:
            time.sleep(0.5)
            if sum(1 for _ in (out / "releases").glob("*/*.parquet")) >= kill_at:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
    published = sum(1 for _ in (out / "releases").glob("*/*.parquet"))
    seconds = time.perf_counter() - started
    print(f"{what}: {seconds:.0f} s, exit {run.returncode}, {published:,} releases published", flush=True)
    return run.returncode


def _files(root: Path) -> dict[str, bytes]:
    """What is published, quarantined and reported, and whatever an interruption left there; but for the lock."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
