"""What the tests share: the real release, and whole runs of the command line in folders of their own."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

PROJECT = Path(__file__).resolve().parent.parent
REAL = PROJECT / "data" / "raw" / "2020" / "kzz-key-projects.txt"
REAL_ID = "2020-kzz-key-projects"


@dataclass
class Workplace:
    """A raw root, a curated root and a DAGSTER_HOME of a test's own, and `kzz` run on them as a user would."""

    root: Path
    raw: Path = field(init=False)
    out: Path = field(init=False)
    home: Path = field(init=False)

    def __post_init__(self) -> None:
        self.raw, self.out, self.home = self.root / "raw", self.root / "curated", self.root / "home"
        self.raw.mkdir(parents=True, exist_ok=True)

    def put(self, place: str, content: bytes | str) -> Path:
        path = self.raw / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KZZ_")}
        return {**kept, "DAGSTER_HOME": str(self.home), "PYTHONPATH": str(PROJECT)}

    def kzz(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kzz_pipeline.cli", *arguments]
        command += ["--raw", str(self.raw), "--out", str(self.out)]
        return subprocess.run(
            command, env=self.environment, cwd=self.root, capture_output=True, text=True, check=False, timeout=300
        )

    def read(self, table: str) -> pd.DataFrame:
        return pd.read_parquet(self.out / table)

    def files(self) -> dict[str, bytes]:
        """Everything published, by place: what a reader of the curated root can see."""
        return {
            path.relative_to(self.out).as_posix(): path.read_bytes() for path in sorted(self.out.glob("**/*.parquet"))
        }


@pytest.fixture(scope="session")
def real_text() -> str:
    """The real release."""
    return REAL.read_text(encoding="utf-8")


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """Empty folders of a test's own."""
    return Workplace(tmp_path)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The real release, published by one `kzz run`. Tests read it and change nothing."""
    place = Workplace(tmp_path_factory.mktemp("published"))
    place.put("2020/kzz-key-projects.txt", REAL.read_bytes())
    done = place.kzz("run")
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture
def in_process(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Take in what is under the raw root through a real Dagster instance, in this process."""
    from kzz_pipeline.catalogue import Catalogue
    from kzz_pipeline.home import prepare
    from kzz_pipeline.intake import survey
    from kzz_pipeline.runs import take_in
    from kzz_pipeline.settings import settings

    monkeypatch.setenv("KZZ_RAW", str(workplace.raw))
    monkeypatch.setenv("KZZ_OUT", str(workplace.out))
    monkeypatch.setenv("DAGSTER_HOME", str(workplace.home))
    prepare(workplace.home)
    chosen = settings()

    def run() -> None:
        found = survey(chosen, Catalogue(chosen.catalogue_path, chosen.out_root))
        take_in(chosen, [arrival.file.release_id for arrival in found.arrivals])

    return run
