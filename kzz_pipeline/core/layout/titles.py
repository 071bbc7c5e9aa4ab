"""Lines of titles: the release's or a table's, with the year, the unit of money and the office beside or in them."""

from kzz_pipeline.core.characters import squeeze
from kzz_pipeline.core.layout.ahead import Ahead
from kzz_pipeline.core.layout.furniture import is_furniture
from kzz_pipeline.core.tokens import Item
from kzz_pipeline.core.vocabulary import (
    BRACKET,
    MONEY_UNIT,
    TITLE,
    YEAR,
    TitleReading,
    bracketed_unit,
    declared_unit,
    only_year_in,
    unit_in_title,
    year_of,
)


class Titles(Ahead):
    """Reads a title, which may open a table."""

    def _read_title(self, index: int, items: list[Item]) -> bool:
        at, reading = 0, None
        for at, item in enumerate(items):  # noqa: B007 - the place where it stopped is asked for below
            if item.kinds & TITLE:
                reading = self.vocabulary.title(item.text)
                break
        if reading is None or at > 1 or (self.zone == "goal" and not self._next_is(index, ("field",))):
            return False
        following = self._next_structure(index)
        if self.zone == "preamble" and following in ("list", "title"):
            for item in items:
                self._read_loose(index, item, "title")
            return True
        if following == "title" and self.table_no:
            for item in items:
                self._emit(index, item, "unread", 0, "title-without-table")
            return True
        if not self.awaits_title:
            self._open_table()
        self.awaits_title = False
        for item in items:
            role = "table_title" if item is items[at] else ""
            self._read_loose(index, item, role, reading if role else None)
        return True

    def _reads_title_over_two_lines(self, index: int, item: Item) -> bool:
        """Read the first line of a title that goes on below it (项目支出绩效, 目标表), and that line, if it is one."""
        line = self.lines[index + 1] if index + 1 < len(self.lines) else ""
        below = self.items(line) if "标" in line and self.zone != "goal" else []
        if len(below) != 1:
            return False
        whole = item.text + below[0].text
        reading = self.vocabulary.title(whole)
        # What stands above a whole title is its own only where the two are the name of the form.
        is_two = below[0].kinds & TITLE and squeeze(whole) not in self.vocabulary.titles
        if reading is None or is_two or not self._next_is(index + 1, ("field", "tree")):
            return False
        if not self.awaits_title:
            self._open_table()
        self.awaits_title = False
        self._emit(index, item, "table_title", 0, f"{reading.year or ''}:{reading.unit or ''}")
        self._emit(index + 1, below[0], "table_title")
        self._note_year(reading.year)
        self.joined = index + 1
        return True

    def _read_loose(self, index: int, item: Item, role: str, reading: TitleReading | None = None) -> None:
        """A cell of a title line: the title (perhaps with its year), a year, a unit of money, or unread."""
        if reading is not None and (reading.year or reading.unit or reading.office):
            if reading.office:
                item = self._cut_office(index, item, reading.office)
            self._emit(index, item, role, 0, f"{reading.year or ''}:{reading.unit}" if reading.unit else reading.year)
            self._note_year(reading.year)
        elif role and (role == "table_title" or self.vocabulary.title(item.text)):
            self._emit(index, item, role, 0, unit_in_title(item.text) if role == "title" else None)
            if role == "title":
                self.has_title = True
                self.list_year = self.list_year or only_year_in(item.text)
        elif item.kinds & YEAR:
            self._emit(index, item, "year")
            self._note_year(item.text)
        elif item.kinds & MONEY_UNIT:
            self._emit(index, item, "money_unit", 0, declared_unit(item.text))
        elif item.kinds & BRACKET and (unit := bracketed_unit(item.text)):
            self._emit(index, item, "money_unit", 0, unit)
        else:
            is_around = is_furniture(item.text)
            self._emit(index, item, "furniture" if is_around else "unread", 0, None if is_around else "beside-title")

    def _cut_office(self, index: int, item: Item, office: str) -> Item:
        """The title without the unit that it begins with, which counts where the table names none."""
        end = next(at for at in range(len(item.text)) if squeeze(item.text[:at]) == office)
        self._emit(index, item._replace(part=1, text=item.text[:end]), "field_value", 0, "title_unit")
        return item._replace(part=2, text=item.text[end:])

    def _may_be_year(self, item: Item) -> bool:
        """Whether a year is that of the table, which prints none yet, or the same one again."""
        return not self.has_year or year_of(item.text) == self.year

    def _note_year(self, printed: str | None) -> None:
        """Keep the year of a table, the first that it prints."""
        if printed is not None and not self.has_year:
            self.has_year, self.year = True, year_of(printed)
