"""A page in the Dagster UI for each published table, and the register of releases: what is in, what failed and why."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from kzz_pipeline import pages
from kzz_pipeline.assets import OWNERS, Roots, yearly_aggregates
from kzz_pipeline.catalogue import Catalogue
from kzz_pipeline.schema import RELEASE_TABLES, TABLES, YEARLY_TABLES, table_schema

# A locality publishes its budget, with the targets, in the first quarter of the year.
EXPECTED_BY_MONTH = 4
PUBLISHED = (*RELEASE_TABLES, "release_changes", *YEARLY_TABLES)
REGISTER = "release_register"


def _table_specs() -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            name,
            deps=[yearly_aggregates],
            group_name="f_tables",
            description=f"{TABLES[name].zh}. {TABLES[name].description}",
            owners=OWNERS,
            kinds={"parquet"},
            tags={"domain": "budget-performance"},
            metadata={
                "dagster/column_schema": table_schema(name),
                "dagster/column_lineage": pages.column_lineage(name),
                "columns": pages.columns(name),
            },
        )
        for name in PUBLISHED
    ]


@dg.multi_asset(
    name="published_tables",
    specs=[
        *_table_specs(),
        dg.AssetSpec(
            REGISTER,
            deps=[yearly_aggregates],
            group_name="f_tables",
            description="Every release known: published, refused (and why), or the same bytes under another name.",
            owners=OWNERS,
            kinds={"python"},
            tags={"domain": "budget-performance"},
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec("none_refused", asset=REGISTER, description="Every release under the raw root is published."),
        dg.AssetCheckSpec(
            "releases_on_time",
            asset=REGISTER,
            description="Every release year up to now has a release; this year's is expected by the end of March.",
        ),
    ],
)
def published_tables(roots: Roots) -> Iterator[Any]:
    """Row counts, a preview and the place of every published table, and the register."""
    settings = roots.settings
    catalogue = Catalogue(settings.catalogue_path, settings.out_root)
    counts = catalogue.row_counts()
    for name in PUBLISHED:
        yield dg.MaterializeResult(asset_key=name, metadata=pages.of_table(settings, name, counts.get(name)))
    yield dg.MaterializeResult(asset_key=REGISTER, metadata=pages.of_register(catalogue))
    yield dg.AssetCheckResult(
        asset_key=REGISTER,
        check_name="none_refused",
        passed=not catalogue.first_in("refused", 1),
        severity=dg.AssetCheckSeverity.WARN,
        metadata=pages.of_refused_versions(settings, catalogue),
    )
    late = late_years(catalogue.release_years("published"))
    yield dg.AssetCheckResult(
        asset_key=REGISTER,
        check_name="releases_on_time",
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"release years without a release": ", ".join(map(str, late)) or "none"},
    )


def late_years(published: set[int], today: date | None = None) -> list[int]:
    """The release years since the first one that lack a release though it was to be expected by now."""
    if not published:
        return []
    now = today or datetime.now(UTC).date()
    last = now.year if now.month >= EXPECTED_BY_MONTH else now.year - 1
    return [year for year in range(min(published), last + 1) if year not in published]
