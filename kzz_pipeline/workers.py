"""Runs on Celery workers (docs/deploy.md): one whose worker died is noticed, one that ended holds nothing.

Loaded only where the configuration of Dagster or of Celery names it.
"""

from typing import Any

from celery.signals import task_postrun
from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from kzz_pipeline.state import let_go

_ANSWER_SECONDS = 3.0
_QUESTIONS = 3


@task_postrun.connect
def _let_go(**_: Any) -> None:
    """A worker's process outlives the run: what the run held is free for the next."""
    let_go()


class WatchedCeleryRunLauncher(CeleryRunLauncher):
    """Dagster's Celery launcher, which also asks the worker whether it is still at a run.

    Celery says of a run for ever that it was started, also where its worker was killed. Here such a run counts as
    failed as soon as its worker does not answer, or answers that it does something else, so that Dagster's run
    monitoring marks it failed and its run retries launch it again. Where that is wrong, and the worker only slow, the
    two runs wait for each other at the lock of the curated root.
    """

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """What Celery says of a run; failed where it says that it runs and no worker says so."""
        found = super().check_run_worker_health(run)
        if found.status != WorkerStatus.RUNNING:
            return found
        task = run.tags[DAGSTER_CELERY_TASK_ID_TAG]
        worker = str((self.celery.AsyncResult(task).info or {}).get("hostname", ""))
        for _ in range(_QUESTIONS):
            answer = self.celery.control.inspect(destination=[worker], timeout=_ANSWER_SECONDS).active() or {}
            if any(active["id"] == task for active in answer.get(worker, ())):
                return found
        again = super().check_run_worker_health(run)
        if again.status != WorkerStatus.RUNNING:
            return again
        return CheckRunHealthResult(WorkerStatus.FAILED, f"worker {worker} is gone, or no longer at this run")
