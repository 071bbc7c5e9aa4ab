"""The indicator tree of further forms: its header line, its columns, its rows, and what stands between them."""

import pytest
from soundness import parsed
from test_templates import HEAD, Rows, column, fields, read

from kzz_pipeline.core.gate import require_a_release
from kzz_pipeline.core.refusal import Refusal

LEVELS = "一级指标|二级指标|三级指标"


def indicators(found: Rows) -> list[tuple[str, ...]]:
    """Second level, name and value of each indicator."""
    names = ("level2", "indicator_name", "value_printed")
    return list(zip(*(column(found, "indicators", name) for name in names), strict=True))


def tree(header: str, *rows: str) -> str:
    return f"{HEAD}{LEVELS}|{header}\n" + "".join(f"{row}\n" for row in rows)


# -- the header line -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "本年绩效指标值", "预期目标值", "绩效目标", "年度目标", "2022年目标", "2022年", "指标值/单位", "指标要求", "年度指标", "计划数",
        "预计当年实现",
    ],
)  # fmt: skip
@pytest.mark.parametrize("beside", ["备注", "本年权重"])
def test_a_column_of_targets_by_another_name(header: str, beside: str) -> None:
    rows = "产出指标|数量指标|人数|≥3人|50", "|质量指标|成效|显著|"
    found = read(tree(f"{header}|{beside}", *rows))
    assert indicators(found) == [("数量指标", "人数", "≥3人"), ("质量指标", "成效", "显著")]
    assert column(found, "project_fields", "value_printed")[-1] == "50"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("上年值|本年值", 1),
        ("历史标准|目标", 1),
        ("半年指标值|全年指标值", 1),
        ("实施期指标值|年度指标值", 1),
        ("长期指标|年度指标", 1),
        ("年度指标值|实际完成值", 0),
        ("计划数|完成数", 0),
        ("指标值|单价值", 0),
        ("2021年指标值|2022年指标值", 1),
        ("2022年指标值|2023年指标值", 0),
        ("2021年|2022年", 1),
    ],
)
def test_the_targets_of_the_year_among_others(header: str, value: int) -> None:
    row = ["≥2人", "≥3人"]
    found = read(tree(header, f"产出指标|数量指标|人数|{row[0]}|{row[1]}"))
    assert column(found, "indicators", "value_printed") == [row[value]]
    label, printed = (column(found, "project_fields", name)[-1] for name in ("label_printed", "value_printed"))
    assert (label, printed) == (header.split("|")[1 - value], row[1 - value])


@pytest.mark.parametrize("header", ["2023年指标值|2024年指标值", "计算方法|备注", "甲列|乙列"])
def test_no_target_is_taken_from_a_column_that_may_hold_something_else(header: str) -> None:
    text = tree(header, "产出指标|数量指标|人数|≥3人|≥4人")
    with pytest.raises(Refusal, match=f"{LEVELS}|{header}".replace("|", ", ")):
        require_a_release(parsed(text.replace("|", "\t")))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("指标类型|指标值", "定性|显著"),
        ("指标类别|指标值|计量单位", "定性指标|显著|"),
        ("指标内容|指标值", "问卷|显著"),
        ("指标性质|指标值|度量单位|指标属性|指标内容", "=|显著||定性指标|问卷"),
        ("指标值|实际完成值|分值", "显著|较显著|20"),
    ],
)
def test_columns_beside_the_target_that_have_no_name_of_their_own(header: str, row: str) -> None:
    found = read(tree(header, f"效益指标|社会效益指标|成效|{row}"))
    assert indicators(found) == [("社会效益指标", "成效", "显著")]
    assert column(found, "indicators", "unit") == [None]
    printed = dict(
        zip(*(column(found, "project_fields", name) for name in ("label_printed", "value_printed")), strict=True)
    )
    cells = {
        head: cell for head, cell in zip(header.split("|"), row.split("|"), strict=True) if cell and head != "指标值"
    }
    assert {head: printed.get(head) for head in cells} == cells
    assert None in fields(found, indicator=True)
