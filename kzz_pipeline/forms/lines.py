"""What the reader of every form shares: the lines as they grow, the bounds that they keep, and how a reader refuses."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.forms import Form, Part

# A release has some thousand cells; these bound what a hostile or runaway file costs.
MOST_LINES = 200_000
MOST_CELLS = 2_000_000
MOST_COLUMNS = 1_000
MOST_UNPACKED_BYTES = 200 * 1024 * 1024
MOST_TAGS = 6_000_000

SAVE_AGAIN = "open it, save it in that form again, and put it there"
NO_PASSWORD = "save it without a password"
_BREAKS = re.compile(r"[\t\n\v\f\r]+")
BREAK_CHARACTERS = "\t\n\v\f\r"


@dataclass
class Lines:
    """The converted lines as they grow, within bounds."""

    lines: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    cells: int = 0

    def add(self, cells: Sequence[str]) -> None:
        self.cells += len(cells)
        if self.cells > MOST_CELLS or len(self.lines) >= MOST_LINES:
            raise too_many()
        self.lines.append("\t".join(map(one_line, cells)))

    def begin(self, name: str, rows: bool = True) -> None:
        """The lines that follow stand in the part of this name; "" for none."""
        part = Part(len(self.lines) + 1, name, rows)
        if self.parts and self.parts[-1].first_line == part.first_line:
            self.parts.pop()
        if name or self.parts:
            self.parts.append(part)

    def form(self, encoding: str) -> Form:
        return Form("".join(f"{line}\n" for line in self.lines), encoding, tuple(self.parts))


def one_line(text: str) -> str:
    """A cell's text without line breaks and TABs: a run of them becomes one space, and goes at the ends."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isprintable():
        return text
    return _BREAKS.sub(" ", text.strip(BREAK_CHARACTERS))


def too_many() -> Refusal:
    message = f"the file holds more than {MOST_LINES:,} lines or {MOST_CELLS:,} cells, which no release does"
    return Refusal("too-many-cells", message, "delete what is no part of the release, or split it")


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Whatever a library raises on a file becomes one refusal."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Refusal:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file raises anything, from any depth of a library
        if error.args and isinstance(error.args[0], Refusal):  # so pdfplumber passes on what it met
            raise error.args[0] from None
        said = " ".join(str(error).split())
        why = f"{type(error).__name__}: {said[:160]}" if said else type(error).__name__
        raise Refusal("damaged-file", f"the file cannot be read as {what} ({why})", SAVE_AGAIN) from None
