"""Open pipeline for Chinese budget-performance releases: raw text in, trusted Parquet out."""
