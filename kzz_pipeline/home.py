"""DAGSTER_HOME: the folder of the Dagster instance, made ready before anything asks Dagster for it."""

from pathlib import Path

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.files import write_atomic

# The tag by which a command-line run names its process, so that it can be marked failed when that is gone.
PROCESS_TAG = "kzz/process"
# What a newcomer's instance needs: nothing is sent anywhere, no pop-up covers the pages, a run whose process died is
# marked failed and taken up again, and logs do not grow for ever.
_INSTANCE = """\
# Written once by kzz; change it as you like (https://docs.dagster.io/deployment/oss/dagster-yaml).
telemetry:
  enabled: false
nux:
  enabled: false
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  poll_interval_seconds: 30
  max_resume_run_attempts: 0
freshness:
  enabled: true
run_retries:
  enabled: true
  max_retries: 2
event_log_storage:
  module: kzz_pipeline.event_log
  class: OpenSqliteEventLogStorage
  config:
    home: {env: DAGSTER_HOME}
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 7
      failure: 30
      success: 90
"""


def prepare(home: Path) -> None:
    """Make the instance's folder with its settings, unless it is there. Raises Refusal where it cannot be written."""
    try:
        if not (home / "dagster.yaml").exists():
            home.mkdir(parents=True, exist_ok=True)
            write_atomic(home / "dagster.yaml", _INSTANCE.encode())
    except OSError as error:
        advice = "make it writable, or name another folder with DAGSTER_HOME"
        raise Refusal("unwritable-home", f"{home}: {error.strerror}", advice) from None
