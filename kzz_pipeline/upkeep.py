"""What keeps published tables handy: a job, and a schedule that is off until someone turns it on."""

from typing import Any

import dagster as dg

from kzz_pipeline.assets import Roots
from kzz_pipeline.compaction import WORTHWHILE, compact


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
