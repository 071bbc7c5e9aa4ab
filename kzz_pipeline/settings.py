"""Where a run reads, writes and remembers: the raw root, the curated root, DAGSTER_HOME, and what is shared.

A root is a folder, or a URL in an object store (`s3://bucket/prefix`) for several machines; the latter has the methods
of a path, and stands wherever a `Path` is asked for.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from kzz_pipeline.core.refusal import Refusal

RAW_VARIABLE = "KZZ_RAW"
OUT_VARIABLE = "KZZ_OUT"
HOME_VARIABLE = "DAGSTER_HOME"
STATE_VARIABLE = "KZZ_STATE"
CATALOGUE_VARIABLE = "KZZ_CATALOGUE"
KEPT_VARIABLE = "KZZ_KEEP_DAYS"
# A quarter: until the next budget documents of a year are there.
_KEPT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Settings:
    """The three roots of a run, absolute. Runs that share none of them know nothing of each other.

    `state` is where intermediate tables, bytes and replaced versions are kept, and `catalogue` the URL of a database
    for the catalogue, where these are not under `home`. Logs of runs and intermediate tables are kept `kept_days`.
    """

    raw_root: Path
    out_root: Path
    home: Path
    state: Path | None = None
    catalogue: str = ""
    kept_days: int = _KEPT_DAYS

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
    def _state(self) -> Path:
        return self.state or self.home / "kzz"

    @property
    def state_root(self) -> Path:
        """What is remembered of this curated root: intermediate tables and versions that were replaced."""
        return self._state / hashlib.sha256(str(self.out_root).encode()).hexdigest()[:12]

    @property
    def bytes_root(self) -> Path:
        """The bytes of every release ever read."""
        return self._state / "bytes"

    @property
    def catalogue_path(self) -> Path | str:
        """The record of what was published from which bytes: a SQLite file, or the URL of a database."""
        if self.catalogue:
            return self.catalogue
        # A database file needs a disk.
        folder = self._state if isinstance(self._state, Path) else self.home / "kzz"
        return folder / "catalogue.sqlite"


def project_root() -> Path:
    """The checkout that the working directory stands in, else the one that holds this package."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "workspace.yaml").is_file() and (folder / "kzz_pipeline").is_dir():
            return folder
    return Path(__file__).resolve().parent.parent


def settings(raw: str | None = None, out: str | None = None) -> Settings:
    """The settings: what is given, else the environment's (KZZ_RAW, KZZ_OUT, DAGSTER_HOME), else the project's own.

    KZZ_STATE, KZZ_CATALOGUE and KZZ_KEEP_DAYS are the environment's only. Raises Refusal where one cannot be used.
    """
    project = project_root()
    raw_root = raw or os.environ.get(RAW_VARIABLE) or project / "data" / "raw"
    out_root = out or os.environ.get(OUT_VARIABLE) or project / "data" / "curated"
    home = os.environ.get(HOME_VARIABLE) or project / ".dagster"
    state = os.environ.get(STATE_VARIABLE)
    return Settings(
        _root(raw_root),
        _root(out_root),
        Path(os.path.abspath(home)),
        _root(state) if state else None,
        os.environ.get(CATALOGUE_VARIABLE, ""),
        _days(os.environ.get(KEPT_VARIABLE) or str(_KEPT_DAYS)),
    )


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text)):
        raise Refusal("wrong-setting", f"{KEPT_VARIABLE} is {text!r}", "set it to a number of days, such as 90")
    return int(text)


def _root(place: str | Path) -> Path:
    if "://" not in str(place):
        return Path(os.path.abspath(place))
    from kzz_pipeline.objects import open_url

    return open_url(str(place))


def export(chosen: Settings) -> None:
    """Name the settings in the environment, where Dagster and the processes it starts look for them."""
    os.environ[RAW_VARIABLE] = str(chosen.raw_root)
    os.environ[OUT_VARIABLE] = str(chosen.out_root)
    os.environ[HOME_VARIABLE] = str(chosen.home)
    if chosen.state is not None:
        os.environ[STATE_VARIABLE] = str(chosen.state)
    if chosen.catalogue:
        os.environ[CATALOGUE_VARIABLE] = chosen.catalogue
