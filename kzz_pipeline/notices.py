"""The files that a person reads of a release: the quarantine folder of a refused one, the report on a published one.

Here belongs where they stand, and their coming and going. What they say is made by quarantine.py and report.py.
"""

from collections.abc import Mapping
from pathlib import Path

from kzz_pipeline.files import clear_errors, holds, is_remote, remove_folder, remove_if_empty, write_atomic
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
    """The releases that are said to be refused."""
    if not root.is_dir():
        return []
    return sorted(folder.name for folder in root.iterdir() if (folder / "report.json").is_file())


def report_path(root: Path, release_id: str) -> Path:
    """Where the readable report on a published release stands. Raises Refusal where the id leads out of `root`."""
    return folder_of(root, release_id).with_name(f"{release_id}.html")


def write_report(root: Path, release_id: str, data: bytes) -> None:
    """Put a release's report in place of the one before; a file with the same bytes is left alone."""
    path = report_path(root, release_id)
    if not holds(path, data):
        write_atomic(path, data)


def remove_report(root: Path, release_id: str) -> None:
    """Take away a release's report, with its rows."""
    path = report_path(root, release_id)
    with clear_errors(path):
        path.unlink(missing_ok=True)
