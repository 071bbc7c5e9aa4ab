"""What is to be done: which releases under the raw root are new or changed, and which are refused by name."""

import hashlib
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from kzz_pipeline.catalogue import Catalogue, Version
from kzz_pipeline.core.garbage import no_cycles
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.corrections import read_corrections
from kzz_pipeline.files import is_remote
from kzz_pipeline.folders import recall, remember
from kzz_pipeline.releases import RefusedFile, ReleaseFile, find_releases, read_bytes
from kzz_pipeline.schema import RELEASE_TABLES, YEARLY_TABLES
from kzz_pipeline.settings import Settings
from kzz_pipeline.storage import inventory


@dataclass(frozen=True, slots=True)
class Arrival:
    """A release to be taken in: its file, the hash of its bytes, and why (`new`, `changed`, `republish`)."""

    file: ReleaseFile
    source_sha256: str
    fingerprint: str
    reason: str


@dataclass(slots=True)
class Survey:
    """The raw root beside what is published of it.

    `known` is the last version of every release, by release id. `missing` are published releases whose file is gone,
    `withdrawn` those that a person said to take out. `present` are the ids of all whose file is there, refused or not.
    It `has_doubts` where a run is publishing, or was killed while it did: then the catalogue may be behind.
    """

    known: dict[str, Version] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    unchanged: list[Version] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    still_refused: list[Version] = field(default_factory=list)
    aliases: list[Version] = field(default_factory=list)
    new_aliases: list[Version] = field(default_factory=list)
    missing: list[Version] = field(default_factory=list)
    withdrawn: list[Version] = field(default_factory=list)
    present: set[str] = field(default_factory=set)
    has_doubts: bool = False


@cache
def code_fingerprint() -> str:
    """A hash of everything in the package that decides what rows are, a release's or a year's: code and vocabulary."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    kept = ("files.py", "folders.py", "places.py", "state.py", "storage.py")
    made = ("changes.py", "schema.py", "stages.py", "year_rows.py", "yearly.py")
    files = [package / name for name in (*kept, *made)]
    for pattern in ("core/**/*.py", "forms/**/*.py", "vocabulary/*.yml"):
        files += package.glob(pattern)
    for path in sorted(files):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def fingerprint(source_sha256: str, decisions_digest: str) -> str:
    """What a release's rows depend on: its bytes, a person's decisions, and the code and vocabulary."""
    return hashlib.sha256(f"{source_sha256} {decisions_digest} {code_fingerprint()}".encode()).hexdigest()


@no_cycles()
def survey(settings: Settings, catalogue: Catalogue) -> Survey:
    """Compare the raw root with the catalogue; files are read only where their size or times changed.

    Raises Refusal where the raw root cannot be listed or corrections.yml is not valid.
    """
    corrections = read_corrections(settings.corrections_path)
    # Asked first: what is recorded in between is then known.
    has_doubts, current = bool(catalogue.doubts()), catalogue.current()
    files, refused = find_releases(settings.raw_root, {key for key, version in current.items() if version.file_list})
    incomplete = _incomplete(settings, current)
    there = {file.release_id for file in files}
    # A link and a file may be of one id: what is said of that is said of the file.
    refused = [replace(file, release_id="") if file.release_id in there else file for file in refused]
    present = there | {file.release_id for file in refused}
    found = Survey(current, refused=refused, present=present, has_doubts=has_doubts)
    rewritten: dict[str, str] = {}
    candidates: list[tuple[ReleaseFile, str, Version | None]] = []
    for file in files:
        known = current.get(file.release_id)
        try:
            sha256 = known.source_sha256 if known and known.stamp == file.stamp else read_bytes(file)[1]
        except Refusal as refusal:
            found.refused.append(RefusedFile(file.source_path, refusal, file.release_id))
            continue
        candidates.append((file, sha256, known))
    # A file that became a link, too large, or hidden by another of its name is refused, and not gone.
    standing = {file.source_path for file in refused}
    for release_id, known in sorted(current.items()):
        if known.file_list and release_id not in there and known.source_path not in standing:
            reason = corrections.withdrawn(release_id)
            if reason is None:
                found.missing.append(known)
            else:
                gone = known._replace(status="withdrawn", reason=reason, file_list="", row_count_list="{}")
                found.withdrawn.append(gone._replace(fiscal_years="", fingerprint="", stamp=""))
    leaving = {version.release_id for version in found.withdrawn}
    owners = _owners(candidates, {key: version for key, version in current.items() if key not in leaving})
    for file, sha256, known in candidates:
        mark = fingerprint(sha256, corrections.of(file.release_id).digest)
        owner = owners[sha256]
        if owner != file.release_id:
            alias = Version(file.release_id, file.source_path, sha256, mark, file.stamp, "alias", owner, "", "")
            found.aliases.append(alias)
            if known is None or known._replace(recorded_at="", version=0, stamp=file.stamp) != alias:
                found.new_aliases.append(alias)
            continue
        if known is None or known.status in ("alias", "withdrawn"):
            found.arrivals.append(Arrival(file, sha256, mark, "new"))
        elif known.fingerprint != mark or known.source_path != file.source_path:
            found.arrivals.append(Arrival(file, sha256, mark, "changed"))
        elif known.status == "refused":
            if (settings.quarantine_root / file.release_id / "report.md").is_file():
                found.still_refused.append(known)
            else:
                found.arrivals.append(Arrival(file, sha256, mark, "changed"))
        elif file.release_id in incomplete:
            found.arrivals.append(Arrival(file, sha256, mark, "republish"))
        else:
            found.unchanged.append(known)
        if known is not None and known.stamp != file.stamp and known.source_sha256 == sha256:
            rewritten[file.release_id] = file.stamp
    if rewritten:
        catalogue.touch(rewritten)
    if years := _lacking_years(settings.out_root, current):
        catalogue.add_pending_years(years)
    return found


def _incomplete(settings: Settings, current: dict[str, Version]) -> set[str]:
    """Releases of which a published file is not there: it was taken away."""
    # Most releases have files in the same folders, so that many are looked for at once.
    alike: dict[str, set[str]] = {}
    for release_id, version in current.items():
        if version.file_list:
            alike.setdefault(version.file_list.replace(release_id, "*"), set()).add(f"{release_id}.parquet")
    standing = _inventory(settings) if alike else {}
    found: set[str] = set()
    for file_list, names in alike.items():
        for place in file_list.split("\n"):
            found |= names - standing.get(place.rpartition("/")[0], set())
    return {name.removesuffix(".parquet") for name in found}


def _inventory(settings: Settings) -> Mapping[str, Set[str]]:
    """What stands of all releases, by folder; of those that did not change since the last run, from what it listed."""
    if is_remote(settings.out_root) or is_remote(settings.state_root):
        return inventory(settings.out_root, RELEASE_TABLES)
    listed = settings.state_root / "folders.json"
    recall(settings.out_root, listed)
    found = inventory(settings.out_root, RELEASE_TABLES)
    with suppress(Refusal):  # where it cannot be written, the next run lists them again
        remember(settings.out_root, listed)
    return found


def _lacking_years(out_root: Path, current: dict[str, Version]) -> set[int]:
    """Fiscal years of published releases for which a yearly table has no file: it was taken away."""
    lists = {version.fiscal_years for version in current.values() if version.file_list}
    years = {int(year) for years in lists for year in years.split(",") if year}
    if not years:
        return set()
    standing = [{path.stem for path in (out_root / table).glob("*.parquet")} for table in YEARLY_TABLES]
    return {year for year in years if any(str(year) not in names for names in standing)}


def _owners(candidates: list[tuple[ReleaseFile, str, Version | None]], current: dict[str, Version]) -> dict[str, str]:
    """Under which release the rows of some bytes are published: the one that has them already, else the first by name."""
    owners = {
        version.source_sha256: release_id for release_id, version in current.items() if version.status == "published"
    }
    replaced = {known.source_sha256 for _, sha256, known in candidates if known and known.source_sha256 != sha256}
    now = {file.release_id: sha256 for file, sha256, _ in candidates}
    for sha256, owner in list(owners.items()):
        if sha256 in replaced and now.get(owner) != sha256:
            del owners[sha256]  # the owner prints other bytes now
    for file, sha256, _ in candidates:
        owners.setdefault(sha256, file.release_id)
    return owners
