"""Progress on the terminal, while someone is watching and it takes long."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kzz_pipeline.bulk import listening
from kzz_pipeline.stages import STAGES


@contextmanager
def showing(releases: int) -> Iterator[None]:
    """Show on stderr how many releases each stage is through with; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal or not releases:
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks = {stage: progress.add_task(stage, total=releases) for stage in STAGES}
        with listening(lambda stage, count: progress.advance(tasks[stage], count)):
            yield
