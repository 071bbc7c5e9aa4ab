"""The one error a bad input raises: what is wrong, where, and what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """A release, or a file that wants to be one, that cannot be published.

    `code` is a kebab-case name of the reason, `message` one sentence, `line` the line in the file
    (from 1) or None where the whole file is meant, `advice` what a person should do next.
    """

    code: str
    message: str
    advice: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        return f"{where}{self.message} ({self.advice})"
