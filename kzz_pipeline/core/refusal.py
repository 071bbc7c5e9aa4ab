"""The one error a bad input raises: what is wrong, where, and what to do about it."""


class Refusal(Exception):
    """A release, or a file that wants to be one, that cannot be published.

    `code` is a kebab-case name of the reason, `message` one sentence, `line` the line in the file
    (from 1) or None where the whole file is meant, `advice` what a person should do next.
    """

    def __init__(self, code: str, message: str, advice: str, line: int | None = None) -> None:
        super().__init__(code, message, advice, line)
        self.code = code
        self.message = message
        self.advice = advice
        self.line = line

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        return f"{where}{self.message} ({self.advice})"
