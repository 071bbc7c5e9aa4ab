"""Releases that nobody has seen: every form, every kind of damage, alone and together."""

from collections.abc import Callable
from random import Random

import pytest
from conftest import REAL
from generator import KINDS, Generated, generate, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutation import mutated
from soundness import assert_valid, rows, what_is_said

REAL_TEXT = REAL.read_text(encoding="utf-8")
seeds = st.integers(0, 10**9)
anything = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def misses(made: Generated) -> list[str]:
    return outcome(made).misses


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_damage_alone_is_read_right(kind: str) -> None:
    for seed in range(5):
        assert misses(generate(seed, [kind])) == [], f"python -m tests.generator --seed {seed} --kinds {kind}"


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_all_kinds_of_damage_together_are_read_right(first: int) -> None:
    for seed in range(first, first + 20):
        assert misses(generate(seed)) == [], f"python -m tests.generator --seed {seed}"


@anything
@given(seeds)
def test_any_generated_release_is_read_right_or_says_what_was_not(seed: int) -> None:
    assert outcome(generate(seed)).silent == []


@settings(anything, max_examples=150)
@given(seeds, st.integers(1, 12))
def test_whatever_befalls_a_release_its_cells_are_accounted_for_and_its_rows_valid(seed: int, steps: int) -> None:
    rng = Random(seed)
    text = REAL_TEXT if rng.random() < 0.3 else generate(seed).text
    tables = rows(mutated(rng, text, steps))
    if tables is not None:
        assert_valid(tables)


@anything
@given(
    st.text(
        alphabet=st.sampled_from(
            "项目支出绩效标表一二三级指数量质时效0123456789≥%()（）：:　 \t\t\t\n\n\r，。万元\u200b\ufeff\x00"
        ),
        max_size=400,
    )
)
def test_any_text_is_refused_in_words_or_accounted_for(text: str) -> None:
    rows(text)


def _with_trailing_cells(text: str, rng: Random) -> str:
    return "\n".join(line + rng.choice(("", "\t", "\t \t", "\t　")) for line in text.split("\n"))


def _with_spaces(text: str, rng: Random) -> str:
    return "\n".join(
        "\t".join(
            rng.choice(("", " ", "　")) + cell + rng.choice(("", " ", "\u00a0")) if cell else cell
            for cell in line.split("\t")
        )
        for line in text.split("\n")
    )


def _with_blank_lines(text: str, rng: Random) -> str:
    return "\n".join(line + rng.choice(("", "", "\n", "\n\t\t")) for line in text.split("\n"))


@pytest.mark.parametrize("change", [_with_trailing_cells, _with_spaces, _with_blank_lines])
@settings(anything, max_examples=25)
@given(seed=seeds)
def test_white_space_changes_nothing(change: Callable[[str, Random], str], seed: int) -> None:
    text = REAL_TEXT if seed % 5 == 0 else generate(seed).text
    before, after = rows(text), rows(change(text, Random(seed)))
    assert before is not None
    assert after is not None
    assert what_is_said(after) == what_is_said(before)


@anything
@given(seeds)
def test_a_table_is_read_the_same_whatever_stands_beside_it(seed: int) -> None:
    made = generate(seed, ["no-list"], 4)
    lines = made.text.split("\n")
    starts = [number for number, line in enumerate(lines) if "绩效目标" in line and "表" in line and number > 3]
    whole = rows(made.text)
    assert whole is not None
    moved = Random(seed).sample(range(len(starts)), len(starts))
    ends = [*starts[1:], len(lines)]
    shuffled = rows(
        "\n".join([*lines[: starts[0]], *(line for at in moved for line in [*lines[starts[at] : ends[at]], ""])])
    )
    assert shuffled is not None
    numbers = frozenset({"project_id", "indicator_id", "table_no", "field_no"})
    before, after = what_is_said(whole, numbers), what_is_said(shuffled, numbers)
    assert {name: sorted(map(repr, found)) for name, found in before.items()} == {
        name: sorted(map(repr, found)) for name, found in after.items()
    }
