"""Years: of the release, of each table, and in the projects' names."""

import re
from collections.abc import Iterator

from kzz_pipeline.core.characters import fold
from kzz_pipeline.core.rules.model import Hit, Release, Table, table_rule

_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)(?=\s*年|\s*[-~至]\s*(?:19|20)\d\d)")
_YEARS = re.compile(r"(?<!\d)((?:19|20)\d\d)\s*年?度?\s*[-~至到]\s*((?:19|20)\d\d)")


@table_rule(
    "year-differs-from-release", "warning", "A table's fiscal year is not the release's year",
    "It counts in another year than the one under which it was published.",
    "Ask the bureau whether the year is a misprint or the table belongs to another budget.",
)  # fmt: skip
def year_differs_from_release(table: Table, release: Release) -> Iterator[Hit]:
    if not release.source.release_year:
        return  # a file that stands in no folder of a year
    year = table.row["fiscal_year"]
    if year is not None and year != table.row["release_year"]:
        token = next(table.tokens("year"), None)
        line, column = (token.line, token.column) if token else table.cell("fiscal_year")
        message = f"{table.name} is of {year}, in a release of {table.row['release_year']}"
        yield Hit(message, line, column, str(table.row["release_year"]), str(year), table.row)


@table_rule(
    "year-in-name", "warning", "The project's name carries another year than its table",
    "Either the table or the name was carried over from another year.",
    "Ask the unit which year is meant.",
)  # fmt: skip
def year_in_name(table: Table, release: Release) -> Iterator[Hit]:
    year, name = table.row["fiscal_year"], table.row["project_name"]
    if year is None or not name:
        return
    text = fold(name)
    if any(int(match[1]) <= year <= int(match[2]) for match in _YEARS.finditer(text)):
        return
    years = [int(match[1]) for match in _YEAR.finditer(text)]
    if years and year not in years:
        message = f"{table.name} is a table of {year}, its name says {', '.join(map(str, years))}"
        yield Hit(message, *table.cell("project_name"), str(year), str(years[0]), table.row)


@table_rule(
    "no-year", "warning", "A table has no fiscal year",
    "It is in no yearly aggregate.",
    "Read the printed document; correct the year's cell in corrections.yml if one is printed badly.",
)  # fmt: skip
def no_year(table: Table, release: Release) -> Iterator[Hit]:
    if table.row["fiscal_year"] is None:
        printed = table.row["year_printed"]
        message = f"{table.name} prints {f'{printed} as its year' if printed else 'no year'}"
        yield Hit(message, *table.cell("fiscal_year"), "a year such as (2020年)", printed, table.row)
