"""The code location: assembles what the other modules define."""

import dagster as dg

from kzz_pipeline import assets

release_job = dg.define_asset_job(
    "take_in_releases",
    selection=dg.AssetSelection.assets(
        assets.raw_text, assets.parsed_blocks, assets.normalized_indicators, assets.curated_tables
    ),
    partitions_def=assets.RELEASES,
    description="Takes releases from raw text to published tables.",
)
yearly_job = dg.define_asset_job(
    "aggregate_years",
    selection=dg.AssetSelection.assets(assets.yearly_aggregates),
    partitions_def=assets.FISCAL_YEARS,
    description="Aggregates fiscal years over all releases.",
)
defs = dg.Definitions(
    assets=[
        assets.raw_text,
        assets.parsed_blocks,
        assets.normalized_indicators,
        assets.curated_tables,
        assets.yearly_aggregates,
    ],
    jobs=[release_job, yearly_job],
    resources={"roots": assets.Roots.from_environment()},
    executor=dg.in_process_executor,
)
