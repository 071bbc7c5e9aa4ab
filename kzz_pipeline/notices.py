"""The files that a person reads of a release: the quarantine folder of a refused one, the report on a published one.

Here belongs where they stand, and their coming and going. What they say is made by quarantine.py and report.py.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from kzz_pipeline.files import (
    clear_errors,
    holds,
    is_remote,
    is_unfinished,
    remove_folder,
    remove_if_empty,
    remove_unfinished,
    write_atomic,
)
from kzz_pipeline.places import folder_of


def quarantine(root: Path, release_id: str, files: Mapping[str, bytes]) -> None:
    """Describe a refused release under the quarantine folder `root`, in place of what was said of it before."""
    folder = folder_of(root, release_id)
    for name, data in files.items():
        if not holds(folder / name, data):
            write_atomic(folder / name, data)
    with clear_errors(folder):
        for entry in list(folder.iterdir()):
            if entry.name not in files:
                entry.unlink()


def release_from_quarantine(root: Path, release_id: str) -> None:
    """Forget that a release was refused."""
    remove_folder(folder_of(root, release_id))
    if not is_remote(root):
        remove_if_empty(root)


def in_quarantine(root: Path) -> list[str]:
    """The releases that are said to be refused, or were about to be when a run was killed."""
    if not root.is_dir():
        return []
    return sorted(folder.name for folder in root.iterdir() if _is_ours({path.name for path in folder.glob("*")}))


def _is_ours(names: set[str]) -> bool:
    begun = {name for name in names if name == "report.md" or (is_unfinished(name) and name.startswith(".report."))}
    return "report.json" in names or bool(names and names == begun)


def report_path(root: Path, release_id: str) -> Path:
    """Where the readable report on a published release stands. Raises Refusal where the id leads out of `root`."""
    return folder_of(root, release_id).with_name(f"{release_id}.html")


def write_report(root: Path, release_id: str, data: bytes) -> None:
    """Put a release's report in place of the one before; a file with the same bytes is left alone."""
    path = report_path(root, release_id)
    if not holds(path, data):
        write_atomic(path, data)


def recover_reports(root: Path, release_ids: Iterable[str]) -> None:
    """Remove what a killed run left of a report that it was writing on one of these. None of them may be published now."""
    remove_unfinished(root, of={report_path(root, release_id).name for release_id in release_ids})


def remove_report(root: Path, release_id: str) -> None:
    """Take away a release's report, with its rows."""
    path = report_path(root, release_id)
    with clear_errors(path):
        path.unlink(missing_ok=True)
