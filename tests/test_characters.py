"""Folding and stripping: what counts as the same character, and what counts as none."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kzz_pipeline.core.characters import INVISIBLE, fold, has_ink, squeeze, strip


@pytest.mark.parametrize(
    ("printed", "folded"),
    [
        ("ＡＢＣ１２３％（）：；，．／＝＞", "ABC123%():;,./=>"),
        ("≧⩾≦⩽﹤﹥﹦﹪", "≥≥≤≤<>=%"),
        ("－−–—―‐‑", "-------"),
        ("～∼∽〜", "~~~~"),
        ("〔2018〕【台】﹝人﹞", "[2018][台][人]"),
        ("“七五”「专网」", '"七五""专网"'),
        ("人・月•人‧月", "人·月·人·月"),
        ("⽬标", "目标"),
        ("⻓期⻔⻅⻋⻢⻚", "长期门见车马页"),
        ("\uf9dc\uf98a", "隆力"),
        ("预\u00a0算\u3000单\u2003位", "预 算 单 位"),
        ("  a \t b\n c ", "a b c"),
        ("目\u200b标\ufeff\u00ad\u200d\u2060\u202a", "目标"),
        ("目\x00标\x07\x7f\x9f", "目标"),
        ("葛\U000e0100\ufe0f", "葛"),
    ],
)
def test_fold_makes_look_alikes_one(printed, folded):
    assert fold(printed) == folded


@pytest.mark.parametrize(
    "printed", ["10³", "①", "½", "㎡", "m²", "℃", "Ⅲ", "≥", "±", "‰", "·", "、", "。", "\ufffd", "\ue000"]
)
def test_fold_keeps_what_would_change_its_meaning(printed):
    assert fold(printed) == printed


def test_squeeze_drops_all_white_space():
    assert squeeze(" 年 度\u3000目\u00a0标 ：") == "年度目标:"


@pytest.mark.parametrize(
    ("printed", "stripped"),
    [
        ("", ""),
        (" \t\u3000\u00a0x y\u00a0\u2028\r\n", "x y"),
        ("\ufeff\u200b \u200b目标\u200b \u200e", "目标"),
        ("\u200b\u200b", ""),
        ("\u3000", ""),
        ("（目\u200b标）", "（目\u200b标）"),
        ("葛\U000e0100", "葛\U000e0100"),
    ],
)
def test_strip_takes_white_space_and_the_invisible_off_the_ends(printed, stripped):
    assert strip(printed) == stripped


@given(st.text())
@example("\u034f")
def test_strip_changes_only_the_ends(text):
    stripped = strip(text)
    start = text.find(stripped)
    assert start >= 0
    assert not has_ink(text[:start])
    assert not has_ink(text[start + len(stripped) :])
    assert not stripped or (has_ink(stripped[0]) and has_ink(stripped[-1]))
    assert bool(stripped) == has_ink(text)


@given(st.text())
def test_fold_is_the_same_twice_and_blind_to_the_ends(text):
    assert fold(fold(text)) == fold(text)
    assert fold(strip(text)) == fold(text)
    assert squeeze(text) == fold(text).replace(" ", "")


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)))
def test_fold_makes_full_width_ascii_half_width(text):
    assert fold("".join(chr(ord(sign) + 0xFEE0) for sign in text)) == text


def test_invisible_characters_are_no_ink():
    assert all(unicodedata.category(sign) in ("Cc", "Cf", "Cn") for sign in INVISIBLE)
    assert not has_ink(INVISIBLE)
