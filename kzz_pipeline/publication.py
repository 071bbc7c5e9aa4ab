"""The gate: audited releases are published together or not at all, and refused ones are described in quarantine."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

import pyarrow as pa

from kzz_pipeline.bulk import apart, map_releases
from kzz_pipeline.catalogue import Catalogue, Doubt, Version
from kzz_pipeline.changes import changes
from kzz_pipeline.compaction import JOINABLE, separate
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.corrections import Corrections, read_corrections
from kzz_pipeline.files import parquet_bytes, read_parquet
from kzz_pipeline.forms import read_form
from kzz_pipeline.intake import Survey, fingerprint
from kzz_pipeline.notices import (
    in_quarantine,
    quarantine,
    recover_reports,
    release_from_quarantine,
    remove_report,
    report_path,
    write_report,
)
from kzz_pipeline.places import RowGroup, joined_places, read_release, release_bytes, release_path
from kzz_pipeline.quarantine import describe
from kzz_pipeline.schema import RELEASE_TABLES, arrow_schema
from kzz_pipeline.settings import Settings
from kzz_pipeline.stages import LARGE_BYTES, STAGE_TABLES, STAGES, Outcome, note_refusal, run_stage
from kzz_pipeline.state import ByteStore, Record, StageStore, archive
from kzz_pipeline.storage import publish, published_files, stage, writer
from kzz_pipeline.validation import broken

# Releases that are audited, checked and published at a time: bounds memory, and what an interruption costs.
_BATCH = 64


def run_stage_on(stage_name: str, settings: Settings, release_ids: Iterable[str], run_id: str) -> list[Outcome]:
    """Run one stage before publication on many releases, their tables checked all at once by their models.

    A release that is refused is recorded and described at once: the stages after this one may never run.
    """
    release_ids = list(release_ids)
    catalogue = Catalogue(settings.catalogue_path, settings.out_root)
    settle_doubts(settings, catalogue)
    _make_again(stage_name, settings, release_ids, run_id)
    large = _large(settings, release_ids)
    outcomes = list(map_releases(stage_name, partial(run_stage, stage_name, settings), release_ids, large))
    outcomes = _checked(settings, stage_name, outcomes, large)
    _set_aside(settings, catalogue, outcomes, run_id)
    return outcomes


def _large(settings: Settings, release_ids: Iterable[str]) -> set[str]:
    """Those of these releases, read before, whose memory is to be their own."""
    store = StageStore(settings.state_root)
    return {release_id for release_id in release_ids if store.known_record(release_id).size_bytes > LARGE_BYTES}


def _make_again(stage_name: str, settings: Settings, release_ids: list[str], run_id: str) -> None:
    """Run the stages before on the releases whose intermediate tables were removed since (housekeeping.py), or never made."""
    if stage_name == STAGES[0]:
        return
    earlier = STAGES[: STAGES.index(stage_name)]
    names = [name for of_stage in earlier for name in STAGE_TABLES[of_stage]]
    store = StageStore(settings.state_root)
    lacking = []
    for release_id in release_ids:
        record = store.known_record(release_id)
        if not record.refused_at and not (record.source_sha256 and store.has_tables(release_id, names)):
            lacking.append(release_id)
    if lacking:
        run_stage_on(earlier[-1], settings, lacking, run_id)


def _set_aside(settings: Settings, catalogue: Catalogue, outcomes: list[Outcome], run_id: str) -> None:
    """Record and describe the releases that a stage refused."""
    refused = [outcome for outcome in outcomes if outcome.refusal is not None and not outcome.passed_over]
    if not refused:
        return
    store = StageStore(settings.state_root)
    corrections = read_corrections(settings.corrections_path)
    current = catalogue.current_of([outcome.release_id for outcome in refused])
    versions = []
    for outcome in refused:
        assert outcome.refusal is not None
        record, before = store.known_record(outcome.release_id), current.get(outcome.release_id)
        mark = fingerprint(record.source_sha256, corrections.of(outcome.release_id).digest)
        versions.append(_refused_version(record, mark, before, outcome.refusal, run_id))
        files = describe(settings, record, outcome.refusal, standing=bool(before and before.files))
        quarantine(settings.quarantine_root, outcome.release_id, files)
    catalogue.record(versions)


def publish_releases(settings: Settings, release_ids: Iterable[str], run_id: str) -> Iterator[Outcome]:
    """Audit and publish releases, a batch at a time; yields what became of each."""
    catalogue = Catalogue(settings.catalogue_path, settings.out_root)
    corrections = read_corrections(settings.corrections_path)
    release_ids = list(release_ids)
    settle_doubts(settings, catalogue)
    _make_again("curated_tables", settings, release_ids, run_id)
    large = _large(settings, release_ids)
    with writer(settings.out_root):
        joined = joined_places(settings.out_root, JOINABLE)
        for outcomes in _audited(settings, release_ids, large):
            outcomes = _checked(settings, "curated_tables", outcomes, large)
            outcomes = _not_cut_off(settings, catalogue, corrections, outcomes)
            _publish_batch(settings, catalogue, corrections, joined, outcomes, run_id)
            yield from (_published_outcome(settings, outcome) for outcome in outcomes)


def _audited(settings: Settings, release_ids: list[str], large: set[str]) -> Iterator[list[Outcome]]:
    """What the last stage makes of releases, a batch at a time; a batch is under way while the one before is published."""
    audit = partial(run_stage, "curated_tables", settings)
    ahead: Iterator[Outcome] = iter(())
    for start in range(0, len(release_ids), _BATCH):
        next_ids = release_ids[start : start + _BATCH]
        batch, ahead = ahead, map_releases("curated_tables", audit, next_ids, large)
        if start:
            yield list(batch)
    yield list(ahead)


def _published_outcome(settings: Settings, outcome: Outcome) -> Outcome:
    """The outcome without the bytes that are published by now: those of thousands of releases need not be held."""
    if outcome.refusal is not None:
        return outcome
    hashes = {place: _sha256(data) for place, data in outcome.files.items()}
    report = report_path(settings.reports_root, outcome.release_id)
    return replace(outcome, files={}, published=hashes, report=b"", report_path=report)


def withdraw(settings: Settings, catalogue: Catalogue, versions: list[Version]) -> None:
    """Record versions that have no rows of their own (aliases, withdrawn ones), and take out what was published of them."""
    if not versions:
        return
    before = catalogue.current_of([version.release_id for version in versions])
    if not any(version.files for version in before.values()):
        catalogue.record(versions)
        return
    with writer(settings.out_root):
        staged = []
        joined = joined_places(settings.out_root, JOINABLE)
        for version in versions:
            standing = published_files(settings.out_root, version.release_id, RELEASE_TABLES, joined)
            if standing:
                known = before.get(version.release_id)
                was = _published_version_of(catalogue, known) if known else None
                if was is not None:
                    archive(settings.state_root, settings.out_root, version.release_id, was.version, standing)
                separate(settings.out_root, standing, joined)
                staged.append(stage(settings.out_root, version.release_id, {}, standing))
        catalogue.add_pending_years({year for version in before.values() for year in version.years})
        catalogue.doubt([Doubt(version, {}) for version in versions])
        publish(settings.out_root, staged)
        for version in versions:
            release_from_quarantine(settings.quarantine_root, version.release_id)
            remove_report(settings.reports_root, version.release_id)
        catalogue.record(versions, settles=True)


def settle_doubts(settings: Settings, catalogue: Catalogue, *, waits: bool = True) -> None:
    """Record what a killed run published, or took out, and could not record any more.

    To be done before anything is compared with the catalogue: the file of such a release may be gone by now, or another.
    Raises Refusal where a run is at work that does not end, or at once if this does not wait for it.
    """
    if not catalogue.doubts():
        return
    with writer(settings.out_root, waits=waits):
        recorded = []
        doubts, joined = catalogue.doubts(), joined_places(settings.out_root, JOINABLE)
        recover_reports(settings.reports_root, {version.release_id for version, _ in doubts})
        for version, hashes in doubts:
            standing = published_files(settings.out_root, version.release_id, RELEASE_TABLES, joined)
            if set(standing) != set(version.files) or not _stand(settings, hashes):
                continue
            if version.files:
                # A file that is still there is taken in again, and its report written.
                version = version._replace(fingerprint="")
            else:
                release_from_quarantine(settings.quarantine_root, version.release_id)
                remove_report(settings.reports_root, version.release_id)
            recorded.append(version)
        catalogue.record(recorded, settles=True)
        catalogue.drop_doubts()


def _stand(settings: Settings, hashes: Mapping[str, str]) -> bool:
    found = {place: release_bytes(settings.out_root, place) for place in hashes}
    return all(data is not None and _sha256(data) == hashes[place] for place, data in found.items())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def keep_quarantine(settings: Settings, found: Survey) -> list[str]:
    """Describe the releases whose file is refused before it is read, and forget those whose file is gone; returns these."""
    for file in found.refused:
        if file.release_id:
            known = found.known.get(file.release_id)
            record = Record(file.release_id, source_path=file.source_path)
            files = describe(settings, record, file.refusal, standing=bool(known and known.files))
            quarantine(settings.quarantine_root, file.release_id, files)
    gone = [name for name in in_quarantine(settings.quarantine_root) if name not in found.present]
    for release_id in gone:
        release_from_quarantine(settings.quarantine_root, release_id)
    return gone


# A half copy whose cut no rule can see, accepted by the rule for those that one can.
HALF_COPY = "table-breaks-off"


def _not_cut_off(
    settings: Settings, catalogue: Catalogue, corrections: Corrections, outcomes: list[Outcome]
) -> list[Outcome]:
    """The outcomes, with those refused whose file is only the beginning of the one that is published."""
    store, kept = StageStore(settings.state_root), ByteStore(settings.bytes_root)
    current = catalogue.current_of([outcome.release_id for outcome in outcomes if outcome.refusal is None])
    found = []
    for outcome in outcomes:
        before = current.get(outcome.release_id) if outcome.refusal is None else None
        if before is not None and before.files and not corrections.of(outcome.release_id).accepted("", HALF_COPY):
            was, record = _published_version_of(catalogue, before), store.read_record(outcome.release_id)
            if was is not None and was.source_sha256 != record.source_sha256 and _is_beginning(kept, record, was):
                refusal = Refusal(
                    "half-copy",
                    "the file is only the beginning of the one that is published",
                    f"put the whole release there again, or accept {HALF_COPY} of it with a reason in corrections.yml",
                )
                note_refusal(store, outcome.release_id, "curated_tables", refusal)
                outcome = Outcome(outcome.release_id, outcome.seconds, refusal=refusal)
        found.append(outcome)
    return found


def _published_version_of(catalogue: Catalogue, current: Version) -> Version | None:
    """The version whose rows stand: a refused one after it left them as they were."""
    if current.status == "published":
        return current
    published = [version for version in catalogue.history(current.release_id) if version.status == "published"]
    return published[-1] if published else None


def _is_beginning(kept: ByteStore, now: Record, was: Version) -> bool:
    """Whether a file says only the beginning of what another says, whatever their encodings, line ends and blank lines."""
    try:
        part, whole = (
            filter(None, map(str.rstrip, Document.from_text(_text_of(kept, version)).lines)) for version in (now, was)
        )
    except Refusal:
        return False
    for line in part:
        known = next(whole, "")
        if line != known:
            # The last line may be cut too; nothing follows it then.
            return known.startswith(line) and next(part, None) is None
    return next(whole, None) is not None


def _text_of(kept: ByteStore, version: Record | Version) -> str:
    return read_form(kept.get(version.source_sha256), PurePosixPath(version.source_path).suffix).text


def _checked(settings: Settings, stage_name: str, outcomes: list[Outcome], large: set[str]) -> list[Outcome]:
    """The outcomes, with those refused whose intermediate tables break their model."""
    store = StageStore(settings.state_root)
    good = [outcome.release_id for outcome in outcomes if outcome.refusal is None]
    others = [release_id for release_id in good if release_id not in large]
    check = partial(broken, settings, STAGE_TABLES[stage_name])
    wrong: dict[str, list[str]] = {}
    for found in apart(check, [[release_id] for release_id in good if release_id in large]):
        wrong |= found
    for at in range(0, len(others), _BATCH):
        wrong |= check(others[at : at + _BATCH])
    refusals = {}
    for release_id, sentences in wrong.items():
        advice = "report this release: its rows break the published schema, which is our defect"
        refusals[release_id] = Refusal("schema-broken", "; ".join(sentences), advice)
        note_refusal(store, release_id, stage_name, refusals[release_id])
    return [
        Outcome(outcome.release_id, outcome.seconds, refusal=refusals[outcome.release_id])
        if outcome.release_id in refusals
        else outcome
        for outcome in outcomes
    ]


def _publish_batch(
    settings: Settings,
    catalogue: Catalogue,
    corrections: Corrections,
    joined: dict[str, RowGroup],
    outcomes: list[Outcome],
    run_id: str,
) -> None:
    store = StageStore(settings.state_root)
    good = [outcome for outcome in outcomes if outcome.refusal is None]
    current = catalogue.current_of([outcome.release_id for outcome in good])
    planned, versions = [], []
    years: set[int] = set()
    for outcome in good:
        record, before = store.read_record(outcome.release_id), current.get(outcome.release_id)
        mark = fingerprint(record.source_sha256, corrections.of(outcome.release_id).digest)
        standing = published_files(settings.out_root, outcome.release_id, RELEASE_TABLES, joined)
        removals = [place for place in standing if place not in outcome.files]
        files = outcome.files | _changes_file(settings, catalogue, outcome, before, standing)
        years |= outcome.touched_years | (before.years if before else set())
        # Rows that stand there already, joined with other releases', stay joined.
        same = {place for place in files if place in joined and release_bytes(settings.out_root, place) == files[place]}
        planned.append((outcome.release_id, {place: files[place] for place in files if place not in same}, removals))
        versions.append(_published_version(record, mark, outcome, run_id))
    separate(settings.out_root, [place for _, files, removals in planned for place in (*files, *removals)], joined)
    staged = [stage(settings.out_root, *plan) for plan in planned]
    # Noted before the rows change: an interruption between the two costs a recomputation, not a stale figure.
    catalogue.add_pending_years(years)
    catalogue.doubt(
        [
            Doubt(version, {place: _sha256(data) for place, data in files.items()})
            for version, (_, files, _) in zip(versions, planned, strict=True)
        ]
    )
    publish(settings.out_root, staged)
    for outcome in good:
        # Before the record, which says that all is done.
        write_report(settings.reports_root, outcome.release_id, outcome.report)
        release_from_quarantine(settings.quarantine_root, outcome.release_id)
    catalogue.record(versions, settles=True)
    _set_aside(settings, catalogue, outcomes, run_id)


def _changes_file(
    settings: Settings, catalogue: Catalogue, outcome: Outcome, before: Version | None, standing: list[str]
) -> dict[str, bytes]:
    """Where a release replaces other rows of its own: keep those, and add what changed to `release_changes`."""
    was = _published_version_of(catalogue, before) if before else None
    # Where a file of it was taken away, what the old version said of it cannot be told any more.
    if was is None or not standing or not set(was.files) <= set(standing):
        return {}
    if not _differs(settings, outcome, standing):
        return {}
    archive(settings.state_root, settings.out_root, outcome.release_id, was.version, standing)
    release = outcome.facts["release"]
    place = release_path("release_changes", release["release_year"], outcome.release_id)
    old = {name: _published(settings, name, standing) for name in RELEASE_TABLES}
    new = {name: _made(name, outcome.files) for name in RELEASE_TABLES}
    known = read_release(settings.out_root, place)
    found = pa.concat_tables([*([] if known is None else [known]), changes(old, new)])
    return {place: parquet_bytes(found)} if found.num_rows else {}


def _differs(settings: Settings, outcome: Outcome, standing: list[str]) -> bool:
    if set(standing) != set(outcome.files):
        return True
    return any(release_bytes(settings.out_root, place) != data for place, data in outcome.files.items())


def _published(settings: Settings, table: str, places: list[str]) -> pa.Table:
    found = [read_release(settings.out_root, place) for place in places if place.startswith(f"{table}/")]
    rows = [arrow_schema(table).empty_table(), *(rows for rows in found if rows is not None)]
    # What was published before a column was added lacks it.
    return pa.concat_tables(rows, promote_options="default")


def _made(table: str, files: dict[str, bytes]) -> pa.Table:
    found = [read_parquet(pa.BufferReader(data)) for place, data in files.items() if place.startswith(f"{table}/")]
    return pa.concat_tables([arrow_schema(table).empty_table(), *found])


def _published_version(record: Record, mark: str, outcome: Outcome, run_id: str) -> Version:
    years = ",".join(str(year) for year in outcome.facts["fiscal_years"])
    return Version(
        record.release_id, record.source_path, record.source_sha256, mark, record.stamp, "published", "", years,
        run_id, "\n".join(sorted(outcome.files)), json.dumps(outcome.facts["row_counts"]),
    )  # fmt: skip


def _refused_version(record: Record, mark: str, before: Version | None, refusal: Refusal, run_id: str) -> Version:
    """What was published before of a refused release stands, so its years and files are carried on."""
    reason = json.dumps([refusal.code, refusal.message, refusal.advice, refusal.line], ensure_ascii=False)
    return Version(
        record.release_id, record.source_path, record.source_sha256, mark, record.stamp, "refused", reason,
        before.fiscal_years if before else "", run_id, before.file_list if before else "",
        before.row_count_list if before else "{}",
    )  # fmt: skip
