"""The quality rules: what contradicts itself, what cannot be meant, and what must not be published.

A rule is one small function with its data (`model.rule`), in the module of its theme, and one test. It sees the
release, or one chunk or table of it after the other, and yields what it finds; severities are `error` (not published until accepted), `warning` and `info`.
"""

from collections import Counter
from operator import itemgetter
from typing import Any, cast

from kzz_pipeline.core.garbage import no_cycles
from kzz_pipeline.core.normalize import Columns, Rows, Source
from kzz_pipeline.core.rules import across, labels, money, names, reading, values, years
from kzz_pipeline.core.rules.model import Check, ChunkCheck, Hit, Release, Rule, TableCheck, registered
from kzz_pipeline.core.tokens import Chunks, Parse
from kzz_pipeline.core.words import Words

__all__ = ["RULES", "Hit", "Rule", "audit", "audit_chunks"]
THEMES = (across, labels, money, names, reading, values, years)
RULES = registered()


@no_cycles()
def audit(parse: Parse, source: Source, rows: Rows, words: Words) -> Columns:
    """The findings of a release as columns of the table `findings`, by line, cell and rule; none is accepted yet.

    The parse is of one chunk, and the rows are those that `normalize` makes of it.
    """
    return audit_chunks(parse, source, Chunks.alone(rows), words)


def audit_chunks(parse: Parse, source: Source, rows: Chunks[Rows], words: Words) -> Columns:
    """The findings of `audit`, from the rows of each of the parse's chunks, as `normalize_chunks` makes them."""
    release = Release(parse, source, rows, words)
    found = [_finding(rule, hit) for rule, check in _CHECKS for hit in check(release)]
    for chunk in release.chunks:
        found += [_finding(rule, hit) for rule, check in _CHUNK_CHECKS for hit in check(chunk, release)]
        for table in chunk.tables():
            found += [_finding(rule, hit) for rule, check in _TABLE_CHECKS for hit in check(table, release)]
    found.sort(key=itemgetter(*range(4)))
    count = len(found)
    values_of = zip(*found, strict=True) if found else [()] * len(_FOUND)
    columns: Columns = {name: list(values) for name, values in zip(_FOUND, values_of, strict=True)}
    columns["finding_id"] = _ids(source.release_id, columns)
    columns["release_id"] = [source.release_id] * count
    columns["release_year"] = [source.release_year] * count
    columns["source_path"] = [source.source_path] * count
    columns["source_sha256"] = [source.source_sha256] * count
    columns["accepted_reason"] = [None] * count
    return {name: columns[name] for name in _COLUMNS}


_CHECKS = [(rule, cast(Check, rule.check)) for rule in RULES if rule.check and rule.sees == "release"]
_CHUNK_CHECKS = [(rule, cast(ChunkCheck, rule.check)) for rule in RULES if rule.check and rule.sees == "chunk"]
_TABLE_CHECKS = [(rule, cast(TableCheck, rule.check)) for rule in RULES if rule.check and rule.sees == "table"]
_COLUMNS = (
    "finding_id", "rule", "severity", "release_id", "release_year", "fiscal_year", "project_id", "indicator_id", "message",
    "expected", "actual", "source_path", "source_sha256", "source_line", "source_column", "accepted_reason",
)  # fmt: skip
# What of a finding depends on its hit; findings are in the order of the first four.
_FOUND = (
    "source_line", "source_column", "rule", "message", "severity", "fiscal_year", "project_id", "indicator_id", "expected",
    "actual",
)  # fmt: skip


def _finding(rule: Rule, hit: Hit) -> tuple[Any, ...]:
    """The columns of `_FOUND`: the rows that the hit is about need not be kept."""
    message, line, column, expected, actual, project, indicator = hit
    fiscal_year, project_id = (project["fiscal_year"], project["project_id"]) if project else (None, None)
    indicator_id = indicator["indicator_id"] if indicator else None
    return line, column, rule.code, message, rule.severity, fiscal_year, project_id, indicator_id, expected, actual


def _ids(release_id: str, columns: Columns) -> list[str]:
    """An id for each finding, the same on every run: its rule and place, numbered where there are several."""
    seen: Counter[str] = Counter()
    ids = []
    for code, line, column in zip(columns["rule"], columns["source_line"], columns["source_column"], strict=True):
        identity = f"{release_id}-{code}-{line}-{column}"
        seen[identity] += 1
        ids.append(identity if seen[identity] == 1 else f"{identity}-{seen[identity]}")
    return ids
