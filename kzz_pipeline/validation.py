"""Whether intermediate tables keep their models: those of many releases at once, those of a large one in parts."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from kzz_pipeline.schema import TABLES, arrow_schema, validate_releases
from kzz_pipeline.settings import Settings
from kzz_pipeline.state import StageStore

# Of the rows that a model is applied to at a time, at most, unless a single chunk has more.
_MOST_BYTES = 16 * 2**20


def broken(settings: Settings, names: Iterable[str], release_ids: list[str]) -> dict[str, list[str]]:
    """What is wrong with these tables of releases, a sentence each, by release id."""
    store = StageStore(settings.state_root)
    found: dict[str, list[str]] = {}
    for name in names:
        for rows in _rows_at_a_time(store, name, release_ids):
            for release_id, sentences in validate_releases(name, rows).items():
                found.setdefault(release_id, []).extend(sentences)
        for release_id in release_ids:
            if sentence := _repeated_key(store, name, release_id):
                found.setdefault(release_id, []).append(sentence)
    return found


def _rows_at_a_time(store: StageStore, name: str, release_ids: Iterable[str]) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    size = 0
    for release_id in release_ids:
        for rows in store.chunks(release_id, name):
            own = rows.nbytes
            if held and size + own > _MOST_BYTES:
                yield pa.concat_tables(held)
                held, size = [], 0
            held.append(rows)
            size += own
    if held:
        yield pa.concat_tables(held)


def _repeated_key(store: StageStore, name: str, release_id: str) -> str | None:
    """Says that a key may stand in two chunks of a release, which the model, given some of them at a time, cannot see."""
    chunks = store.chunks(release_id, name)
    if len(chunks) < 2:
        return None
    first = next(column for column in TABLES[name].key if column != "release_id" or len(TABLES[name].key) == 1)
    if pa.types.is_integer(arrow_schema(name).field(first).type):
        # Lines ascend, so that those of two chunks must not overlap.
        spans = [pc.min_max(rows[first]) for rows in chunks if rows.num_rows]
        repeated = sum(now["min"].as_py() <= before["max"].as_py() for before, now in pairwise(spans))
    else:
        values = pa.chunked_array([pc.unique(rows[first]) for rows in chunks])
        repeated = len(values) - pc.count_distinct(values).as_py()
    return f"{name}.{first}: {repeated} value(s) stand in two chunks of the release" if repeated else None
