"""Text to lines and cells, losing nothing: what is split here is joined again to the same text."""

import re
from dataclasses import dataclass

_LINE_END = re.compile(r"(\r\n|\n|\r)")


@dataclass(frozen=True, slots=True)
class Document:
    """A release's text as lines; the cells of a line stand between its TABs.

    `lines[i]` is line i + 1 of the file and `ends[i]` what ended it (LF, CRLF, CR, or "" at the end of the
    file). A line end after the last line does not begin another line.
    """

    lines: list[str]
    ends: list[str]

    @classmethod
    def from_text(cls, text: str) -> "Document":
        if "\r" not in text:
            lines = text.split("\n")
            ends = ["\n"] * (len(lines) - 1)
        else:
            pieces = _LINE_END.split(text)
            lines, ends = pieces[::2], pieces[1::2]
        if len(ends) < len(lines):
            if lines[-1] or not ends:
                ends.append("")
            else:
                lines.pop()
        return cls(lines, ends)

    @property
    def text(self) -> str:
        return "".join(line + end for line, end in zip(self.lines, self.ends, strict=True))
