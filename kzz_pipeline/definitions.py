"""The code location: assembles what the other modules define."""

import dagster as dg

from kzz_pipeline import arrivals, assets, tables, upkeep

defs = dg.Definitions(
    assets=dg.with_source_code_references(
        [
            assets.raw_text,
            assets.parsed_blocks,
            assets.normalized_indicators,
            assets.curated_tables,
            assets.yearly_aggregates,
            tables.published_tables,
        ]
    ),
    jobs=[
        dg.define_asset_job(
            arrivals.RELEASE_JOB,
            selection=dg.AssetSelection.assets(
                assets.raw_text, assets.parsed_blocks, assets.normalized_indicators, assets.curated_tables
            ),
            description="Takes releases from raw text to published tables.",
        ),
        dg.define_asset_job(
            arrivals.YEARLY_JOB,
            selection=dg.AssetSelection.assets(assets.yearly_aggregates, tables.published_tables),
            description="Aggregates fiscal years over all releases, and refreshes the pages of the published tables.",
        ),
        upkeep.compact_tables,
        upkeep.tidy_up,
    ],
    sensors=[arrivals.releases_arrived, arrivals.years_touched],
    schedules=[arrivals.daily_sweep, upkeep.weekly_compaction, upkeep.daily_tidying],
    resources={"roots": assets.Roots()},
    executor=dg.in_process_executor,
)
