"""How the Celery workers connect: `dagster_celery.app` imports this module where it is on PYTHONPATH."""

import os

broker_url = os.environ["KZZ_BROKER"]
result_backend = os.environ["KZZ_BACKEND"]
# Lets go of a run's locks when it ends.
imports = ("kzz_pipeline.workers",)
# A worker takes no run that it cannot begin.
worker_prefetch_multiplier = 1
broker_connection_retry_on_startup = True
