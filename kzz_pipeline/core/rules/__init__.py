"""The quality rules: what contradicts itself, what cannot be meant, and what must not be published.

A rule is one small function with its data (`model.rule`), in the module of its theme, and one test. It sees the whole
release and yields what it finds; severities are `error` (not published until accepted), `warning` and `info`.
"""

from collections import Counter
from typing import Any

from kzz_pipeline.core.normalize import Columns, Source
from kzz_pipeline.core.rules import across, labels, money, names, reading, values, years
from kzz_pipeline.core.rules.model import Hit, Release, Rule, registered
from kzz_pipeline.core.tokens import Parse
from kzz_pipeline.core.words import Words

__all__ = ["RULES", "Hit", "Rule", "audit"]
THEMES = (across, labels, money, names, reading, values, years)
RULES = registered()


def audit(parse: Parse, source: Source, tables: dict[str, Columns], words: Words) -> Columns:
    """The findings of a release as columns of the table `findings`, by line, cell and rule; none is accepted yet.

    `tables` are the rows as `normalize` makes them.
    """
    release = Release(parse, source, tables, words)
    found = [(hit.line, hit.column, rule, hit) for rule in RULES if rule.check for hit in rule.check(release)]
    found.sort(key=lambda item: (item[0], item[1], item[2].code, item[3].message))
    seen: Counter[str] = Counter()
    rows = [_row(source, rule, hit, seen) for _, _, rule, hit in found]
    return {name: [row[name] for row in rows] for name in _COLUMNS}


_COLUMNS = (
    "finding_id", "rule", "severity", "release_id", "release_year", "fiscal_year", "project_id", "indicator_id", "message",
    "expected", "actual", "source_path", "source_sha256", "source_line", "source_column", "accepted_reason",
)  # fmt: skip


def _row(source: Source, rule: Rule, hit: Hit, seen: Counter[str]) -> dict[str, Any]:
    identity = f"{source.release_id}-{rule.code}-{hit.line}-{hit.column}"
    seen[identity] += 1
    return {
        "finding_id": identity if seen[identity] == 1 else f"{identity}-{seen[identity]}",
        "rule": rule.code,
        "severity": rule.severity,
        "release_id": source.release_id,
        "release_year": source.release_year,
        "fiscal_year": hit.project["fiscal_year"] if hit.project else None,
        "project_id": hit.project["project_id"] if hit.project else None,
        "indicator_id": hit.indicator["indicator_id"] if hit.indicator else None,
        "message": hit.message,
        "expected": hit.expected,
        "actual": hit.actual,
        "source_path": source.source_path,
        "source_sha256": source.source_sha256,
        "source_line": hit.line,
        "source_column": hit.column,
        "accepted_reason": None,
    }
