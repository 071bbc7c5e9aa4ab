"""The ready configurations: they are read by what they are for, and a backup can be restored."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT, REAL, Workplace

DEPLOY = PROJECT / "deploy"


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("**/*.sh")), ids=lambda path: path.name)
def test_scripts_are_shell(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert script.stat().st_mode & 0o100


def test_the_documentation_names_what_is_there() -> None:
    text = (PROJECT / "docs" / "deploy.md").read_text()
    for folder in ("single", "celery", "kubernetes"):
        assert f"deploy/{folder}/" in text
    for variable in ("KZZ_RAW", "KZZ_OUT", "KZZ_STATE", "KZZ_CATALOGUE", "KZZ_LOCK_SECONDS"):
        assert f"`{variable}`" in text


def test_dagster_reads_the_instance_of_several_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dagster_celery", reason="the extra cluster is not installed")
    from dagster._core.instance.config import dagster_instance_config
    from dagster._core.instance.ref import InstanceRef

    from kzz_pipeline.workers import WatchedCeleryRunLauncher

    shutil.copy(DEPLOY / "celery" / "dagster.yaml", tmp_path / "dagster.yaml")
    monkeypatch.setenv("KZZ_DATABASE", "postgresql+psycopg2://kzz@127.0.0.1:1/kzz")
    monkeypatch.setenv("KZZ_BROKER", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("KZZ_BACKEND", "redis://127.0.0.1:1/1")
    dagster_instance_config(str(tmp_path))  # raises where a setting is unknown
    reference = InstanceRef.from_dir(str(tmp_path))
    assert isinstance(reference.run_launcher, WatchedCeleryRunLauncher)
    assert type(reference.run_storage_data).__name__ == "ConfigurableClassData"


def test_a_run_whose_worker_does_not_answer_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dagster_celery", reason="the extra cluster is not installed")
    from dagster import DagsterRun
    from dagster._core.launcher import WorkerStatus
    from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

    from kzz_pipeline.workers import WatchedCeleryRunLauncher

    answers: list[dict[str, list[dict[str, str]]] | None] = []
    state = ["STARTED"]

    class Result:
        @property
        def info(self) -> dict[str, str]:
            return {"hostname": "one@host"}

        @property
        def state(self) -> str:
            return state[0]

    class Inspect:
        def active(self) -> dict[str, list[dict[str, str]]] | None:
            return answers.pop(0)

    launcher = WatchedCeleryRunLauncher("dagster", broker="memory://", backend="cache+memory://")
    monkeypatch.setattr(launcher.celery, "AsyncResult", lambda _: Result())
    monkeypatch.setattr(launcher.celery.control, "inspect", lambda **_: Inspect())
    run = DagsterRun(job_name="job", tags={DAGSTER_CELERY_TASK_ID_TAG: "task"})
    answers[:] = [None, {"one@host": [{"id": "task"}]}]
    assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
    answers[:] = [None, {"one@host": []}, {"one@host": [{"id": "other"}]}]
    assert launcher.check_run_worker_health(run).status == WorkerStatus.FAILED
    state[0] = "FAILURE"
    assert launcher.check_run_worker_health(run).status == WorkerStatus.FAILED
    state[0] = "SUCCESS"
    assert launcher.check_run_worker_health(run).status == WorkerStatus.SUCCESS


def test_a_worker_lets_go_of_its_locks_when_a_run_ends(tmp_path: Path) -> None:
    pytest.importorskip("dagster_celery", reason="the extra cluster is not installed")
    program = (
        "import sys; from pathlib import Path\n"
        "from celery.signals import task_postrun\n"
        "from dagster_celery.app import app\n"
        "from kzz_pipeline import state\n"
        "app.loader.import_default_modules()\n"  # as a worker does when it starts
        "state.hold(Path(sys.argv[1]))\n"
        "assert state._held\n"
        "task_postrun.send(sender=None)\n"
        "assert not state._held\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{DEPLOY / 'celery'}{os.pathsep}{PROJECT}"}
    environment |= {"KZZ_BROKER": "memory://", "KZZ_BACKEND": "cache+memory://"}
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=environment, check=True)


def test_values_of_the_chart_name_the_code_and_one_writer() -> None:
    values = yaml.safe_load((DEPLOY / "kubernetes" / "values.yaml").read_text())
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    assert deployment["dagsterApiGrpcArgs"] == ["-m", "kzz_pipeline.definitions"]
    assert {entry["name"] for entry in deployment["env"]} >= {"KZZ_RAW", "KZZ_OUT", "KZZ_STATE"}
    assert values["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]["maxConcurrentRuns"] == 1


def test_a_backup_restores_what_was_published(workplace: Workplace, tmp_path: Path) -> None:
    if shutil.which("flock") is None:
        pytest.skip("no flock to take the writer's lock with")
    workplace.put("2020/kzz-key-projects.txt", REAL.read_bytes())
    assert workplace.kzz("run").returncode == 0
    before = workplace.files()
    environment = {**workplace.environment, "KZZ_RAW": str(workplace.raw), "KZZ_OUT": str(workplace.out)}
    for _ in range(2):  # into the same folder again
        command = [str(DEPLOY / "single" / "backup.sh"), str(tmp_path / "backup")]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    for folder in (workplace.raw, workplace.out, workplace.home):
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "backup" / folder.name, folder)
    done = workplace.kzz("run")
    assert done.returncode == 0, done.stderr
    assert "0 published, 1 unchanged" in done.stdout
    assert workplace.files() == before
    assert "儿童营养改善项目" in workplace.kzz("trace", "2020-kzz-key-projects-t001-i003").stdout
