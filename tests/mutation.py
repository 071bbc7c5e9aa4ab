"""Random harm to a text: cells and lines lost, moved, doubled, merged and cut, and characters that no form prints.

`python -m tests.mutation --minutes 60` harms releases until the time is over, and prints the seed of the first one
that breaks what must hold of any text.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

Lines = list[list[str]]
_STRANGE = (
    "\u200b", "\ufeff", "\ufffd", "\x00", "\x1f", "\ue000", "\U000f0000", "⽬", "㎡", "①", "½", "³", "〇", "％", "．", "，",
    "—", "－", "±", "≥", "≤", "~", "**", "/", "\\", "'", '"', "=1+1", "@", "<b>", "-", "+", "1e9", "９" * 30, "\u2028", "\r",
    "(", ")", "（", "【", "：", ":", "年", "%", "万", "十", "1/0", "1.2.3", "1,23.4", "0x1F", "𝟙", "٣", "१", "\u202e",
)  # fmt: skip
_WORDS = (
    "项目支出绩效目标表", "(2020年)", "（2026年13月）", "合计", "序号", "预算单位", "项目名称", "项目资金", "年度资金总额：",
    "其中：财政拨款", "其他资金 0", "总体目标", "年度目标：", "绩效指标", "一级指标", "二级指标", "三级指标", "指标值", "项目完成",
    "数量指标", "满意度指标", "满意度", "成本指标", "单位：万元", "权重", "指标性质", "度量单位", "备注", "≥90%", "1-12月", "无", "填报人：",
)  # fmt: skip


def _cell(rng: Random, lines: Lines) -> tuple[list[str], int]:
    line = rng.choice(lines)
    if not line:
        line.append("")
    return line, rng.randrange(len(line))


def _swap(rng: Random, lines: Lines) -> None:
    (one, at), (other, to) = _cell(rng, lines), _cell(rng, lines)
    one[at], other[to] = other[to], one[at]


def _lose_cell(rng: Random, lines: Lines) -> None:
    line, at = _cell(rng, lines)
    del line[at]


def _push(rng: Random, lines: Lines) -> None:
    line, at = _cell(rng, lines)
    line[at:at] = [""] * rng.randrange(1, 5)


def _merge(rng: Random, lines: Lines) -> None:
    line, at = _cell(rng, lines)
    line[at : at + 2] = [rng.choice(("", " ", "：")).join(line[at : at + 2])]


def _cut(rng: Random, lines: Lines) -> None:
    line, at = _cell(rng, lines)
    middle = rng.randrange(len(line[at]) + 1)
    line[at : at + 1] = [line[at][:middle], line[at][middle:]]


def _lose_lines(rng: Random, lines: Lines) -> None:
    at = rng.randrange(len(lines))
    del lines[at : at + rng.choice((1, 1, 1, 5, 40))]
    if not lines:
        lines.append([""])


def _double_lines(rng: Random, lines: Lines) -> None:
    at = rng.randrange(len(lines))
    piece = [list(line) for line in lines[at : at + rng.choice((1, 1, 3, 30))]]
    to = rng.randrange(len(lines) + 1)
    lines[to:to] = piece


def _join_lines(rng: Random, lines: Lines) -> None:
    at = rng.randrange(len(lines))
    lines[at : at + 2] = [[cell for line in lines[at : at + 2] for cell in line]]


def _strange(rng: Random, lines: Lines) -> None:
    line, at = _cell(rng, lines)
    middle = rng.randrange(len(line[at]) + 1)
    line[at] = line[at][:middle] + rng.choice(_STRANGE) + line[at][middle:]


def _word(rng: Random, lines: Lines) -> None:
    line, at = _cell(rng, lines)
    line[at] = rng.choice((rng.choice(_WORDS), line[at] + rng.choice(_WORDS), rng.choice(_WORDS) + line[at]))


def _lose_characters(rng: Random, lines: Lines) -> None:
    line, at = _cell(rng, lines)
    middle = rng.randrange(len(line[at]) + 1)
    line[at] = line[at][:middle] + line[at][middle + rng.randrange(1, 4) :]


def _break_off(rng: Random, lines: Lines) -> None:
    del lines[rng.randrange(len(lines)) + 1 :]


_HARMS: tuple[Callable[[Random, Lines], None], ...] = (
    _swap, _lose_cell, _push, _push, _merge, _merge, _cut, _lose_lines, _double_lines, _join_lines, _strange, _strange,
    _word, _word, _lose_characters, _break_off,
)  # fmt: skip


def mutated(rng: Random, text: str, steps: int) -> str:
    """`text` after that many kinds of harm."""
    lines = [line.split("\t") for line in text.split("\n")]
    for _ in range(steps):
        rng.choice(_HARMS)(rng, lines)
    return "\n".join("\t".join(line) for line in lines)


def main() -> None:
    from tests.generator import generate
    from tests.soundness import assert_valid, rows

    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    real = (Path(__file__).parent.parent / "data/raw/2020/kzz-key-projects.txt").read_text(encoding="utf-8")
    seed, refused, started = arguments.seed, 0, time.process_time()
    while time.process_time() - started < 60 * arguments.minutes:
        rng = Random(seed)
        text = mutated(rng, real if seed % 4 == 0 else generate(seed).text, rng.choice((1, 3, 10, 40)))
        try:
            tables = rows(text)
            refused += tables is None
            if tables is not None and seed % 10 == 0:
                assert_valid(tables)
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            traceback.print_exc()
            sys.exit(f"seed {seed}")
        seed += 1
    print(f"{seed - arguments.seed} texts, {refused} of them refused, {arguments.minutes} minutes of processor time")


if __name__ == "__main__":
    main()
