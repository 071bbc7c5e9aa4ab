"""Open pipeline for Chinese budget-performance releases: raw text in, trusted Parquet out."""

import os

# Before Arrow is loaded. Its own allocator is hardly faster, and keeps what it no longer needs.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
