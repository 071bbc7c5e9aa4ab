"""The real release many times, each time with its own names and figures, so that nothing was read before."""

from pathlib import Path

REAL = Path(__file__).resolve().parent.parent / "data" / "raw" / "2020" / "kzz-key-projects.txt"
_TITLE = "项目支出绩效目标表"
_LABELS = ("预算单位", "项目名称")
TABLES = 30  # of the real release


def of_county(number: int, year: int = 2020) -> bytes:
    """A release of the real one's size as another county publishes it, with its own names and targets; 0 is the real one."""
    text = one_release(TABLES, number).decode()
    return text.replace("2021年", f"{year + 1}年").replace("2020年", f"{year}年").encode()


def one_release(tables: int, first_copy: int = 0) -> bytes:
    """One release of so many tables and its list: the real ones again and again, of other counties."""
    lines = REAL.read_text(encoding="utf-8").split("\n")
    starts = [at for at, line in enumerate(lines) if line.startswith(_TITLE)]
    listed = [at for at, line in enumerate(lines[: starts[0]]) if line.split("\t")[0].isdigit()]
    blocks = [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
    head, behind = lines[: listed[0]], lines[listed[-1] + 1 : starts[0]]
    rows: list[str] = []
    printed: list[str] = []
    for number in range(tables):
        copy, at = divmod(number, len(blocks))
        rows.append(_renamed_row(lines[listed[at]], number + 1, first_copy + copy))
        printed += _renamed_table(blocks[at], first_copy + copy)
    return "\n".join([*head, *rows, *behind, *printed]).encode()


def _renamed_row(row: str, number: int, copy: int) -> str:
    _, department, unit, project, *amount = row.split("\t")
    return "\t".join([str(number), _renamed(department, copy), _renamed(unit, copy), _renamed(project, copy), *amount])


def _renamed_table(lines: list[str], copy: int) -> list[str]:
    return [
        "\t".join(cell if not cell or cell in _LABELS else _renamed(cell, copy) for cell in line.split("\t"))
        if line.startswith(_LABELS[0])
        else _reworded(line, copy)
        for line in lines
    ]


def _renamed(name: str, copy: int) -> str:
    """A name of another county, of two characters: 一丁县财政局."""
    county = f"{chr(0x4E00 + copy // 60)}{chr(0x5E00 + copy % 60)}县"
    return f"{county}{name}" if copy and name else name


def _reworded(text: str, number: int) -> str:
    if not number:
        return text
    changed = text.replace("工作", f"工作{number % 97 + 1}").replace("经费", f"经费{number}")
    return changed.replace("≥9", f"≥{number % 9 + 1}")
