"""The core is pure: it knows no orchestration, no frames, no files, and its result depends on its arguments alone."""

import ast
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT

import kzz_pipeline.core

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(kzz_pipeline.core.__path__, kzz_pipeline.core.__name__ + ".")
)
# Orchestration and data frames, with what they bring along.
FOREIGN = {"dagster", "duckdb", "frictionless", "pandas", "pandera", "polars", "pyarrow", "pydantic", "sqlite3"}
# What reads files, the network, the clock or chance. os and sys name most of the rest.
IMPURE = {
    "asyncio", "builtins", "ctypes", "datetime", "fileinput", "ftplib", "glob", "http", "importlib", "io", "logging",
    "mmap", "multiprocessing", "os", "pathlib", "pickle", "pkgutil", "platform", "random", "secrets", "shelve", "shutil",
    "socket", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid", "warnings", "yaml",
}  # fmt: skip
IMPURE_NAMES = {"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint"}


def source(module: str) -> Path:
    path = PROJECT / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports(tree: ast.AST) -> set[str]:
    """The modules that a module imports, anywhere in it, in full."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "the core imports by full name"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == "kzz_pipeline"}
    return found


def test_core_loads_nothing_of_orchestration_or_frames() -> None:
    program = (
        "import importlib, json, sys\n"
        "for name in json.loads(sys.argv[1]): importlib.import_module(name)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(MODULES)],
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = json.loads(done.stdout)
    assert set(MODULES) <= set(loaded)
    assert not {name.partition(".")[0] for name in loaded} & FOREIGN
    own = {name for name in loaded if name.startswith("kzz_pipeline.")}
    assert not {name for name in own if not name.startswith("kzz_pipeline.core")}


@pytest.mark.parametrize("module", MODULES)
def test_core_module_does_no_input_or_output(module: str) -> None:
    tree = ast.parse(source(module).read_text(encoding="utf-8"))
    imported = imports(tree)
    assert not {name.partition(".")[0] for name in imported} & (IMPURE | FOREIGN)
    own = {name for name in imported if name.startswith("kzz_pipeline")}
    assert all(name.startswith("kzz_pipeline.core") for name in own)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & IMPURE_NAMES


def test_core_has_the_modules_that_the_scan_is_for() -> None:
    expected = {"characters", "decoding", "document", "layout", "names", "normalize", "values", "vocabulary"}
    assert {f"kzz_pipeline.core.{name}" for name in expected} <= set(MODULES)


@pytest.mark.parametrize("code", ["import pathlib", "from os import path", "open('x')", "def f():\n    import io"])
def test_scan_sees_input_and_output(code: str) -> None:
    tree = ast.parse(code)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert {name.partition(".")[0] for name in imports(tree)} & IMPURE or names & IMPURE_NAMES
