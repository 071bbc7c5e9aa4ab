"""Folding: the comparable form of printed text.

NFKC is too strong (³ becomes 3, ½ becomes 1⁄2) and too weak (leaves ≧ and U+2212), so what is folded is
listed here: the full-width forms of ASCII, CJK radicals and compatibility ideographs, a handful of signs,
and the white space that Word and Excel leave behind. The printed text itself is kept elsewhere.
"""

import re
import unicodedata
from functools import lru_cache


def _table() -> dict[int, str]:
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    # Radicals and compatibility ideographs stand for one ideograph each: NFKC is right for these blocks.
    for first, last in ((0x2E80, 0x2FDF), (0xF900, 0xFAFF)):
        for code in range(first, last + 1):
            folded = unicodedata.normalize("NFKC", chr(code))
            if folded != chr(code):
                table[code] = folded
    signs = {
        "≧": "≥", "⩾": "≥", "≦": "≤", "⩽": "≤", "﹥": ">", "﹤": "<", "﹦": "=", "﹪": "%", "٪": "%", "⁄": "/", "∕": "/",
        "−": "-", "–": "-", "—": "-", "―": "-", "‐": "-", "‑": "-", "‒": "-", "﹣": "-", "─": "-",
        "∼": "~", "〜": "~", "〔": "[", "〕": "]", "【": "[", "】": "]", "﹙": "(", "﹚": ")", "﹕": ":", "∶": ":", "︰": ":",
        "、": "、", "。": ".", "｡": ".", "“": '"', "”": '"', "„": '"', "「": '"', "」": '"', "‘": "'", "’": "'",
        "・": "·", "•": "·", "‧": "·", "∙": "·", "⋅": "·",
    }  # fmt: skip
    table.update({ord(printed): folded for printed, folded in signs.items()})
    for code in (0x00A0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0x0085, 0x0B, 0x0C):
        table[code] = " "
    for code in (0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF, 0x00AD, *range(0x202A, 0x202F)):
        table[code] = ""
    for code in (*range(0x00, 0x09), *range(0x0E, 0x20), 0x7F):
        table[code] = ""
    return table


_TABLE = _table()
_SPACES = re.compile(r"\s+")
# What str.strip leaves: invisible characters that are neither white space nor ink.
INVISIBLE = "".join(chr(code) for code, folded in _TABLE.items() if folded == "")


@lru_cache(maxsize=65536)
def fold(printed: str) -> str:
    """The comparable form of `printed`: half-width, one space for any run of white space, ends stripped."""
    if printed.isascii() and printed.isprintable():
        return " ".join(printed.split()) if " " in printed else printed
    return _SPACES.sub(" ", printed.translate(_TABLE)).strip()


@lru_cache(maxsize=65536)
def squeeze(printed: str) -> str:
    """`fold` without any white space: the form in which labels and names are compared."""
    return fold(printed).replace(" ", "")


def strip(printed: str) -> str:
    """`printed` without white space and invisible characters at its ends; inside it nothing changes."""
    return printed.strip().strip(INVISIBLE).strip() if printed else printed
