"""`kzz`: the command line. Messages go to stderr, data to stdout."""

import gc
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

import click

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.settings import Settings, export, settings
from kzz_pipeline.terminal import fit, say

FAILED = 1
USAGE = 2
REFUSED = 3


class _Group(click.Group):
    """Turns what is raised into one line on stderr, and the exit code of a usage error or of a run that failed."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        fit()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            _fail(str(refusal), FAILED if refusal.code == "run-failed" else USAGE)
        except KeyboardInterrupt:
            _fail("stopped; what was published stands, and the next run goes on", 130)
        except (click.exceptions.Exit, click.Abort, click.ClickException, BrokenPipeError):
            raise
        except OSError as error:
            what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            _fail(f"{what} (see that this place is there and may be used, then do it again)", FAILED)
        except Exception as error:  # noqa: BLE001 the last resort: a stack trace tells a user nothing
            _fail(_unforeseen(error), FAILED)


# Errors of libraries whose cause is a thing that a person can mend, by the library and the name.
_CAUSES = (
    ("pyarrow", "ArrowInvalid", "a published file is damaged", "remove it and do kzz run: it is published again"),
    ("yaml", "", "dagster.yaml in DAGSTER_HOME is not valid", "correct it, or remove it: kzz run writes it again"),
    (
        "sqlalchemy",
        "",
        "what Dagster keeps in DAGSTER_HOME cannot be read or written",
        "see that the disk has room and the folder may be written; where a file is damaged, name another DAGSTER_HOME",
    ),
)


def _unforeseen(error: Exception) -> str:
    """One line on an error of a library; where kzz is to blame, how it came about goes to a file for whoever mends it."""
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    for library, name, what, advice in _CAUSES:
        if any(kind.__module__.startswith(library) and name in kind.__name__ for kind in type(error).__mro__):
            return f"{what}: {text} ({advice})"
    place = settings().home / "kzz-error.txt"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="backslashreplace")
    except OSError:
        return f"{text} (this is a defect of kzz; what was published stands: report it)"
    return f"{text} (this is a defect of kzz; what was published stands: report it with {place})"


def _fail(message: str, code: int) -> NoReturn:
    say(f"kzz: {message}", err=True)
    sys.exit(code)


def _given(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """A folder that is named, or none: an empty name, as of a variable that is not set, is not the default."""
    if value is not None and not value.strip():
        raise click.BadParameter("the name of the folder is empty", ctx, parameter)
    return value


_raw = click.option(
    "--raw", metavar="DIR", callback=_given, help="Folder of releases, <year>/<name>.txt (default: data/raw)."
)
_out = click.option(
    "--out", metavar="DIR", callback=_given, help="Folder of the published tables (default: data/curated)."
)


def _roots(command: Any) -> Any:
    return _raw(_out(command))


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kzz-pipeline")
def main() -> None:
    """Published budget-performance releases to tables one can trust.

    \b
    Example:
      kzz run                      take in every new or changed release under data/raw
      kzz findings --severity warning
    """


@main.command()
@_roots
def run(raw: str | None, out: str | None) -> None:
    """Take in every new or changed release and publish its tables.

    Exits 0 if all is published, 3 if a release was refused (each is named on stderr with its reason), 1 if a run failed,
    2 for a wrong use, and for a place or a published file that has to be mended first.

    \b
    Example:
      kzz run
      kzz run --raw /srv/releases --out /srv/tables
    """
    from kzz_pipeline import overview
    from kzz_pipeline.catalogue import Catalogue
    from kzz_pipeline.home import prepare
    from kzz_pipeline.intake import survey
    from kzz_pipeline.publication import keep_quarantine, settle_doubts, withdraw
    from kzz_pipeline.state import hold

    started = time.perf_counter()
    # Most of what a run makes stays until it ends, or is gone at once: looking for cycles in it takes a tenth of its time.
    gc.set_threshold(10_000)
    chosen = _existing(settings(raw, out))
    export(chosen)
    prepare(chosen.home)
    catalogue = Catalogue(chosen.catalogue_path, chosen.out_root)
    seen, found = catalogue.last_version(), survey(chosen, catalogue)
    if found.arrivals or found.has_doubts:
        # Another run may be taking them in: wait for it, or settle what it left when it was killed, then look again.
        hold(chosen.state_root, lambda: say("kzz: another run is at work on these releases; waiting for it", err=True))
        settle_doubts(chosen, catalogue)
        if found.has_doubts or catalogue.last_version() != seen:
            found = survey(chosen, catalogue)
    if found.new_aliases or found.withdrawn:
        withdraw(chosen, catalogue, [*found.new_aliases, *found.withdrawn])
    for release_id in keep_quarantine(chosen, found):
        say(f"{release_id}: its file, which was refused, is gone, and its quarantine folder with it")
    arrived = [arrival.file.release_id for arrival in found.arrivals]
    pending = catalogue.pending_years()
    if arrived or pending:
        _take_in(chosen, arrived)
    refused = overview.print_run(chosen, catalogue, found, time.perf_counter() - started)
    if refused:
        sys.exit(REFUSED)


def _take_in(chosen: Settings, arrived: list[str]) -> None:
    from kzz_pipeline.core.garbage import no_cycles
    from kzz_pipeline.progress import showing

    with no_cycles():  # what is imported stays
        from kzz_pipeline.runs import take_in

    with showing(len(arrived)):
        take_in(chosen, arrived)


def _existing(chosen: Settings) -> Settings:
    if not chosen.raw_root.is_dir():
        raise Refusal("no-raw-root", f"{chosen.raw_root} is no folder", "name the folder of releases with --raw")
    if chosen.raw_root in (chosen.out_root, *chosen.out_root.parents):
        message = f"the tables would be published at {chosen.out_root}, among the releases of {chosen.raw_root}"
        raise Refusal("out-in-raw", message, "name another folder with --out")
    return chosen


@main.command()
@click.option("--release", metavar="ID", help="Only of this release, such as 2020-kzz-key-projects.")
@click.option("--rule", metavar="CODE", help="Only of this rule (kzz rules lists them).")
@click.option("--severity", type=click.Choice(["error", "warning", "info"]), help="Only of this severity.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@_roots
def findings(
    release: str | None, rule: str | None, severity: str | None, form: str, raw: str | None, out: str | None
) -> None:
    """List what a person should look at, of published and of refused releases.

    \b
    Example:
      kzz findings --severity warning
      kzz findings --release 2020-kzz-key-projects --format csv > findings.csv
    """
    from kzz_pipeline import listings
    from kzz_pipeline.schema import TABLES

    chosen = settings(raw, out)
    rows = listings.findings(chosen, release, rule, severity)
    click.echo(listings.render(rows, form, TABLES["findings"].column_names), nl=False)
    if release is not None and (why := listings.without_findings(chosen, release)):
        say(f"kzz: {why}", err=True)


@main.command()
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@_roots
def rules(form: str, raw: str | None, out: str | None) -> None:
    """List the rules: code, severity, what they look for, why it matters and what to do.

    \b
    Example:
      kzz rules
      kzz rules --format json
    """
    from kzz_pipeline import listings

    click.echo(listings.render(listings.rules(), form), nl=False)


@main.command()
@click.argument("what", nargs=-1, required=True)
@click.option(
    "--version", "version", type=int, metavar="N", help="As of this version of the release (see kzz trace RELEASE)."
)
@_roots
def trace(what: tuple[str, ...], version: int | None, raw: str | None, out: str | None) -> None:
    """Show where a figure is from: aggregate, tables, indicators, file, line, cell, and the printed line.

    WHAT is the id of an indicator, a project, a finding or a release, or an aggregate: the yearly table, the fiscal
    year, and the unit or the level.

    \b
    Example:
      kzz trace 2020-kzz-key-projects-t001-i003
      kzz trace yearly_by_unit 2021 克州财政局
      kzz trace yearly_by_indicator 2021 成本指标
    """
    from kzz_pipeline.lineage import trace as traced

    for line in traced(settings(raw, out), what, version):
        say(line)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--unread", is_flag=True, help="Only the lines with a cell that was not read.")
@_roots
def explain(file: Path, unread: bool, raw: str | None, out: str | None) -> None:
    """Show line by line how a file is read and why; cells that are not read are marked.

    \b
    Example:
      kzz explain data/raw/2020/kzz-key-projects.txt | less
      kzz explain --unread release.txt
    """
    from kzz_pipeline.explanation import explain as explained

    for line in explained(file, only_unread=unread):
        say(line)


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port on this machine.")
@_roots
def ui(port: int, raw: str | None, out: str | None) -> None:
    """Open the Dagster UI on this machine, with the sensor and the schedules running. It has no login: loopback only.

    \b
    Example:
      kzz ui --port 3000
    """
    import os

    from kzz_pipeline.home import prepare

    chosen = _existing(settings(raw, out))
    _require_free(port)
    export(chosen)
    prepare(chosen.home)
    program = Path(sys.executable).with_name("dagster")
    click.echo(f"kzz: http://127.0.0.1:{port} (stop with Ctrl-C)", err=True)
    arguments = ["dev", "--module-name", "kzz_pipeline.definitions", "--host", "127.0.0.1", "--port", str(port)]
    os.execv(program, [str(program), *arguments])


def _require_free(port: int) -> None:
    """Raise Refusal where a program listens on a port: Dagster would say that it serves there, and never end."""
    import socket

    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except OSError as error:
        message = f"port {port} of this machine cannot be used: {error.strerror}"
        raise Refusal("port-taken", message, "name another with --port, or stop what uses it") from None


@main.command()
@click.option("--to", metavar="DIR", type=click.Path(path_type=Path), help="Folder of the pages (default: docs).")
@_roots
def docs(to: Path | None, raw: str | None, out: str | None) -> None:
    """Write the generated pages: data dictionary, rules, DuckDB views. Their examples are from the published tables.

    \b
    Example:
      kzz docs
      kzz docs --to /srv/pages --out /srv/tables
    """
    from kzz_pipeline.documentation import write
    from kzz_pipeline.settings import project_root

    for path in write(to or project_root() / "docs", settings(raw, out).out_root):
        click.echo(path)


@main.command()
@_roots
def package(raw: str | None, out: str | None) -> None:
    """Describe the published tables in a Data Package, datapackage.json, beside them. Write it again after a run.

    \b
    Example:
      kzz package
      kzz package --out /srv/tables
    """
    from kzz_pipeline.datapackage import write

    click.echo(write(settings(raw, out).out_root))


@main.command()
@click.option("--year", type=int, metavar="Y", help="Only the folders of this year.")
@_roots
def compact(year: int | None, raw: str | None, out: str | None) -> None:
    """Join the small files of each folder of published tables into few, for BI tools. No row changes.

    A release that is replaced later is taken out again by itself. With few releases there is no need for it.

    \b
    Example:
      kzz compact
      kzz compact --year 2021
    """
    from kzz_pipeline.compaction import compact as joined

    chosen = settings(raw, out)
    if not chosen.out_root.is_dir():
        raise Refusal("nothing-published", f"no release is published under {chosen.out_root}", "run kzz run first")
    done = joined(chosen.out_root, year)
    for folder in done:
        click.echo(f"{folder.place}: {folder.before} files, now {folder.after}")
    if not done:
        where = f" of {year}" if year is not None else ""
        click.echo(f"nothing to join: no folder{where} under {chosen.out_root} has two small files")


if __name__ == "__main__":
    main()
