"""What keeps the place in order: joining small files, which is off until someone turns it on, and removing what is old."""

from typing import Any

import dagster as dg

from kzz_pipeline.assets import Roots
from kzz_pipeline.compaction import WORTHWHILE, compact
from kzz_pipeline.housekeeping import tidy


@dg.op(description="Joins the small files of every folder that has many. No row changes.")
def join_small_files(context: dg.OpExecutionContext, roots: Roots) -> None:
    done = compact(roots.settings.out_root, at_least=WORTHWHILE)
    lines = [f"- `{folder.place}`: {folder.before} files, now {folder.after}" for folder in done]
    context.add_output_metadata({"joined": dg.MetadataValue.md("\n".join(lines) or "nothing: no folder has many")})


@dg.job(description="Joins small files of the published tables, as kzz compact does, where a folder has many.")
def compact_tables() -> Any:
    join_small_files()


@dg.schedule(
    job=compact_tables,
    cron_schedule="30 4 * * 0",
    execution_timezone="Asia/Shanghai",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Joins small files weekly. Off: nothing needs it before a folder holds many releases.",
)
def weekly_compaction() -> dg.RunRequest:
    return dg.RunRequest()


@dg.op(
    description="Removes logs of old runs and intermediate tables of releases long published. No published row changes."
)
def remove_what_is_old(context: dg.OpExecutionContext, roots: Roots) -> None:
    done = tidy(roots.held(), context.instance)
    context.add_output_metadata({"runs removed": done.runs, "releases whose intermediate tables were": done.releases})


@dg.job(
    description="Removes what is older than KZZ_KEEP_DAYS: logs of runs that show nothing's last state, intermediate tables."
)
def tidy_up() -> Any:
    remove_what_is_old()


@dg.schedule(
    job=tidy_up,
    cron_schedule="0 4 * * *",
    execution_timezone="Asia/Shanghai",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Removes daily what is older than KZZ_KEEP_DAYS (90). kzz run does the same, at most once a day.",
)
def daily_tidying() -> dg.RunRequest:
    return dg.RunRequest()
