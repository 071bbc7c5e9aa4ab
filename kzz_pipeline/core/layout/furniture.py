"""What is printed around the tables and says nothing of them: numbers of pages and annexes, the table of contents."""

import re

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.tokens import Item

# Such as - 5 - and 第 6 页 共 10 页, alone on a line.
_PAGE_NUMBER = re.compile(
    r"^(?:[-·]\d{1,4}[-·]|第\d{1,4}页(?:[,/]?共\d{1,4}页)?|共\d{1,4}页[,/]?第\d{1,4}页"
    r"|(?i:page|p\.)\d{1,4}(?:(?:of|/)\d{1,4})?)$",
    re.ASCII,
)
# The same without a word: 3, 1/5. Elsewhere than below a whole row it may be what is left of a cell.
_BARE_PAGE_NUMBER = re.compile(r"^\d{1,3}(?:/\d{1,3})?$", re.ASCII)
_FURNITURE = re.compile(
    r"^(?:附[件表录](?:[\d一二三四五六七八九十]{1,3}(?:-\d{1,2})?)?:?|表[\d一二三四五六七八九十]{1,3}(?:-\d{1,2})?:?"
    r"|目录|[(]?续表?[)]?|[(]此页无正文[)]|[(]以下无正文[)])$",
    re.ASCII,
)
# 二、项目支出绩效目标表……3
_CONTENTS = re.compile(r"^.*[^\d.].*?\d{1,3}$", re.ASCII)
_LONGEST = 20


def is_page_number(items: list[Item], is_below_row: bool) -> bool:
    """Whether a line is the number of a page, perhaps with that of all pages in a cell of its own."""
    text = items[0].text if len(items) == 1 else "".join(item.text for item in items)
    if len(text) > _LONGEST:
        return False
    text = squeeze(text)
    if _PAGE_NUMBER.match(text):
        return True
    return is_below_row and len(items) == 1 and items[0].column == 1 and _BARE_PAGE_NUMBER.match(text) is not None


def is_furniture(printed: str) -> bool:
    """Whether a cell is a mark of the publisher's around the tables: 附件1, 目录, （续表）."""
    return len(printed) <= _LONGEST and _FURNITURE.match(squeeze(printed)) is not None


def begins_contents(printed: str) -> bool:
    """Whether a line is the heading of a table of contents."""
    return squeeze(printed) == "目录"


def is_of_contents(items: list[Item]) -> bool:
    """Whether a line below that heading names a part of the document and its page."""
    return len(items) <= 2 and _CONTENTS.match(squeeze("".join(item.text for item in items))) is not None
