"""Folding: the comparable form of printed text.

NFKC is too strong (³ becomes 3, ½ becomes 1⁄2) and too weak (leaves ≧ and U+2212), so what is folded is
listed here: the full-width forms of ASCII, CJK radicals and compatibility ideographs, a handful of signs,
and the white space that Word and Excel leave behind. The printed text itself is kept elsewhere.
"""

import re
import unicodedata
from functools import lru_cache

# Blocks in which every character stands for exactly one other, so that NFKC is right for them: small form
# variants, Kangxi radicals, compatibility ideographs and their supplement.
_NFKC_BLOCKS = ((0xFE50, 0xFE6B), (0x2F00, 0x2FD5), (0xF900, 0xFAD9), (0x2F800, 0x2FA1D))
# The radicals supplement has no decompositions; these are the ones that are whole words (from Unicode's
# EquivalentUnifiedIdeograph.txt), as text copied out of a PDF holds them.
_RADICALS = (
    "⺁厂 ⺈刀 ⺌小 ⺍小 ⺎兀 ⺒巳 ⺓幺 ⺜日 ⺝月 ⺟母 ⺠民 ⺧牛 ⺩王 "
    "⺪疋 ⺫目 ⺬示 ⺮竹 ⺶羊 ⺼肉 ⺽臼 ⻁虎 ⻄西 ⻅见 ⻆角 ⻉贝 ⻋车 "
    "⻑長 ⻓长 ⻔门 ⻗雨 ⻘青 ⻙韦 ⻚页 ⻛风 ⻜飞 ⻝食 ⻢马 ⻣骨 ⻤鬼 "
    "⻥鱼 ⻦鸟 ⻧卤 ⻨麦 ⻩黄 ⻪黾 ⻬齐 ⻮齿 ⻰龙 ⻱龜 ⻳龟 "
)
_SIGNS = {
    "≧": "≥", "⩾": "≥", "≦": "≤", "⩽": "≤", "٪": "%", "⁄": "/", "∕": "/",
    "−": "-", "–": "-", "—": "-", "―": "-", "‐": "-", "‑": "-", "‒": "-", "─": "-", "﹘": "-", "ー": "-",
    "∼": "~", "∽": "~", "〜": "~", "⁓": "~", "〔": "[", "〕": "]", "【": "[", "】": "]", "﹝": "[", "﹞": "]",
    "︵": "(", "︶": ")",
    "∶": ":", "︰": ":", "｡": "。", "“": '"', "”": '"', "„": '"', "「": '"', "」": '"', "‘": "'", "’": "'",
    "・": "·", "•": "·", "‧": "·", "∙": "·", "⋅": "·", "￥": "¥",
}  # fmt: skip
_SPACE_CODES = (0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 11, 12)
# Zero-width characters, direction marks, soft hyphens and control characters.
_INVISIBLE_CODES = (
    *range(0x09), *range(0x0E, 0x20), *range(0x7F, 0x85), *range(0x86, 0xA0), 0xAD, 0x061C, 0x180E,
    *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF,
)  # fmt: skip
# They belong to the character before them, so they go in comparing but are no edge of a text.
_VARIATION_CODES = (0x034F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))


def _look_alikes() -> dict[int, str]:
    """Radicals and compatibility characters as what they stand for."""
    table = {ord(pair[0]): pair[1] for pair in _RADICALS.split()}
    for first, last in _NFKC_BLOCKS:
        for code in range(first, last + 1):
            folded = unicodedata.normalize("NFKC", chr(code))
            if folded != chr(code):
                table[code] = folded
    return table


def _table() -> dict[int, str]:
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table.update(_look_alikes())
    table.update({ord(printed): folded for printed, folded in _SIGNS.items()})
    table.update(dict.fromkeys(_SPACE_CODES, " "))
    table.update(dict.fromkeys((*_INVISIBLE_CODES, *_VARIATION_CODES), ""))
    return table


def _ranges(codes: list[int]) -> str:
    """The codes as ranges of a character class."""
    spans: list[list[int]] = []
    for code in sorted(codes):
        if spans and code == spans[-1][1] + 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in spans)


_TABLE = _table()
_CLEAN = {**_look_alikes(), **dict.fromkeys((*_INVISIBLE_CODES, *_VARIATION_CODES), "")}
# Most cells hold nothing to fold: looking is several times cheaper than translating.
_FOLDABLE = re.compile(f"[{_ranges(list(_TABLE))}]")
# What str.strip leaves: invisible characters that are neither white space nor ink.
INVISIBLE = "".join(map(chr, _INVISIBLE_CODES))
_NO_INK = INVISIBLE + "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
_INK = re.compile(f"[^{_ranges([ord(character) for character in _NO_INK])}]")


def printed_as(folded: str) -> list[str]:
    """The characters that are one of these when folded, themselves included."""
    return [*folded, *(chr(code) for code, character in _TABLE.items() if character and character in folded)]


def _fold(printed: str) -> str:
    if _FOLDABLE.search(printed):
        printed = printed.translate(_TABLE)
    return " ".join(printed.split())


@lru_cache(maxsize=16384)
def fold(printed: str) -> str:
    """The comparable form of `printed`: half-width, one space for any run of white space, ends stripped."""
    return _fold(printed)


@lru_cache(maxsize=16384)
def squeeze(printed: str) -> str:
    """`fold` without any white space: the form in which labels and names are compared."""
    return _fold(printed).replace(" ", "")


def strip(printed: str) -> str:
    """`printed` without white space and invisible characters at its ends; inside it nothing changes."""
    text = printed.strip()
    # No invisible character is printable, and nearly every text is.
    return text if text.isprintable() else text.strip(_NO_INK)


def clean(printed: str) -> str:
    """`printed` as a person sees it: look-alike characters as what they stand for, nothing invisible, ends stripped."""
    return strip(printed.translate(_CLEAN))


def has_ink(text: str) -> bool:
    """Whether `text` holds anything but white space and invisible characters."""
    return _INK.search(text) is not None
