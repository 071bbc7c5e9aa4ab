"""What a spreadsheet must not run: cells of a release, in what is exported for people to open in one."""

from typing import Any

# As themselves and at full width, which a spreadsheet in Chinese takes for the same.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(value: Any) -> Any:
    """A cell that a spreadsheet would run as a formula, marked as text; anything else as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_DANGEROUS) else value
