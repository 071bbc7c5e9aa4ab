"""What `kzz run` prints: every release with what it holds, what needs a person's eye, and where its Parquet is."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kzz_pipeline.catalogue import Catalogue, Version, refusal_of
from kzz_pipeline.corrections import read_corrections
from kzz_pipeline.folders import JOINED
from kzz_pipeline.intake import Survey
from kzz_pipeline.notices import report_path
from kzz_pipeline.places import read_release, release_path
from kzz_pipeline.publication import HALF_COPY
from kzz_pipeline.schema import LEVEL2, arrow_schema
from kzz_pipeline.settings import Settings
from kzz_pipeline.terminal import say
from kzz_pipeline.yearly import ACROSS

# More releases than this get a line each, and unchanged ones are counted only.
_FEW = 10


def print_run(settings: Settings, catalogue: Catalogue, found: Survey, seconds: float) -> int:
    """Print the outcome of a run, data to stdout and refusals to stderr; returns how many releases are refused."""
    changed = [arrival.file.release_id for arrival in found.arrivals]
    changed += [version.release_id for version in (*found.new_aliases, *found.withdrawn)]
    current = found.known | catalogue.current_of(changed)
    taken = [current[arrival.file.release_id] for arrival in found.arrivals if arrival.file.release_id in current]
    published = [version for version in taken if version.status == "published"]
    shown = published if len(published) > _FEW else [*published, *found.unchanged]
    fresh = {version.release_id for version in published}
    for version in shown[:_FEW] if len(shown) > _FEW else shown:
        _print_release(settings, version, "published" if version.release_id in fresh else "unchanged")
    if len(shown) > _FEW:
        say(f"… and {len(shown) - _FEW} more release(s): kzz findings, or the UI (make ui), show them")
    for alias in found.aliases:
        say(f"{alias.release_id}: the same bytes as {alias.reason}, published once, under that name")
    refused = [version for version in taken if version.status == "refused"] + found.still_refused
    published_paths = {version.source_path for version in current.values() if version.file_list}
    for file in found.refused:
        stands = "; what was published before of it stands" if file.source_path in published_paths else ""
        see = f"; see {_quarantined(settings, file.release_id)}" if file.release_id else ""
        say(f"kzz: refused {file.source_path}: {file.refusal}{stands}{see}", err=True)
    for version in refused:
        stands = "; what was published before of it stands" if version.files else ""
        see = f"; see {_quarantined(settings, version.release_id)}"
        say(f"kzz: refused {version.source_path}: {refusal_of(version)}{stands}{see}", err=True)
    for version in found.missing:
        advice = "put it there again, or withdraw the release in corrections.yml"
        say(f"kzz: {version.source_path} is gone; what was published of it stands: {advice}", err=True)
    for idle in read_corrections(settings.corrections_path).idle(
        current,
        found.present,
        lambda release_id: _findings(settings, current[release_id]),
        lambda release_id: _money_unit(settings, current[release_id]),
    ):
        say(f"kzz: nothing follows from {settings.corrections_path} {idle}", err=True)
    for version in found.withdrawn:
        say(f"{version.release_id}: withdrawn ({version.reason}), no longer published")
    total = len(refused) + len(found.refused)
    if not current and not found.refused:
        say(f"kzz: no release under {settings.raw_root}: put one at <year>/<name>.txt there, then run again", err=True)
    parts = [f"{len(published)} published", f"{len(found.unchanged)} unchanged"]
    if found.aliases:
        parts.append(f"{len(found.aliases)} alias(es)")
    parts.append(f"{total} refused")
    say(f"{', '.join(parts)}; tables under {settings.out_root}; {seconds:.1f} s")
    return total


def _quarantined(settings: Settings, release_id: str) -> Path:
    return settings.quarantine_root / release_id / "report.md"


def _print_release(settings: Settings, version: Version, state: str) -> None:
    rows = _rows(settings, version, "releases")
    if not rows:
        return
    row = rows[0]
    projects = _published(settings, version, "projects", ["fiscal_year", "total_funds_cny"])
    years = _counts(projects["fiscal_year"])
    levels = _counts(_published(settings, version, "indicators", ["level2"])["level2"])
    say(f"{version.release_id}  {state}  ({version.source_path}, {row['encoding']}, {row['line_count']} lines)")
    say(f"  list        {row['listed_count']} projects, total {_wan(row['listed_total_cny'])}")
    by_year = ", ".join(f"{year or 'no year'}: {count}" for year, count in sorted(years.items(), key=str))
    funds = pc.sum(projects["total_funds_cny"]).as_py() or Decimal(0)
    say(f"  tables      {row['project_count']} ({by_year}), total {_wan(funds)}")
    named = "  ".join(
        f"{(level or 'unknown').removesuffix('指标')} {levels[level]}" for level in (*LEVEL2, None) if levels[level]
    )
    say(f"  indicators  {row['indicator_count']}: {named}")
    say(f"  cells       {row['cell_count']}, unread {row['unread_cell_count']}")
    say(
        f"  findings    {row['error_count']} errors, {row['warning_count']} warnings, {row['info_count']} infos"
        f"  (kzz findings --release {version.release_id})"
    )
    folders = sorted({place.rpartition("/")[0] for place in version.files})
    own = any((settings.out_root / place).is_file() for place in version.files)
    name = version.release_id if own else f"{JOINED}*"
    say(f"  parquet     {settings.out_root}/{{{','.join(folders)}}}/{name}.parquet")
    report = report_path(settings.reports_root, version.release_id)
    if report.is_file():
        say(f"  report      {report}")


def _findings(settings: Settings, version: Version) -> set[str] | None:
    """The ids and the rules of a published release's findings, those that other releases give it among them."""
    if version.status != "published":
        return None
    rows = _rows(settings, version, "findings", ["finding_id", "rule"])
    for year in version.years:
        across = read_release(
            settings.out_root, release_path("findings", year, ACROSS), ["finding_id", "rule", "release_id"]
        )
        rows += [] if across is None else [row for row in across.to_pylist() if row["release_id"] == version.release_id]
    # That a half copy is meant is accepted by that rule, whether the release breaks off in a table or between two.
    return {HALF_COPY, *(row[name] for row in rows for name in ("finding_id", "rule"))}


def _money_unit(settings: Settings, version: Version) -> str | None:
    """The unit of money in which a release is published."""
    return next((row["money_unit"] for row in _rows(settings, version, "releases", ["money_unit"])), None)


def _rows(settings: Settings, version: Version, table: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _published(settings, version, table, columns).to_pylist()
    return rows


def _published(settings: Settings, version: Version, table: str, columns: list[str] | None = None) -> pa.Table:
    """The published rows of a release in a table, or these columns of them."""
    empty = arrow_schema(table).empty_table()
    places = [place for place in version.files if place.startswith(f"{table}/")]
    found = [read_release(settings.out_root, place, columns) for place in places]
    rows = [empty if columns is None else empty.select(columns), *(rows for rows in found if rows is not None)]
    return pa.concat_tables(rows, promote_options="default")


def _counts(column: pa.ChunkedArray) -> Counter[Any]:
    return Counter({found["values"]: found["counts"] for found in pc.value_counts(column).to_pylist()})


def _wan(amount: object) -> str:
    if not isinstance(amount, Decimal):
        return "not printed"
    # Two decimals, as such lists print them, or as many as the amount has.
    exact = (amount / 10000).normalize()
    return f"{exact:,.{max(2, -int(exact.as_tuple().exponent))}f} 万元"
