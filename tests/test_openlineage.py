"""A consumer of lineage is attached by configuration alone, as docs/lineage.md says."""

import json
import os
import subprocess
import sys

import yaml
from conftest import REAL, Workplace

from kzz_pipeline.home import prepare

STAGES = {"raw_text", "parsed_blocks", "normalized_indicators", "curated_tables"}


def test_events_reach_a_consumer_named_in_the_configuration(workplace: Workplace) -> None:
    workplace.put("2020/kzz-key-projects.txt", REAL.read_bytes())
    prepare(workplace.home)
    instance = workplace.home / "dagster.yaml"
    configured = yaml.safe_load(instance.read_text(encoding="utf-8"))
    configured["event_log_storage"] = {
        "module": "dagster_openlineage",
        "class": "OpenLineageEventLogStorage",
        "config": {
            "wrapped": {
                "module": "dagster._core.storage.event_log",
                "class": "SqliteEventLogStorage",
                "config": {"base_dir": str(workplace.home / "history" / "runs")},
            },
            "namespace": "kzz",
        },
    }
    instance.write_text(yaml.safe_dump(configured), encoding="utf-8")
    target = workplace.root / "lineage.ndjson"
    command = [
        sys.executable,
        "-m",
        "kzz_pipeline.cli",
        "run",
        "--raw",
        str(workplace.raw),
        "--out",
        str(workplace.out),
    ]
    transport = {"TYPE": "file", "LOG_FILE_PATH": str(target), "APPEND": "true"}
    environment = workplace.environment | {
        f"OPENLINEAGE__TRANSPORT__{name}": value for name, value in transport.items()
    }
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    completed = {
        output["name"]: output["facets"]
        for event in events
        if event["eventType"] == "COMPLETE"
        for output in event["outputs"]
    }
    assert completed.keys() >= STAGES | {"yearly_aggregates", "yearly_by_unit", "indicators"}
    fields = completed["yearly_by_unit"]["columnLineage"]["fields"]
    assert fields["total_funds_cny"]["inputFields"][0]["name"] == "curated_tables"
    assert {"name": "total_funds_cny"}.items() <= next(
        field for field in completed["yearly_by_unit"]["schema"]["fields"] if field["name"] == "total_funds_cny"
    ).items()
