"""The floor of `kzz run`: Dagster with as many materializations, of assets that do nothing."""

import sys

import dagster as dg

RELEASES = dg.DynamicPartitionsDefinition(name="release_id")


def _empty(name: str, before: dg.AssetsDefinition | None) -> dg.AssetsDefinition:
    @dg.asset(
        name=name,
        deps=[before] if before else [],
        partitions_def=RELEASES,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def nothing(context: dg.AssetExecutionContext) -> None:
        pass

    return nothing


def main(count: int) -> None:
    """Materialize five empty assets, four of them over `count` partitions in one run."""
    chain: list[dg.AssetsDefinition] = []
    for number in range(4):
        chain.append(_empty(f"stage_{number}", chain[-1] if chain else None))

    @dg.asset(deps=[chain[-1]])
    def last() -> None:
        pass

    defs = dg.Definitions(
        assets=[*chain, last],
        jobs=[dg.define_asset_job("stages", dg.AssetSelection.assets(*chain)), dg.define_asset_job("last_one", "last")],
        executor=dg.in_process_executor,
    )
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.get() as instance:
        keys = [f"2020-r{number:05d}" for number in range(count)]
        instance.add_dynamic_partitions("release_id", keys)
        tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
        for job, of_run in (("stages", tags), ("last_one", {})):
            defs.resolve_job_def(job).execute_in_process(instance=instance, run_config=quiet, tags=of_run)


if __name__ == "__main__":
    main(int(sys.argv[1]))
