"""Small releases for tests: a table with nothing to object to, each part of which can be said otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kzz_pipeline.core.decoding import decode
from kzz_pipeline.core.document import Document
from kzz_pipeline.core.layout import read_layout
from kzz_pipeline.core.normalize import Columns, Source, normalize
from kzz_pipeline.core.rules import audit
from kzz_pipeline.vocabulary import words

# label, indicator, value
Indicators = tuple[tuple[str, str, str], ...]
SOUND: Indicators = (
    ("项目完成\t数量指标", "培训人数（人）", "≥100"),
    ("\t质量指标", "培训合格率（%）", "≥95%"),
    ("\t时效指标", "资金拨付及时率（%）", "100%"),
    ("\t成本指标", "培训费（万元）", "10"),
    ("项目效益\t社会效益指标", "提升服务水平", "有效提升"),
    ("满意度指标\t满意度指标", "受益群众满意度（%）", "≥90%"),
)


@dataclass
class Table:
    """A sound table, as printed; `indicators` replaces or follows the sound ones."""

    unit: str = "甲县教育局"
    project: str = "教师培训经费"
    year: str = "(2020年)"
    total: str = "10"
    fiscal: str = "10"
    other: str = "0"
    goal: str = "该项目资金用于本县中小学教师的业务培训，提升教学水平。"
    indicators: Indicators = SOUND
    listed: str | None = ""
    listed_unit: str | None = None
    listed_project: str | None = None

    def lines(self) -> list[str]:
        return [
            "项目支出绩效目标表",
            *([self.year] if self.year else []),
            f"预算单位\t{self.unit}\t\t\t项目名称\t{self.project}",
            f"项目资金\t年度资金总额:\t{self.total}\t其中:财政拨款\t{self.fiscal}\t其他资金\t{self.other}",
            "总体目标\t年度目标",
            f"\t{self.goal}",
            "绩效指标\t一级指标\t二级指标\t三级指标\t指标值",
            *(f"\t{label}\t{name}\t{value}" for label, name, value in self.indicators),
            "",
        ]


def with_(*extra: tuple[str, str, str], without: Iterable[str] = ()) -> Indicators:
    """The sound indicators, these before the satisfaction ones, and none whose label ends with one of `without`."""
    kept = [row for row in SOUND if not row[0].endswith(tuple(without))] if without else list(SOUND)
    satisfied = [row for row in kept if row[0].startswith("满意度")]
    return (*(row for row in kept if row not in satisfied), *extra, *satisfied)


@dataclass
class Text:
    """A release of tables and the list that names them; `total` is the printed 合计 (None for the true one)."""

    tables: list[Table] = field(default_factory=lambda: [Table()])
    total: str | None = None
    money_unit: str = "单位：万元"
    more_listed: tuple[str, ...] = ()
    has_list: bool = True
    tail: str = ""

    def text(self) -> str:
        lines = ["2020年甲县重点项目绩效目标", self.money_unit]
        if self.has_list:
            listed = [table for table in self.tables if table.listed is not None]
            amounts = [float((table.listed or table.total).replace(",", "")) for table in listed]
            amounts += [float(row.split("\t")[-1]) for row in self.more_listed]
            total = self.total if self.total is not None else f"{sum(amounts):g}"
            lines += ["序号\t部门单位\t项目实施单位\t项目名称\t申请预算金额", f"合计\t\t\t\t{total}"]
            for number, table in enumerate(listed, 1):
                unit, project = table.listed_unit or table.unit, table.listed_project or table.project
                lines.append(f"{number}\t{unit}\t{unit}\t{project}\t{table.listed or table.total}")
            lines += self.more_listed
        for table in self.tables:
            lines += ["", *table.lines()]
        return "\n".join(lines) + self.tail


def findings(text: Text | str, year: int = 2020) -> Columns:
    """The findings of a release."""
    data = (text if isinstance(text, str) else text.text()).encode()
    known = words()
    parse = read_layout(Document.from_text(decode(data).text), known.labels, known.units)
    source = Source(f"{year}-test", year, f"{year}/test.txt", "0" * 64, len(data), "utf-8", len(parse.document.lines))
    return audit(parse, source, normalize(parse, source, known), known)


def fired(text: Text | str, year: int = 2020) -> set[str]:
    """The rules that found something."""
    return set(findings(text, year)["rule"])
