"""Where a run reads, writes and remembers: the raw root, the curated root and DAGSTER_HOME."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

RAW_VARIABLE = "KZZ_RAW"
OUT_VARIABLE = "KZZ_OUT"
HOME_VARIABLE = "DAGSTER_HOME"


@dataclass(frozen=True, slots=True)
class Settings:
    """The three folders of a run, absolute. Runs that share none of them know nothing of each other."""

    raw_root: Path
    out_root: Path
    home: Path

    @property
    def corrections_path(self) -> Path:
        """What a person decided, beside the raw root."""
        return self.raw_root.parent / "corrections.yml"

    @property
    def quarantine_root(self) -> Path:
        """Where refused releases are described, beside the curated root."""
        return self.out_root.parent / "quarantine"

    @property
    def reports_root(self) -> Path:
        """Where each release's readable report stands, beside the curated root."""
        return self.out_root.parent / "reports"

    @property
    def state_root(self) -> Path:
        """What is remembered of this curated root: intermediate tables and versions that were replaced."""
        return self.home / "kzz" / hashlib.sha256(str(self.out_root).encode()).hexdigest()[:12]

    @property
    def bytes_root(self) -> Path:
        """The bytes of every release ever read."""
        return self.home / "kzz" / "bytes"

    @property
    def catalogue_path(self) -> Path:
        """The record of what was published from which bytes."""
        return self.home / "kzz" / "catalogue.sqlite"


def project_root() -> Path:
    """The checkout that the working directory stands in, else the one that holds this package."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "workspace.yaml").is_file() and (folder / "kzz_pipeline").is_dir():
            return folder
    return Path(__file__).resolve().parent.parent


def settings(raw: str | None = None, out: str | None = None) -> Settings:
    """The settings: what is given, else the environment's (KZZ_RAW, KZZ_OUT, DAGSTER_HOME), else the project's own."""
    project = project_root()
    raw_root = raw or os.environ.get(RAW_VARIABLE) or project / "data" / "raw"
    out_root = out or os.environ.get(OUT_VARIABLE) or project / "data" / "curated"
    home = os.environ.get(HOME_VARIABLE) or project / ".dagster"
    return Settings(*(Path(os.path.abspath(folder)) for folder in (raw_root, out_root, home)))


def export(chosen: Settings) -> None:
    """Name the settings in the environment, where Dagster and the processes it starts look for them."""
    os.environ[RAW_VARIABLE] = str(chosen.raw_root)
    os.environ[OUT_VARIABLE] = str(chosen.out_root)
    os.environ[HOME_VARIABLE] = str(chosen.home)
