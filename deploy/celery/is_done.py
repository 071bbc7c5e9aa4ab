"""For try.sh: exits 0 when no run is under way and nothing is left to aggregate; --runs lists the runs."""

import sys
from collections import Counter

import dagster as dg

from kzz_pipeline.catalogue import Catalogue
from kzz_pipeline.intake import survey
from kzz_pipeline.settings import settings

chosen = settings()
catalogue = Catalogue(chosen.catalogue_path, chosen.out_root)
with dg.DagsterInstance.get() as instance:
    runs = list(instance.get_runs())
if "--runs" in sys.argv:
    counts = Counter((run.job_name, run.status.value.lower(), "dagster/parent_run_id" in run.tags) for run in runs)
    print(
        ", ".join(
            f"{n} {job} {status}{' (retry)' if retry else ''}" for (job, status, retry), n in sorted(counts.items())
        )
    )
    sys.exit()
is_idle = bool(runs) and all(run.is_finished for run in runs)
sys.exit(not (is_idle and not catalogue.pending_years() and not survey(chosen, catalogue).arrivals))
