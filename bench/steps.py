"""What reading releases costs, step by step, beside the floor: merely splitting the same bytes into lines and cells."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa

from bench.texts import of_county, one_release
from kzz_pipeline.core.decoding import decode
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.garbage import no_cycles
from kzz_pipeline.core.layout import read_chunks
from kzz_pipeline.core.normalize import Source, normalize_chunks
from kzz_pipeline.core.rules import audit_chunks
from kzz_pipeline.core.tokens import Chunks, Parse
from kzz_pipeline.files import parquet_bytes
from kzz_pipeline.schema import RELEASE_TABLES, to_arrow, validate_releases
from kzz_pipeline.stages import MOST_CELLS
from kzz_pipeline.vocabulary import words

STEPS = ("floor", "decode", "parse", "normalize", "rules", "models", "parquet")
# Releases whose rows are checked by their models at once, as publication does it.
_BATCH = 64


@dataclass(slots=True)
class Measured:
    """Seconds of processor time of the floor and of each step over `size` bytes."""

    size: int = 0
    tables: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))

    def ratio(self, *steps: str) -> float:
        """How many times the floor these steps take."""
        return sum(self.seconds[step] for step in steps) / self.seconds["floor"]

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        started = time.process_time()
        yield
        self.seconds[step] += time.process_time() - started


def _floor(data: bytes) -> float:
    """The least seconds of three that it takes to split bytes into lines and cells."""
    seconds = []
    for _ in range(3):
        started = time.process_time()
        [line.split("\t") for line in data.decode().split("\n")]
        seconds.append(time.process_time() - started)
    return min(seconds)


def releases(count: int, first: int) -> Measured:
    """The steps over `count` releases of the real one's size, one after the other; none of them was read before."""
    found = Measured()
    for start in range(0, count, _BATCH):
        numbers = range(first + start, first + min(start + _BATCH, count))
        texts = [of_county(number) for number in numbers]
        found.seconds["floor"] += sum(_floor(data) for data in texts)
        batch = [_read(data, f"2020-r{number}", found) for number, data in zip(numbers, texts, strict=True)]
        arrow = {name: pa.concat_tables(tables[name] for tables in batch) for name in RELEASE_TABLES}
        _check(arrow, found)
        for tables in batch:
            _write(tables, found)
    return found


def one_large(path: Path) -> Measured:
    """The steps over one large release."""
    found = Measured()
    arrow = _read(path.read_bytes(), "2020-large", found)
    _check(arrow, found)
    _write(arrow, found)
    return found


@no_cycles()
def _read(data: bytes, release_id: str, found: Measured) -> dict[str, pa.Table]:
    """Bytes to rows and findings, a large release chunk by chunk as the stages do it."""
    known = words()
    source = Source(release_id, 2020, f"2020/{release_id}.txt", "0" * 64, len(data), "utf-8", data.count(b"\n") + 1)
    found.size += len(data)
    with found.timing("decode"):
        document = Document.from_text(decode(data).text)
    with found.timing("parse"):
        tokens = list(read_chunks(document, known.labels, known.units, MOST_CELLS))
        cells = Chunks(len(tokens), tokens.__getitem__)
    with found.timing("normalize"):
        made = list(normalize_chunks(cells, source, known))
    found.tables += sum(len(rows["projects"]["project_id"]) for rows in made)
    parse = Parse(document, cells, max(tokens[-1].table_no, default=0))
    with found.timing("rules"):
        findings = audit_chunks(parse, source, Chunks(len(made), made.__getitem__), known)
    with found.timing("parquet"):
        tables = {name: pa.concat_tables(to_arrow(name, rows[name]) for rows in made) for name in made[0]}
        return tables | {"findings": to_arrow("findings", findings)}


def _check(arrow: dict[str, pa.Table], found: Measured) -> None:
    with found.timing("models"):
        problems = {name: validate_releases(name, table) for name, table in arrow.items()}
    assert not any(problems.values()), problems


def _write(arrow: dict[str, pa.Table], found: Measured) -> None:
    with found.timing("parquet"):
        for table in arrow.values():
            parquet_bytes(table)


def read_again(times: int) -> Measured:
    """The steps up to the rules over the real release itself, each at its fastest: all of it was read before."""
    data = of_county(0)
    tried = [Measured() for _ in range(times)]
    for found in tried:
        found.seconds["floor"] = _floor(data)
    for found in tried:
        _read(data, "2020-real", found)
    return _fastest(tried)


def _fastest(tried: list[Measured]) -> Measured:
    tried[0].seconds = {step: min(found.seconds[step] for found in tried) for step in STEPS}
    return tried[0]


def in_own_process(what: str, count: int) -> Measured:
    """Measure `releases` or `large` in a process that does nothing else, so that nothing was read before."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.txt"
        if what == "large":
            path.write_bytes(one_release(count))
        measured = _output(what, count, path)
        if what == "large":
            measured.seconds["floor"] = _output("floor", count, path).seconds["floor"]
    return measured


def _output(what: str, count: int, path: Path) -> Measured:
    command = [sys.executable, "-m", "bench.steps", what, str(count), str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Measured(**json.loads(done.stdout))


def main(what: str, count: int, path: Path) -> None:
    """Measure in this process, once everything that is read once per process is there, and print it as JSON."""
    releases(2, 0)
    if what == "large":
        measured = one_large(path)
    elif what == "floor":
        measured = Measured()
        measured.seconds["floor"] = _floor(path.read_bytes())
    elif what == "again":
        measured = read_again(count)
    else:
        # What takes little time is measured several times, each time over other releases; the least says most.
        measured = _fastest([releases(count, 2 + count * number) for number in range(max(1, min(20, 60 // count)))])
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
