"""Compare two curated roots, folders or URLs, table by table and byte by byte; exits 1 where they differ."""

import sys
from typing import Any

from kzz_pipeline.files import read_parquet
from kzz_pipeline.schema import TABLES
from kzz_pipeline.settings import settings


def files(root: Any) -> dict[str, bytes]:
    """Every file of the published tables, by place."""
    names = [name for name, table in TABLES.items() if table.published]
    found = [path for name in names if (root / name).is_dir() for path in (root / name).glob("**/*.parquet")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


roots = [settings(out=place).out_root for place in sys.argv[1:3]]
left, right = (files(root) for root in roots)
for name, table in TABLES.items():
    if table.published:
        counts = [
            sum(read_parquet(root / place).num_rows for place in found if place.startswith(f"{name}/"))
            for root, found in zip(roots, (left, right), strict=True)
        ]
        if any(counts):
            print(f"  {name:20} {counts[0]:>8} rows, {counts[1]:>8} rows")
different = [place for place in sorted(left.keys() | right.keys()) if left.get(place) != right.get(place)]
print(f"  {len(left)} files, {len(right)} files, {len(different)} different")
for place in different[:10]:
    print(f"  differs: {place}")
sys.exit(bool(different))
